"""The settings of a project: ``[tool.polster]`` in its ``pyproject.toml``.

```toml
[tool.polster]
lakehouse = "data"                  # the environment dev, unless it has its own table
environment = "dev"                 # the one used when nothing else is said
memory_limit = "4GiB"               # of all assets that are at work together
verify = 0.05                       # of parts of tables, so many are compared with a whole build

[tool.polster.environments.prod]
lakehouse = "${POLSTER_PROD_LAKEHOUSE}"

[tool.polster.upkeep]
keep_days = 7

[tool.polster.rules]
allow = ["silver->silver"]
ignore = ["POL223"]
severity = { POL601 = "error" }

[tool.polster.rules.assets."gold.*"]
ignore = ["POL711"]
```
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from dotenv import dotenv_values
from pydantic import AfterValidator, BaseModel, ByteSize, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from polster.errors import SettingsError, UsageError, nearest
from polster.model.finding import Severity
from polster.model.layer import OPTIONAL_ARROWS, LayerRules
from polster.model.rule import RuleChoice, RuleSettings
from polster.model.secrets import without_secrets
from polster.model.upkeep import Retention
from polster.project.import_path import SOURCE_FOLDER
from polster.project.locate import SETTINGS_FILE
from polster.project.storage_backend import in_storage_backend

ENVIRONMENT_VARIABLE = "POLSTER_ENV"
DEFAULT_ENVIRONMENT = "dev"
DEFAULT_LAKEHOUSE = "data"
STORE_SCHEMES = ("s3", "s3a", "az", "azure", "abfs", "abfss", "adl", "gs", "gcs")
LEAST_MEMORY = 1024 * 1024
STORE_PREFIXES = ("AWS_", "AZURE_", "GOOGLE_")
MISREAD = re.compile(r"%[0-9A-Fa-f]{2}|\\|[\x00-\x1f\x7f]")
"""What delta-rs takes for something else in the name of a folder, some of the time."""
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Environment(_Table):
    lakehouse: Annotated[str, Field(min_length=1)]


_Code = Annotated[str, Field(pattern=r"^POL[0-9]{0,3}$")]
_Severity = Literal["error", "warning"]


class _Choice(_Table):
    ignore: list[_Code] = []
    severity: dict[_Code, _Severity] = {}

    def value(self) -> RuleChoice:
        severities = {code: Severity(name) for code, name in self.severity.items()}
        return RuleChoice(tuple(self.ignore), severities)


class _Rules(_Choice):
    allow: list[Literal["silver->silver", "gold->gold"]] = []
    select: list[_Code] = ["POL"]
    max_readers: Annotated[int, Field(ge=1)] = 20
    assets: dict[str, _Choice] = {}


class _Upkeep(_Table):
    keep_days: Annotated[float, Field(ge=0, le=36500)] = 7
    keep_releases: Annotated[int, Field(ge=1)] = 30
    after_runs: bool = True


def _enough(size: ByteSize) -> ByteSize:
    if size < LEAST_MEMORY:
        raise ValueError("so little memory is none: write 1MiB or more")
    return size


class _Settings(_Table):
    lakehouse: Annotated[str, Field(min_length=1)] = DEFAULT_LAKEHOUSE
    environment: Annotated[str, Field(min_length=1)] = DEFAULT_ENVIRONMENT
    environments: dict[str, _Environment] = {}
    memory_limit: Annotated[ByteSize, AfterValidator(_enough)] | None = None
    verify: Annotated[float, Field(ge=0, le=1)] = 0
    rules: _Rules = _Rules()
    upkeep: _Upkeep = _Upkeep()


class _Tools(BaseModel):
    polster: _Settings = _Settings()


class _Project(BaseModel):
    name: str | None = None


class _Document(BaseModel):
    project: _Project = _Project()
    tool: _Tools = _Tools()


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one project, checked.

    Attributes:
        root: The project's folder.
        lakehouses: What is written for each environment, variables not yet filled in.
        default_environment: The one used when nothing else is said.
        name: Of the project, where it has one.
        is_plain: Whether ``dev`` has no table of its own, so that variables may say where it lies.
        rules: Which layer may read which.
        checks: Which rules ``validate`` judges by, and how severely.
        retention: What stays readable of what is no longer current.
        memory_limit: Bytes that the assets at work may take together; None for a share of what
            there is.
        keeps_up: Whether runs look after the lakehouse by themselves.
        verify: Which share of the parts of tables that runs make is compared with a whole build.
    """

    root: Path
    lakehouses: Mapping[str, str]
    default_environment: str
    rules: LayerRules
    checks: RuleSettings = field(default_factory=RuleSettings)
    retention: Retention = field(default_factory=Retention)
    keeps_up: bool = True
    memory_limit: int | None = None
    verify: float = 0
    name: str | None = None
    is_plain: bool = False


