"""The files that bronze could not read: why, and their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from fastapi.responses import FileResponse, PlainTextResponse, Response
from nicegui import app

from polster.dashboard.board import Board
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import asset_address
from polster.dashboard.words import number
from polster.model.asset import AssetKey
from polster.model.set_aside import SetAsideFile
from polster.operations.quarantine import files_set_aside

FILE = "/quarantine/file"
SHOWN = 50


def draw_files(files: Mapping[AssetKey, Sequence[SetAsideFile]], asset: AssetKey | None) -> None:
    """Draw the files that were set aside, of all assets or of one; nothing if there are none."""
    found = [(key, each) for key, some in files.items() for each in some if asset in (None, key)]
    if not found:
        return
    found.sort(key=lambda pair: (pair[1].is_open, pair[1].at), reverse=True)
    with Tag("section", classes="card"):
        Tag("h2", "Files set aside")
        Tag("p", "A file that cannot be read lands nothing. Mend it where it lies, and it lands.")
        with Tag("div", classes="scroll"), Tag("table", classes="plain"):
            with Tag("thead"), Tag("tr"):
                for name in ("asset", "file", "why", "since", "now", "bytes"):
                    Tag("th", name, scope="col")
            with Tag("tbody"):
                for key, each in found[:SHOWN]:
                    _file(key, each)
        if len(found) > SHOWN:
            Tag("p", f"and {number(len(found) - SHOWN)} more", classes="soft small")


def _file(key: AssetKey, file: SetAsideFile) -> None:
    with Tag("tr"):
        with Tag("td"):
            Tag("a", str(key), href=asset_address(key), classes="mono")
        Tag("td", file.name, classes="mono")
        Tag("td", file.reason)
        with Tag("td"):
            Moment(datetime.fromisoformat(file.at))
        Tag("td", "still there" if file.is_open else "mended or gone")
        with Tag("td"):
            if "://" in file.kept:
                Tag("span", file.kept, classes="mono")
            else:
                Tag("a", "download", href=f"{FILE}/{quote(str(key))}/{quote(file.digest)}")


def add_file_download(board: Board) -> None:
    """Answer the addresses from which the bytes of files are downloaded."""

    @app.get(FILE + "/{asset}/{digest}")
    async def download(asset: str, digest: str) -> Response:
        every = await board.ask(files_set_aside)
        key = AssetKey.parse(asset)
        for each in every.get(key, ()) if key else ():
            if each.digest == digest and Path(each.kept).is_file():
                name = each.name.rpartition("/")[2]
                return FileResponse(each.kept, media_type="application/octet-stream", filename=name)
        return PlainTextResponse("there is no such file", 404)
