"""The place where a lakehouse lies: a folder, or the URL of an object store."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from polster.errors import LakehouseError
from polster.lakehouse.deltalake_private import check_can_delete, delete_from_store, write_to_store

LOG_FOLDER = "_delta_log"
DECORATION = re.compile("\x1b\\[[0-9;]*m|↳")
STACK = re.compile(r"^ *0: .*", re.MULTILINE | re.DOTALL)
ANSWER = re.compile("<Message>(.*?)</Message>", re.DOTALL)
"""What the stores of Amazon and Microsoft answer, inside a page of XML."""


@dataclass(frozen=True, slots=True)
class Store:
    """A folder or an object store, and the keys to it.

    Attributes:
        root: An absolute path, or a URL that deltalake understands, such as ``s3://lake/prod``.
        options: Keys and secrets as delta-rs and Polars name them; never shown.
    """

    root: str
    options: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if not self.is_local:
            check_can_delete(self.root)

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

    def read_lines(self, folder: str, name: str) -> list[str] | None:
        """Return the lines of a small file below ``folder``; None if there is none.

        From an object store by Polars, since delta-rs would keep Python's lock while it waits.
        """
        with reaching(folder), suppress(FileNotFoundError):
            if self.is_local:
                return Path(folder, name).read_text(encoding="utf-8").split("\n")
            lines = pl.scan_lines(
                f"{folder}/{name}",
                glob=False,
                storage_options=self.storage_options,
                credential_provider=None if self.options else "auto",
            )
            return lines.collect().to_series().to_list()
        return None

    def write_text(self, folder: str, name: str, text: str) -> None:
        """Write a small file below ``folder``, in one step: a reader gets the old or the new one.

        Raises:
            LakehouseError: It cannot be written.
        """
        with reaching(folder, writing=True):
            if self.is_local:
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                unfinished = path.with_name(f".{name}.unfinished")
                unfinished.write_text(text, encoding="utf-8")
                unfinished.replace(path)
                return
            line = pl.LazyFrame({"line": [text]})
            line.sink_csv(
                f"{folder}/{name}",
                include_header=False,
                quote_style="never",
                storage_options=self.storage_options,
                credential_provider=None if self.options else "auto",
            )

    def copy_in(self, path: Path, folder: str, name: str) -> None:
        """Copy a file of this machine below ``folder``, in one step.

        Raises:
            LakehouseError: It cannot be written.
        """
        with reaching(folder, writing=True):
            if self.is_local:
                target = Path(folder, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                unfinished = target.with_name(f".{name}.unfinished")
                shutil.copyfile(path, unfinished)
                unfinished.replace(target)
                return
            write_to_store(folder, name, path.read_bytes(), self.options)

    def read_texts(self, folder: str, ending: str) -> dict[str, str]:
        """Return the small text files directly in ``folder`` by name; none without the folder.

        What is gone meanwhile, or is no text, is left out.

        Raises:
            LakehouseError: The folder cannot be read.
        """
        with reaching(folder):
            if self.is_local:
                return _local_texts(Path(folder), ending)
            lines = pl.scan_csv(  # scan_lines stumbles over bytes that are no text
                f"{folder}/*{ending}",
                has_header=False,
                schema={"line": pl.String()},
                separator="\x01",
                quote_char=None,
                encoding="utf8-lossy",
                include_file_paths="path",
                storage_options=self.storage_options,
                credential_provider=None if self.options else "auto",
            )
            whole = lines.group_by("path").agg(pl.col("line").str.join("\n"))
            try:
                found = whole.collect()
            except FileNotFoundError:  # one was deleted between the listing and the reading
                found = whole.collect()
            return {path.rpartition("/")[2]: text for path, text in found.iter_rows()}

    def delete(self, folder: str, names: Iterable[str]) -> None:
        """Delete files below ``folder``; a file that is already gone is fine."""
        if self.is_local:
            for name in names:
                path = Path(folder, name)
                with suppress(OSError):
                    path.unlink()
                with suppress(OSError):  # the folder of a batch, if it is empty now
                    if path.parent != Path(folder):
                        path.parent.rmdir()
            return
        delete_from_store(folder, names, self.options)

    def is_empty(self, folder: str, name: str) -> bool:
        """Tell whether a file of this machine is there without content; not asked of a store."""
        with suppress(OSError):
            return self.is_local and Path(folder, name).stat().st_size == 0
        return False

    def has_files(self, folder: str) -> bool:
        """Tell whether a folder of this machine holds data, at any depth; not asked of a store."""
        return self.is_local and any(Path(folder).rglob("*.parquet"))

    def latest_version(self, uri: str) -> int | None:
        """Return the newest version of a local table without opening it; None if there is none.

        A listing of the log is a hundred times cheaper than reading it, which a run over a
        thousand assets notices.
        """
        try:
            names = os.listdir(f"{uri}/{LOG_FOLDER}")  # noqa: PTH208 - of many tables
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise LakehouseError(
                f"the table cannot be read: {error.strerror}", code="POL401", place=uri
            ) from error
        versions = [int(name[:20]) for name in names if len(name) == 25 and name.endswith(".json")]
        return max(versions, default=None)


def _local_texts(folder: Path, ending: str) -> dict[str, str]:
    try:
        paths = [path for path in folder.iterdir() if path.name.endswith(ending) and path.is_file()]
    except (FileNotFoundError, NotADirectoryError):
        return {}
    found: dict[str, str] = {}
    for path in paths:
        with suppress(OSError, UnicodeDecodeError):
            found[path.name] = path.read_text(encoding="utf-8")
    return found


@contextmanager
def reaching(uri: str, *, writing: bool = False) -> Iterator[None]:
    """Say of the table at ``uri`` that it cannot be read or written, where Polars says why.

    Only for frames of Polster's own making: a frame of the user may fail for reasons of its own.

    Raises:
        LakehouseError: Something inside raised an error of files or of Polars.
    """
    try:
        yield
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LakehouseError(
            f"the table cannot be {'written' if writing else 'read'}: {said_by_store(error)}",
            code="POL403" if writing else "POL401",
            place=uri,
            hint=_remedy(error, writing=writing),
        ) from error


def _remedy(error: BaseException, *, writing: bool) -> str:
    if writing:
        return "check permissions and free space there"
    if isinstance(error, FileNotFoundError):
        return "a file of it is gone: what is lost, and what to do then, says: polster doctor"
    return "check what lies there; polster doctor says what is wrong with each table"


def said_by_store(error: BaseException) -> str:
    """Return on one line why a store refuses, from an error of delta-rs or Polars.

    >>> said_by_store(OSError("Generic S3 error <Error><Message>No such bucket</Message></Error>"))
    'No such bucket'
    """
    text = DECORATION.sub("", str(error))
    if answer := ANSWER.search(text):
        return answer[1].strip()
    lines = [line.strip() for line in STACK.split(text)[0].splitlines() if line.strip()]
    return ": ".join(dict.fromkeys([lines[0], lines[-1]])) if lines else type(error).__name__
