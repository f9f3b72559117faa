"""Files that bronze could not read: what needs attention, and their bytes."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.conftest import make_pipeline
from tests.dashboard.browser.conftest import Dashboard, served

EVIL = "<b onclick=x>.csv"
ORDERS = """
from polster import bronze
from polster.sources import Source, files

@bronze(load="append")
def orders() -> Source:
    return files("landing/*.csv")
"""
BYTES = b"id,v\n1,<script>window.evil = 1</script>,z\n"


@pytest.fixture(scope="module")
def dashboard(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """A folder with a file that cannot be read, and one that was and is mended."""
    with pytest.MonkeyPatch.context() as patch:
        for made in make_pipeline(tmp_path_factory.mktemp("files") / "shop", patch):
            made.write("landing/good.csv", "id,v\n1,x\n")
            made.write("landing/mended.csv", "id,v\n2\n")
            (made.root / "landing" / EVIL).write_bytes(BYTES)
            made.write("src/core/bronze_orders.py", ORDERS)
            made.run()
            made.write("landing/mended.csv", "id,v\n2,y\n")
            made.run()
            with served(made.root) as dashboard:
                yield dashboard


def test_a_file_that_is_still_there_needs_attention(page: Page, dashboard: Dashboard) -> None:
    page.goto(dashboard.url)

    attention = page.get_by_role("region", name="Needs attention")
    expect(attention).to_contain_text(f"1 file set aside: landing/{EVIL}")
    expect(attention).not_to_contain_text("mended.csv")


def test_the_files_are_listed_and_their_bytes_are_downloaded(
    page: Page, dashboard: Dashboard, tmp_path: Path
) -> None:
    page.goto(f"{dashboard.url}/quarantine")

    rows = page.get_by_role("table").get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1)).to_contain_text(f"landing/{EVIL}")
    expect(rows.nth(1)).to_contain_text("line 2 has 3 values, where the first has 2")
    expect(rows.nth(1)).to_contain_text("still there")
    expect(rows.nth(2)).to_contain_text("mended or gone")
    with page.expect_download() as started:
        rows.nth(1).get_by_role("link", name="download").click()
    target = tmp_path / "bytes"
    started.value.save_as(target)
    assert target.read_bytes() == BYTES
    assert page.evaluate("window.evil") is None


@pytest.mark.parametrize(
    "address", ["bronze.orders/..%2F..%2Fledger", "nothing/1", "%2Fetc/passwd"]
)
def test_only_files_that_were_set_aside_are_handed_out(dashboard: Dashboard, address: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{dashboard.url}/quarantine/file/{address}")

    caught.value.close()
    assert caught.value.code == 404
