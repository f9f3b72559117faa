"""Examining assets over zero rows, in child processes that may hang or crash.

The parent needs neither Polars nor dataframely. It watches the clock, ends a child whose asset
takes too long, and has a new one go on behind that asset.
"""

from __future__ import annotations

import pickle
import subprocess
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import KW_ONLY, dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from types import TracebackType
from typing import IO, Self

from polster.checks.cache.memory import Memory, Recalled
from polster.checks.children import Children, processes_for
from polster.checks.contract_lines import contract_lines
from polster.checks.examined import Examined
from polster.checks.examined_json import examined_from_json
from polster.checks.worker.progress import Progress
from polster.checks.worker.task import Answer, Reading, Task
from polster.errors import PolsterError
from polster.model.asset import Asset, AssetKey
from polster.model.finding import finding_about
from polster.model.graph import AssetGraph
from polster.project.schema_file import Columns, read_schema_file
from polster.project.settings import Environment

READY_SECONDS = 60.0
"""How long a child may take to import Polars."""
POLL_SECONDS = 0.05
LAST_SECONDS = 5.0
"""How long a child may take to end once it has told its last."""


@dataclass(slots=True)
class Examination:
    """Calls every silver and gold function of ``keys`` over zero rows; no data is read.

    It begins when it is entered, and works in its children while the caller does something else.

    Attributes:
        root: The project's folder.
        graph: The pipeline; what ``keys`` stand on is called, too, to know its columns.
        keys: Which assets; all without them.
        environment: Whose published tables say what bronze holds where neither a contract nor
            the project's file of its columns does.
        sources: Columns of bronze as its sources were just asked; they go before all but a
            contract.
        lineage: Whether to follow the columns.
        seconds: How long one asset may take.
        processes: How many children work side by side; by default as many as pay off.
        children: Started already, while the source was read.
        memory: What was examined before; only what changed is examined again.
    """

    root: Path
    graph: AssetGraph
    keys: Collection[AssetKey] | None = None
    _: KW_ONLY
    environment: Environment | None
    lineage: bool
    seconds: float = 10.0
    processes: int | None = None
    children: Children | None = None
    memory: Memory | None = None
    sources: Mapping[AssetKey, Columns] = field(default_factory=dict)
    _order: list[AssetKey] = field(init=False, default_factory=list)
    _recalled: Recalled = field(init=False, default_factory=Recalled)
    _found: dict[AssetKey, Examined] = field(init=False, default_factory=dict)
    _parts: list[_Part] = field(init=False, default_factory=list)
    _running: list[Future[dict[AssetKey, Examined]]] = field(init=False, default_factory=list)
    _pool: ExitStack = field(init=False, default_factory=ExitStack)

    def __enter__(self) -> Self:
        graph, memory = self.graph, self.memory
        chosen = set(graph.assets) if self.keys is None else set(self.keys)
        self._order = [key for key in graph.assets if key in chosen]
        if not self._order:
            return self
        kept = {**read_schema_file(self.root), **self.sources}
        if memory is not None:
            needed = chosen | graph.ancestors(chosen)
            self._recalled = memory.recall(
                graph, needed, self.environment, kept, lineage=self.lineage, seconds=self.seconds
            )
        fresh = self._recalled.fresh
        self._found = {key: fresh[key].examined for key in self._order if key in fresh}
        stale = [key for key in self._order if key not in fresh]
        count = self.processes or processes_for(len(stale))
        for part in _split(graph, stale, count):
            task = _task(
                *(self.root, graph, part, self.environment, self._recalled), lineage=self.lineage
            )
            task = replace(task, kept=kept, asked=frozenset(self.sources))
            children = self.children or Children()
            self._parts.append(_Part(task, self.seconds, children, self._recalled))
        if self._parts:
            pool = self._pool.enter_context(ThreadPoolExecutor(len(self._parts)))
            self._running = [pool.submit(part.run) for part in self._parts]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:  # nobody will ask for the result
            for part in self._parts:
                part.stop()
        self._pool.close()

    def result(self) -> list[Examined]:
        """Wait for the children, and return one value an asset, upstream first."""
        found, graph, memory = self._found, self.graph, self.memory
        if memory is not None and self._order:
            memory.prepare(graph, [key for key in self._order if key not in found])
        for each in self._running:
            found |= each.result()
        if memory is not None and self._order:
            answers = {key: answer for part in self._parts for key, answer in part.answers.items()}
            reading = {module for part in self._parts for module in part.reading}
            memory.keep(graph, self._recalled, answers, reading)
        if any(column.pii for entry in found.values() for column in entry.contract or ()):
            found = {key: _with_lines(entry, self.root, graph[key]) for key, entry in found.items()}
        return [_with_consumers(found[key], graph) for key in self._order]


