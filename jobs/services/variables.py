"""Create, change and delete variables and secrets; a secret's value goes in and never comes out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar, Unpack

from django.db import IntegrityError
from django.utils import timezone
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from jobs.domain.errors import (
    DuplicateError,
    ForbiddenError,
    InvalidError,
    StateError,
    UnknownError,
)
from jobs.domain.permissions import (
    Actor,
    Permission,
    require,
    require_everywhere,
    require_somewhere,
)
from jobs.domain.said import said
from jobs.domain.variables import LONGEST_VALUE, check_name
from jobs.models import Channel, CheckIn, Execution, Job, Variable, Workspace
from jobs.models.variable import GLOBAL, JOB, workspace_of, workspace_scope
from jobs.queries.variables import Naming, jobs_naming, room_of
from jobs.queries.workspaces import get_workspace
from jobs.services import access, audit, parameter_definitions, revisions, secret_box
from jobs.services.problems import invalid_from, named, together
from jobs.services.storable import check_storable
from jobs.services.wording import refuse, some_of
from jobs.services.writing import write_transaction

Model = TypeVar("Model", bound=BaseModel)
_NAMED_AT_MOST = 5  # jobs that a refusal names
AT_ONCE = 200  # executions whose secrets are sealed anew in one transaction: some 50 ms


def _name(value: str) -> str:
    with named():
        return check_name(value)


def _value(value: str) -> str:
    """Accept what fits; a refusal never repeats the value, which may be a secret."""
    size = len(value.encode(errors="replace"))
    if size > LONGEST_VALUE:
        raise refuse(
            said(
                "The value has {size:,} bytes. Use {most:,} or less.", size=size, most=LONGEST_VALUE
            )
        )
    if "\0" in value:
        raise refuse(said("The value holds a NUL character. Remove it."))
    return value


class VariableDefinition(BaseModel):
    """All that a person decides about a variable."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Annotated[str, AfterValidator(_name)]
    value: Annotated[str, Field(strict=True), AfterValidator(_value)]
    secret: bool = Field(False, strict=True)
    job_id: int | None = Field(None, description="The one job that may name it.")
    workspace: str | None = Field(
        None, description="The workspace whose jobs may name it; without it and a job: every job."
    )
    description: str = Field("", max_length=500)


