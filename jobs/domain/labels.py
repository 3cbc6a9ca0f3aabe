"""Labels: what a cluster offers, and what an execution needs of the cluster that takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

MOST = 20  # labels of one cluster or one job: they stand in one column, joined
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,49}(=[A-Za-z0-9][A-Za-z0-9._/-]{0,49})?")
LONGEST = 500  # the column's width


def check_label(value: str) -> str:
    """Return a label as it is stored: ``gpu`` or ``region=eu``."""
    label = value.strip()
    if _LABEL.fullmatch(label):
        return label
    raise InvalidError(
        said(
            "Label {label!r} is not allowed. Use a word like gpu or a pair like region=eu, "
            "of letters, digits, '.', '_', '/' or '-'.",
            label=value[:80],
        )
    )


def check_labels(values: Iterable[str]) -> list[str]:
    """Return labels in order, each once."""
    labels = sorted({check_label(value) for value in values})
    if len(labels) > MOST or len(joined(labels)) > LONGEST:
        raise InvalidError(
            said(
                "{count} labels are too many. Use at most {most} with {letters} letters in all.",
                count=len(labels),
                most=MOST,
                letters=LONGEST,
            )
        )
    return labels


def joined(labels: Iterable[str]) -> str:
    """Return labels as an execution keeps them: sorted, joined by commas; empty for none."""
    return ",".join(sorted(set(labels)))


def split(text: str) -> list[str]:
    """Return the labels of a joined text."""
    return [label for label in text.split(",") if label]


def covers(labels: Iterable[str], requires: str) -> bool:
    """Say whether a cluster with ``labels`` may take what requires the joined ``requires``."""
    return set(split(requires)) <= set(labels)
