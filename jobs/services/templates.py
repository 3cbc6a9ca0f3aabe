"""Templates: their registry, and their files as a repository has them.

A template's files lie below ``TEMPLATES_DIR``, so this host is meant; several hosts share that
directory. New files take the place of old ones in one step, never half.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.utils import timezone

from jobs import conf
from jobs.domain.errors import (
    ConflictError,
    DuplicateError,
    InvalidError,
    UnknownError,
)
from jobs.domain.git_source import check_ref, check_source
from jobs.domain.permissions import Actor, Permission, require_everywhere
from jobs.executors.template_files import content_hash, files_of, has_configuration
from jobs.executors.template_spec import TemplateSpec
from jobs.models import Template, Workspace
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


def add(name: str, source: Source, *, description: str = "", actor: Actor) -> Template:
    """Register a template and fetch its files."""
    require_everywhere(actor, Permission.ADMINISTER)
    name = _checked(name)
    if Template.objects.filter(name__iexact=name).exists():
        raise DuplicateError(f"There is a template named {name}. Update it, or remove it first.")
    place = conf.templates_dir() / name
    if place.exists():
        raise DuplicateError(f"{place} exists already. Move it away, or use another name.")
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
    )
    with _fetched(source) as (files, version):
        with write_transaction():
            row.version, row.content_hash = version, content_hash(files)
            row.save(force_insert=True)
            record_on(row, row.name, actor, "template.create", after=_shown(row))
        _put(files, place)
    return row


def update(name: str, *, actor: Actor) -> bool:
    """Fetch a template's files anew; say whether they differ from what was there."""
    require_everywhere(actor, Permission.ADMINISTER)
    row = get_template(name)
    source = Source(url=row.source_url, path=row.source_path, ref=row.source_ref)
    with _fetched(source) as (files, version):
        found = content_hash(files)
        if found == row.content_hash and has_configuration(_place(row)):
            return False
        _put(files, _place(row))
        with write_transaction():
            before = _shown(row)
            row.version, row.content_hash, row.updated_at = version, found, timezone.now()
            row.save(update_fields=["version", "content_hash", "updated_at"])
            record_on(row, row.name, actor, "template.update", before=before, after=_shown(row))
    return True


def remove(name: str, *, force: bool = False, actor: Actor) -> None:
    """Forget a template and delete its files; ConflictError while workspaces name it."""
    require_everywhere(actor, Permission.ADMINISTER)
    row = get_template(name)
    users = users_of(row)
    if users and not force:
        raise ConflictError(f"Template {row.name} is named by: {', '.join(users)}.")
    with write_transaction():
        record_on(row, row.name, actor, "template.delete", before=_shown(row))
        row.delete()
    shutil.rmtree(conf.templates_dir() / row.name, ignore_errors=True)


def get_template(name: str) -> Template:
    """Return a template; UnknownError names those that there are."""
    found = Template.objects.filter(name__iexact=name).first()
    if found is None:
        there = ", ".join(Template.objects.values_list("name", flat=True)) or "none"
        raise UnknownError(f"template '{name[:100]}' not found; there are: {there}")
    return found


def list_templates() -> list[Template]:
    """Return all templates by name."""
    return list(Template.objects.all())


def users_of(row: Template) -> list[str]:
    """Return the workspaces that name a template."""
    named = Workspace.objects.filter(template__iexact=row.name)
    return sorted(named.values_list("name", flat=True))


def faults_of(row: Template) -> list[str]:
    """Return what is wrong with the files of a template; empty when nothing is."""
    place = _place(row)
    if not place.is_dir():
        return [f"{place} is missing: update the template."]
    if not has_configuration(place):
        return [f"{place} holds no *.tf file."]
    try:
        changed = content_hash(place) != row.content_hash
    except InvalidError as error:
        return [error.message]
    return [f"The files in {place} were changed by hand."] if changed else []


def _place(row: Template) -> Path:
    return conf.templates_dir() / row.name


def _checked(name: str) -> str:
    if not name.strip():
        raise InvalidError("A template needs a name.")
    try:
        return TemplateSpec(template=name).template
    except ValueError as error:
        raise InvalidError(
            f"template {name[:120]!r} is not allowed. Use 1 to 100 letters, digits, '.', '_' or "
            "'-', beginning with a letter or digit."
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


def _directory(checkout: Path, path: str) -> Path:
    found = (checkout / path.strip("/")).resolve()
    if not found.is_relative_to(checkout.resolve()):
        raise InvalidError(f"{path[:200]!r} leads out of the repository.")
    if not has_configuration(found):
        raise InvalidError(f"{path[:200] or 'The repository'} holds no *.tf file.")
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
