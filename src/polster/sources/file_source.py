"""Files as a source: each lands once, known by what is in it and not by its name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields
from errno import ENOENT
from importlib import import_module
from pathlib import Path
from typing import Literal

import polars as pl

from polster.errors import AssetError
from polster.model.plugins import FILES, PluginError, plugin
from polster.model.secret import Secret
from polster.model.secrets import without_secrets
from polster.sources.file_excel import read_workbook, which_sheet
from polster.sources.file_list import (
    Digests,
    Files,
    FoundFile,
    LocalFiles,
    has_wildcard,
    unreachable,
)
from polster.sources.file_memory import ArrivedFile, Memory
from polster.sources.file_pattern import Pattern
from polster.sources.file_records import as_lines
from polster.sources.file_rows import (
    JSON_LINES,
    KINDS,
    Columns,
    Format,
    check_large,
    is_long_list,
    is_streamed,
    kind_of,
    numbered,
    read_file,
    rows_by_footer,
    scan_file,
)
from polster.sources.file_text import UnreadableFileError, as_read
from polster.sources.login import Login
from polster.sources.scratch import scratch_folder
from polster.sources.source import BadFile, Batch, Forms, Known
from polster.sources.streamed import streamed

SOURCE_COLUMN = "_source"
SHOWN = 3
HELD_FILES = 2000
NOBODY = Login()
MEND_PLUGIN = "mend that package, or install another version of it"
IN_STORES = ("s3", "s3a", "gs", "gcs", "az", "adl", "azure", "abfs", "abfss")
STORES = ("object_store", "StoredFiles", "object-store")
SERVERS = {
    "sftp": ("sftp", "SftpFiles", "sftp"),
    "ftp": ("ftp", "FtpFiles", ""),
    "ftps": ("ftp", "FtpFiles", ""),
    "http": ("web", "WebFiles", "rest"),
    "https": ("web", "WebFiles", "rest"),
}
"""By the beginning of a pattern: where it is known how files are fetched, and what that takes."""
WEB = ("http", "https")
LOGINS = {
    "password": ("sftp", "ftp", "ftps", *WEB),
    "key_file": ("sftp",),
    "passphrase": ("sftp",),
    "host_key": ("sftp",),
}
"""What is said of who asks, and of whom."""
PIECE_ROWS = 50_000
PIECES = 500
HELD_BYTES = 64 * 1024 * 1024
"""So much of what was read to be checked is kept until it lands; the rest is read once more."""
HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"
"""Stands in the name of a folder where there is no value."""


def files(
    pattern: str,
    *,
    format: Literal["csv", "jsonl", "json", "parquet", "excel", "xml", "avro"] | None = None,
    on_bad_file: Literal["quarantine", "fail"] = "quarantine",
    encoding: str = "utf-8",
    separator: str = ",",
    quote: str | None = '"',
    header: bool = True,
    columns: Sequence[str] = (),
    skip_lines: int = 0,
    sheet: str | None = None,
    record: str | None = None,
    password: Secret | None = None,
    key_file: Secret | str | None = None,
    passphrase: Secret | None = None,
    host_key: str | None = None,
) -> FilesSource:
    """Read files that arrive in a folder, each once.

    A file is known by its content: one that is renamed, or delivered again, lands nothing; one
    that is overwritten lands as a new file. Rows have ``_source``, the file, and ``_row``, counted
    from 1. CSV and workbooks stay text. Meant for ``load="append"``; a snapshot is all that is
    there.

    ``{day}`` in the pattern is one or more characters between two slashes, which become a column
    of that name in each row, text. They are part of what the file says: the same content with
    another day is another file.

    Args:
        pattern: Relative to the project's folder, such as ``landing/orders/*.csv``; or in an object
            store, such as ``s3://bucket/orders/*.csv``; or on a server, such as
            ``sftp://partner@host/outbox/*.csv``; ``**`` stands for folders of any depth,
            ``{name}`` for a part of the name that becomes a column, ``{{`` for a brace. Files may
            be packed: ``.gz``, ``.zst``, ``.zip``.
        format: By default what the name's ending says.
        on_bad_file: What happens to a file that is malformed: it is set aside, bytes and all, and
            the others land; or nothing lands.
        encoding: Of text; UTF-16 is known by its mark.
        separator: Of CSV, like the next one.
        quote: Encloses a value; None if nothing does.
        header: Whether the first line, or row of a sheet, names the columns.
        columns: Their names, where there is no header.
        skip_lines: Lines before the header, or rows.
        sheet: Name of the sheet of a workbook; by default the first.
        record: Name of the element of XML that is a record.
        password: Of a server's user, such as ``polster.secret("SFTP_PASSWORD")``.
        key_file: Path of the user's private key, with SFTP.
        passphrase: Of that key.
        host_key: The server's key, or its fingerprint (``SHA256:…``); by default it is one that
            ``~/.ssh/known_hosts`` knows.

    Returns:
        What a bronze function returns in place of a frame.

    Raises:
        AssetError: An argument makes no sense.
    """
    meant = Pattern.of(pattern, Path.cwd())
    kind = format or kind_of(meant.glob)
    if kind is None or kind not in KINDS.values():
        raise AssetError(
            f"nothing says what the files {pattern} are"
            if kind is None
            else f"`format` is {kind!r}, which Polster does not read",
            code="POL363",
            hint=f"write format= and one of: {', '.join(dict.fromkeys(KINDS.values()))}",
        )
    try:
        "".encode(encoding)
    except LookupError as error:
        raise AssetError(
            f"`encoding` is {encoding!r}, which Python does not know",
            code="POL363",
            hint="write one that it knows, such as utf-8, latin-1 or cp1252",
        ) from error
    if sheet is not None and kind != "excel":
        raise AssetError(
            f"`sheet` names a sheet of a workbook, and the files {pattern} are none",
            code="POL363",
            hint='write format="excel" too, or leave sheet= out',
        )
    if (record is None) is (kind == "xml"):
        raise AssetError(
            f"nothing says which element of the files {pattern} is a record"
            if kind == "xml"
            else f"`record` names an element of XML, and the files {pattern} are none",
            code="POL363",
            hint='write record="order"' if kind == "xml" else "leave record= out",
        )
    login = Login(password, key_file, passphrase, host_key)
    _check_login(pattern, login)
    how = Format(
        kind, encoding, separator, quote, header, tuple(columns), skip_lines, sheet, record
    )
    return FilesSource(Path.cwd(), meant, how, fails=on_bad_file == "fail", login=login)


def _check_login(pattern: str, login: Login) -> None:
    """See that who asks is asked for, and stands not in the code.

    Raises:
        AssetError: It is not, or does.
    """
    shown = without_secrets(pattern)
    scheme, remote, rest = pattern.partition("://")
    user = rest.partition("/")[0].rpartition("@")[0]
    said = [each.name for each in fields(login) if getattr(login, each.name) is not None]
    wrong = hint = None
    if remote and ":" in user:
        wrong = f"the password stands in the pattern {shown}"
        hint = 'write password=polster.secret("SFTP_PASSWORD"), and put it into the environment'
    elif any(isinstance(each, str) for each in (login.password, login.passphrase)):
        wrong = "a password is a text, and would stand in the code"
        hint = 'write polster.secret("SFTP_PASSWORD"), and put it into the environment'
    elif odd := [each for each in said if scheme not in LOGINS[each]]:
        wrong = f"`{odd[0]}` is about a server of SFTP, and the files {shown} lie on none"
        hint = "leave it out"
    elif scheme in WEB and has_wildcard(rest):
        wrong = f"{shown} stands for several addresses, and the web lists none"
        hint = "write one address; an asset each"
    if wrong:
        raise AssetError(wrong, code="POL363", hint=hint)


@dataclass(frozen=True, slots=True)
class FilesSource:
    """The files of a pattern; see :func:`files`.

    Attributes:
        root: The project's folder.
        fails: Whether a malformed file lets nothing land.
    """

    root: Path
    pattern: Pattern
    how: Format
    fails: bool = False
    login: Login = NOBODY

    def ask(self, known: Known) -> Iterable[Batch | BadFile]:
        """List the files, and give those whose content did not land yet."""
        place = self._place()
        listing = place.list()
        memory = Memory.read(known, self.pattern.names)
        digests = Digests(self.root, self.pattern.text, place)
        place.fetch(digests.unknown(listing.files))
        changing: list[str] = []
        was: dict[str, str] = {}
        every: dict[str, ArrivedFile] = {}
        for file in listing.files:
            was[file.name], digest = digests.last(file.name), digests.of(file)
            if digest is None:
                changing.append(file.name)
                continue
            arrived = ArrivedFile.of(file, digest, self.pattern)
            every.setdefault(arrived.identity, arrived)
        digests.keep()
        how = self._how()
        set_aside = {each.removesuffix(how) for each in known.set_aside if each.endswith(how)}
        aside = [each for each in every.values() if each.aside & set_aside]
        for each in aside:
            for digest in each.aside & set_aside:
                yield BadFile(each.file.name, Path(each.file.name), digest + how, "")
        now = [each for each in every.values() if not each.aside & set_aside]
        if known.is_whole:
            content = "\n".join([*sorted(every), how])
            state = hashlib.blake2b(content.encode(), digest_size=16).hexdigest()
            if known.memory == state:
                return
            good, bad = self._read(now, place, changing, known.columns)
            yield from bad
            notes = _notes(listing.waiting, changing)
            yield self._batch(good, state, notes, is_first=not known.memory)
            return
        new = [each for each in now if not memory.holds(each)]
        if not new:
            return
        good, bad = self._read(new, place, changing, known.columns)
        yield from bad
        if good.rows:
            landed = [each.identity for each in good.files]
            overwritten = [each.file.name for each in new if self._landed(each, was, memory)]
            notes = _notes(listing.waiting, changing, overwritten)
            yield self._batch(good, memory.text(landed), notes, is_first=not known.memory)

    def _landed(self, file: ArrivedFile, was: Mapping[str, str], memory: Memory) -> bool:
        """Tell whether another file of that name has landed; ``was`` says what each held last."""
        before = was.get(file.file.name, "")
        is_other = before not in ("", file.digest)
        return is_other and memory.holds(ArrivedFile.of(file.file, before, self.pattern))

    def _how(self) -> str:
        """Return what stands for how files are read: what was set aside is tried in another way."""
        chosen = [
            (each.name, said)
            for each in fields(self.how)
            if (said := getattr(self.how, each.name)) != each.default
        ]
        return "-" + hashlib.blake2b(repr(chosen).encode(), digest_size=4).hexdigest()

    def _place(self) -> Files:
        if "://" not in self.pattern.text:
            return LocalFiles(self.root, self.pattern)
        scheme = self.pattern.text.partition("://")[0]
        module, name, extra = SERVERS.get(scheme, STORES)
        try:
            if scheme not in (*SERVERS, *IN_STORES) and (added := plugin(FILES, scheme)):
                other: Files = added(self.pattern, self.login)
                return other
            place = getattr(import_module(f"polster.sources.{module}"), name)
        except PluginError as error:
            raise unreachable(self.pattern.text, str(error), hint=MEND_PLUGIN) from error
        except ImportError as error:
            raise AssetError(
                f"the files {self.pattern.text} lie elsewhere: {error.name} is not installed",
                code="POL366",
                hint=f"pip install 'polster[{extra}]'",
            ) from error
        found: Files = place(self.pattern, self.login)
        return found

    def _read(
        self,
        new: Sequence[ArrivedFile],
        place: Files,
        changing: list[str],
        columns: Iterable[str],
    ) -> tuple[_Good, list[BadFile]]:
        """Read each file once, to know that it is right; the rows are read when they land.

        Args:
            new: Those that have not landed.
            place: Where they lie.
            changing: Gets the names of those that somebody wrote meanwhile.
            columns: What the table has already.

        Raises:
            AssetError: A file is malformed, and nothing may land then.
        """
        good, bad = _Good(self, place, {name.lower(): name for name in columns}), []
        place.fetch(each.file for each in new)
        malformed: set[str] = set()
        for each in new:
            file, digest, why = each.file, each.digest, ""
            if digest in malformed:
                continue
            try:
                good.add(each)
            except MisnamedFileError as error:
                digest, why = each.by_name, str(error)
            except (UnreadableFileError, OSError) as error:
                if isinstance(error, FileNotFoundError) or not place.is_as_found(file):
                    changing.append(file.name)
                    continue
                why = getattr(error, "strerror", None) or str(error)
            if why:
                malformed.add(digest)
                bad.append(BadFile(file.name, place.path(file), digest + self._how(), why))
        if bad and self.fails:
            raise AssetError(
                "; ".join(f"{each.name}: {each.reason}" for each in bad[:SHOWN])
                + (f"; and {len(bad) - SHOWN} more" if len(bad) > SHOWN else ""),
                code="POL364",
                hint='mend the file; or write on_bad_file="quarantine", which sets it aside and '
                "lands the others",
            )
        return good, bad

    def _batch(self, good: _Good, memory: str, notes: tuple[str, ...], *, is_first: bool) -> Batch:
        if is_first and (said := good.sheet()):
            notes = (said, *notes)
        forms = Forms(good.frame(apart=True), good.columns.several)
        return Batch(good.frame(), memory, notes, good.check, good.said, forms=forms)


class MisnamedFileError(UnreadableFileError):
    """A file does not go together with the pattern; the message says why."""


@dataclass(slots=True, weakref_slot=True)
class _Good:
    """Files that were read and are right.

    Attributes:
        spelt: By its name in lower case, how each column is spelt so far.
        said: How many rows they say that they have, as Parquet does; else None.
    """

    source: FilesSource
    place: Files
    spelt: dict[str, str]
    files: list[ArrivedFile] = field(default_factory=list)
    columns: Columns = field(default_factory=Columns)
    rows: int = 0
    said: int | None = None
    _held: dict[str, pl.DataFrame] = field(default_factory=dict)
    _held_bytes: int = 0
    _scratch: Path = field(init=False)

    def __post_init__(self) -> None:
        """Make the place for files that are unpacked."""
        self._scratch = scratch_folder(self)

    def add(self, arrived: ArrivedFile) -> None:
        """Read a file, and take it in if it is right.

        Raises:
            UnreadableFileError: It is not.
            OSError: It cannot be read, or was written meanwhile.
        """
        if arrived.unclear:
            raise MisnamedFileError(arrived.unclear)
        file, how = arrived.file, self.source.how
        held: pl.DataFrame | None = None
        with as_read(self.place.path(file), how.text, self._scratch) as path:
            with _as_table(path, how, self._scratch) as (table, form):
                if is_streamed(table, form):
                    types, rows = check_large(table, form)
                else:
                    held = _read_whole(table, form)
                    types, rows = held.schema, held.height
            said = rows_by_footer(path) if how.kind == "parquet" else None
        named = {name.lower() for name in self.source.pattern.names}
        if twins := [name for name in types if name.lower() in named]:
            raise MisnamedFileError(
                f"it has a column `{twins[0]}` itself, which the pattern makes of its name: give "
                "the placeholder another name"
            )
        if not self.place.is_as_found(file):
            raise FileNotFoundError(ENOENT, "it is another one by now", file.name)
        self._spell(types)
        if held is not None:
            self._held_bytes += int(held.estimated_size())
            if self._held_bytes < HELD_BYTES and len(self._held) < HELD_FILES:
                self._held[file.name] = held
        self.files.append(arrived)
        self.columns.add(types)
        self.rows += rows
        if said is not None:
            self.said = (self.said or 0) + said

    def _spell(self, columns: Iterable[str]) -> None:
        """Remember how a file spells its columns.

        Raises:
            UnreadableFileError: Upper and lower case alone tell one from another, as in no table.
        """
        own: dict[str, str] = {}
        for name in columns:
            other = own.setdefault(name.lower(), self.spelt.get(name.lower(), name))
            if other != name:
                raise UnreadableFileError(
                    f"its column `{name}` differs from `{other}`, which is there already, in upper "
                    "and lower case alone"
                )
        self.spelt |= own

    def frame(self, *, apart: bool = False) -> pl.LazyFrame:
        """Return the rows of all files, one after the other; ``apart`` as in :class:`Forms`."""
        columns = self.columns.apart if apart else self.columns.types
        named = dict.fromkeys((*self.source.pattern.names, SOURCE_COLUMN), pl.String())
        schema = pl.Schema({**columns, **named})
        return streamed(lambda: _pieces(self._rows(apart=apart)), schema)

    def _rows(self, *, apart: bool) -> Iterator[pl.DataFrame]:
        for each in self.files:
            named = [*each.values, (SOURCE_COLUMN, each.file.name)]
            texts = [
                pl.Series(column, [None if text == HIVE_NULL else text], pl.String)
                for column, text in named
            ]
            for part in self._parts(each.file):
                fit = self.columns.fit(part, apart=apart)
                yield fit.hstack([text.new_from_index(0, part.height) for text in texts])

    def _parts(self, file: FoundFile) -> Iterator[pl.DataFrame]:
        if file.name in self._held:
            yield self._held[file.name]
            return
        how = self.source.how
        with (
            as_read(self.place.path(file), how.text, self._scratch) as path,
            _as_table(path, how, self._scratch) as (table, form),
        ):
            if is_streamed(table, form):
                yield from scan_file(table, form).collect_batches()
            else:
                yield _read_whole(table, form)

    def sheet(self) -> str | None:
        """Say which of its sheets is read of the first workbook; None if that is clear."""
        if not self.files or self.source.how.kind != "excel" or self.source.how.sheet is not None:
            return None
        file = self.files[0].file
        with as_read(self.place.path(file), None, self._scratch) as path:
            said = which_sheet(path)
        return said and f"{file.name}: {said}"

    def check(self) -> None:
        """See whether the files that were read once more are still those that were looked at.

        Raises:
            AssetError: Somebody wrote one meanwhile; nothing of it may land.
        """
        for each in self.files:
            is_held = each.file.name in self._held
            if not is_held and not self.place.is_as_found(each.file):
                raise AssetError(
                    f"{each.file.name} was written while it was read; nothing was landed",
                    code="POL365",
                    hint="run it again; let the sender write under another name, such as "
                    "orders.csv.tmp, and rename it when it is whole",
                )


@contextmanager
def _as_table(path: Path, how: Format, scratch: Path) -> Iterator[tuple[Path, Format]]:
    """Give a file as one that holds its records line by line, for as long as it is read."""
    if how.kind != "xml" and not is_long_list(path, how):
        yield path, how
        return
    with as_lines(path, how.record, scratch) as lines:
        yield lines, JSON_LINES


def _read_whole(path: Path, how: Format) -> pl.DataFrame:
    match how.kind:
        case "excel":
            return read_workbook(path, how)
        case "avro":
            from polster.sources.file_avro import read_avro  # few files are

            return numbered(read_avro(path))
    return read_file(path, how)


def _pieces(parts: Iterable[pl.DataFrame]) -> Iterator[pl.DataFrame]:
    """Put small frames together, which each would cost as much as a large one."""
    waiting: list[pl.DataFrame] = []
    rows = 0
    for part in parts:
        waiting.append(part)
        rows += part.height
        if rows >= PIECE_ROWS or len(waiting) == PIECES:
            yield pl.concat(waiting)
            waiting, rows = [], 0
    if waiting:
        yield pl.concat(waiting)


def _notes(
    waiting: Sequence[str], changing: Sequence[str], overwritten: Sequence[str] = ()
) -> tuple[str, ...]:
    said = []
    for names, why in (
        (waiting, "left for next time, empty, or not finished"),
        (changing, "left for next time, being written"),
        (overwritten, "overwritten since it landed, so that it landed as a new file"),
    ):
        if names:
            more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
            said.append(f"{why}: {', '.join(names[:SHOWN])}{more}")
    return tuple(said)