@dataclass(frozen=True, slots=True)
class Environment:
    """Where one environment's lakehouse lies.

    Attributes:
        name: Such as ``dev`` or ``prod``.
        lakehouse: An absolute folder, or the URL of an object store.
        storage_options: Keys and secrets for an object store; never shown.
    """

    name: str
    lakehouse: str
    storage_options: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Environment(name={self.name!r}, lakehouse={without_secrets(self.lakehouse)!r})"


def read_settings(root: Path) -> Settings:
    """Read and check the settings of the project in ``root``.

    Raises:
        SettingsError: A name is unknown or a value makes no sense; all are reported together.
    """
    path = root / SETTINGS_FILE
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(
            f"the settings cannot be read: {error}", code="POL103", place=str(path)
        ) from error
    try:
        read = _Document.model_validate(document)
    except ValidationError as error:
        raise SettingsError(
            "; ".join(_problem(problem) for problem in error.errors()),
            code="POL103",
            place=str(path),
            hint="the settings are described in docs/configuration.md of Polster",
        ) from error
    table = read.tool.polster
    lakehouses = {name: entry.lakehouse for name, entry in table.environments.items()}
    lakehouses.setdefault(DEFAULT_ENVIRONMENT, table.lakehouse)
    if table.environment not in lakehouses:
        raise SettingsError(
            f"the environment `{table.environment}` has no table of its own",
            code="POL103",
            place=str(path),
            hint=f'add [tool.polster.environments.{table.environment}] with lakehouse = "…"',
        )
    within = frozenset(OPTIONAL_ARROWS[arrow] for arrow in table.rules.allow)
    checks = RuleSettings(
        tuple(table.rules.select),
        table.rules.value(),
        {pattern: choice.value() for pattern, choice in table.rules.assets.items()},
        table.rules.max_readers,
    )
    keep = timedelta(days=table.upkeep.keep_days)
    return Settings(
        root,
        lakehouses,
        table.environment,
        LayerRules(within),
        checks,
        Retention(keep, table.upkeep.keep_releases),
        table.upkeep.after_runs,
        table.memory_limit,
        table.verify,
        read.project.name,
        DEFAULT_ENVIRONMENT not in table.environments,
    )


def load_dotenv(root: Path) -> None:
    """Put the variables of the project's ``.env`` into the environment, set ones kept.

    Raises:
        SettingsError: It cannot be read.
    """
    path = root / ".env"
    if not path.is_file():
        return
    try:
        for name, value in dotenv_values(path).items():
            if value:
                os.environ.setdefault(name, value)
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"the file is not UTF-8: byte {error.start + 1} is no character of it",
            code="POL109",
            place=str(path),
            hint="save it as UTF-8; PowerShell's `>` writes UTF-16",
        ) from error
    except (OSError, ValueError) as error:  # a name without a character, or a null byte
        raise SettingsError(
            f"a variable of the file cannot be set: {error}", code="POL109", place=str(path)
        ) from error


def choose_environment(settings: Settings, name: str | None) -> Environment:
    """Return the environment asked for: ``name``, else ``POLSTER_ENV``, else the default.

    Raises:
        UsageError: No such environment, or a variable that its lakehouse names is not set.
        SettingsError: The ``.env`` cannot be read, or the lakehouse's address makes no sense.
    """
    load_dotenv(settings.root)
    chosen = name or os.environ.get(ENVIRONMENT_VARIABLE) or settings.default_environment
    if chosen not in settings.lakehouses:
        close = nearest(chosen, settings.lakehouses)
        known = ", ".join(sorted(settings.lakehouses))
        raise UsageError(
            f"there is no environment `{chosen}`",
            code="POL104",
            hint=f"did you mean `{close}`?" if close else f"the environments: {known}",
            place=str(settings.root / SETTINGS_FILE),
        )
    stored = None
    if settings.is_plain and chosen == DEFAULT_ENVIRONMENT:
        stored = in_storage_backend(settings.root, settings.name)
    written = settings.lakehouses[chosen] if stored is None else stored[0]
    if "${" in VARIABLE.sub("", written):
        why = "a variable is a name in braces"
        hint = 'letters, digits and _: lakehouse = "${POLSTER_LAKEHOUSE}"'
        raise _no_address(written, chosen, settings.root, why, hint)
    lakehouse = VARIABLE.sub(lambda found: _variable(found[1], chosen, settings.root), written)
    if "://" not in lakehouse:
        return Environment(chosen, _folder(lakehouse, chosen, settings.root), {})
    _check_address(lakehouse, chosen, settings.root)
    options = {variable.lower(): value for variable, value in _store_variables().items()}
    options |= stored[1] if stored else {}
    return Environment(chosen, lakehouse.rstrip("/"), options)


