"""The files of the configuration directory: which are applied, which are broken, what each defines."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from django.db.models import Count, Q, QuerySet

from jobs.models import ConfigFile, FileJob, FileWorkspace, Job, Workspace


class FileState(StrEnum):
    """Where a file stands."""

    APPLIED = "applied"
    BROKEN = "broken"  # what it said before still holds
    GONE = "gone"


_FILTERS = {
    FileState.APPLIED: Q(present=True, fault=""),
    FileState.BROKEN: Q(present=True) & ~Q(fault=""),
    FileState.GONE: Q(present=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRow:
    """A file with what it defines."""

    file: ConfigFile
    jobs: list[Job] = field(default_factory=list)
    workspace: Workspace | None = None

    @property
    def state(self) -> FileState:
        """Return where it stands."""
        if not self.file.present:
            return FileState.GONE
        return FileState.BROKEN if self.file.fault else FileState.APPLIED

    @property
    def place(self) -> str:
        """Return the path, with the line of the fault where one is known."""
        line = self.file.line
        return self.file.path if line is None else f"{self.file.path}:{line}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FilePage:
    """Some files by path, broken ones before all others; ``more`` when others follow."""

    rows: list[FileRow]
    more: bool


def file_page(*, state: str = "", search: str = "", page: int = 1, size: int = 50) -> FilePage:
    """Return a page of files with what they define; three queries."""
    files = ConfigFile.objects.all()
    if state in _FILTERS:
        files = files.filter(_FILTERS[FileState(state)])
    if search:
        files = files.filter(Q(path__icontains=search) | Q(fault__icontains=search))
    start = (page - 1) * size
    found = list(_troubled_first(files)[start : start + size + 1])
    return FilePage(rows=_rows(found[:size]), more=len(found) > size)


def list_files(
    *, state: FileState | None, search: str = "", after: int | None = None, limit: int = 100
) -> tuple[list[FileRow], int | None]:
    """Return files in the order in which they were found, and after which one others follow."""
    files = ConfigFile.objects.filter(path__icontains=search).order_by("pk")
    if state is not None:
        files = files.filter(_FILTERS[state])
    if after is not None:
        files = files.filter(pk__gt=after)
    found = list(files[: limit + 1])
    return _rows(found[:limit]), found[limit - 1].pk if len(found) > limit else None


def _troubled_first(files: QuerySet[ConfigFile]) -> QuerySet[ConfigFile]:
    broken = Count("pk", filter=_FILTERS[FileState.BROKEN])
    return files.annotate(broken=broken).order_by("-broken", "path")


def _rows(files: Iterable[ConfigFile]) -> list[FileRow]:
    rows = {one.pk: FileRow(file=one) for one in files}
    named = FileJob.objects.filter(file__in=rows, job__deleted_at=None)
    for link in named.select_related("job__workspace", "job__breaker").order_by("job__name"):
        rows[link.file_id].jobs.append(link.job)
    rooms = {
        link.file_id: link.workspace
        for link in FileWorkspace.objects.filter(file__in=rows).select_related("workspace")
    }
    return [
        FileRow(file=row.file, jobs=row.jobs, workspace=rooms.get(number))
        for number, row in rows.items()
    ]


def counts() -> dict[str, int]:
    """Return how many files there are in each state."""
    found = ConfigFile.objects.aggregate(
        **{state.value: Count("pk", filter=one) for state, one in _FILTERS.items()}
    )
    return {state.value: found[state.value] for state in FileState}


def file_of(job: Job) -> ConfigFile | None:
    """Return the file that defines a job; None for a job of a person or a program."""
    link = FileJob.objects.filter(job=job).select_related("file").first()
    return None if link is None else link.file
