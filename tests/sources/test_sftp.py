"""Files on a real server of SFTP: each lands once, whole, from the server that is meant."""

from __future__ import annotations

import asyncio
import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, ClassVar

import asyncssh
import polars as pl
import pytest

from polster.errors import AssetError
from polster.model.record import AssetRecord, AssetStatus
from polster.sources import files

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PASSWORD = "pa55/not-to-be-seen"


class Partner(asyncssh.SSHServer):
    """Lets one user in, by password or key."""

    known: asyncssh.SSHKey
    lets_in = True

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("partner", PASSWORD)

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "partner" and key == self.known.convert_to_public()


class Cutting(asyncssh.SFTPServer):
    """Ends a connection in the middle of a file, as often as it is told to."""

    cuts = 0
    reads: ClassVar[list[int]] = []
    is_cut = False

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        Cutting.reads.append(offset)
        if Cutting.cuts and offset > 0 and not self.is_cut:
            self.is_cut = True
            Cutting.cuts -= 1
            self.channel.get_connection().abort()
            raise asyncssh.SFTPConnectionLost("cut")
        return super().read(file_obj, offset, size)


class Server:
    """A server in a thread of this process."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.outbox = folder / "outbox"
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        Partner.known = asyncssh.generate_private_key("ssh-ed25519")
        self.user_key = folder.parent / "user_key"
        self.user_key.write_bytes(Partner.known.export_private_key())
        self.user_key.chmod(0o600)
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._acceptor = asyncio.run_coroutine_threadsafe(self._serve(), self._loop).result(30)
        self.port = self._acceptor.get_port()

    async def _serve(self) -> Any:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Partner,
            server_host_keys=[self.key],
            sftp_factory=lambda chan: Cutting(chan, chroot=str(self.folder).encode()),
        )

    @property
    def fingerprint(self) -> str:
        return self.key.get_fingerprint()

    def close(self) -> None:
        async def end() -> None:
            self._acceptor.close()
            await self._acceptor.wait_closed()

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("sftp") / "root")
    yield server
    server.close()


@pytest.fixture
def server(serving: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Server:
    shutil.rmtree(serving.folder, ignore_errors=True)
    serving.outbox.mkdir(parents=True)
    monkeypatch.setenv("SFTP_PASSWORD", PASSWORD)
    monkeypatch.setenv("SFTP_KEY_FILE", str(serving.user_key))
    monkeypatch.setenv("HOME", str(tmp_path))  # no keys and no known servers of this machine
    Cutting.cuts = 0
    return serving


def bronze(pipeline: Pipeline, server: Server, pattern: str, arguments: str = "") -> None:
    given = arguments or (
        f'password=polster.secret("SFTP_PASSWORD"), host_key="{server.fingerprint}"'
    )
    pipeline.asset(
        "bronze.orders",
        f"""
        from polster.sources import files

        @bronze(load="append")
        def orders():
            return files("sftp://partner@127.0.0.1:{server.port}{pattern}", {given})
        """,
    )


def landed(pipeline: Pipeline) -> AssetRecord:
    (record,) = pipeline.run("bronze.orders").assets
    assert PASSWORD not in str(record)
    return record


def rows(pipeline: Pipeline) -> list[tuple[str, str]]:
    table = pl.read_delta(str(pipeline.data / "bronze/orders"))
    return sorted(
        (row["id"], row["_source"].partition("/outbox/")[2]) for row in table.iter_rows(named=True)
    )


def test_each_file_lands_once(pipeline: Pipeline, server: Server) -> None:
    (server.outbox / "a b.csv.gz").write_bytes(gzip.compress(b"id\n1\n"))
    (server.outbox / "caf\xe9 'x'.csv").write_text("id\n2\n")
    (server.outbox / "later.csv.part").write_text("id\n9\n")
    (server.outbox / ".hidden.csv").write_text("id\n9\n")
    arguments = f'password=polster.secret("SFTP_PASSWORD"), host_key="{server.fingerprint}"'
    bronze(pipeline, server, "/outbox/*.csv*", f'{arguments}, format="csv"')

    first = landed(pipeline)
    Cutting.reads.clear()
    second = landed(pipeline)
    read_again = list(Cutting.reads)
    (server.outbox / "c.csv").write_text("id\n3\n")
    (server.outbox / "again.csv").write_text("id\n2\n")  # of the same content
    third = landed(pipeline)

    assert first.error is None, first.error
    assert first.rows_published == 2
    assert (second.status, read_again) == (AssetStatus.UNCHANGED, [])
    assert third.rows_published == 1
    assert rows(pipeline) == [("1", "a b.csv.gz"), ("2", "caf\xe9 'x'.csv"), ("3", "c.csv")]


def test_folders_are_looked_through_and_become_columns(pipeline: Pipeline, server: Server) -> None:
    for day in ("2026-01-01", "2026-01-02"):
        (server.outbox / day / "x").mkdir(parents=True)
        (server.outbox / day / "x" / "o.csv").write_text(f"id\n{day[-1]}\n")
    bronze(pipeline, server, "/outbox/{day}/*/o.csv")

    assert landed(pipeline).error is None

    table = pl.read_delta(str(pipeline.data / "bronze/orders")).sort("id")
    assert table["day"].to_list() == ["2026-01-01", "2026-01-02"]


@pytest.mark.parametrize("way", ["secret", "path"])
def test_a_user_comes_in_by_key(pipeline: Pipeline, server: Server, way: str) -> None:
    (server.outbox / "a.csv").write_text("id\n1\n")
    key = 'polster.secret("SFTP_KEY_FILE")' if way == "secret" else repr(str(server.user_key))
    public = " ".join(server.key.export_public_key().decode().split()[:2])
    bronze(pipeline, server, "/outbox/*.csv", f'key_file={key}, host_key="{public} a comment"')

    assert landed(pipeline).error is None
    assert rows(pipeline) == [("1", "a.csv")]


def test_a_server_that_this_machine_knows_needs_no_key_written(
    pipeline: Pipeline, server: Server, tmp_path: Path
) -> None:
    (server.outbox / "a.csv").write_text("id\n1\n")
    (tmp_path / ".ssh").mkdir()
    public = server.key.export_public_key().decode()
    (tmp_path / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {public}")
    bronze(pipeline, server, "/outbox/*.csv", 'password=polster.secret("SFTP_PASSWORD")')

    assert landed(pipeline).error is None


@pytest.mark.parametrize("knows", ["nothing", "another", "another pinned"])
def test_a_server_that_is_not_the_one_that_is_meant_is_told_nothing(
    pipeline: Pipeline, server: Server, tmp_path: Path, knows: str
) -> None:
    arguments = 'password=polster.secret("SFTP_PASSWORD")'
    if knows == "another":
        other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh" / "known_hosts").write_text(f"[127.0.0.1]:{server.port} {other}")
    elif knows == "another pinned":
        arguments += ', host_key="SHA256:AAAA"'
    bronze(pipeline, server, "/outbox/*.csv", arguments)

    error = landed(pipeline).error

    assert error is not None
    assert error.code == "POL362"
    assert server.fingerprint in error.message
    assert "known_hosts" in (error.hint or "")


@pytest.mark.parametrize(
    ("pattern", "arguments", "said"),
    [
        ("/outbox/*.csv", 'password=polster.secret("WRONG"), ', "it does not let partner in"),
        ("/nowhere/*.csv", 'password=polster.secret("SFTP_PASSWORD"), ', "no folder /nowhere"),
        ("/outbox/*.csv", 'password=polster.secret("NOT_SET"), ', "`NOT_SET` is not known"),
        ("/outbox/*.csv", 'key_file="/no/such/key", ', "/no/such/key"),
    ],
    ids=["password", "folder", "secret", "key"],
)
def test_what_is_in_the_way_is_told(
    pipeline: Pipeline,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    arguments: str,
    said: str,
) -> None:
    monkeypatch.setenv("WRONG", "not it")
    bronze(pipeline, server, pattern, f'{arguments}host_key="{server.fingerprint}"')

    error = landed(pipeline).error

    assert error is not None
    assert error.code in ("POL362", "POL374")
    assert said in error.message
    assert error.hint


def test_a_server_that_is_down_is_told(pipeline: Pipeline, server: Server) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        from polster.sources import files

        @bronze(load="append")
        def orders():
            return files("sftp://partner@127.0.0.1:9/outbox/*.csv", host_key="SHA256:AAAA")
        """,
    )

    error = landed(pipeline).error

    assert error is not None
    assert error.code == "POL362"
    assert "Unable to connect to port 9" in error.message


