"""Names of executions in traces (W3C Trace Context): made of their numbers, so nothing is stored.

Whoever knows the installation and the number knows the name: the process that starts a job's child,
and the one that tells a collector about it minutes later.
"""

from __future__ import annotations

from hashlib import sha256

_SAMPLED = "01"


def trace_id(instance: str, execution_id: int) -> int:
    """Return the 128 bits that name the trace of an execution; never 0."""
    return _bits(instance, "trace", execution_id, 16)


def span_id(instance: str, execution_id: int) -> int:
    """Return the 64 bits that name the span of an execution; never 0."""
    return _bits(instance, "span", execution_id, 8)


def traceparent(instance: str, execution_id: int) -> str:
    """Return what a job's processes are given, so that their spans come below its own."""
    trace, span = trace_id(instance, execution_id), span_id(instance, execution_id)
    return f"00-{trace:032x}-{span:016x}-{_SAMPLED}"


def _bits(instance: str, what: str, execution_id: int, size: int) -> int:
    digest = sha256(f"{instance}:{what}:{execution_id}".encode()).digest()
    return int.from_bytes(digest[:size], "big") or 1
