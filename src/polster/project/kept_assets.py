"""What discovery learned of each file, kept by its bytes: only files that differ are parsed again.

Files with a mistake are not kept, so that what is said of them is said from their text; nor are
those with a credential in an address.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any

from polster._version import __version__
from polster.model.asset import Asset, AssetKey, Options, Parameter
from polster.model.codec import from_json, to_json
from polster.model.layer import Layer
from polster.model.secrets import without_secrets
from polster.project.kept_lines import digest, keep, read_kept

FILE = "assets"
FORMAT = [2, __version__, sys.version]
"""What it depends on what is learned of a file, apart from its place and its bytes."""

DEFAULTS = Options()


@dataclass(slots=True)
class KeptAssets:
    """The assets of a project's files as they were read last, and those that are read now.

    Attributes:
        root: The project's folder.
    """

    root: Path
    _known: dict[str, list[Any]] = field(init=False)
    _now: dict[str, list[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = _read_known(self.root)

    def find(self, file: str, content: bytes) -> Asset | None:
        """Return the asset of a file that holds these bytes; None if it must be read.

        Args:
            file: Relative to the project's folder, forward slashes.
            content: Its bytes.
        """
        known = self._find(file, content)
        try:
            return _asset(file, *known[2:]) if known and known[2:] else None
        except (ValueError, TypeError, LookupError):  # another Polster of this version wrote it
            return None

    def holds_none(self, file: str, content: bytes) -> bool:
        """Tell whether it is known that a file of these bytes holds no asset."""
        known = self._find(file, content)
        return known is not None and not known[2:]

    def learn(self, file: str, content: bytes, asset: Asset | None) -> None:
        """Remember what was read of a file: its asset, or that it holds none."""
        learned = list(_written(asset)) if asset else []
        if without_secrets(said := str(learned)) == said:
            self._now[file] = [file, digest(content), *learned]

    def keep(self) -> None:
        """Keep what was found and learned, if it is not what is kept already."""
        if self._now != self._known:
            keep(self.root, FILE, [FORMAT, *self._now.values()])

    def _find(self, file: str, content: bytes) -> list[Any] | None:
        known = self._known.get(file)
        if known is None or known[1] != digest(content):
            return None
        self._now[file] = known
        return known


def _read_known(root: Path) -> dict[str, list[Any]]:
    try:
        written, *lines = read_kept(root, FILE)
        return {line[0]: line for line in lines} if written == FORMAT else {}
    except (OSError, ValueError, TypeError, LookupError, RecursionError):
        return {}


def _written(asset: Asset) -> Iterator[Any]:
    given = [
        each.name
        for each in fields(Options)
        if getattr(asset.options, each.name) is not getattr(DEFAULTS, each.name)
    ]
    yield from (asset.key.layer, asset.key.name, asset.line, asset.module)
    yield [list(astuple(parameter)) for parameter in asset.parameters]
    yield to_json(asset.options, *given) if given else {}


def _asset(
    file: str,
    layer: str,
    name: str,
    line: int,
    module: str,
    parameters: Sequence[Sequence[Any]],
    options: Mapping[str, Any],
) -> Asset:
    return Asset(
        AssetKey(Layer(layer), name),
        file,
        line,
        module,
        tuple(Parameter(*parameter) for parameter in parameters),
        from_json(Options, options),
    )
