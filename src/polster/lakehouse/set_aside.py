"""Files that bronze could not read: their bytes, and what is wrong with them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.codec import from_json, to_json
from polster.model.set_aside import SetAsideFile

ABOUT = ".json"
BYTES = ".bytes"


@dataclass(frozen=True, slots=True)
class SetAside:
    """The files of one asset that were set aside; each once, by its content."""

    store: Store
    folder: str
    asset: str

    @classmethod
    def of(cls, store: Store, key: AssetKey) -> SetAside:
        """Return those of ``key``."""
        return cls(store, store.uri("quarantine", "_files", key.layer, key.name), str(key))

    def keep(
        self, path: Path, name: str, digest: str, reason: str, *, run_id: str, at: str
    ) -> None:
        """Keep the bytes of a file, and then what is wrong with it.

        Raises:
            LakehouseError: They cannot be written.
        """
        self.store.copy_in(path, self.folder, digest + BYTES)
        kept = f"{self.folder}/{digest}{BYTES}"
        self.write(SetAsideFile(name, reason, digest, run_id, at, kept, self.asset))

    def write(self, file: SetAsideFile) -> None:
        """Keep what is known of a file, in the place of what was.

        Raises:
            LakehouseError: It cannot be written.
        """
        self.store.write_text(self.folder, file.digest + ABOUT, json.dumps(to_json(file)))

    def files(self) -> list[SetAsideFile]:
        """List them, what its source still has first, the newest first.

        Raises:
            LakehouseError: The folder cannot be read.
        """
        texts = self.store.read_texts(self.folder, ABOUT).values()
        found = [from_json(SetAsideFile, json.loads(text)) for text in texts]
        return sorted(found, key=lambda each: (each.is_open, each.at, each.name), reverse=True)

    @classmethod
    def every(cls, store: Store) -> dict[AssetKey, list[SetAsideFile]]:
        """List those of all assets.

        Raises:
            LakehouseError: The folder cannot be read.
        """
        place = store.uri("quarantine", "_files")
        folders = map(str, Path(place).glob("*/*")) if store.is_local else [f"{place}/*/*"]
        found: dict[AssetKey, list[SetAsideFile]] = {}
        for folder in folders:
            for each in cls(store, folder, "").files():
                if (key := AssetKey.parse(each.asset)) is not None:
                    found.setdefault(key, []).append(each)
        return found


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
