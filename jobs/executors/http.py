"""The job type ``http``: one request, and a verdict on its answer.

The request runs in a thread of the worker, not in a process: a Python of its own would cost 100 ms
and 20 MB where the request costs a few milliseconds. What would make it last is waiting on its
connection, and that ends at once when the supervisor shuts the connection down: by a timeout, a
cancel, or the end of the worker, with which the kernel closes it.
"""

from __future__ import annotations

from jobs.domain.masking import Mask
from jobs.executors.base import ExecutionContext, ExecutionResult, Monitor
from jobs.executors.http_exchange import Exchange
from jobs.executors.http_line import Line
from jobs.executors.http_secrets import secrets_of
from jobs.executors.http_spec import HttpSpec
from jobs.executors.http_supervision import Supervision
from jobs.executors.http_url import parse_url


class HttpExecutor:
    """Make a request, log the answer and judge it."""

    spec_model = HttpSpec

    def execute(
        self, spec: HttpSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Make the request; whatever the server does is a result."""
        line = Line(context.http_allowed)
        credentials = Mask(_hidden(spec, context))
        supervision = Supervision(
            context, monitor, line, lambda tell: Exchange(spec, line, credentials, tell)
        )
        return supervision.to_the_end()


def _hidden(spec: HttpSpec, context: ExecutionContext) -> list[str]:
    """Return what no line of the log may show.

    An address is shown in its normal form, in which the mask may not find a secret that stands in it
    as it was written: its path is hidden then.
    """
    target = parse_url(spec.url)
    hidden = list(secrets_of(target, spec.headers))
    if context.mask.text(spec.url) != spec.url and context.mask.text(str(target)) == str(target):
        hidden.append(target.path)
    return hidden
