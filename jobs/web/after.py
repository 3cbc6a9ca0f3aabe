"""What a job runs after, in words, and the tree of it as the page shows it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from jobs.models import Dependency, Job
from jobs.queries.dependencies import Node, Tree
from jobs.web import words

SHOWN = 2  # in a list; the job's page shows all


def rows_of(job: Job) -> list[Dependency]:
    """Return what a job waits for in the order of names; fetch ``dependencies__upstream`` with it."""
    return sorted(job.dependencies.all(), key=lambda row: row.upstream.name.lower())


def words_of(pairs: Iterable[tuple[str, str]], *, shown: int = SHOWN) -> str:
    """Return ``after load succeeded and fetch failed``; empty for none. Pairs of job and outcome."""
    found = [f"{name} {words.DEPENDENCY[outcome]}" for name, outcome in pairs]
    if not found:
        return ""
    text = _(" and ").join(found[:shown])
    more = len(found) - shown
    text = _("after %s") % text
    return text + (_(", and %d more") % more if more > 0 else "")


def of_job(job: Job, *, shown: int = SHOWN) -> str:
    """Return the words for a stored job."""
    pairs = [(row.upstream.name, row.outcome) for row in rows_of(job)]
    return words_of(pairs, shown=shown)


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """One line of the tree; ``opens`` and ``closes`` say which lists begin and end with it."""

    node: Node
    on: words.Text
    opens: bool
    closes: range


def above(tree: Tree) -> list[Branch]:
    """Return what a job waits for, line by line: a template that calls itself would be slow."""
    return list(_walk(tree.upstream, None, -1))


def below(tree: Tree) -> list[Branch]:
    """Return what waits for a job, line by line."""
    return list(_walk(tree.downstream, tree.job, -1))


def _walk(nodes: list[Node], upper: Job | None, ends: int) -> Iterator[Branch]:
    """Yield the lines; ``ends`` is how many lists end with the last of them, -1 for the outermost.

    On the way down ``upper`` is the job whose ending is waited for; on the way up it is the node's own.
    """
    for place, node in enumerate(nodes):
        after = ends + 1 if place == len(nodes) - 1 else 0
        yield Branch(
            node=node,
            on=_on(node, upper),
            opens=bool(node.children),
            closes=range(0 if node.children else after),
        )
        yield from _walk(node.children, upper and node.job, after)


def _on(node: Node, upper: Job | None) -> words.Text:
    ended = words.DEPENDENCY[node.on]
    if upper is None:
        return ended
    return _("once %(name)s %(ended)s") % {"name": upper.name, "ended": ended}
