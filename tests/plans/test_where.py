"""A condition in SQL, as a step of larger plans."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

import polars as pl

from polster.plans.where import read_where

FILES, ROUNDS, SECONDS = 24, 40, 60.0


def test_no_number_of_files_has_all_threads_of_polars_wait_for_each_other(tmp_path: Path) -> None:
    rows = {"a": [0, 1, 2, None], "b": ["x", "y", "y", "z"]}
    for number in range(FILES):
        pl.DataFrame(rows).write_parquet(tmp_path / f"{number}.parquet")
    where = read_where("a > 0", {"a": pl.Int64(), "b": pl.String()})
    found: list[list[tuple[str, int]]] = []

    def count() -> None:
        for _ in range(ROUNDS):
            files = (pl.scan_parquet(path) for path in tmp_path.iterdir())
            counted = pl.concat(each.filter(where.holds()) for each in files).group_by("b").len()
            found.append(counted.collect(engine="streaming").rows())

    thread = Thread(target=count, daemon=True)
    thread.start()
    thread.join(SECONDS)

    assert found == [[("y", 2 * FILES)]] * ROUNDS
