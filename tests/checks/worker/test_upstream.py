from __future__ import annotations

import polars as pl
import pytest

from polster.checks.worker.upstream import Upstream, upstream_from_text, upstream_text

RETURNED = pl.Schema(
    {
        "plain": pl.Int64(),
        "small": pl.UInt8(),
        "huge": pl.UInt64(),
        "text": pl.Enum(["a", "b"]),
        "bytes": pl.Binary(),
        "flag": pl.Boolean(),
        "day": pl.Date(),
        "zoned": pl.Datetime("ns", "Europe/Berlin"),
        "local": pl.Datetime("ms"),
        "price": pl.Decimal(12, 2),
        "tags": pl.List(pl.List(pl.Int16())),
        "place": pl.Struct({"at": pl.Datetime("us"), "of": pl.Struct({"x": pl.Float32()})}),
        "took": pl.Duration("us"),
    }
)


def test_every_type_that_a_table_holds_is_read_as_it_was_written() -> None:
    upstream = Upstream(
        RETURNED, not_null=frozenset({"plain", "day"}), limits={"day": 0, "plain": 3}
    )

    text = upstream_text(upstream)

    assert text is not None
    assert upstream_from_text(text) == upstream


def test_why_columns_are_unknown_is_kept() -> None:
    upstream = Upstream(None, "`bronze.orders` has no contract and was never run")

    text = upstream_text(upstream)

    assert text is not None
    assert upstream_from_text(text) == upstream


def test_a_type_that_no_table_holds_is_not_written() -> None:
    assert upstream_text(Upstream(pl.Schema({"thing": pl.List(pl.Object())}))) is None


@pytest.mark.parametrize(
    "text", ["", "1", "[]", '[[["a","Nothing"]],"",[]]', '[[["a",["X"]]],"",[]]']
)
def test_what_is_no_upstream_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        upstream_from_text(text)