class VariableChanges(BaseModel):
    """What of a variable can be changed; a field that is not named, or null, stays."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    value: Annotated[str, Field(strict=True), AfterValidator(_value)] | None = None
    secret: bool | None = Field(None, strict=True)
    description: str | None = Field(None, max_length=500)


def parse_variable(data: Mapping[str, Any]) -> VariableDefinition:
    """Return the variable that ``data`` holds; InvalidError names each wrong field."""
    return _parsed(VariableDefinition, data)


def parse_changes(data: Mapping[str, Any]) -> VariableChanges:
    """Return the changes that ``data`` holds; InvalidError names each wrong field."""
    fixed = [name for name in ("name", "job_id", "workspace") if name in data]
    if fixed:
        field = fixed[0]
        sentence = said("It cannot be changed: jobs name the variable by it. Create another one.")
        raise InvalidError(sentence, fields={field: sentence})
    return _parsed(VariableChanges, data)


def create(definition: VariableDefinition, *, actor: Actor) -> Variable:
    """Create a variable; the runs that start from now on know it."""
    require_somewhere(actor, Permission.EDIT)
    now = timezone.now()
    with write_transaction():
        job, room = _job(definition.job_id, actor), _room(definition, actor)
        row = Variable(
            scope=_scope(job, room),
            job=job,
            name=definition.name,
            description=definition.description,
            created_at=now,
            created_by=actor.name[:200],
            changed_at=now,
            changed_by=actor.name[:200],
        )
        _require(actor, row)
        if _same(row).exists():
            raise _taken(row)
        _set(row, definition.value, secret=definition.secret)
        try:
            with write_transaction():
                row.save(force_insert=True)
        except IntegrityError as error:  # another request took the name at the same moment
            raise _taken(row) from error
        _record(row, actor, "variable.create", after=_shown(row))
    return row


def update(variable_id: int, changes: VariableChanges, *, actor: Actor) -> Variable:
    """Change value, description or kind; runs that have started keep what they were given.

    A secret becomes plain only together with a new value: nobody can look at the old one so.
    """
    require_somewhere(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(variable_id)
        _require(actor, row)
        before = _shown(row)
        secret = row.secret if changes.secret is None else changes.secret
        if row.secret and not secret and changes.value is None:
            sentence = said("A secret is not shown again. Give the new value to make it plain.")
            raise InvalidError(sentence, fields={"secret": sentence})
        was_plain = row.value
        if changes.description is not None:
            row.description = changes.description
        if changes.value is not None or secret != row.secret:
            _set(row, was_plain if changes.value is None else changes.value, secret=secret)
            row.changed_at = timezone.now()
            row.changed_by = actor.name[:200]
        row.save()
        after = _shown(row)
        _record(
            row,
            actor,
            "variable.update",
            before={key: value for key, value in before.items() if after.get(key) != value},
            after={key: value for key, value in after.items() if before.get(key) != value},
            note="new value" if changes.value is not None else "",
        )
    return row


def delete(variable_id: int, *, actor: Actor, confirmed: bool = False) -> Variable:
    """Delete a variable; StateError while jobs name it, unless ``confirmed``."""
    require_somewhere(actor, Permission.EDIT)
    with write_transaction():
        row = _locked(variable_id)
        _require(actor, row)
        naming = jobs_naming(row)
        if naming and not confirmed:
            raise StateError(still_named(row, naming))
        _record(row, actor, "variable.delete", before=_shown(row))
        Variable.objects.filter(pk=row.pk).delete()
    return row


def still_named(row: Variable, naming: list[Naming]) -> str:
    """Return why a variable is not deleted unasked."""
    return said(
        "{consequence} Confirm to delete it all the same.", consequence=consequence(row, naming)
    )


def consequence(row: Variable, naming: list[Naming]) -> str:
    """Return which jobs name a variable, and what that means for deleting it."""
    return said(
        "{name} is named by {jobs}: without it their runs would fail or use another variable of "
        "that name.",
        name=row.name,
        jobs=some_of([one.name for one in naming], _NAMED_AT_MOST),
    )


def rotate(*, actor: Actor) -> tuple[int, list[str]]:
    """Seal all secrets anew by the first key; return how many, and the names of those left sealed.

    Variables, what executions of any age were given (their masks are made from it), and the
    addresses of channels and check-ins.
    """
    require(actor, Permission.ADMINISTER)
    resealed, closed = 0, []
    with write_transaction():
        for row in Variable.objects.select_for_update().filter(secret=True).order_by("pk"):
            try:
                row.sealed = secret_box.reseal(row.sealed)
            except secret_box.SealedError:
                closed.append(row.name)
                continue
            row.save(update_fields=["sealed"])
            resealed += 1
    for given, left in (_reseal_given(), _reseal_addresses()):
        resealed, closed = resealed + given, closed + left
    with write_transaction():
        audit.record(actor, "variable.rotate", object_type="variable", note=f"{resealed} sealed")
    return resealed, closed


def _reseal_addresses() -> tuple[int, list[str]]:
    """Seal anew where alerts are told and where jobs elsewhere report."""
    resealed, closed = 0, []
    with write_transaction():
        rows: list[tuple[Channel | CheckIn, str]] = [
            *((row, "sealed") for row in Channel.objects.select_for_update().exclude(sealed="")),
            *((row, "sealed_key") for row in CheckIn.objects.select_for_update()),
        ]
        for row, column in rows:
            try:
                setattr(row, column, secret_box.reseal(getattr(row, column)))
            except secret_box.SealedError:
                closed.append(row.name)
                continue
            row.save(update_fields=[column])
            resealed += 1
    return resealed, closed


def _reseal_given() -> tuple[int, list[str]]:
    """Seal anew what executions were given, batch by batch: there may be very many."""
    resealed, closed, last = 0, [], 0
    rows = Execution.objects.filter(parameters__isnull=False).order_by("pk")
    while batch := list(rows.filter(pk__gt=last).values_list("pk", "parameters")[:AT_ONCE]):
        with write_transaction():
            for pk, given in batch:
                try:
                    anew = parameter_definitions.resealed(given or {})
                except secret_box.SealedError:
                    closed.append(f"the parameters of execution {pk}")
                    continue
                if anew != given and given:
                    Execution.objects.filter(pk=pk).update(parameters=anew)
                    resealed += 1
        last = batch[-1][0]
    return resealed, closed


def closed() -> list[str]:
    """Return the names of the secrets whose key is missing."""
    return [row.name for row in Variable.objects.filter(secret=True) if is_closed(row)]


def is_closed(row: Variable) -> bool:
    """Say whether a secret's key is missing, so that no run can be given its value."""
    if not row.secret:
        return False
    try:
        secret_box.unseal(row.sealed)
    except secret_box.SealedError:
        return True
    return False


