"""What channels leave this process by: the connections and the child processes that jobs use."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from django.conf import settings

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.domain.states import Stream, Trigger
from jobs.executors.base import BeatAnswer, Chunk, ExecutionContext
from jobs.executors.command import programs_for
from jobs.executors.http_line import CutError, Line
from jobs.executors.http_request import Request, send
from jobs.executors.http_secrets import basic
from jobs.executors.http_url import parse_url
from jobs.executors.process import run
from jobs.notify.base import Answer, PermanentError, Ports, TemporaryError

CONNECT_SECONDS = 10.0
# A receiver that is slower is asked again later; others wait for their turn meanwhile.
POST_SECONDS = 20.0
COMMAND_SECONDS = 60.0
_SAID_BYTES = 2000
# Supervision takes every process that appears below this one for its command's.
_ONE_LINE = threading.Lock()
_NEWLINES = re.compile(r"[\r\n\0]")


def ports() -> Ports:
    """Return the ways out of this process."""
    return Ports(
        post=post,
        run=run_line,
        mail_from=settings.DEFAULT_FROM_EMAIL,
        mail_ready=settings.MAIL_READY,
        now=int(time.time()),
    )


def post(url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    """Send a body; to addresses that jobs of the type http may reach, and without redirects."""
    line = Line(conf.http_allowed())
    timer = threading.Timer(POST_SECONDS, line.cut)
    timer.daemon = True
    timer.start()
    try:
        return _exchange(line, url, headers, body)
    except InvalidError as error:
        raise PermanentError(error.message) from error
    except socket.gaierror as error:
        raise TemporaryError(said("The name of the server could not be resolved")) from error
    except ssl.SSLCertVerificationError as error:
        raise TemporaryError(said("The certificate of the server is not valid")) from error
    except (OSError, http.client.HTTPException, CutError) as error:
        raise TemporaryError(
            said("No answer of the server ({kind})", kind=type(error).__name__)
        ) from error
    finally:
        timer.cancel()
        line.close()


def _exchange(line: Line, url: str, headers: Mapping[str, str], body: bytes) -> Answer:
    target = parse_url(url)
    given = {name: _NEWLINES.sub(" ", value) for name, value in headers.items()}
    if target.user is not None:
        given["Authorization"] = basic(target.user, target.password)
    connection = line.connect(target, seconds=CONNECT_SECONDS, verify=True)
    try:
        connection.settimeout(None)  # the timer cuts the line
        client = http.client.HTTPConnection(target.host, target.port)
        client.sock = connection
        send(client, Request("POST", target, given, body))
        with client.getresponse() as response:
            return Answer(
                status=response.status, retry_after=response.getheader("Retry-After") or ""
            )
    finally:
        connection.close()


class _Listening:
    """Keep the last of what a command says; nothing of it is stored while it runs."""

    def __init__(self) -> None:
        self.said = b""

    def started(self, pid: int, start_time: int | None) -> None:
        """Note nothing."""

    def write(self, chunks: Sequence[Chunk], *, last: bool = False) -> None:
        """Keep the end of the output."""
        for chunk in chunks:
            if chunk.stream != Stream.SYSTEM:
                self.said = (self.said + chunk.data)[-_SAID_BYTES:]

    def progress(self, percent: int) -> None:
        """Take no notice."""

    def soft_limit(self) -> None:
        """Take no notice: it has none."""

    def beat(self) -> BeatAnswer:
        """Go on."""
        return BeatAnswer()


def run_line(line: str, variables: Mapping[str, str]) -> tuple[int, str]:
    """Run a shell line as a job's would be run; return its exit code and the end of its output.

    A line that was ended, by its time limit or a signal, has the code 124.
    """
    heard = _Listening()
    with _ONE_LINE:
        found = run(programs_for(line), _context(variables), heard)
    code = found.exit_code if found.exit_code is not None else 124
    said = heard.said.decode("utf-8", "replace").strip() or found.message
    return code, " ".join(said.split())


def _context(variables: Mapping[str, str]) -> ExecutionContext:
    folder = conf.work_dir() / "_notifications_"
    return ExecutionContext(
        instance=conf.instance_id(),
        execution_id=0,
        job_id=0,
        job_name="alert notification",
        attempt=1,
        scheduled_for=datetime.now(UTC),
        trigger=Trigger.EVENT,
        default_dir=folder,
        scratch_dir=folder,
        grace=timedelta(seconds=2),
        timeout=timedelta(seconds=COMMAND_SECONDS),
        environment={name: value.replace("\0", "") for name, value in variables.items()},
    )
