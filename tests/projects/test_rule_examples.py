"""Every rule by its own examples: the bad one is found, the good one breaks no rule at all."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from polster.checks.registry import REHEARSED, RULES
from polster.cli.rule_text import example_files
from polster.model.finding import Finding
from polster.operations.open_project import open_project
from polster.operations.rehearse import rehearse
from polster.operations.validate import validate


def findings(root: Path, example: str, *, rehearsed: bool) -> tuple[Finding, ...]:
    """Write an example over an empty project and judge it."""
    root.mkdir()
    (root / "pyproject.toml").write_text("[tool.polster]\n")
    files = example_files(example)
    if any(path.startswith("src/core/") for path in files):
        files = {"src/core/__init__.py": "", **files}
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    project = open_project(root)
    told = validate(project).findings
    return (*told, *rehearse(project).findings) if rehearsed else tuple(told)


@pytest.fixture(scope="module")
def judged(
    tmp_path_factory: pytest.TempPathFactory,
) -> Mapping[tuple[str, bool], tuple[Finding, ...]]:
    """Judge each text once, though several rules share their good example."""
    folder = tmp_path_factory.mktemp("examples")
    asked = list(
        dict.fromkeys(
            (text, rule.code in REHEARSED)
            for rule in RULES.values()
            for text in (rule.bad, rule.good)
        )
    )

    def judge(number: int) -> tuple[Finding, ...]:
        text, rehearsed = asked[number]
        return findings(folder / f"example_{number}", text, rehearsed=rehearsed)

    light = [number for number, (_, rehearsed) in enumerate(asked) if not rehearsed]
    with ThreadPoolExecutor(2) as pool:  # each waits for processes of its own
        results = dict(zip(light, pool.map(judge, light), strict=True))
    results |= {number: judge(number) for number in range(len(asked)) if number not in results}
    return {asked[number]: result for number, result in results.items()}


@pytest.mark.parametrize("code", RULES)
def test_the_bad_example_of_a_rule_is_found(
    code: str, judged: Mapping[tuple[str, bool], tuple[Finding, ...]]
) -> None:
    found = judged[RULES[code].bad, code in REHEARSED]

    assert code in {finding.code for finding in found}, found
    breach = next(finding for finding in found if finding.code == code)
    assert breach.file is not None
    assert breach.severity is RULES[code].severity


@pytest.mark.parametrize("code", RULES)
def test_the_good_example_of_a_rule_breaks_none(
    code: str, judged: Mapping[tuple[str, bool], tuple[Finding, ...]]
) -> None:
    assert judged[RULES[code].good, code in REHEARSED] == ()


def test_rules_have_names_and_texts_of_their_own() -> None:
    rules = list(RULES.values())

    assert len({rule.name for rule in rules}) == len(rules)
    for rule in rules:
        assert rule.name == rule.name.lower().replace("_", "-")
        assert rule.bad != rule.good
        assert not rule.summary.endswith(".")
        assert rule.reason.endswith(".")
