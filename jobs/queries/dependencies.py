"""Who waits for whom: a job's dependencies as a tree, up and down, and what it still waits for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from jobs.domain.dependencies import WORDS
from jobs.domain.permissions import Actor
from jobs.domain.said import said, told
from jobs.domain.states import DependencyOutcome, Trigger
from jobs.models import Dependency, Execution, Job

# Deeper than anybody reads; each level of a document costs the stack of whoever writes it.
MOST_LEVELS = 30
MOST_NODES = 1000
MOST_STARTED = 50

_NODE = (
    "id", "name", "state", "deleted_at", "next_fire_at", "last_execution_id", "last_state",
    "last_finished_at",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Node:
    """A job in the tree; ``on`` is the ending that is waited for between it and the one it hangs on.

    ``met_by`` is the execution that has brought it and is not used up yet. A job that stands
    elsewhere in the tree with what hangs on it is ``repeated`` here; ``cut`` says that more follows.
    """

    job: Job
    on: DependencyOutcome
    met_by: int | None = None
    met_at: datetime | None = None
    repeated: bool = False
    cut: bool = False
    children: list[Node] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """What a job waits for, and what waits for it."""

    job: Job
    upstream: list[Node]
    downstream: list[Node]

    @property
    def empty(self) -> bool:
        """Say whether there is neither."""
        return not self.upstream and not self.downstream

    @property
    def waits_for(self) -> list[Node]:
        """Return what has not come yet."""
        return [node for node in self.upstream if node.met_by is None]


def tree_of(job: Job, *, seen_by: Actor | None = None) -> Tree:
    """Return the tree of a job; three queries, whatever its size.

    What ``seen_by`` may not see is left out, with all that hangs on it; what the job itself waits
    for stands in its definition and stays, by its name.
    """
    up: dict[int, list[Dependency]] = defaultdict(list)
    down: dict[int, list[Dependency]] = defaultdict(list)
    # All of them: few jobs have any, and to follow them level by level costs a query each.
    for row in Dependency.objects.order_by("pk"):
        up[row.job_id].append(row)
        down[row.upstream_id].append(row)
    if job.pk not in up and job.pk not in down:
        return Tree(job=job, upstream=[], downstream=[])
    above, below = _Climb(up, "upstream_id"), _Climb(down, "job_id")
    found = Tree(job=job, upstream=above.nodes(job.pk), downstream=below.nodes(job.pk))
    jobs = Job.objects.only(*_NODE).in_bulk({*above.seen, *below.seen})
    for climb in (above, below):
        for node, number in climb.made:
            node.job = jobs[number]
    for node, _number in (*above.made, *below.made):
        node.children.sort(key=_by_name)
    if seen_by is not None and not seen_by.sees_all:
        _cut(found, seen_by, {*above.seen, *below.seen})
    found.upstream.sort(key=_by_name)
    found.downstream.sort(key=_by_name)
    return found


def _cut(tree: Tree, seen_by: Actor, numbers: set[int]) -> None:
    visible = Job.objects.visible_to(seen_by).filter(pk__in=numbers)
    seen = set(visible.values_list("pk", flat=True))

    def keep(nodes: list[Node]) -> None:
        nodes[:] = [node for node in nodes if node.job.pk in seen]
        for node in nodes:
            keep(node.children)

    keep(tree.downstream)
    for node in tree.upstream:
        if node.job.pk not in seen:
            node.job = Job(pk=node.job.pk, name=node.job.name)
            node.children.clear()
        keep(node.children)


def _by_name(node: Node) -> str:
    return node.job.name.lower()


@dataclass(slots=True)
class _Climb:
    """One direction of the tree, level by level, so that a job stands with its own nearest first."""

    edges: dict[int, list[Dependency]]
    to: str
    seen: set[int] = field(default_factory=set)
    made: list[tuple[Node, int]] = field(default_factory=list)

    def nodes(self, start: int) -> list[Node]:
        """Return what hangs on a job, with all below."""
        top: list[Node] = []
        level = [(start, top)]
        for depth in range(MOST_LEVELS):
            following: list[tuple[int, list[Node]]] = []
            for number, place in level:
                for row in self.edges.get(number, ()):
                    node = self._node(row)
                    place.append(node)
                    other = getattr(row, self.to)
                    if node.repeated or not self.edges.get(other):
                        continue
                    if depth == MOST_LEVELS - 1 or len(self.made) >= MOST_NODES:
                        node.cut = True
                    else:
                        following.append((other, node.children))
            level = following
        return top

    def _node(self, row: Dependency) -> Node:
        number = getattr(row, self.to)
        node = Node(
            job=Job(pk=number),
            on=DependencyOutcome(row.outcome),
            met_by=row.met_by_execution_id,
            met_at=row.met_at if row.met_by_execution_id is not None else None,
            repeated=number in self.seen and bool(self.edges.get(number)),
        )
        self.seen.add(number)
        self.made.append((node, number))
        return node


def waiting_words(job: Job) -> str:
    """Return what a job waits for in a sentence or two; empty for one that waits for no other."""
    rows = list(Dependency.objects.filter(job=job).select_related("upstream").order_by("pk"))
    if not rows:
        return ""
    texts = [said("It runs after {jobs}.", jobs=_joined(map(_words, rows)))]
    missing = [row for row in rows if row.met_by_execution_id is None]
    if len(missing) < len(rows):
        come = [row for row in rows if row.met_by_execution_id is not None]
        numbers = (told([_words(row), f"(#{row.met_by_execution_id})"]) for row in come)
        texts.append(said("So far {jobs}.", jobs=told(numbers, ", ")))
    names = _joined(row.upstream.name for row in missing or rows)
    return told([*texts, said("It waits for {jobs}.", jobs=names)])


def _words(row: Dependency) -> str:
    return told([row.upstream.name, WORDS[DependencyOutcome(row.outcome)]])


def _joined(words: Iterable[str]) -> str:
    found = list(words)
    if len(found) == 1:
        return found[0]
    return said("{first} and {last}", first=told(found[:-1], ", "), last=found[-1])


def dependents_of(ids: Sequence[int]) -> list[Dependency]:
    """Return who waits for some jobs and is none of them, with the jobs, in the order of their names."""
    rows = Dependency.objects.filter(upstream__in=ids).exclude(job__in=ids).select_related("job")
    return sorted(rows, key=lambda row: row.job.name.lower())


def left_without_start(rows: Sequence[Dependency]) -> list[Job]:
    """Return which of the waiting jobs never run by themselves once this one is gone."""
    ids = [row.job_id for row in rows]
    others = Dependency.objects.filter(job__in=ids).exclude(pk__in=[row.pk for row in rows])
    kept = set(others.values_list("job", flat=True))
    kept |= set(
        Job.objects.filter(pk__in=ids, schedules__isnull=False).values_list("pk", flat=True)
    )
    return [row.job for row in rows if row.job_id not in kept]


def started_by(execution: Execution) -> list[Execution]:
    """Return the executions whose endings started this one, with their jobs."""
    if not execution.upstream or execution.trigger == Trigger.RETRY:
        return []
    rows = Execution.objects.filter(pk__in=execution.upstream).select_related("job")
    return list(rows.order_by("pk"))


def started_from(execution: Execution) -> list[Execution]:
    """Return the executions that this one's ending has started, alone or with others.

    Looks among the newer executions of the jobs that wait for it now: no index serves a list of ids.
    """
    if execution.finished_at is None or not execution.job.is_upstream:
        return []
    waiting = Dependency.objects.filter(upstream=execution.job_id).values("job")
    rows = Execution.objects.filter(
        job__in=waiting, trigger="dependency", due_at__gte=execution.finished_at
    ).select_related("job")
    found = rows.order_by("due_at", "pk")[: MOST_STARTED * 4]
    return [row for row in found if execution.pk in (row.upstream or ())][:MOST_STARTED]
