"""What Polster itself writes, and its example, break no rule about layers or habits."""

from __future__ import annotations

from pathlib import Path

import pytest

from polster.checks.habits.check import check_habits
from polster.checks.layers import check_layers
from polster.model.finding import Finding
from polster.operations.init import init
from polster.operations.open_project import open_project

ROOT = Path(__file__).parents[3]


def found(root: Path) -> list[Finding]:
    discovery = open_project(root).discovery
    assert discovery.graph is not None
    layers = check_layers(discovery.graph, root, max_readers=20)
    return [*layers, *check_habits(root, discovery.assets).findings]


@pytest.mark.parametrize("project", ["examples/flights", "tests/projects/shop"])
def test_a_project_that_is_in_order_has_no_finding(project: str) -> None:
    assert found(ROOT / project) == []


def test_a_new_project_has_no_finding(tmp_path: Path) -> None:
    made = init("shop", parent=tmp_path, git=False, sample_assets=True)

    assert found(made.root) == []
