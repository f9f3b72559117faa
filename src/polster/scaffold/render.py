"""Filling templates: text in, the bytes of a file out."""

from __future__ import annotations

import textwrap
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

TEMPLATES = Path(__file__).parent / "templates"
WIDTH = 88  # what formatters wrap at unless told otherwise


def render(template: str, /, **values: object) -> bytes:
    """Fill the template at ``template``, relative to the folder of templates.

    Raises:
        jinja2.UndefinedError: The template names a value that is not given.
    """
    return _environment().get_template(template).render(**values).encode()


def docstring(text: str) -> str:
    r"""Write ``text`` as a docstring of a module, wrapped, in one paragraph.

    >>> docstring('The "raw"  logs')[3:-3]
    'The "raw" logs'
    """
    plain = "".join(char if char.isprintable() else " " for char in text)
    escaped = " ".join(plain.split()).replace("\\", "\\\\")
    if '"""' in escaped or escaped.endswith('"'):
        escaped = escaped.replace('"', '\\"')
    if len(escaped) + 6 <= WIDTH:
        return f'"""{escaped}"""'
    lines = textwrap.wrap(escaped, WIDTH - 3, break_long_words=False, break_on_hyphens=False)
    return '"""' + "\n".join(lines) + '\n"""'


@cache
def _environment() -> Environment:
    return Environment(  # noqa: S701 - Python, TOML and YAML are written, no HTML
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
