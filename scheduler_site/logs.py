"""How a line of the log is written, as text or JSON, and the file that takes them."""

from __future__ import annotations

import contextlib
import copy
import fcntl
import json
import logging
import logging.handlers
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from jobs import correlation

# Its lines are those of CB-Tumblebug's scheduler, which scripts search for by level and name.
WARN_LOGGER = "Scheduler"
# Who knows these addresses may act by them: an error that names one keeps what follows to itself.
_KEYS = re.compile(r"(/ping/|/alerts/link/|/password/set/[^/\s]+/)[^/\s'\"?&<]+")
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class CorrelationFilter(logging.Filter):
    """Add to each record which execution it is about."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Put the facts of the running execution where the record says nothing itself."""
        for name, value in correlation.current().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class LineFormatter(logging.Formatter):
    """One line of text; ``WARN`` for the one logger whose readers expect that."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, with the number of its execution at the end of its first part."""
        if record.name == WARN_LOGGER and record.levelno == logging.WARNING:
            record = copy.copy(record)
            record.levelname = "WARN"
        return _without_keys(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the base class's name
        """Return the line without its trace."""
        line = super().formatMessage(record)
        number = getattr(record, "execution_id", None)
        return line if number is None else f"{line} execution={number}"


class JsonFormatter(logging.Formatter):
    """One JSON object a line: moment, level, logger, message, and every field of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object."""
        at = datetime.fromtimestamp(record.created, UTC)
        found: dict[str, object] = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        found |= {name: value for name, value in fields.items() if name not in found}
        if record.exc_info:
            found["error"] = self.formatException(record.exc_info)
        return _without_keys(json.dumps(found, default=str, ensure_ascii=False))


def _without_keys(line: str) -> str:
    return _KEYS.sub(r"\1***", line)


class SharedFileHandler(logging.handlers.WatchedFileHandler):
    """A file of many processes that one of them puts aside when it has grown too large.

    The others see the new file before their next line, as they do when a tool has rotated it.
    """

    def __init__(self, filename: str, *, size: int, count: int) -> None:
        """Take the path, from how many bytes on it is put aside (0: never), and how many stay."""
        super().__init__(filename, encoding="utf-8", delay=True)
        self._size, self._count = size, count

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; look first whether there is room for it."""
        if self._size:
            try:
                self._make_room()
            except OSError:
                self.handleError(record)
        super().emit(record)

    def _make_room(self) -> None:
        path = Path(self.baseFilename)
        if not _is_over(path, self._size):
            return
        with _alone(path):
            if not _is_over(path, self._size):  # another process was first
                return
            for number in range(self._count - 1, 0, -1):
                with contextlib.suppress(FileNotFoundError):
                    _kept(path, number).replace(_kept(path, number + 1))
            path.replace(_kept(path, 1))


def _is_over(path: Path, size: int) -> bool:
    try:
        return path.stat().st_size >= size
    except FileNotFoundError:
        return False


def _kept(path: Path, number: int) -> Path:
    return path.with_name(f"{path.name}.{number}")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Keep other processes out for the moment of the renaming."""
    with path.with_name(f".{path.name}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


class WorkspaceFiles(logging.Handler):
    """Write what is told of a workspace's jobs into ``<workspace>.log`` of a directory.

    Each line opens its file anew, so that a rotation needs no word to anybody.
    """

    # No name of a workspace begins with a dot, so none leads out of the directory.
    _ABOUT = re.compile(r"\[([A-Za-z0-9_-][A-Za-z0-9._-]*)\] JOB ")

    def __init__(self, directory: Path) -> None:
        """Take the directory; it is made with the first line."""
        super().__init__()
        self._directory = directory

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line, without the workspace that the file is named after."""
        found = self._ABOUT.match(record.getMessage())
        if found is None:
            return
        try:
            self._directory.mkdir(mode=0o750, parents=True, exist_ok=True)
            with (self._directory / f"{found[1]}.log").open("a", encoding="utf-8") as file:
                file.write(f"{self.format(record)}\n")
        except OSError:
            self.handleError(record)
