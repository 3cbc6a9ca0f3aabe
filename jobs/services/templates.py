"""Templates: their registry, and their files as a repository has them.

A template's files lie below ``TEMPLATES_DIR``, so this host is meant; several hosts share that
directory. New files take the place of old ones in one step, never half.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from django.utils import timezone

from jobs import conf
from jobs.domain.errors import (
    ConflictError,
    DuplicateError,
    InvalidError,
    JobdeckError,
)
from jobs.domain.git_source import check_ref, check_source
from jobs.domain.permissions import Actor, Permission, require_everywhere
from jobs.domain.said import said
from jobs.executors.template_files import content_hash, files_of, has_configuration
from jobs.executors.template_spec import TemplateSpec
from jobs.models import Execution, Template
from jobs.queries.templates import get_template, rows_of, users_of
from jobs.services import workspace_operations
from jobs.services.audit import record_on
from jobs.services.git import git
from jobs.services.writing import write_transaction

_SHORT: Final = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a template comes from: a repository, a directory in it, and a branch or tag."""

    url: str
    path: str = ""
    ref: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What became of a look at a template's source."""

    template: Template
    changed: bool
    planned: dict[str, Execution] = field(default_factory=dict)  # by workspace
    refused: dict[str, str] = field(default_factory=dict)  # workspace -> why it is not compared


def add(name: str, source: Source, *, description: str = "", actor: Actor) -> Template:
    """Register a template and fetch its files."""
    require_everywhere(actor, Permission.ADMINISTER)
    name = _checked(name)
    if Template.objects.filter(name__iexact=name).exists():
        raise DuplicateError(
            said("There is a template named {name}. Update it, or remove it first.", name=name)
        )
    place = conf.templates_dir() / name
    if place.exists():
        raise DuplicateError(
            said("{place} exists already. Move it away, or use another name.", place=place)
        )
    now = timezone.now()
    row = Template(
        name=name,
        description=description,
        source_url=source.url,
        source_path=source.path,
        source_ref=source.ref,
        created_at=now,
        created_by=actor.name[:200],
        updated_at=now,
        checked_at=now,
    )
    with _fetched(source) as (files, version):
        with write_transaction():
            row.version, row.content_hash = version, content_hash(files)
            row.save(force_insert=True)
            record_on(row, row.name, actor, "template.create", after=_shown(row))
        _put(files, place)
    return row


def update(name: str, *, actor: Actor) -> Updated:
    """Fetch a template's files anew; where they differ, compare what is deployed with them.

    Nothing is deployed. A source that cannot be fetched leaves everything as it is, and is kept.
    A template without a source is taken as its files on this host are now.
    """
    require_everywhere(actor, Permission.ADMINISTER)
    row = get_template(name)
    source = Source(url=row.source_url, path=row.source_path, ref=row.source_ref)
    try:
        with _fetched(source) if source.url else _at_hand(_place(row)) as (files, version):
            changed = _brought_forward(row, files, version, actor)
    except (JobdeckError, OSError) as error:
        Template.objects.filter(pk=row.pk).update(checked_at=timezone.now(), fault=str(error))
        raise
    if not changed:
        return Updated(template=row, changed=False)
    return replace(plan_users(row.name, actor=actor), changed=True)


def _brought_forward(row: Template, files: Path, version: str, actor: Actor) -> bool:
    """Put new files in place and keep what they are; say whether they are new."""
    found, now = content_hash(files), timezone.now()
    row.checked_at, row.fault = now, ""
    if found == row.content_hash and has_configuration(_place(row)):
        # Another commit that changed nothing of the template is still what it was last found at.
        row.version = version
        row.save(update_fields=["checked_at", "fault", "version"])
        return False
    if files != _place(row):
        _put(files, _place(row))
    with write_transaction():
        before = _shown(row)
        row.version, row.content_hash, row.updated_at = version, found, now
        row.save(update_fields=["checked_at", "fault", "version", "content_hash", "updated_at"])
        record_on(row, row.name, actor, "template.update", before=before, after=_shown(row))
    return True


def plan_users(name: str, *, actor: Actor) -> Updated:
    """Start to compare every workspace that was deployed from a template with its files now."""
    require_everywhere(actor, Permission.ADMINISTER)
    row = get_template(name)
    planned, refused = {}, {}
    for use in rows_of([row])[0].uses:
        if use.own_files or not use.standing.is_deployed:
            continue
        try:
            planned[use.workspace.name] = workspace_operations.plan(use.workspace.name, actor=actor)
        except JobdeckError as error:  # one that cannot be compared keeps no other from being
            refused[use.workspace.name] = error.message
    return Updated(template=row, changed=False, planned=planned, refused=refused)


