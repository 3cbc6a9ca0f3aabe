"""Seal secrets for the database, and open them: the keys are kept outside of it.

Keys come from JOBS_SECRET_KEYS, else from a file of the data directory that is made when the first
secret is set. The first key seals; all of them open, so that a new one can be put before the old.
"""

from __future__ import annotations

import base64
import contextlib
import os
import secrets
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jobs import conf
from jobs.domain.errors import UnprocessableError
from jobs.domain.said import said

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

# The library is imported where it is used: it costs a process 40 ms and some megabytes, and most
# processes never see a secret.

FILE_NAME = "secret_keys"
HINT = said(
    "Put the key that sealed it back into JOBS_SECRET_KEYS or the key file, or set it anew."
)


class SealedError(UnprocessableError):
    """A secret that none of the present keys opens, or a key that is none."""

    code = "sealed"


def seal(value: str) -> str:
    """Return ``value`` sealed by the first key; makes the key file if there is no key yet."""
    if not keys():
        _write_first_key(key_file())
    return _box(keys()).encrypt(value.encode()).decode()


def unseal(sealed: str) -> str:
    """Return the value again; SealedError when no present key opens it."""
    return _unsealed(keys(), sealed)


def reseal(sealed: str) -> str:
    """Return the same value sealed by the first key; SealedError when no present key opens it."""
    from cryptography.fernet import InvalidToken

    try:
        return _box(keys()).rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise _no_key() from error


def keys() -> tuple[str, ...]:
    """Return the keys, the sealing one first; none as long as nobody set a secret."""
    if configured := conf.secret_keys():
        return tuple(configured)
    try:
        return tuple(key_file().read_text(encoding="ascii").split())
    except FileNotFoundError:
        return ()
    except (OSError, ValueError) as error:
        raise SealedError(
            said("The key file {path} cannot be read: {error}.", path=key_file(), error=str(error))
        ) from error


def key_file() -> Path:
    """Return where the keys are when JOBS_SECRET_KEYS names none."""
    return conf.data_dir() / FILE_NAME


def add_key() -> Path:
    """Put a new key before the others in the key file; the old ones go on opening."""
    if conf.secret_keys():
        raise UnprocessableError("JOBS_SECRET_KEYS names the keys: put the new one first there.")
    path = key_file()
    lines = "\n".join([_new_key(), *keys()])
    draft = _draft(path, f"{lines}\n")
    draft.replace(path)
    return path


def fault() -> str | None:
    """Return what is wrong with the keys as a sentence; None when they can be used."""
    try:
        present = keys()
        if present:
            _box(present)
    except SealedError as error:
        return error.message
    return None


def _write_first_key(path: Path) -> None:
    """Make the key file; of two processes that do so at the same moment the first wins."""
    draft = _draft(path, f"{_new_key()}\n")
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()


def _new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _draft(path: Path, text: str) -> Path:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())  # what it seals must not outlive it
    return draft


@lru_cache(maxsize=8)
def _box(present: tuple[str, ...]) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    opened = []
    for number, key in enumerate(present, 1):
        try:
            opened.append(Fernet(key))
        except ValueError as error:
            raise SealedError(
                said(
                    "Secret key {number} of {count} is no key. Use 32 bytes in URL-safe "
                    "base64, such as Python's Fernet.generate_key() makes.",
                    number=number,
                    count=len(present),
                )
            ) from error
    if not opened:
        raise _no_key()
    return MultiFernet(opened)


# A run opens every secret that it might print; a worker does so for one run after the other.
@lru_cache(maxsize=512)
def _unsealed(present: tuple[str, ...], sealed: str) -> str:
    from cryptography.fernet import InvalidToken

    try:
        return _box(present).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise _no_key() from error


def _no_key() -> SealedError:
    return SealedError(said("No present key opens it. {hint}", hint=HINT))
