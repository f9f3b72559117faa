"""Which files have landed, each known by what is in it and by what its name says."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote_plus, urlencode

from polster.errors import AssetError
from polster.sources.file_list import DIGEST_BYTES, FoundFile
from polster.sources.file_pattern import AmbiguousNameError, Pattern, Values
from polster.sources.source import Known

MOST_IN_COMMIT = 500
"""Of so many files at most a commit names each; of more it names the text that does."""


@dataclass(frozen=True, slots=True)
class ArrivedFile:
    """A file, and what makes it another one than others.

    Attributes:
        digest: Of its content.
        identity: What it is known by: its content, and what its name says.
        values: What its name says by the placeholders of the pattern; none if that is not clear.
        by_name: A digest of its content, its name and the pattern: these do not go together.
        unclear: Why the name does not say the values; empty if it does.
    """

    file: FoundFile
    digest: str
    identity: str
    values: Values = ()
    by_name: str = ""
    unclear: str = ""

    @classmethod
    def of(cls, file: FoundFile, digest: str, pattern: Pattern) -> ArrivedFile:
        """Read the name of a file."""
        if not pattern.names:
            return cls(file, digest, digest)
        both = f"{digest} {pattern.text} {file.name}"
        by_name = hashlib.blake2b(both.encode(), digest_size=DIGEST_BYTES).hexdigest()
        try:
            values = pattern.values(file.name)
        except AmbiguousNameError as error:
            return cls(file, digest, by_name, (), by_name, str(error))
        return cls(file, digest, f"{digest}?{urlencode(values)}", values, by_name)

    @property
    def aside(self) -> frozenset[str]:
        """Return by which digests it is known if it is set aside."""
        return frozenset((self.digest, self.by_name))


@dataclass(frozen=True, slots=True)
class Memory:
    """Which files have landed.

    Attributes:
        landed: The identities of all.
        others: Of those whose names were read by other placeholders, what they said, by content.
        base: Name of the text that holds most; empty if none does.
        recent: Those that no text holds yet.
    """

    known: Known
    landed: frozenset[str]
    others: Mapping[str, Sequence[Mapping[str, str]]]
    base: str
    recent: tuple[str, ...]

    @classmethod
    def read(cls, known: Known, names: Sequence[str]) -> Memory:
        """Read what the table remembers.

        Args:
            known: What the table remembers.
            names: Of the placeholders that the pattern has now.

        Raises:
            AssetError: A text that a commit names is gone.
        """
        if not known.memory or known.is_whole:
            return cls(known, frozenset(), {}, "", ())
        said = json.loads(known.memory)
        base, recent = said["base"], tuple(said["landed"])
        text = known.notes.read(base) if base and known.notes else ""
        if text is None:
            raise AssetError(
                "what its table holds of its files is not known: the list of them is gone",
                code="POL361",
                hint=f"bring {base} back to where Polster keeps it, or move the table away, to "
                "land all files once more",
            )
        landed = frozenset([*text.split(), *recent])
        these = "&".join(f"{quote_plus(name)}=[^&]+" for name in names)
        by_these = re.compile(rf"\w+\?{these}" if names else r"\w+")
        others: dict[str, list[Mapping[str, str]]] = {}
        for each in landed:
            if not by_these.fullmatch(each):
                digest, _, values = each.partition("?")
                others.setdefault(digest, []).append(dict(parse_qsl(values)))
        return cls(known, landed, others, base, recent)

    def holds(self, arrived: ArrivedFile) -> bool:
        """Tell whether a file has landed.

        Of one whose name was read by other placeholders, those count that there were then, too.
        """
        return arrived.identity in self.landed or any(
            all(before.get(name, value) == value for name, value in arrived.values)
            for before in self.others.get(arrived.digest, ())
        )

    def text(self, landed: Sequence[str]) -> str:
        """Return what to remember once more contents have landed."""
        recent = (*self.recent, *landed)
        if len(recent) <= MOST_IN_COMMIT or self.known.notes is None:
            return json.dumps({"base": self.base, "landed": recent})
        every = " ".join(sorted(self.landed.union(recent)))
        name = f"{hashlib.blake2b(every.encode(), digest_size=16).hexdigest()}.txt"
        self.known.notes.write(name, every)
        return json.dumps({"base": name, "landed": []})
