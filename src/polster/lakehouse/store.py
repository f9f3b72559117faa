"""The place where a lakehouse lies: a folder, or the URL of an object store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deltalake._internal import DeltaFileSystemHandler

from polster.errors import LakehouseError

LOG_FOLDER = "_delta_log"


@dataclass(frozen=True, slots=True)
class Store:
    """A folder or an object store, and the keys to it.

    Attributes:
        root: An absolute path, or a URL that deltalake understands, such as ``s3://lake/prod``.
        options: Keys and secrets as delta-rs and Polars name them; never shown.
    """

    root: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def is_local(self) -> bool:
        """Tell whether it is a folder of this machine."""
        return "://" not in self.root

    @property
    def storage_options(self) -> dict[str, str] | None:
        """Return the options as delta-rs and Polars take them; None for a folder."""
        return None if self.is_local else dict(self.options)

    def uri(self, *parts: str) -> str:
        """Join ``parts`` to the root."""
        return "/".join([self.root.rstrip("/"), *parts])

    def delete(self, folder: str, names: Iterable[str]) -> None:
        """Delete files below ``folder``; a file that is already gone is fine."""
        if self.is_local:
            for name in names:
                path = Path(folder, name)
                with suppress(FileNotFoundError):
                    path.unlink()
                with suppress(OSError):  # the folder of a batch, if it is empty now
                    if path.parent != Path(folder):
                        path.parent.rmdir()
            return
        files = DeltaFileSystemHandler(folder, dict(self.options))
        for name in names:
            with suppress(FileNotFoundError, OSError):
                files.delete_file(name)

    def latest_version(self, uri: str) -> int | None:
        """Return the newest version of a local table without opening it; None if there is none.

        A listing of the log is a hundred times cheaper than reading it, which a run over a
        thousand assets notices.
        """
        log = Path(uri, LOG_FOLDER)
        try:
            names = [entry.name for entry in log.iterdir()]
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LakehouseError(
                f"the table cannot be read: {error.strerror}", code="POL401", place=uri
            ) from error
        versions = [int(name[:20]) for name in names if len(name) == 25 and name.endswith(".json")]
        return max(versions, default=None)