def _parsed(model: type[Model], data: Mapping[str, Any]) -> Model:
    check_storable({key: item for key, item in data.items() if key != "value"})
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise _without_value(invalid_from(error, model)) from None


def _without_value(error: InvalidError) -> InvalidError:
    """Return the error with a sentence for the value that does not repeat it."""
    if "value" not in error.fields:
        return error
    fields = dict(error.fields)
    if not fields["value"].startswith(("The value", "This field")):
        fields["value"] = said("The value is not a text. Use a string.")
    return together(fields)


def _set(row: Variable, value: str, *, secret: bool) -> None:
    row.secret = secret
    row.value = "" if secret else value
    row.sealed = secret_box.seal(value) if secret else ""


def _scope(job: Job | None, room: Workspace | None) -> str:
    if room is not None:
        return workspace_scope(room.pk)
    return GLOBAL if job is None else JOB


def _room(definition: VariableDefinition, actor: Actor) -> Workspace | None:
    """Return the workspace of a new variable, locked: no constraint keeps its names apart."""
    if definition.workspace is None:
        return None
    if definition.job_id is not None:
        sentence = said("Name a job or a workspace, not both.")
        raise InvalidError(sentence, fields={"workspace": sentence})
    try:
        found = get_workspace(definition.workspace, seen_by=actor)
    except UnknownError as error:
        raise InvalidError(error.message, fields={"workspace": error.message}) from error
    return Workspace.objects.select_for_update().get(pk=found.pk)


def _require(actor: Actor, row: Variable) -> None:
    """Refuse who may not edit all the jobs that may name the variable."""
    room = workspace_of(row.scope)
    if row.job is not None:
        access.require_on(actor, Permission.EDIT, row.job)
    elif room is None:
        require_everywhere(actor, Permission.EDIT)
    elif actor.partial and Permission.EDIT not in actor.permissions_on(room, ()):
        raise ForbiddenError(
            said(
                "You may not change variables of that workspace (needs {edit}).",
                edit=Permission.EDIT,
            )
        )


def _job(job_id: int | None, actor: Actor) -> Job | None:
    if job_id is None:
        return None
    found = Job.objects.present().visible_to(actor).filter(pk=job_id).first()
    if found is None:
        sentence = said("Job {number} does not exist.", number=job_id)
        raise InvalidError(sentence, fields={"job_id": sentence})
    return found


def _locked(variable_id: int) -> Variable:
    row = (
        Variable.objects.select_for_update(of=("self",))
        .select_related("job")
        .filter(pk=variable_id)
        .first()
    )
    if row is None:
        raise UnknownError(said("Variable {number} does not exist.", number=variable_id))
    return row


def _same(row: Variable) -> Any:
    return Variable.objects.filter(scope=row.scope, job=row.job, name=row.name)


def _taken(row: Variable) -> DuplicateError:
    name, room = row.name, room_of(row)
    if room:
        sentence = said(
            "A variable {name} of workspace {room} exists already. Change its value.",
            name=name,
            room=room,
        )
    elif row.job:
        sentence = said(
            "A variable {name} of job {job} exists already. Change its value.",
            name=name,
            job=row.job.name,
        )
    else:
        sentence = said(
            "A variable {name} for all jobs exists already. Change its value.", name=name
        )
    return DuplicateError(sentence, fields={"name": sentence})


def _shown(row: Variable) -> dict[str, Any]:
    """Return what may be written down about a variable.

    Never its value: entries stay for ever, and what is plain today may be a secret tomorrow.
    """
    return {
        "scope": row.scope,
        "job": row.job.name if row.job else None,
        "workspace": room_of(row),
        "secret": row.secret,
        "description": row.description,
    }


def _record(row: Variable, actor: Actor, action: str, **facts: Unpack[audit.Facts]) -> None:
    audit.record_on(row, row.name, actor, action, **facts)
    revisions.bump("jobs")
