"""The rules that ``validate`` and ``rehearse`` know."""

from polster.checks.registry import REHEARSED, RULES, find_rule

__all__ = ["REHEARSED", "RULES", "find_rule"]
