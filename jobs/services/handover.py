"""Hand queued executions to a transport beside the table, where one is configured."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from django.db import transaction
from django.utils import timezone

from jobs import broker, conf
from jobs.domain.states import ExecutionState
from jobs.models import Execution

log = logging.getLogger("scheduler.handover")


def hand_over_on_commit(executions: Iterable[Execution]) -> None:
    """Push the executions' ids after the commit; without a transport the row itself is the entry."""
    if conf.broker_url():
        by_queue: dict[str, list[int]] = defaultdict(list)
        for execution in executions:
            if not execution.held:
                by_queue[execution.queue].append(execution.pk)
        transaction.on_commit(partial(push, dict(by_queue)))


def push(by_queue: dict[str, list[int]]) -> bool:
    """Push ids and mark them as handed over; False when the transport is away.

    What is not handed over, or was lost on the way, is found by its state and pushed again; the
    claim by compare-and-set makes a second message harmless.
    """
    for queue, ids in by_queue.items():
        try:
            broker.push(queue, ids)
        except broker.TransportError as error:
            log.warning("The transport did not take %d executions: %s", len(ids), error)
            return False
        Execution.objects.filter(pk__in=ids, state=ExecutionState.QUEUED.value).update(
            handed_at=timezone.now()
        )
    return True
