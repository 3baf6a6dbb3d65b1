"""The secret that signs links, in `links.key` beside the index; made once."""

import hashlib
import hmac
import logging
import os
import secrets
import tempfile
from pathlib import Path

FILE = "links.key"

TAG_BYTES = 16
"""Length of a signature: half of an HMAC-SHA-256."""

_SECRET_BYTES = 32

logger = logging.getLogger("dateline")


class SigningKey:
    """The secret of a data folder, or a given one; `tag` reads or makes it at the first call."""

    def __init__(self, data: Path, given: str | None = None) -> None:
        self._path = data / FILE
        self._secret = given.encode() if given else b""
        self._failure = ""

    def tag(self, purpose: str, message: bytes) -> bytes | None:
        """Return the signature of a message for one purpose; None if there is no secret, which the log explains once.

        The secret is looked for again at the next call.
        """
        if not self._secret:
            try:
                self._secret = _read_or_make(self._path)
            except (OSError, ValueError) as error:
                if str(error) != self._failure:
                    logger.warning("links are not signed, so answers have none: %s", error)
                self._failure = str(error)
                return None
        return hmac.digest(self._secret, purpose.encode() + b"\0" + message, hashlib.sha256)[:TAG_BYTES]


def _read_or_make(path: Path) -> bytes:
    """Return the secret in a file, which only its owner may read; make it if it is missing.

    The file appears complete, so that two processes have the same secret. The folder is not created. Raises OSError,
    and ValueError for a file with anything else.
    """
    if not path.exists():
        descriptor, temporary = tempfile.mkstemp(prefix=f"{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{secrets.token_hex(_SECRET_BYTES)}\n")
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(temporary, path)
            except FileExistsError:
                logger.info("another process made %s", path)
        finally:
            Path(temporary).unlink()
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except ValueError as error:
        raise ValueError(f"{path} is corrupt; restore it from a backup, or remove it") from error
    if len(secret) < _SECRET_BYTES:
        raise ValueError(f"{path} is too short; restore it from a backup, or remove it")
    return secret
