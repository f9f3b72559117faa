"""Choosing several from a numbered list, as ``1,3-5``."""

from __future__ import annotations

from collections.abc import Sequence

from polster.cli import console


def ask_numbers(question: str, answers: Sequence[str]) -> list[str]:
    """Ask for some of ``answers``, by numbers, ranges or names; at least one is given."""
    for number, answer in enumerate(answers, start=1):
        console.note(f"  {number}. {answer}")
    while True:
        try:
            return read_numbers(console.ask(question), answers)
        except ValueError as error:
            console.note(str(error))


def read_numbers(text: str, answers: Sequence[str]) -> list[str]:
    """Return the ``answers`` that ``text`` names, in its order, each once.

    >>> read_numbers("3, 1-2", ["a", "b", "c"])
    ['c', 'a', 'b']

    Raises:
        ValueError: A part is no number, range or name of the list, or there is none.
    """
    found: list[str] = []
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        if part in answers:
            chosen = [part]
        else:
            first, dash, last = part.partition("-")
            low, high = _number(first), _number(last if dash else first)
            if low is None or high is None or not 1 <= low <= high <= len(answers):
                raise ValueError(
                    f"`{part}` is not on the list: numbers from 1 to {len(answers)}, "
                    "ranges such as 1-2, or names"
                )
            chosen = list(answers[low - 1 : high])
        found += [answer for answer in chosen if answer not in found]
    if not found:
        raise ValueError("please answer at least one number")
    return found


def _number(text: str) -> int | None:
    text = text.strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else None
