"""What was read of the environment at the start: each setting's text, and where it came from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_SECRET = re.compile(r"SECRET|PASSWORD|TOKEN|(?:^|_)KEYS?(?:_|$)|CREDENTIALS?$|^HEARTBEAT_URL$")
_LOGIN = re.compile(r"://[^/@\s]*@")
_ARGUMENT = re.compile(r"([?&][^=&\s]*=)[^&\s,]*")
MASK = "***"


class Source(StrEnum):
    """Where the text of a setting came from."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    FILE = "file"  # named by NAME_FILE


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The text of one setting."""

    name: str
    text: str
    source: Source = Source.DEFAULT
    path: str = ""  # of the file

    @property
    def is_secret(self) -> bool:
        """Say whether the text itself is one; an address may hold one besides."""
        return _SECRET.search(self.name) is not None

    @property
    def shown(self) -> str:
        """Return the text as anybody may see it: secrets, logins and arguments masked."""
        if self.is_secret:
            return MASK if self.text else ""
        plain = {"True": "1", "False": "0"}.get(self.text, self.text)
        return _ARGUMENT.sub(rf"\1{MASK}", _LOGIN.sub(f"://{MASK}@", plain))
