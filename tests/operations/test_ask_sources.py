from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from polster.operations.validate import Validation, validate
from polster.project.schema_file import SCHEMA_FILE

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def checked(pipeline: Pipeline) -> Validation:
    return validate(pipeline.open(), from_data=True)


def codes(found: Validation) -> list[str]:
    return [finding.code for finding in found.findings]


def test_sources_are_asked_for_their_columns_on_a_machine_that_never_ran(shop: Pipeline) -> None:
    assert checked(shop).unchecked == {}
    shop.edit("src/core/silver_orders.py", "return bronze_orders", 'return bronze_orders.drop("i")')

    assert "POL305" in codes(checked(shop))
    assert not shop.data.exists()
    assert not (shop.root / SCHEMA_FILE).exists()


def test_a_source_that_departs_from_what_is_kept_is_told_and_goes_before_it(shop: Pipeline) -> None:
    shop.run()
    shutil.rmtree(shop.data)
    shop.edit(SCHEMA_FILE, '"customer": "String"', '"client": "String"')

    found = checked(shop)

    assert codes(found) == ["POL733"]
    assert "`client` is gone; `customer` (String) is new" in found.findings[0].message


def test_a_source_that_fails_is_told_and_what_is_kept_is_used(shop: Pipeline) -> None:
    shop.run()
    shop.asset(
        "bronze.orders",
        "@bronze\ndef orders() -> pl.LazyFrame:\n    raise OSError('the source is down')\n",
    )

    found = checked(shop)

    assert codes(found) == ["POL305"]
    assert "the source of `bronze.orders` cannot be asked" in found.findings[0].message
    assert found.unchecked == {}


def test_a_source_that_is_asked_since_a_column_that_it_does_not_send_is_told(
    pipeline: Pipeline,
) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        @bronze(load="append")
        def orders(run: polster.RunContext) -> pl.DataFrame:
            return pl.DataFrame({"updated_at": [run.since("updated_at", initial=0)]})
        """,
    )
    right = codes(checked(pipeline))
    pipeline.edit("src/core/bronze_orders.py", 'since("updated_at"', 'since("update_at"')

    wrong = checked(pipeline)

    found = [finding for finding in wrong.findings if finding.code == "POL395"]
    assert "POL395" not in right
    assert [finding.hint for finding in found] == ["did you mean `updated_at`?"]
