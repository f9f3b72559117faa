"""Reading one asset from its file."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from polster.model.asset import (
    DEFAULT_POLICY,
    EVERY_RULE,
    OPTIONS,
    Asset,
    AssetKey,
    Options,
    Parameter,
    name_problem,
    options_of,
)
from polster.model.finding import Finding
from polster.model.graph import VALUE_HINT
from polster.model.layer import Layer
from polster.project.import_path import PACKAGE, SOURCE_FOLDER
from polster.project.imports import statements
from polster.project.literals import NotLiteralError, literal
from polster.project.source import SourceFiles
from polster.project.written_types import Binding, bindings, written_types

CONTEXT_ANNOTATION = "RunContext"

Function = ast.FunctionDef | ast.AsyncFunctionDef


def read_asset_file(
    path: Path, root: Path, files: SourceFiles | None = None
) -> Asset | list[Finding]:
    """Read the one asset of a file, or every mistake that keeps it from being one.

    Args:
        path: Which file.
        root: The project's folder.
        files: Keeps what is parsed, if somebody else wants it, too.
    """
    file = path.relative_to(root).as_posix()
    stem = AssetKey.parse(path.stem)
    try:
        tree = (files or SourceFiles()).parse(path, name=file)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        message = getattr(error, "msg", None) or str(error)
        return [Finding("POL212", f"the file is not valid Python: {message}", file=file, line=line)]
    except OSError as error:
        return [Finding("POL212", f"the file cannot be read: {error.strerror}", file=file)]
    reader = _FileReader(file, tree)
    declared = reader.declared()
    expected = f"@{stem.layer} def {stem.name}(…)" if stem else "an asset"
    if not declared:
        hint = f"write `{expected}` in it, or rename the file if it is a helper"
        return [Finding("POL207", "the file holds no asset", file=file, line=1, hint=hint)]
    if len(declared) > 1:
        hint = "one asset a file: move the others to files of their own"
        names = ", ".join(f"`{layer}.{function.name}`" for function, _, layer in declared)
        line = declared[1][0].lineno
        return [
            Finding("POL208", f"the file holds several: {names}", file=file, line=line, hint=hint)
        ]
    function, decorator, layer = declared[0]
    key = AssetKey(layer, function.name)
    findings = list(reader.problems(key, stem, function))
    options = reader.options(key, decorator, ast.get_docstring(tree), function)
    parameters = reader.parameters(key, function)
    for part in (options, parameters):
        if isinstance(part, list):
            findings.extend(part)
    if findings or isinstance(options, list) or isinstance(parameters, list):
        return findings
    module = ".".join(path.relative_to(root / SOURCE_FOLDER).with_suffix("").parts)
    return Asset(key, file, function.lineno, module, parameters, options)


def misplaced_assets(path: Path, root: Path, files: SourceFiles | None = None) -> list[Finding]:
    """Find the assets in a file that is not named like one, where nothing looks for them.

    What cannot be read is told where it is imported. The arguments are those of
    :func:`read_asset_file`.
    """
    files = files or SourceFiles()
    file = path.relative_to(root).as_posix()
    try:
        if b"polster" not in files.content(path):
            return []
        reader = _FileReader(file, files.parse(path, name=file))
    except (OSError, SyntaxError, ValueError):
        return []
    keys = [(AssetKey(layer, each.name), each.lineno) for each, _, layer in reader.declared()]
    return [
        reader.finding(
            "POL206",
            f"`{key}` is defined in a file that is not named after it, so nothing builds it",
            key,
            line,
            f"move it to {SOURCE_FOLDER}/{PACKAGE}/{key.identifier}.py",
        )
        for key, line in keys
    ]


def read_options(source: str, file: str, layer: Layer) -> Options | list[Finding]:
    """Read the options of one function from its own text, decorator included.

    For a function that stands outside an asset's file, such as in a test.
    """
    tree = ast.parse(textwrap.dedent(source))
    function = next(node for node in tree.body if isinstance(node, ast.FunctionDef))
    reader = _FileReader(file, tree)
    for decorator in function.decorator_list:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if ast.unparse(target).rsplit(".", 1)[-1] == layer:
            return reader.options(AssetKey(layer, function.name), decorator, None, function)
    return Options()


class _FileReader:
    """Reads one parsed file; knows under which names it imports Polster's decorators."""

    def __init__(self, file: str, tree: ast.Module) -> None:
        self.file = file
        self.tree = tree
        self.decorators: dict[str, Layer] = {}
        self.modules: set[str] = set()
        for node in statements(tree.body):
            if isinstance(node, ast.ImportFrom) and node.module == "polster":
                for alias in node.names:
                    if alias.name in list(Layer):
                        self.decorators[alias.asname or alias.name] = Layer(alias.name)
            elif isinstance(node, ast.Import):
                for alias in node.names:
                    if alias.name == "polster":
                        self.modules.add(alias.asname or alias.name)

    def finding(self, code: str, message: str, key: AssetKey, line: int, hint: str) -> Finding:
        return Finding(code, message, asset=str(key), file=self.file, line=line, hint=hint)

    @cached_property
    def named(self) -> Mapping[str, Binding]:
        """Return what the file's names are bound to."""
        return bindings(self.tree)

    def is_context(self, annotation: ast.expr | None, seen: Collection[str] = ()) -> bool:
        """Tell whether an annotation means the run context, by whatever name the file has for it.

        Args:
            annotation: As it is written; None if there is none.
            seen: Names that were followed on the way there.
        """
        for each in written_types(annotation) if annotation else ():
            if isinstance(each, ast.Attribute) and each.attr == CONTEXT_ANNOTATION:
                return True
            if isinstance(each, ast.Name) and each.id not in seen:
                if each.id == CONTEXT_ANNOTATION:
                    return True
                match self.named.get(each.id):
                    case ast.ImportFrom(names=[alias]) if alias.name == CONTEXT_ANNOTATION:
                        return True
                    case ast.expr() as value if self.is_context(value, (*seen, each.id)):
                        return True
        return False

    def declared(self) -> list[tuple[Function, ast.expr, Layer]]:
        """List the functions that are assets, each with its decorator."""
        return [
            (function, decorator, layer)
            for function in self.tree.body
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for decorator in function.decorator_list
            if (layer := self.layer_of(decorator)) is not None
        ]

    def layer_of(self, decorator: ast.expr) -> Layer | None:
        target = decorator.func if isinstance(decorator, ast.Call) else decorator
        if isinstance(target, ast.Name):
            return self.decorators.get(target.id)
        if (
            isinstance(target, ast.Attribute)
            and isinstance(target.value, ast.Name)
            and target.value.id in self.modules
            and target.attr in list(Layer)
        ):
            return Layer(target.attr)
        return None

    def problems(
        self, key: AssetKey, stem: AssetKey | None, function: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> Iterator[Finding]:
        if problem := name_problem(key.name):
            yield self.finding(
                "POL209",
                f"the name `{key.name}` {problem}",
                key,
                function.lineno,
                "rename the function and its file",
            )
        if isinstance(function, ast.AsyncFunctionDef):
            yield self.finding(
                "POL214",
                f"`{key}` is an async function",
                key,
                function.lineno,
                "write it as a plain `def` that returns a frame",
            )
        if stem is not None and stem != key:
            yield self.finding(
                "POL206",
                f"the file is named after `{stem}` and defines `{key}`",
                key,
                function.lineno,
                f"rename the file to {key.identifier}.py, or the function to `{stem.name}`",
            )

    def parameters(
        self, key: AssetKey, function: ast.FunctionDef | ast.AsyncFunctionDef
    ) -> tuple[Parameter, ...] | list[Finding]:
        arguments = function.args
        findings = [
            self.finding(
                "POL214",
                f"`{key}` takes {stars}{argument.arg}, but its dependencies must have names",
                key,
                argument.lineno,
                "write one parameter for each dependency",
            )
            for stars, argument in (("*", arguments.vararg), ("**", arguments.kwarg))
            if argument is not None
        ]
        positional = [*arguments.posonlyargs, *arguments.args]
        without = len(positional) - len(arguments.defaults)
        values = [*[None] * without, *arguments.defaults, *arguments.kw_defaults]
        found = [
            Parameter(argument.arg, argument.lineno, has_default=value is not None)
            for argument, value in zip([*positional, *arguments.kwonlyargs], values, strict=True)
            if not self.is_context(argument.annotation)
        ]
        if key.layer is Layer.BRONZE:
            findings.extend(
                self.finding(
                    "POL202",
                    f"`{key}` may not read `{parameter.name}`: a bronze asset may read nothing; "
                    "bronze holds what arrived from outside, so it reads no other asset",
                    key,
                    parameter.line,
                    VALUE_HINT
                    if parameter.has_default
                    else "take the parameter away and read the source in the function; "
                    "for the run's time: `run: polster.RunContext`",
                )
                for parameter in found
            )
        return findings or tuple(found)

    def options(
        self,
        key: AssetKey,
        decorator: ast.expr,
        docstring: str | None,
        function: ast.FunctionDef | ast.AsyncFunctionDef,
    ) -> Options | list[Finding]:
        findings: list[Finding] = []
        values: dict[str, Any] = {}
        contract: str | None = None
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        if isinstance(decorator, ast.Call) and decorator.args:
            findings.append(
                self.finding(
                    "POL211",
                    f"`@{key.layer}` takes named options only",
                    key,
                    decorator.lineno,
                    f"write `@{key.layer}(contract=…)`",
                )
            )
        for option in keywords:
            if option.arg == "contract":
                contract = ast.unparse(option.value)
                if contract == "None":
                    contract = None
            elif option.arg not in options_of(key.layer):
                findings.append(self._unknown_option(key, option))
            else:
                try:
                    values[option.arg] = OPTIONS[option.arg].check(literal(option.value, self.tree))
                except NotLiteralError:
                    findings.append(
                        self.finding(
                            "POL211",
                            f"the option `{option.arg}` of `{key}` cannot be read without running "
                            f"the code: {ast.unparse(option.value)}",
                            key,
                            option.value.lineno,
                            "write the value out, or name a constant of this file",
                        )
                    )
                except ValueError as error:
                    findings.append(
                        self.finding(
                            "POL211",
                            f"the option `{option.arg}` of `{key}` {error}",
                            key,
                            option.value.lineno,
                            OPTIONS[option.arg].hint,
                        )
                    )
        if contract is None and key.layer is not Layer.BRONZE:
            findings.append(
                self.finding(
                    "POL210",
                    f"`{key}` has no contract: what {key.layer} publishes is judged first",
                    key,
                    function.lineno,
                    f"describe its columns in a class of dataframely.Schema and write "
                    f"`@{key.layer}(contract=ThatClass)`",
                )
            )
        if findings:
            return findings
        text = values.get("description") or ast.get_docstring(function) or docstring or ""
        policies = {EVERY_RULE: DEFAULT_POLICY[key.layer], **values.get("on_violation", {})}
        values["on_violation"] = policies
        values["description"] = text.strip().split("\n\n")[0].replace("\n", " ") or None
        return Options(contract=contract, **values)

    def _unknown_option(self, key: AssetKey, option: ast.keyword) -> Finding:
        name = option.arg or "**"
        return self.finding(
            "POL211",
            f"`{name}` is not an option of `@{key.layer}`",
            key,
            option.value.lineno,
            f"the options: {', '.join(options_of(key.layer))}",
        )
