"""The way from the executions table to the worker processes; the only importer of django-q2.

django-q2 is a pool of processes here and nothing else: its scheduler, its result store, its
retries and its time limits are off. A message is an execution's id and its claim token.
``jobs.broker.pool`` is imported by the cluster process only.
"""

from jobs.broker.table import Source, TableBroker, use_source
from jobs.broker.transport import TransportError, is_available, is_configured, ping, push, take

__all__ = [
    "Source",
    "TableBroker",
    "TransportError",
    "is_available",
    "is_configured",
    "ping",
    "push",
    "take",
    "use_source",
]
