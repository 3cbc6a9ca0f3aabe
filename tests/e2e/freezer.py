"""Somebody who freezes and lifts at random while jobs are due; what was seen goes to a file.

Runs as a process of its own beside real dispatchers, with the product's settings.
"""

from __future__ import annotations

import json
import os
import random
import sys
import time
from datetime import datetime, timedelta

PACE = timedelta(milliseconds=25)  # between the grids of two jobs


def main(seed: int, rounds: int, jobs: int) -> None:
    """Make the jobs, race until all rounds are over, and write each freeze as JSON."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scheduler_site.settings")
    import django

    django.setup()
    from django.utils import timezone

    first = timezone.now() + timedelta(seconds=1)
    make_jobs(jobs, first)
    time.sleep(1.5)
    chance = random.Random(seed)
    sys.stdout.write(json.dumps([race(chance) for _ in range(rounds)]))


def make_jobs(count: int, first: datetime) -> None:
    """Make jobs that are due each second, evenly spread over it; every other one has the tag."""
    from jobs.domain.permissions import SYSTEM
    from jobs.services import bulk
    from jobs.services.definitions import parse_definition

    every = {"kind": "interval", "seconds": 1, "anchor": "start"}
    bulk.create_many(
        [
            parse_definition(
                {
                    "name": f"raced-{number}",
                    "type": "command",
                    "spec": {"command": "true"},
                    "schedules": [every],
                    "overlap": "allow",
                    "max_parallel": 1000,
                    "tags": ["cold"] if number % 2 else [],
                }
            )
            for number in range(count)
        ],
        actor=SYSTEM,
        anchors=[first + number * PACE for number in range(count)],
    )


def race(chance: random.Random) -> list[float | str]:
    """Freeze, look at the clock, and lift: scope, start, commit, end."""
    from django.utils import timezone

    from jobs.domain.permissions import SYSTEM
    from jobs.services import freezes
    from jobs.services.freeze_requests import parse_freeze

    time.sleep(chance.uniform(0, 0.03))
    tagged = chance.random() < 0.5
    scope = {"scope": "tag", "target": "cold"} if tagged else {}
    made = freezes.freeze(parse_freeze({"reason": "race", **scope}), actor=SYSTEM)
    committed = timezone.now()
    time.sleep(chance.uniform(0, 0.08))
    lifted = freezes.lift(made.pk, actor=SYSTEM)
    assert lifted.ends_at is not None
    return [
        made.scope,
        made.starts_at.timestamp(),
        committed.timestamp(),
        lifted.ends_at.timestamp(),
    ]


if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
