"""Secrets by name: what is written in code is where they are found, never what they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from polster.model.plugins import SECRETS, PluginError, plugin, plugins

MOUNTED = Path("/run/secrets")
"""Where Docker puts secrets."""


class NoSecretError(LookupError):
    """Nobody says what a secret is.

    Args:
        message: What is wrong.
        hint: How to mend it.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret, known by its name until somebody logs in with it.

    Examples:
        >>> Secret("SHOP_PASSWORD")
        Secret(name='SHOP_PASSWORD')
    """

    name: str

    def value(self) -> str:
        """Return what it is: a variable, else a file, else what a vault or keyring says.

        The variable is of this name, in the environment or the project's ``.env``. The file is the
        one that the variable ``NAME_FILE`` names, or ``/run/secrets/NAME``; the line's end at its
        end is none of the secret's. Vaults are asked by what other packages add
        (:mod:`polster.model.plugins`), the keyring of this machine by the library ``keyring``, if
        that is installed, as the service ``polster``.

        Raises:
            NoSecretError: None says what it is, or one cannot be asked.
        """
        if value := os.environ.get(self.name):
            return value
        named = os.environ.get(f"{self.name}_FILE")
        path = Path(named) if named else MOUNTED / self.name
        try:
            return path.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
        except FileNotFoundError as error:
            if not named and (found := self._elsewhere()) is not None:
                return found
            where = (
                f"the file {path}, which `{self.name}_FILE` names, is not there" if named else ""
            )
            raise NoSecretError(
                f"the secret `{self.name}` is not known{f': {where}' if where else ''}",
                f"set the variable {self.name} in the environment or in .env"
                + (", where it is empty" if self.name in os.environ else "")
                + f"; or let {self.name}_FILE name a file that holds it",
            ) from error
        except (OSError, ValueError) as error:
            raise NoSecretError(
                f"the secret `{self.name}` cannot be read from {path}",
                "it is to be a file of UTF-8 that this user may read",
            ) from error

    def _elsewhere(self) -> str | None:
        """Return what a vault or the keyring says; None if they know nothing.

        Raises:
            NoSecretError: One cannot be asked.
        """
        asked = "a package that adds secrets"
        try:
            for asked in plugins(SECRETS):
                if (found := plugin(SECRETS, asked)(self.name)) is not None:
                    return str(found)
            if find_spec("keyring") is not None:
                asked = "the keyring"
                keyring, errors = map(import_module, ("keyring", "keyring.errors"))
                try:
                    kept = keyring.get_password("polster", self.name)
                except errors.NoKeyringError:  # this machine has none
                    return None
                return None if kept is None else str(kept)
        except PluginError as error:
            raise NoSecretError(
                f"the secret `{self.name}` cannot be looked up: {error}", "mend that package"
            ) from error
        except Exception as error:  # whatever a vault, or its library, has against it
            raise NoSecretError(
                f"the secret `{self.name}` cannot be looked up: {asked} fails: "
                f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}",
                f"mend that; or set the variable {self.name}",
            ) from error
        return None


def secret(name: str) -> Secret:
    """Name a secret, such as a password, that is looked up when it is needed.

    It is not shown, recorded or made part of a fingerprint: only its name is in the code.

    Args:
        name: Of a variable in the environment or in ``.env``; else ``NAME_FILE`` names a file, or
            ``/run/secrets/NAME`` is one.

    Raises:
        ValueError: It is no name of a variable.
    """
    if not name.isidentifier():
        raise ValueError(f"{name!r} is no name of a variable, such as SHOP_PASSWORD")
    return Secret(name)
