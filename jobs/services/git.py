"""The git of this host: started with little of the server's environment, and never left waiting."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Final

from jobs.domain.errors import UnprocessableError
from jobs.domain.git_source import without_login
from jobs.domain.said import said, told

# Shorter than the minute that callers wait for an answer of the server.
FETCH_SECONDS: Final = 55
_INHERITED: Final = frozenset(
    {
        *(
            "PATH",
            "HOME",
            "USER",
            "LANG",
            "TMPDIR",
            "SSH_AUTH_SOCK",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ),
        *("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    }
)
# A repository brings its own hooks and helpers along only where somebody has put them: not here.
_CAREFUL: Final = ("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false")


def git(*words: str, within: Path | None = None, failing: str = said("git failed")) -> str:
    """Run git to its end and return what it printed; UnprocessableError tells its last words.

    Nothing is asked of anybody: what needs a password that git does not know fails.
    """
    # Of the server's environment only what fetching needs: git runs helpers of the host.
    environment = {name: value for name, value in os.environ.items() if name in _INHERITED}
    environment |= {
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes",
        "LC_ALL": "C",
    }
    place = [] if within is None else ["-C", str(within)]
    try:
        ended = _ended([*_CAREFUL, *place, *words], environment)
    except FileNotFoundError as error:
        raise UnprocessableError(said("git was not found on PATH; it is what fetches.")) from error
    except subprocess.TimeoutExpired as error:
        raise UnprocessableError(
            said("git did not answer for {seconds} s.", seconds=FETCH_SECONDS)
        ) from error
    if ended.returncode:
        lines = ended.stderr.strip().splitlines() or [f"exit code {ended.returncode}"]
        raise UnprocessableError(told([failing, without_login(_telling(lines))[:500]], ": "))
    return ended.stdout


def _ended(words: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run git to its end, or end it with all that it has started: its ssh would wait on for ever."""
    with subprocess.Popen(  # noqa: S603  # addresses and refs were judged by the callers
        ["git", *words],  # noqa: S607  # the git of PATH people know
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            told, complained = process.communicate(timeout=FETCH_SECONDS)
        except BaseException:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            raise
    return subprocess.CompletedProcess(words, process.returncode, told, complained)


def _telling(lines: list[str]) -> str:
    """Return the line that tells most: the first that git calls fatal or an error, else the last."""
    marked = [one for one in lines if one.startswith(("fatal: ", "error: "))]
    return (marked or lines[-1:])[0]
