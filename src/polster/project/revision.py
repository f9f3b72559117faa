"""A project as it was at a revision of git, written into a folder of its own.

Files are read from git's objects, not checked out: no hook, filter or submodule of the
repository gets to run, and the working tree is not touched.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from polster.errors import PolsterError, UsageError, nearest
from polster.project.locate import SETTINGS_FILE

LARGEST_BYTES = 5_000_000
"""Larger files are data, not code, and are left out."""
SAFE = ("-c", "core.fsmonitor=false", "-c", "core.quotePath=false", "--no-pager")
QUIET = {"GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}


@dataclass(frozen=True, slots=True)
class Revision:
    """One commit that a project is compared with.

    Attributes:
        name: As the user wrote it.
        commit: Its full name in git.
    """

    name: str
    commit: str


class Repository:
    """The git repository that a project lies in.

    Args:
        root: The project's folder, the repository's own or one below.

    Raises:
        UsageError: There is no git, or no repository.
    """

    def __init__(self, root: Path) -> None:
        executable = shutil.which("git")
        if executable is None:
            raise UsageError(
                "git is not installed, and the comparison reads the older state from it",
                code="POL114",
                hint="install git",
            )
        self.root = root
        self.git = executable
        found = self._try("rev-parse", "--is-inside-work-tree")
        if found.returncode != 0:
            said = _last_line(found.stderr)
            if "not a git repository" not in said:
                raise _refused(said, root)
            raise UsageError(
                "the project is not in a git repository, so there is no older state",
                code="POL111",
                place=str(root),
                hint="make it one, and commit: git init",
            )

    def find(self, name: str, *, at_fork: bool = False) -> Revision:
        """Find the commit that ``name`` means: a branch, a tag, ``HEAD~1``.

        Args:
            name: As git understands it.
            at_fork: Whether the commit is meant where the current branch left it.

        Raises:
            UsageError: There is none.
        """
        found = None if name.startswith("-") else self._commit(name)
        if found is None:
            raise UsageError(
                f"git knows no revision `{name}`", code="POL112", hint=self._hint(name)
            )
        if at_fork:
            base = self._try("merge-base", found, "HEAD")
            if base.returncode != 0:
                raise UsageError(
                    f"`{name}` and the current branch have no commit in common",
                    code="POL112",
                    hint=self._shallow_hint() or "leave --merge-base out",
                )
            found = base.stdout.decode().strip()
        return Revision(name, found)

    def write(self, revision: Revision, folder: Path) -> None:
        """Write the project's files, as they were at ``revision``, into the empty ``folder``.

        Links are left out unless they stay inside the project; so are files too large for code.

        Raises:
            UsageError: There was no project at that revision.
        """
        entries = list(self._entries(revision))
        if not any(entry.path == SETTINGS_FILE for entry in entries):
            raise UsageError(
                f"the project did not exist at `{revision.name}`",
                code="POL113",
                place=str(self.root),
                hint="name a later revision; see: git log -- .",
            )
        links: list[tuple[Path, str]] = []
        for entry, content in self._contents(entries):
            path = folder / entry.path
            path.parent.mkdir(parents=True, exist_ok=True)
            if entry.is_link:
                links.append((path, content.decode(errors="surrogateescape")))
            else:
                path.write_bytes(content)
        for path, target in links:  # last, so that nothing is written through one
            path.symlink_to(target)
        for path, _ in links:
            if not path.resolve().is_relative_to(folder.resolve()):
                path.unlink()

    def _commit(self, name: str) -> str | None:
        found = self._try("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
        return found.stdout.decode().strip() if found.returncode == 0 else None

    def _hint(self, name: str) -> str:
        if self._commit("HEAD") is None:
            return "the repository has no commit yet"
        listed = self._run("for-each-ref", "--format=%(refname:short)")
        close = nearest(name, listed.decode(errors="replace").split())
        if close:
            return f"did you mean `{close}`?"
        return self._shallow_hint() or "see the branches and tags with: git branch -a; git tag"

    def _shallow_hint(self) -> str | None:
        """Say what helps in a clone that holds the last commits only, as those of CI do."""
        found = self._try("rev-parse", "--is-shallow-repository")
        if found.stdout.strip() != b"true":
            return None
        return "this clone holds the last commits only; get all with: git fetch --unshallow"

    def _entries(self, revision: Revision) -> Iterator[_Entry]:
        """Yield the files of the project; git lists what is below the folder it is started in."""
        listed = self._run("ls-tree", "-r", "-z", "--long", revision.commit)
        for line in listed.split(b"\0"):
            if not line:
                continue
            described, _, name = line.partition(b"\t")
            mode, kind, digest, size = described.decode().split()
            path = name.decode(errors="surrogateescape")
            if kind != "blob" or int(size) > LARGEST_BYTES or not _is_safe(path):
                continue
            yield _Entry(path, digest, is_link=mode == "120000")

    def _contents(self, entries: Sequence[_Entry]) -> Iterator[tuple[_Entry, bytes]]:
        wanted = "".join(f"{entry.digest}\n" for entry in entries).encode()
        output = self._run("cat-file", "--batch", given=wanted)
        start = 0
        for entry in entries:
            end = output.index(b"\n", start)
            header = output[start:end].split()
            if len(header) != 3:  # a clone that holds no content of old commits
                raise _refused(f"its object {entry.digest} is not here", self.root)
            size = int(header[2])
            yield entry, output[end + 1 : end + 1 + size]
            start = end + size + 2

    def _run(self, *arguments: str, given: bytes | None = None) -> bytes:
        done = self._try(*arguments, given=given)
        if done.returncode != 0:
            raise _refused(_last_line(done.stderr), self.root)
        return done.stdout

    def _try(
        self, *arguments: str, given: bytes | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        # variables such as GIT_DIR, set inside hooks, would point at another repository
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        return subprocess.run(
            [self.git, *SAFE, *arguments],
            cwd=self.root,
            env=environment | QUIET,
            input=given,
            stdin=None if given is not None else subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )


@dataclass(frozen=True, slots=True)
class _Entry:
    path: str
    digest: str
    is_link: bool


def _is_safe(path: str) -> bool:
    """Tell whether a path of git's stays inside the folder; a crafted repository's may not."""
    parts = PurePosixPath(path).parts
    return bool(parts) and not path.startswith("/") and ".." not in parts and ".git" not in parts


def _refused(said: str, root: Path) -> PolsterError:
    return PolsterError(
        f"git cannot read the repository: {said}",
        code="POL114",
        place=str(root),
        hint="see what git itself says with: git status",
    )


def _last_line(said: bytes) -> str:
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1].removeprefix("fatal: ") if lines else "it does not say why"
