"""Files are listed once, and what is known is not opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import polars as pl
import pytest

from polster.sources.file_list import CACHE, CACHED, FoundFile, Listing
from polster.sources.file_pattern import Pattern
from polster.sources.file_rows import Format
from polster.sources.file_source import FilesSource
from polster.sources.source import Known

PATTERN = "landing/*.csv"


@dataclass
class Counting:
    """Files of which everything that is asked is counted."""

    files: tuple[FoundFile, ...]
    asked: list[str] = field(default_factory=list)

    def list(self) -> Listing:
        self.asked.append("list")
        return Listing(self.files, ())

    def fetch(self, files: Iterable[FoundFile]) -> None:
        self.asked += [f"fetch {file.name}" for file in files]

    def path(self, file: FoundFile) -> Path:
        self.asked.append(f"open {file.name}")
        return Path(file.name)

    def is_as_found(self, file: FoundFile) -> bool:
        self.asked.append(f"look at {file.name}")
        return True


@dataclass
class Kept:
    """Texts that a source keeps."""

    texts: dict[str, str]

    def read(self, name: str) -> str | None:
        return self.texts.get(name)

    def write(self, name: str, text: str) -> None:
        self.texts[name] = text


@pytest.mark.sentence(43)
@pytest.mark.parametrize("is_whole", [False, True])
def test_a_hundred_thousand_known_files_cost_one_listing_and_give_nothing_to_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_whole: bool
) -> None:
    digests = [f"{number:032x}" for number in range(100_000)]
    files = [FoundFile(f"landing/{n}.csv", 7, n, n) for n in range(100_000)]
    known = [(file.name, *file.state, digest) for file, digest in zip(files, digests, strict=True)]
    place = tmp_path / CACHE / f"{blake2b(PATTERN.encode(), digest_size=8).hexdigest()}.parquet"
    place.parent.mkdir(parents=True)
    pl.DataFrame(known, schema=CACHED, orient="row").write_parquet(place)
    before = place.stat().st_mtime_ns
    counting, kept = Counting(tuple(files)), Kept({"most.txt": " ".join(digests)})
    monkeypatch.setattr(FilesSource, "_place", lambda _: counting)
    source = FilesSource(tmp_path, Pattern.of(PATTERN, tmp_path), Format("csv"))
    memory = '{"base": "most.txt", "landed": []}'
    if is_whole:
        content = "\n".join([*sorted(digests), source._how()])
        memory = blake2b(content.encode(), digest_size=16).hexdigest()

    given = list(source.ask(Known(memory, is_whole=is_whole, notes=kept)))

    assert given == []
    assert counting.asked == ["list"]
    assert (list(kept.texts), place.stat().st_mtime_ns) == (["most.txt"], before)
