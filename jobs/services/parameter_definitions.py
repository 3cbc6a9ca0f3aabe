"""Parameters as a definition declares them, and as an execution keeps their values.

A stored value is what JSON has for it; a secret one is ``{"sealed": "…"}``, so that nothing but the
value itself has to be read to know that it may not be shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_validator,
)

from jobs.domain.errors import InvalidError
from jobs.domain.masking import MASK
from jobs.domain.parameters import (
    LONGEST_TEXT,
    Parameter,
    ParameterType,
    Scalar,
    defaults_of,
    values_of,
)
from jobs.domain.said import said, told
from jobs.domain.variables import PARAMETER, Use, uses_in
from jobs.services import secret_box
from jobs.services.problems import named
from jobs.services.wording import choice

Stored = Mapping[str, Any]

SEALED = "sealed"
# What a shell reads: text put into it would be read as commands.
_SHELL_TYPES = ("command", "script")
_Bound = StrictInt | StrictFloat | StrictStr | None


class ParameterDefinition(BaseModel):
    """What may be given to a start, and within which bounds."""

    model_config = ConfigDict(extra="forbid")

    name: str
    type: Annotated[ParameterType, choice(ParameterType)] = ParameterType.STRING
    title: str = Field(default="", max_length=100)
    description: str = Field(default="", max_length=500)
    default: bool | StrictInt | StrictFloat | StrictStr | None = None
    required: bool = False
    minimum: _Bound = None
    maximum: _Bound = None
    pattern: str = ""
    max_length: Annotated[int, Field(ge=1, le=LONGEST_TEXT)] | None = None
    choices: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        default_factory=list, max_length=100
    )
    secret: bool = False

    @model_validator(mode="after")
    def _check(self) -> Self:
        """Let the domain judge, and keep the default as the type has it."""
        with named():
            declared = self.declared()
            if self.default is not None:
                self.default = declared.value(self.default)
        return self

    def declared(self) -> Parameter:
        """Return the domain's declaration."""
        return Parameter(**self.model_dump())


def declared(stored: Iterable[Mapping[str, Any]]) -> list[Parameter]:
    """Return the declarations of a stored definition, which was valid when it was saved."""
    return [Parameter(**{**one, "type": ParameterType(one["type"])}) for one in stored]


def checked(declarations: Sequence[Mapping[str, Any]], given: object) -> dict[str, Scalar]:
    """Return the values with which a start begins; InvalidError names each that is wrong."""
    if given is None:
        given = {}
    if not isinstance(given, Mapping):
        sentence = said(
            "{given!r:.80} is not allowed. Use an object of names and values.", given=given
        )
        raise InvalidError(told(("parameters:", sentence)), fields={"parameters": sentence})
    return values_of(declared(declarations), given)


def stored_defaults(declarations: Sequence[Mapping[str, Any]]) -> dict[str, Scalar] | None:
    """Return what an execution that nobody gave anything keeps; None without declarations."""
    return defaults_of(declared(declarations)) if declarations else None


def sealed(
    declarations: Sequence[Mapping[str, Any]], values: Mapping[str, Scalar]
) -> dict[str, Any] | None:
    """Return checked values as an execution keeps them."""
    if not declarations:
        return None
    secret = {one["name"] for one in declarations if one["secret"]}
    return {
        name: {SEALED: secret_box.seal(str(value))} if name in secret else value
        for name, value in values.items()
    }


def opened(stored: Stored | None) -> dict[str, Scalar]:
    """Return the values of an execution; `secret_box.SealedError` when no key opens one."""
    return {
        name: secret_box.unseal(value[SEALED]) if _is_sealed(value) else value
        for name, value in (stored or {}).items()
    }


def resealed(stored: Stored) -> dict[str, Any]:
    """Return the values with the secret ones sealed by the first key; SealedError when none opens one."""
    return {
        name: {SEALED: secret_box.reseal(value[SEALED])} if _is_sealed(value) else value
        for name, value in stored.items()
    }


def shown(stored: Stored | None) -> dict[str, Scalar] | None:
    """Return the values of an execution for everybody: a secret one is masked."""
    if stored is None:
        return None
    return {name: MASK if _is_sealed(value) else value for name, value in stored.items()}


def secrets_in(stored: Stored | None) -> Iterator[str]:
    """Yield the secret values; one that cannot be opened is left out: no run can have it."""
    for value in (stored or {}).values():
        if _is_sealed(value):
            try:
                yield secret_box.unseal(value[SEALED])
            except secret_box.SealedError:
                continue


def check_uses(
    spec: Mapping[str, Any], job_type: str, others: object, parameters: Iterable[Parameter]
) -> None:
    """Refuse placeholders of parameters that are not declared, or that a shell would read.

    Who may start a job may not write its commands: a free text within those of a shell would be one.
    Values of the other types hold nothing but what the declaration allows.
    """
    known = {one.name: one for one in parameters}
    read_by_shell = job_type in _SHELL_TYPES
    for use in _parameters_in(spec):
        parameter = _declared(use, known)
        if read_by_shell and parameter.type == ParameterType.STRING:
            raise _refused(
                use,
                said(
                    '{{{{{use}}}}} would be read by the shell. Write "$PARAM_{name}", with the '
                    "quotes: whoever starts the job may not add commands to it.",
                    use=use.name,
                    name=parameter.name.upper(),
                ),
            )
    for use in _parameters_in(others):
        _declared(use, known)


def _parameters_in(value: object) -> Iterator[Use]:
    return (use for use in uses_in(value) if use.name.startswith(PARAMETER))


def _declared(use: Use, known: Mapping[str, Parameter]) -> Parameter:
    name = use.name.removeprefix(PARAMETER)
    if name not in known:
        raise _refused(
            use,
            said("{{{{{name}}}}} names a parameter that the job does not declare.", name=use.name),
        )
    return known[name]


def _refused(use: Use, sentence: str) -> InvalidError:
    field = use.place.partition(" ")[0] or "spec"
    return InvalidError(sentence, fields={field: sentence})


def _is_sealed(value: object) -> bool:
    return isinstance(value, Mapping) and SEALED in value