def remove(name: str, *, force: bool = False, actor: Actor) -> None:
    """Forget a template and delete its files; ConflictError while workspaces or jobs name it."""
    require_everywhere(actor, Permission.ADMINISTER)
    row = get_template(name)
    users = users_of(row)
    if users and not force:
        raise ConflictError(
            said("Template {name} is named by: {users}.", name=row.name, users=", ".join(users))
        )
    with write_transaction():
        record_on(row, row.name, actor, "template.delete", before=_shown(row))
        row.delete()
    shutil.rmtree(conf.templates_dir() / row.name, ignore_errors=True)


def unregistered() -> list[str]:
    """Return the directories that somebody has put beside the templates by hand."""
    folder = conf.templates_dir()
    known = {name.lower() for name in Template.objects.values_list("name", flat=True)}
    if not folder.is_dir():
        return []
    return sorted(
        one.name
        for one in folder.iterdir()
        if one.name.lower() not in known and not one.name.startswith(".") and has_configuration(one)
    )


def faults_of(row: Template) -> list[str]:
    """Return what is wrong with the files of a template; empty when nothing is."""
    place = _place(row)
    if not place.is_dir():
        return [said("{place} is missing: update the template.", place=place)]
    if not has_configuration(place):
        return [said("{place} holds no *.tf file.", place=place)]
    try:
        changed = content_hash(place) != row.content_hash
    except InvalidError as error:
        return [error.message]
    if not changed:
        return []
    if row.source_url:
        return [said("The files in {place} were changed by hand.", place=place)]
    return [said("The files in {place} were changed by hand: update it.", place=place)]


def _place(row: Template) -> Path:
    return conf.templates_dir() / row.name


def _checked(name: str) -> str:
    if not name.strip():
        raise InvalidError(said("A template needs a name."))
    try:
        return TemplateSpec(template=name).template
    except ValueError as error:
        raise InvalidError(
            said(
                "template {name!r} is not allowed. Use 1 to 100 letters, digits, '.', '_' "
                "or '-', beginning with a letter or digit.",
                name=name[:120],
            )
        ) from error


@contextmanager
def _fetched(source: Source) -> Iterator[tuple[Path, str]]:
    """Fetch a repository; give the template's directory in it, and the commit."""
    check_source(source.url)
    check_ref(source.ref)
    with tempfile.TemporaryDirectory(prefix="jobdeck-template-") as folder:
        checkout = Path(folder) / "checkout"
        chosen = ["--branch", source.ref] if source.ref else []
        clone = ("clone", "--quiet", "--depth", "1", *chosen, "--", source.url, str(checkout))
        git(*clone, failing="The repository cannot be fetched")
        version = git("rev-parse", "HEAD", within=checkout).strip()[:_SHORT]
        shutil.rmtree(checkout / ".git")
        yield _directory(checkout, source.path), version


@contextmanager
def _at_hand(place: Path) -> Iterator[tuple[Path, str]]:
    """Give the directory of a template that was never fetched; it has no commit."""
    if not has_configuration(place):
        raise InvalidError(
            said("{place} holds no *.tf file: put the template's files there.", place=place)
        )
    yield place, ""


def _directory(checkout: Path, path: str) -> Path:
    found = (checkout / path.strip("/")).resolve()
    if not found.is_relative_to(checkout.resolve()):
        raise InvalidError(said("{path!r} leads out of the repository.", path=path[:200]))
    if not has_configuration(found):
        if not path:
            raise InvalidError(said("The repository holds no *.tf file."))
        raise InvalidError(said("{place} holds no *.tf file.", place=path[:200]))
    return found


def _put(files: Path, place: Path) -> None:
    """Let the files stand at their place; a run that copies them meanwhile finds the old or the new."""
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        for name in files_of(files):
            target = fresh / "files" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(files / name, target)
        if place.exists():
            place.rename(fresh / "old")
        try:
            (fresh / "files").rename(place)
        except OSError:
            with suppress(OSError):  # what was there is better than nothing
                (fresh / "old").rename(place)
            raise
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _shown(row: Template) -> dict[str, str]:
    return {
        "name": row.name,
        "source_url": row.source_url,
        "source_path": row.source_path,
        "source_ref": row.source_ref,
        "version": row.version,
        "content_hash": row.content_hash,
    }
