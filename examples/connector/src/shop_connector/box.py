"""A place for files: ``polster.sources.files("box://orders/*.csv")``."""

from __future__ import annotations

import os
from pathlib import Path

from polster.errors import AssetError
from polster.sources.fetched import FetchedFiles
from polster.sources.file_list import FoundFile, Listing


class BoxFiles(FetchedFiles):
    """The files of a box, which is a folder somewhere: ``SHOP_BOX``."""

    @property
    def box(self) -> Path:
        """Return where it is.

        Raises:
            AssetError: Nobody says.
        """
        if not (named := os.environ.get("SHOP_BOX")):
            raise AssetError("nobody says where the box is", code="POL362", hint="set SHOP_BOX")
        return Path(named)

    def list(self) -> Listing:
        """List the files, without reading them."""
        found = []
        for path in self.box.rglob("*"):
            name = f"box://{path.relative_to(self.box).as_posix()}"
            if path.is_file() and self.pattern.matches(name):
                about = path.stat()
                found.append(FoundFile(name, about.st_size, about.st_mtime_ns, about.st_ino))
        return Listing(tuple(sorted(found, key=lambda each: each.name)), ())

    def download(self, file: FoundFile, target: Path) -> None:
        """Fetch one."""
        target.write_bytes((self.box / file.name.removeprefix("box://")).read_bytes())
