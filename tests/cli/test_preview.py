from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polster.cli import console

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def test_a_preview_shows_names_types_and_rows(shop: Pipeline) -> None:
    shop.run()

    result = shop.cli("preview", "silver.orders")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "id   customer  amount",
        "i64  str       f64",
        "1    ann       10.5",
        "2    bob       20.0",
    ]
    assert result.stderr == "silver.orders, version 0: 2 of 2 rows\n"


def test_a_preview_as_json(shop: Pipeline) -> None:
    shop.run()

    assert shop.json("preview", "silver.orders", "--rows", "1") == {
        "asset": "silver.orders",
        "version": 0,
        "columns": {"id": "Int64", "customer": "String", "amount": "Float64"},
        "rows": [{"id": 1, "customer": "ann", "amount": 10.5}],
        "total": 2,
    }
    assert shop.json("preview", "silver.orders", "--rows", "0")["rows"] == []
    assert shop.cli("preview", "silver.orders", "--rows", "-1").exit_code == 2


def test_a_preview_of_an_earlier_version(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    shop.run()

    def amount(*arguments: str) -> object:
        return shop.json("preview", "silver.orders", *arguments)["rows"][0]["amount"]

    assert (amount(), amount("--version", "0"), amount("--version", "1")) == (11.0, 10.5, 11.0)
    bronze = shop.json("preview", "bronze.orders", "--version", "0")
    assert bronze["rows"][0]["amount"] == "10.5"
    assert bronze["total"] == 5


def test_a_version_that_does_not_exist(shop: Pipeline) -> None:
    shop.run()

    result = shop.cli("preview", "silver.orders", "--version", "7")

    assert result.exit_code == 2
    assert result.stderr == (
        "error[POL405]: `silver.orders` has no version 7\n"
        "\n"
        "hint: see its versions with: polster history silver.orders\n"
    )


def test_an_asset_that_was_never_built(shop: Pipeline) -> None:
    for arguments in ([], ["--version", "0"]):
        result = shop.cli("preview", "silver.orders", *arguments)

        assert result.exit_code == 2
        assert result.stderr == (
            "error[POL404]: `silver.orders` was never built\n"
            "\n"
            "hint: build it with: polster run +silver.orders\n"
        )


def test_values_of_every_kind_can_be_shown(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        """
        from datetime import date, time, timedelta
        from decimal import Decimal


        @bronze
        def x():
            return pl.DataFrame(
                {
                    "text": ["\\x1b]0;title\\x07 \\x9b31m\\n" + "w" * 200],
                    "binary": [b"\\x00\\x1b\\xff"],
                    "list": [[1, None]],
                    "struct": [{"a": "\\x1b[2J", "b": [1.5]}],
                    "nan": [float("nan")],
                    "far": [float("-inf")],
                    "decimal": [Decimal("1.20")],
                    "date": [date(2024, 2, 29)],
                    "time": [time(12, 30)],
                    "span": [timedelta(hours=1)],
                    "none": [None],
                    "\\x1b[1mname": [True],
                    **{f"c{i}": [i] for i in range(60)},
                }
            )
        """,
    )
    assert pipeline.run().status == "succeeded"

    text, row = pipeline.cli("preview", "x"), pipeline.json("preview", "x")["rows"][0]

    assert text.exit_code == 0
    assert not {"\x1b", "\x07", "\x9b"} & set(text.output)
    assert len(text.stdout.splitlines()) == 3
    assert row["list"] == [1, None]
    assert row["struct"] == {"a": "\x1b[2J", "b": [1.5]}
    assert (row["nan"], row["far"], row["none"]) == ("nan", "-inf", None)
    assert (row["decimal"], row["date"]) == ("1.20", "2024-02-29")
    assert not {"\x1b", "\x9b"} & set(pipeline.cli("preview", "x", "--format", "json").stdout)


def test_types_are_short_and_a_narrow_terminal_is_not_overrun(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.edit("landing/orders.csv", "1,ann,10.5", f"1,{'long' * 20},-10.5")
    shop.run()

    wide = shop.cli("quarantine", "silver.orders").stdout.splitlines()
    monkeypatch.setattr(console, "terminal_width", lambda: 80)
    narrow = shop.cli("quarantine", "silver.orders").stdout.splitlines()

    assert wide[6].split("  ")[0] == "list[str]"
    assert wide[6].endswith("datetime[μs, UTC]")
    assert max(map(len, wide)) > 100
    assert max(map(len, narrow)) <= 80
    assert len(wide) == len(narrow)
