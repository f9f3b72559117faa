from __future__ import annotations

import json
from pathlib import Path

import pytest

from polster.cli.findings import excerpts, finding_as_json, github_lines, sarif
from polster.model.finding import Edit, Finding, Severity

FINDING = Finding(
    "POL603",
    "`silver.orders` reads a file: 100%, truly",
    asset="silver.orders",
    file="src/core/silver_orders.py",
    line=2,
    hint="read it\nin bronze",
    column=12,
)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("GITHUB_WORKSPACE", raising=False)
    folder = tmp_path / "repository" / "shop"
    (folder / "src" / "core").mkdir(parents=True)
    source = "def orders():\n\treturn pl.read_csv('a.csv')\n"
    (folder / "src/core/silver_orders.py").write_text(source)
    return folder


def test_the_line_is_shown_with_a_caret_below(root: Path) -> None:
    assert excerpts(root, [FINDING])(FINDING) == (
        "    |\n  2 |     return pl.read_csv('a.csv')\n    |               ^"
    )


def test_without_a_column_the_caret_stands_at_the_first_word(root: Path) -> None:
    finding = Finding("POL603", "", file=FINDING.file, line=1)

    assert excerpts(root, [finding])(finding) == "    |\n  1 | def orders():\n    | ^"


@pytest.mark.parametrize(
    "finding",
    [
        Finding("POL602", "a secret", file=FINDING.file, line=2),
        Finding("POL603", "", file=FINDING.file, line=99),
        Finding("POL603", "", file="src/core/gone.py", line=1),
        Finding("POL217", "", file="src/core"),
    ],
)
def test_no_line_is_shown_where_there_is_none_or_it_may_hold_a_secret(
    root: Path, finding: Finding
) -> None:
    assert excerpts(root, [finding])(finding) is None


@pytest.mark.parametrize(
    "source",
    [
        "\f# a page\u2028\x1c\nreturn open('é')\n".encode(),
        "# coding: latin-1\nreturn open('é')\n".encode("latin-1"),
        b"\xef\xbb\xbf# marked\r\nreturn open('\xc3\xa9')\r\n",
    ],
    ids=["separators", "latin-1", "marked, Windows"],
)
def test_lines_and_letters_are_read_as_python_does(root: Path, source: bytes) -> None:
    (root / "src/core/silver_orders.py").write_bytes(source)

    assert excerpts(root, [FINDING])(FINDING) == "    |\n  2 | return open('é')\n    |            ^"


def test_a_line_with_a_secret_is_shown_with_no_finding(root: Path) -> None:
    secret = Finding("POL602", "a secret", file=FINDING.file, line=2)

    assert excerpts(root, [FINDING, secret])(FINDING) is None


def test_github_gets_one_escaped_line_a_finding(root: Path) -> None:
    (root.parent / ".git").mkdir()

    assert github_lines([FINDING], root) == [
        "::error file=shop/src/core/silver_orders.py,line=2,col=12,"
        "title=POL603 read-outside-bronze::`silver.orders` reads a file: 100%25, truly"
        "%0Ahint: read it%0Ain bronze"
    ]


def test_the_workspace_of_github_counts_before_the_checkout(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / ".git").mkdir()
    monkeypatch.setenv("GITHUB_WORKSPACE", str(root.parent))

    assert "file=shop/src" in github_lines([FINDING], root)[0]


def test_sarif_names_each_rule_once_and_points_at_it(root: Path) -> None:
    other = Finding("POL220", "unread", file="src/core/bronze_x.py", severity=Severity.WARNING)

    written = json.loads(json.dumps(sarif([FINDING, other, FINDING], root)))

    run = written["runs"][0]
    assert written["version"] == "2.1.0"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["POL220", "POL603"]
    assert [(each["ruleId"], each["ruleIndex"], each["level"]) for each in run["results"]] == [
        ("POL603", 1, "error"),
        ("POL220", 0, "warning"),
        ("POL603", 1, "error"),
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {
        "artifactLocation": {"uri": "src/core/silver_orders.py"},
        "region": {"startLine": 2, "startColumn": 12},
    }


def test_json_says_whether_a_finding_can_be_mended() -> None:
    fixable = Finding("POL605", "", fix=Edit("a.py", 1, 0, 1, 1, ""))

    assert finding_as_json(fixable)["fixable"] is True
    assert finding_as_json(FINDING)["fixable"] is False
