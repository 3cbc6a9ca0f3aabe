"""Random cron expressions, made from what every cron knows: for differential and property tests."""

from __future__ import annotations

import random

RANGES = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
NAMES = {
    "month": ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
    "weekday": ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
}


def random_expression(rng: random.Random, *, seconds: bool = False) -> str:
    """Return an expression of five fields, or of six with seconds last."""
    fields = [_field(rng, name) for name in RANGES]
    if seconds:
        fields.append(_field(rng, "minute"))
    return " ".join(fields)


def _field(rng: random.Random, name: str) -> str:
    """Return one field: often a star, sometimes a list."""
    if rng.random() < 0.35:
        return "*"
    count = rng.choice([1, 1, 1, 2, 3])
    return ",".join(_term(rng, name) for _ in range(count))


def _term(rng: random.Random, name: str) -> str:
    """Return one term of a field's list."""
    low, high = RANGES[name]
    if name in ("day", "weekday") and rng.random() < 0.15:
        return _special(rng, name)
    form = rng.random()
    first, last = sorted(rng.sample(range(low, high + 1), 2))
    step = rng.randint(1, high)
    if form < 0.2:
        return f"*/{step}"
    if form < 0.45:
        return f"{first}-{last}"
    if form < 0.6:
        return f"{first}-{last}/{step}"
    if form < 0.7 and name in NAMES:
        return rng.choice(NAMES[name])
    return str(rng.randint(low, high))


def _special(rng: random.Random, name: str) -> str:
    """Return the end of the month, or an nth or last weekday."""
    if name == "day":
        return rng.choice(["L", "LW"])
    return rng.choice([f"{rng.randint(0, 7)}L", f"{rng.randint(0, 7)}#{rng.randint(1, 5)}"])
