"""People who pause, resume and edit jobs at random while they are due; what they saw goes to a file.

Runs as a process of its own beside real dispatchers, with the product's settings.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from collections.abc import Sequence
from typing import Any


def main(seed: int, rounds: int, jobs: Sequence[int]) -> None:
    """Race until all rounds are over, and write what was seen as one JSON document."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    import django

    django.setup()
    chance = random.Random(seed)
    seen: dict[str, list[Any]] = {"pauses": [], "left": []}
    for _ in range(rounds):
        race(chance, chance.choice(jobs), seen)
    sys.stdout.write(json.dumps(seen))


def race(chance: random.Random, job_id: int, seen: dict[str, list[Any]]) -> None:
    """Pause a job, look what is left of it, edit it now and then, and let it go on."""
    from django.utils import timezone

    from jobs.domain.permissions import SYSTEM
    from jobs.models import Execution
    from jobs.services import jobs as job_services

    time.sleep(chance.uniform(0, 0.004))
    job_services.pause(job_id, actor=SYSTEM)
    paused = timezone.now()
    waiting = Execution.objects.filter(job=job_id, state__in=("queued", "claimed"))
    seen["left"] += list(waiting.values_list("pk", flat=True))
    time.sleep(chance.uniform(0, 0.02))
    resumed = timezone.now()
    job_services.resume(job_id, actor=SYSTEM)
    seen["pauses"].append([job_id, paused.timestamp(), resumed.timestamp()])
    if chance.random() < 0.5:
        job_services.update(job_id, {"priority": chance.randrange(100)}, actor=SYSTEM)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), [int(number) for number in sys.argv[3:]])
