"""What the tests of a project call: run an asset on given rows, and ask what became of them.

The rows are judged by the code of a run, in a lakehouse that is deleted afterwards::

    from polster.testing import assert_quarantined, run_asset, sample_input

    def test_orders_without_a_customer_are_set_apart() -> None:
        outcome = run_asset(orders, bronze_orders=pl.DataFrame({"id": [1], "customer": [None]}))

        assert_quarantined(outcome, {"customer|nullability": 1})
"""

from polster.testing.assertions import assert_published, assert_quarantined
from polster.testing.running import Outcome, run_asset
from polster.testing.samples import sample_input

__all__ = [
    "Outcome",
    "assert_published",
    "assert_quarantined",
    "run_asset",
    "sample_input",
]