def test_a_file_that_this_user_may_not_read_is_told(pipeline: Pipeline, server: Server) -> None:
    if os.geteuid() == 0:
        (server.outbox / "a.csv").symlink_to(server.outbox / "gone.csv")
        (server.outbox / "b.csv").write_text("id\n1\n")
        bronze(pipeline, server, "/outbox/*.csv")
        assert landed(pipeline).error is None  # a link that leads nowhere is no file
        assert rows(pipeline) == [("1", "b.csv")]
        return
    (server.outbox / "a.csv").write_text("id\n1\n")
    (server.outbox / "a.csv").chmod(0)
    bronze(pipeline, server, "/outbox/*.csv")
    error = landed(pipeline).error
    assert error is not None
    assert "may not read" in error.message


@pytest.mark.parametrize("cuts", [1, 9])
def test_a_connection_that_is_lost_is_made_anew_or_nothing_lands(
    pipeline: Pipeline, server: Server, cuts: int
) -> None:
    count = 200_000
    (server.outbox / "large.csv").write_text("id\n" + "\n".join(map(str, range(count))) + "\n")
    bronze(pipeline, server, "/outbox/*.csv")
    Cutting.cuts = cuts

    record = landed(pipeline)
    Cutting.cuts = 0
    after = landed(pipeline)

    if cuts == 1:
        assert record.error is None, record.error
        assert (record.rows_published, after.status) == (count, AssetStatus.UNCHANGED)
    else:
        assert record.error is not None
        assert "the connection was lost" in record.error.message
        assert after.rows_published == count


def test_validate_asks_no_server(pipeline: Pipeline, server: Server) -> None:
    bronze(pipeline, server, "/outbox/*.csv", 'password=polster.secret("NOT_SET")')

    assert pipeline.cli("validate").exit_code == 0


@pytest.mark.parametrize(
    ("pattern", "arguments", "said"),
    [
        ("sftp://ann:pw@h/o/*.csv", {}, "the password stands in the pattern sftp://***@h/o"),
        ("sftp://ann@h/o/*.csv", {"password": "pw"}, "a password is a text"),
        ("landing/*.csv", {"host_key": "SHA256:A"}, "`host_key` is about a server of SFTP"),
    ],
)
def test_arguments_that_make_no_sense(pattern: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(AssetError) as caught:
        files(pattern, **arguments)

    assert caught.value.code == "POL363"
    assert said in caught.value.message
