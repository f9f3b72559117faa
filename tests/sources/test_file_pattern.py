"""Placeholders in patterns: which names they mean, and what they are in each."""

from __future__ import annotations

from pathlib import Path

import pytest

from polster.errors import AssetError
from polster.model.asset import AUDIT_COLUMNS
from polster.runtime.writes.landing import INGESTED_COLUMN, SOURCE_COLUMN
from polster.sources.file_pattern import OWN_COLUMNS, AmbiguousNameError, Pattern
from polster.sources.file_rows import ROW_COLUMN

ROOT = Path("/project")


@pytest.mark.parametrize(
    ("pattern", "name", "values"),
    [
        ("in/{region}/{day}/o_*.csv", "in/eu/2024-01-05/o_1.csv", ("eu", "2024-01-05")),
        ("in/year={year}/month={month}/*.csv", "in/year=2024/month=05/x.csv", ("2024", "05")),
        ("in/**/{day}.csv", "in/2024.csv", ("2024",)),
        ("in/**/{day}.csv", "in/a/b/2024.csv", ("2024",)),
        ("in/{{x}}/{day}.csv", "in/{x}/1.csv", ("1",)),
        ("in/{{{day}}}.csv", "in/{1}.csv", ("1",)),
        ("in/[!ab]_{day}?.csv", "in/c_12.csv", ("1",)),
        ("./in//{day}.csv", "in/1.csv", ("1",)),
        ("/project/in/{day}.csv", "in/1.csv", ("1",)),
        ("/elsewhere/{day}.csv", "/elsewhere/1.csv", ("1",)),
        ("../{day}.csv", "../1.csv", ("1",)),
        ("in/a+(b)/{day}.csv", "in/a+(b)/ü\n.csv", ("ü\n",)),
        ("s3://bucket/in/{day}/*.csv", "s3://bucket/in/1/a.csv", ("1",)),
    ],
)
def test_placeholders_are_parts_of_a_name(pattern: str, name: str, values: tuple[str, ...]) -> None:
    read = Pattern.of(pattern, ROOT)

    assert read.matches(name)
    assert read.values(name) == tuple(zip(read.names, values, strict=True))


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("in/{region}/*.csv", "in/*.csv"),
        ("in/{region}/*.csv", "in/eu/deep/a.csv"),
        ("in/o_{day}.csv", "in/o_.csv"),
        ("in/{day}.csv", "in/a/b.csv"),
        ("in/?{day}.csv", "in//.csv"),
        ("in/[!a]{day}.csv", "in/ab.csv"),
        ("in/{day}.csv", "in/1.csv\n"),
    ],
)
def test_a_placeholder_is_neither_empty_nor_more_than_one_folder(pattern: str, name: str) -> None:
    assert not Pattern.of(pattern, ROOT).matches(name)


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{a}_{b}.csv", "x_y_z.csv"),
        ("*_{a}.csv", "x_y_z.csv"),
        ("*_{a}_*.csv", "x_y_x_z_x.csv"),
        ("**/{a}/**/*.csv", "x/y/z.csv"),
    ],
)
def test_a_name_that_can_be_read_in_several_ways_is_not_guessed(pattern: str, name: str) -> None:
    with pytest.raises(AmbiguousNameError, match="can be read in several ways: `a` is "):
        Pattern.of(pattern, ROOT).values(name)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("in/{day}/{day}.csv", "`{day}` stands there more than once"),
        ("in/{Day}/{day}.csv", "`{Day}` stands there more than once"),
        ("in/{}.csv", "`{}` is no name of a column: letters, digits and _"),
        ("in/{2day}.csv", "`{2day}` is no name of a column"),
        ("in/{a-b}.csv", "`{a-b}` is no name of a column"),
        ("in/{_source}.csv", "`{_source}` is a column that Polster adds itself"),
        ("in/{day.csv", "nothing closes a brace"),
        ("in/day}.csv", "nothing opens a brace"),
        ("in/{a/b}.csv", "nothing closes a brace; nothing opens a brace"),
        ("in/{a}{b}.csv", "nothing says where a placeholder ends"),
        ("in/{a}*.csv", "nothing says where a placeholder ends"),
        ("s3://{a}/*.csv", "a bucket is named as it is"),
        ("{_row}/{_row}/{1}", "`{_row}` is a column that Polster adds itself; `{1}` is no name"),
    ],
)
def test_placeholders_that_make_no_sense_are_told_together(pattern: str, said: str) -> None:
    with pytest.raises(AssetError) as raised:
        Pattern.of(pattern, ROOT)

    assert raised.value.code == "POL368"
    assert f"the pattern {pattern} cannot be read: " in raised.value.message
    assert said in raised.value.message


def test_no_placeholder_has_the_name_of_a_column_that_polster_adds() -> None:
    added = {*AUDIT_COLUMNS, INGESTED_COLUMN, SOURCE_COLUMN, ROW_COLUMN}

    assert added <= set(OWN_COLUMNS)