def _folder(written: str, environment: str, root: Path) -> str:
    try:
        folder = (root / Path(written).expanduser()).resolve()
        folder.exists()  # a name may be longer than any
    except (OSError, ValueError, RuntimeError) as error:  # a loop of links, a null, nobody's home
        raise _no_address(written, environment, root, f"no folder: {error}") from error
    project = root.resolve()
    if project.is_relative_to(folder) or folder.is_relative_to(project / SOURCE_FOLDER):
        why = "that is the folder of the project or of its code, or one that holds them"
        raise _no_address(written, environment, root, why, 'tables have their own: "data"')
    if found := MISREAD.search(folder.as_posix()):
        why = f"the clients of Delta tables misread `{found[0]}` in the name of {folder}"
        hint = 'rename that folder, or name another one: lakehouse = "/data/shop"'
        raise _no_address(written, environment, root, why, hint)
    return str(folder)


def _check_address(written: str, environment: str, root: Path) -> None:
    """Refuse what no store could be reached by; their clients say so late, or not at all.

    Raises:
        SettingsError: The scheme is none of an object store, or there are credentials in it.
    """
    scheme, _, rest = written.partition("://")
    bucket = rest.partition("/")[0]
    if scheme.lower() not in STORE_SCHEMES:
        known = ", ".join(f"{each}://" for each in STORE_SCHEMES)
        raise _no_address(
            written,
            environment,
            root,
            f"`{scheme}://` is no object store",
            hint=f"a folder is written as a path; the stores: {known}",
        )
    if not bucket or "\0" in rest:
        raise _no_address(written, environment, root, "it names no bucket")
    if "?" in rest or ":" in bucket:
        raise _no_address(
            f"{scheme}://***",
            environment,
            root,
            "it holds credentials, or a query",
            hint="write the bucket and the path alone; keys stand in the environment or in .env: "
            "AWS_…, AZURE_…, GOOGLE_…",
        )


def _no_address(
    written: str, environment: str, root: Path, why: str, hint: str | None = None
) -> SettingsError:
    shown = written.encode("unicode_escape").decode()
    return SettingsError(
        f"the lakehouse `{shown}` of the environment `{environment}` makes no sense: {why}",
        code="POL108",
        place=str(root / SETTINGS_FILE),
        hint=hint or 'write a folder or the URL of an object store: lakehouse = "data"',
    )


def _store_variables() -> dict[str, str]:
    """Return the variables of object stores, after taking away the empty ones.

    A secret that a CI platform does not have arrives as an empty text, which the clients of the
    stores would take for a key.
    """
    found = {name: os.environ[name] for name in os.environ if name.startswith(STORE_PREFIXES)}
    for name in [name for name, value in found.items() if not value]:
        del os.environ[name], found[name]
    return found


def _variable(name: str, environment: str, root: Path) -> str:
    value = os.environ.get(name)
    if not value:
        raise UsageError(
            f"the environment `{environment}` needs the variable {name}, which is not set",
            code="POL105",
            hint=f"set {name} in the shell, in your CI's secrets or in {root / '.env'}",
        )
    return value


def _problem(problem: ErrorDetails) -> str:
    path = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"`{path}` is not a setting"
    if problem["type"] == "model_type":
        return f"`{path}` should be a table"
    if problem["type"] == "string_pattern_mismatch":
        written = problem["input"]
        return f"`{path}`: `{written}` is not the code of a rule, such as POL203, or its beginning"
    return f"`{path}`: {problem['msg'][:1].lower()}{problem['msg'][1:]}"
