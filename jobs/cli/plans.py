"""What a set of definitions would change on the server, and the changing of it."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jobs.cli.client import refusal
from jobs.cli.errors import CliError
from jobs.cli.provisioner import SeedEntry, all_files, definitions, understood
from jobs.domain.errors import InvalidError
from jobs.importers.jobfiles import Broken, Entry, read

if TYPE_CHECKING:
    from jobs.cli.client import Api, Document
    from jobs.cli.transport import Answer

CREATE, UPDATE, KEEP, DELETE, BROKEN = "create", "update", "keep", "delete", "broken"


@dataclass(frozen=True, kw_only=True)
class Step:
    """One job of the plan: what is to be done, or why it cannot be."""

    name: str
    place: str
    deed: str
    reason: str = ""
    job_id: int | None = None
    version: int | None = None
    changes: tuple[Document, ...] = ()
    warnings: tuple[str, ...] = ()
    entry: Entry | None = field(default=None, repr=False)

    def document(self) -> Document:
        """Return what `--json` shows; values stay out, they may be secret."""
        return {
            "name": self.name,
            "place": self.place,
            "deed": self.deed,
            "changes": [one["field"] for one in self.changes],
            "reason": self.reason,
            **({"warnings": list(self.warnings)} if self.warnings else {}),
        }


def entries(paths: Iterable[str], *, workspace: str) -> list[Entry | Broken]:
    """Return all definitions of files and directories; ``-`` is standard input.

    One that names no workspace is meant for ``workspace``.
    """
    found = (understood(one) for path in paths for one in _of_path(path))
    return placed(found, workspace=workspace)


def placed(found: Iterable[Entry | Broken], *, workspace: str) -> list[Entry | Broken]:
    """Return the definitions, those that name no workspace in ``workspace``."""
    return [_placed(one, workspace) if isinstance(one, Entry) else one for one in found]


def _of_path(path: str) -> Iterator[Entry | Broken]:
    if path == "-":
        yield from read(sys.stdin.buffer.read(), "-")
        return
    try:
        files = list(all_files(Path(path)))
    except (OSError, ValueError, InvalidError) as error:
        yield Broken(path, _words(error))
        return
    for file in files:
        try:
            raw = file.read_bytes()
        except (OSError, ValueError) as error:
            yield Broken(str(file), _words(error))
        else:
            yield from definitions(raw, str(file))


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"It cannot be read: {error.strerror}."
    return str(error)


def _placed(entry: Entry, workspace: str) -> Entry:
    if not workspace or entry.value.get("workspace") is not None:
        return entry
    return replace(entry, value={**entry.value, "workspace": workspace})


def plan(api: Api, found: Sequence[Entry | Broken]) -> list[Step]:
    """Return what each definition would change; the server judges them, nothing is saved."""
    steps: list[Step] = []
    seen: dict[tuple[str, str], str] = {}
    for one in found:
        step = _broken(one) if isinstance(one, Broken) else _planned(api, one)
        if isinstance(one, Entry) and step.deed != BROKEN:
            key = (str(one.value.get("workspace") or "").lower(), step.name.lower())
            if key in seen:
                step = replace(step, deed=BROKEN, reason=f"The job is also at {seen[key]}.")
            seen.setdefault(key, step.place)
        steps.append(step)
    return steps


def _broken(one: Broken) -> Step:
    return Step(name="", place=one.place, deed=BROKEN, reason=one.reason)


def _planned(api: Api, entry: Entry) -> Step:
    name = str(entry.value.get("name", ""))
    try:
        answer = api.ask("POST", "/jobs/plan", json_body=entry.value)
    except (ValueError, UnicodeEncodeError, RecursionError) as error:
        return Step(name=name, place=entry.place(), deed=BROKEN, reason=str(error))
    if not answer.is_success:
        return _refused(Step(name=name, place="", deed=BROKEN, entry=entry), answer)
    told = answer.json()
    return Step(
        name=name,
        place=entry.place(),
        deed=told["deed"],
        job_id=told["job_id"],
        version=told["version"],
        changes=tuple(told["changes"]),
        warnings=entry.warnings if isinstance(entry, SeedEntry) else (),
        entry=entry,
    )


def _refused(step: Step, answer: Answer) -> Step:
    """Return the step as broken, at the line of the first field that the server names.

    CliError where it is no definition's fault: no right to edit, or no server.
    """
    if answer.status not in (400, 404, 409, 422):
        raise CliError(refusal(answer))
    fields = answer.json().get("fields") or {}
    assert step.entry is not None  # noqa: S101 - only what was read is sent
    place = step.entry.place(next(iter(fields), ""))
    return replace(step, deed=BROKEN, place=place, reason=refusal(answer))


def to_delete(api: Api, steps: Sequence[Step]) -> list[Step]:
    """Return the jobs of the workspace, or of none, that no definition names.

    CliError while a definition is broken: its job would be taken for one that nobody names.
    """
    if any(step.deed == BROKEN for step in steps):
        raise CliError(
            "Nothing is deleted while a definition is broken. Mend it, or leave out --prune."
        )
    if not steps:
        raise CliError("Nothing is deleted: there is not a single definition.")
    kept = {step.job_id for step in steps}
    return [
        Step(name=job["name"], place="", deed=DELETE, job_id=job["id"])
        for job in api.jobs()
        if job["id"] not in kept
    ]


def carried_out(api: Api, steps: Sequence[Step]) -> list[Step]:
    """Do what the steps say, each by itself; one that is refused is returned as broken."""
    return [_done(api, step) for step in in_order(steps)]


def in_order(steps: Sequence[Step]) -> list[Step]:
    """Return the steps so that what a job waits for is made before it; in a circle as they are."""
    by_name = {step.name.lower(): step for step in steps if step.deed == CREATE}
    done: list[Step] = []
    begun: set[int] = set()

    def visit(step: Step) -> None:
        # With a stack of its own: a chain may be longer than Python's.
        stack = [(step, iter(_waits_for(step, by_name)))]
        begun.add(id(step))
        while stack:
            current, rest = stack[-1]
            following = next((one for one in rest if id(one) not in begun), None)
            if following is None:
                done.append(current)
                stack.pop()
            else:
                begun.add(id(following))
                stack.append((following, iter(_waits_for(following, by_name))))

    for step in steps:
        if id(step) not in begun:
            visit(step)
    return done


def _waits_for(step: Step, by_name: dict[str, Step]) -> list[Step]:
    named = step.entry.value.get("depends_on") if step.entry is not None else None
    names = [one.get("job") if isinstance(one, dict) else one for one in named or []]
    wanted = [str(name).rpartition("/")[2].lower() for name in names]
    return [by_name[name] for name in wanted if name in by_name]


def _done(api: Api, step: Step) -> Step:
    if step.deed in (KEEP, BROKEN):
        return step
    answer = _sent(api, step)
    if answer.is_success:
        return step
    if step.entry is None:
        return replace(step, deed=BROKEN, reason=refusal(answer))
    return _refused(step, answer)


def _sent(api: Api, step: Step) -> Answer:
    path = f"/jobs/{step.job_id}"
    if step.deed == DELETE:
        return api.ask("DELETE", path)
    if step.deed == UPDATE:
        changed: dict[str, Any] = {one["field"]: one["after"] for one in step.changes}
        # Refused when somebody has saved since the plan: what it showed would not be what happens.
        return api.ask("PATCH", path, json_body=changed, headers={"If-Match": f'"{step.version}"'})
    assert step.entry is not None  # noqa: S101 - what is created was read
    return api.ask("POST", "/jobs", json_body=step.entry.value)
