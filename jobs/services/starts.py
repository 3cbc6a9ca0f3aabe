"""Note the starts of queues that limit them, in the transaction that claims."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.domain.starts import MINUTE, STARTING
from jobs.services import sql
from jobs.services.dbtime import db_now

_NOTE = (
    "INSERT INTO jobs_queuestart (queue, execution_id, attempt, claimed_at) "
    "SELECT queue, id, attempt, claimed_at FROM jobs_execution WHERE id IN ({places}) "
    "ON CONFLICT (execution_id, attempt) "
    "DO UPDATE SET queue = excluded.queue, claimed_at = excluded.claimed_at"
)
_FORGET = "DELETE FROM jobs_queuestart WHERE queue = %s AND (claimed_at <= %s OR claimed_at > %s)"


def note(queue: str, execution_ids: Sequence[int]) -> None:
    """Count what was just claimed of a queue; forget what counts no more.

    Call it with the gates held: the next claim of any cluster counts these.
    """
    now = db_now()
    sql.run(_FORGET, [queue, now - MINUTE - STARTING, now + MINUTE])
    sql.run(_NOTE.format(places=", ".join(["%s"] * len(execution_ids))), execution_ids)