def examine(examination: Examination) -> list[Examined]:
    """Do a whole examination, with nothing else meanwhile."""
    with examination:
        return examination.result()


def _with_lines(entry: Examined, root: Path, asset: Asset) -> Examined:
    """Say where the contract's columns are written; only personal data asks for that."""
    lines = contract_lines(root / asset.file, asset.options.contract)
    return replace(entry, contract_lines=lines)


def _split(graph: AssetGraph, order: Sequence[AssetKey], count: int) -> Iterator[list[AssetKey]]:
    """Split ``order`` so that the parts share little of what they stand on.

    What is shared is called once for each part. So neighbours, which read the same tables, stay
    together.
    """
    if count <= 1:
        if order:
            yield list(order)
        return
    near = _neighbours(graph, order)
    size = -(-len(near) // count)
    for start in range(0, len(near), size):
        part = set(near[start : start + size])
        yield [key for key in order if key in part]


def _neighbours(graph: AssetGraph, order: Sequence[AssetKey]) -> list[AssetKey]:
    """Return ``order`` with assets that read the same tables beside each other."""
    beside: dict[AssetKey, list[AssetKey]] = {key: [] for key in order}
    for key in order:
        for other in graph.upstream(key):
            if other in beside:
                beside[key].append(other)
                beside[other].append(key)
    seen: dict[AssetKey, None] = {}
    for first in order:
        waiting = deque([first])
        while waiting:
            key = waiting.popleft()
            if key not in seen:
                seen[key] = None
                waiting += beside[key]
    return list(seen)


def _task(
    root: Path,
    graph: AssetGraph,
    part: Collection[AssetKey],
    environment: Environment | None,
    recalled: Recalled,
    *,
    lineage: bool,
) -> Task:
    needed = (set(part) | graph.ancestors(part)) - recalled.fresh.keys()
    assets = tuple(graph[key] for key in graph.assets if key in needed)
    return Task(
        root=str(root),
        assets=assets,
        inputs={asset.key: graph.inputs[asset.key] for asset in assets},
        references={
            asset.key: graph.references[asset.key]
            for asset in assets
            if asset.key in graph.references
        },
        wanted=frozenset(part),
        hopeless=frozenset(),
        lakehouse=environment.lakehouse if environment else None,
        storage_options=dict(environment.storage_options) if environment else {},
        lineage=lineage,
        given={
            key: recalled.fresh[key].before.outcome
            for asset in assets
            for key in graph.needs(asset.key)
            if key in recalled.fresh
        },
        before={key: recalled.before[key].before for key in needed & recalled.before.keys()},
    )


@dataclass(slots=True)
class _Part:
    """One part of the pipeline, with as many children, one after the other, as it takes.

    Attributes:
        told: What is known of the assets that are wanted.
        answers: What the last child said of every asset, if it came to its end.
        reading: Modules that read something while they were imported.
    """

    task: Task
    seconds: float
    children: Children
    recalled: Recalled
    told: dict[AssetKey, Examined] = field(default_factory=dict)
    answers: dict[AssetKey, Answer] = field(default_factory=dict)
    reading: frozenset[str] = frozenset()
    _child: subprocess.Popen[bytes] | None = None
    _is_stopped: bool = False

    def stop(self) -> None:
        """End the child at work, and start no other."""
        self._is_stopped = True
        if self._child is not None:
            self._child.kill()

    def run(self) -> dict[AssetKey, Examined]:
        assets = {asset.key: asset for asset in self.task.assets}
        wanted = self.task.wanted
        why = ""
        while (left := wanted - self.told.keys()) and not self._is_stopped:
            with TemporaryDirectory(prefix="polster-") as folder:
                place, progress = Path(folder, "calls"), Path(folder, "progress")
                place.mkdir()
                watched = Progress.begun(progress)
                task = replace(self.task, folder=str(place), progress=str(progress))
                stuck, why = self._ask(task, watched)
                watched.close()
            if stuck is None and why:
                raise PolsterError(
                    f"the examination did not begin: {why}",
                    code="POL901",
                    hint="what the process wrote to stderr says more",
                )
            if stuck is None or stuck in self.task.hopeless:  # not even its import is possible
                break
            if stuck in left and stuck not in self.told:
                self.told[stuck] = _stuck(assets[stuck], why, self.seconds)
            hopeless = self.task.hopeless | {stuck}
            self.task = replace(self.task, hopeless=hopeless, wanted=wanted - self.told.keys())
        for key in wanted - self.told.keys():
            self.told[key] = Examined(key, unchecked=f"the examination ended: {why}")
        return self.told

    def _ask(self, task: Task, progress: Progress) -> tuple[AssetKey | None, str]:
        """Run one child; return the asset that it did not get over, if any, and why."""
        child = self._child = self.children.take(Path(task.root))
        if self._is_stopped:  # while it was being started
            child.kill()
        if child.stdin is None or child.stdout is None:  # never, with pipes asked for
            return None, "it has no pipes"
        listener = Thread(target=self._listen, args=(child.stdout,), daemon=True)
        listener.start()
        in_time = True
        try:
            with suppress(BrokenPipeError):
                pickle.dump(task, child.stdin)
                child.stdin.close()
            in_time = self._watch(listener, progress)
            if in_time and self.task.wanted - self.told.keys():
                with suppress(subprocess.TimeoutExpired):  # it is ending, and its code says how
                    child.wait(LAST_SECONDS)
        finally:
            child.kill()
            code = child.wait()
            listener.join()
            child.stdout.close()
        number = progress.number
        current = task.assets[number - 1].key if number else None
        if not in_time:
            return current, "time"
        if not self.task.wanted - self.told.keys():
            return None, ""
        return current, f"the process ended with code {code}"

    def _watch(self, listener: Thread, progress: Progress) -> bool:
        """Wait until a child has told all; return early, and False, if an asset takes too long."""
        number, since = 0, time.monotonic()
        while True:
            listener.join(POLL_SECONDS)
            if not listener.is_alive():
                return True
            if progress.number != number:
                number, since = progress.number, time.monotonic()
            elif time.monotonic() - since > (self.seconds if number else READY_SECONDS):
                return False

    def _listen(self, stream: IO[bytes]) -> None:
        """Take down what a child tells, until its end."""
        answers: dict[AssetKey, Answer] = {}
        with suppress(EOFError, OSError, ValueError, pickle.UnpicklingError):
            while True:
                said = pickle.load(stream)  # noqa: S301 - from our own child
                if isinstance(said, Reading):
                    self.answers, self.reading = answers, said.modules
                elif isinstance(said, Answer):
                    answers[said.asset] = said
                    if said.asset in self.task.wanted:
                        self.told[said.asset] = self._examined(said)

    def _examined(self, answer: Answer) -> Examined:
        if answer.written is None:
            return self.recalled.before[answer.asset].examined
        return examined_from_json(answer.asset, answer.written)


def _stuck(asset: Asset, why: str, seconds: float) -> Examined:
    if why == "time":
        code, message = "POL702", f"`{asset.key}` takes more than {seconds:g} s over zero rows"
        hint = "a function only describes what is to be done; take loops and waiting out of it"
    else:
        code, message = "POL705", f"`{asset.key}` ends the process that calls it: {why}"
        hint = "take out what exits or crashes Python"
    finding = finding_about(asset, code, message, hint=hint)
    return Examined(asset.key, (finding,), unchecked=f"{code}: it could not be called to its end")


def _with_consumers(entry: Examined, graph: AssetGraph) -> Examined:
    """Say of what cannot be built which other assets cannot be built, either."""
    if not any(finding.code.startswith("POL3") for finding in entry.findings):
        return entry
    beyond = sorted(graph.descendants([entry.asset]))
    if not beyond:
        return entry
    names = _names(beyond)
    findings = tuple(
        replace(finding, message=f"{finding.message}; {names} cannot be built then")
        if finding.code.startswith("POL3")
        else finding
        for finding in entry.findings
    )
    return replace(entry, findings=findings)


def _names(keys: Iterable[AssetKey]) -> str:
    named = [f"`{key}`" for key in keys]
    if len(named) > 3:
        return f"{named[0]}, {named[1]} and {len(named) - 2} more"
    return " and ".join(named) if len(named) < 3 else f"{named[0]}, {named[1]} and {named[2]}"
