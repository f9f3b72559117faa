"""Files that bronze could not read: their bytes, and what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from polster.lakehouse.store import Store
from polster.model.asset import AssetKey

ABOUT = ".json"
BYTES = ".bytes"


@dataclass(frozen=True, slots=True)
class SetAsideFile:
    """A file that was set aside whole.

    Attributes:
        name: As the source named it.
        reason: What is wrong, and where.
        digest: Of its bytes.
        run_id: The run that met it.
        at: When that began, in ISO 8601.
        kept: Where its bytes are.
    """

    name: str
    reason: str
    digest: str
    run_id: str
    at: str
    kept: str


@dataclass(frozen=True, slots=True)
class SetAside:
    """The files of one asset that were set aside; each once, by its content."""

    store: Store
    folder: str

    @classmethod
    def of(cls, store: Store, key: AssetKey) -> SetAside:
        """Return those of ``key``."""
        return cls(store, store.uri("quarantine", "_files", key.layer, key.name))

    def keep(
        self, path: Path, name: str, digest: str, reason: str, *, run_id: str, at: str
    ) -> None:
        """Keep the bytes of a file, and then what is wrong with it.

        Raises:
            LakehouseError: They cannot be written.
        """
        self.store.copy_in(path, self.folder, digest + BYTES)
        kept = f"{self.folder}/{digest}{BYTES}"
        about = SetAsideFile(name, reason, digest, run_id, at, kept)
        self.store.write_text(self.folder, digest + ABOUT, json.dumps(asdict(about)))

    def files(self) -> list[SetAsideFile]:
        """List them, the newest first.

        Raises:
            LakehouseError: The folder cannot be read.
        """
        texts = self.store.read_texts(self.folder, ABOUT).values()
        found = [SetAsideFile(**json.loads(text)) for text in texts]
        return sorted(found, key=lambda each: (each.at, each.name), reverse=True)


@dataclass(frozen=True, slots=True)
class SourceNotes:
    """Where the source of one asset keeps texts that are too long for a commit."""

    store: Store
    folder: str

    @classmethod
    def of(cls, store: Store, key: AssetKey) -> SourceNotes:
        """Return those of ``key``."""
        return cls(store, store.uri("_polster", "sources", f"{key.layer}.{key.name}"))

    def read(self, name: str) -> str | None:
        """Return a text; None if there is none."""
        lines = self.store.read_lines(self.folder, name)
        return None if lines is None else "\n".join(lines)

    def write(self, name: str, text: str) -> None:
        """Keep a text."""
        self.store.write_text(self.folder, name, text)
