"""Who asks for files on a server."""

from __future__ import annotations

from dataclasses import dataclass

from polster.errors import AssetError
from polster.model.secret import NoSecretError, Secret


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks for files on a server.

    Attributes:
        key_file: Path of a private key.
        passphrase: Of that key.
        host_key: The server's key, or its fingerprint; None for what this machine knows.
    """

    password: Secret | None = None
    key_file: Secret | str | None = None
    passphrase: Secret | None = None
    host_key: str | None = None

    def values(self) -> tuple[str | None, str | None, str | None]:
        """Return password, path of the key and passphrase.

        Raises:
            AssetError: Nobody says what a secret is.
        """
        try:
            password, key_file, passphrase = (
                each.value() if isinstance(each, Secret) else each
                for each in (self.password, self.key_file, self.passphrase)
            )
        except NoSecretError as error:
            raise AssetError(error.message, code="POL374", hint=error.hint) from error
        return password, key_file, passphrase
