"""Parameters: what a job may be given when somebody starts it, and whether a value is such.

A value comes as JSON or as the text that a form or a command line sends; a text that reads as the
type is taken on every face, so that all of them refuse the same with the same words.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from jobs.domain.errors import InvalidError
from jobs.domain.masking import SHORTEST
from jobs.domain.parameter_values import boolean, date_text, integer, number, quoted
from jobs.domain.patterns import pattern_of
from jobs.domain.said import said, told

Scalar = str | int | float | bool

MOST_PARAMETERS: Final = 50
LONGEST_TEXT: Final = 10_000
# What a pattern costs grows with the value.
LONGEST_MATCHED: Final = 1_000
PREFIX: Final = "PARAM_"

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")


class ParameterType(StrEnum):
    """What a value is."""

    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    DATE = "date"


_NUMERIC = (ParameterType.INTEGER, ParameterType.NUMBER)
# Which rules belong to which type; what stands elsewhere would never hold, and is refused.
_RULES: Mapping[str, tuple[ParameterType, ...]] = {
    "minimum": (*_NUMERIC, ParameterType.DATE),
    "maximum": (*_NUMERIC, ParameterType.DATE),
    "pattern": (ParameterType.STRING,),
    "max_length": (ParameterType.STRING,),
    "choices": (ParameterType.CHOICE,),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One declaration; InvalidError names the rule that cannot be."""

    name: str
    type: ParameterType = ParameterType.STRING
    title: str = ""
    description: str = ""
    default: Scalar | None = None
    required: bool = False
    minimum: int | float | str | None = None
    maximum: int | float | str | None = None
    pattern: str = ""
    max_length: int | None = None
    choices: Sequence[str] = ()
    secret: bool = False

    def __post_init__(self) -> None:
        """Refuse what no value could satisfy, and what does not belong to the type."""
        if not _NAME.fullmatch(self.name):
            raise _wrong(
                "name",
                said(
                    "{name!r} is not allowed. Use 1 to 60 letters, digits or '_', and no digit first.",
                    name=self.name[:80],
                ),
            )
        for rule, types in _RULES.items():
            if getattr(self, rule) not in (None, "", (), []) and self.type not in types:
                raise _wrong(
                    rule,
                    said(
                        "A parameter of type {type} has no {rule}.", type=self.type.value, rule=rule
                    ),
                )
        self._check_rules()
        self._check_secret()
        if self.default is not None:
            try:
                self.value(self.default)
            except InvalidError as error:
                raise _wrong("default", error.message) from error

    def _check_rules(self) -> None:
        if self.type == ParameterType.CHOICE and not self.choices:
            raise _wrong("choices", said("A choice needs choices: a list of one text or more."))
        if len(set(self.choices)) != len(self.choices):
            raise _wrong("choices", said("One of the choices stands there twice."))
        if self.pattern:
            try:
                pattern_of(self.pattern)
            except InvalidError as error:
                raise _wrong("pattern", error.message) from error
        low, high = self._bound("minimum"), self._bound("maximum")
        if low is not None and high is not None and low > high:
            raise _wrong(
                "maximum",
                said(
                    "{maximum} is less than the minimum, {minimum}.",
                    maximum=self.maximum,
                    minimum=self.minimum,
                ),
            )

    def _bound(self, rule: str) -> Any:
        """Return a bound as the type compares it."""
        given = getattr(self, rule)
        if given is None:
            return None
        try:
            return self._typed(given)
        except InvalidError as error:
            raise _wrong(rule, error.message) from error

    def _check_secret(self) -> None:
        if not self.secret:
            return
        if self.type != ParameterType.STRING:
            raise _wrong(
                "secret", said("Only a string can be secret, not a {type}.", type=self.type.value)
            )
        if self.default is not None:
            raise _wrong(
                "default",
                said(
                    "A secret has no default: everybody reads a definition. Use a secret variable."
                ),
            )

    @property
    def needed(self) -> bool:
        """Say whether nothing starts without a value for it."""
        return self.required and self.default is None

    @property
    def label(self) -> str:
        """Return what a person reads beside its field."""
        return self.title or self.name

    def value(self, given: object) -> Scalar:
        """Return a given value as the type has it; InvalidError says what is allowed."""
        value = self._typed(given)
        low, high = self._bound("minimum"), self._bound("maximum")
        if low is not None and value < low:
            raise InvalidError(
                said(
                    "{value} is too small. Use {limit} or more.",
                    value=quoted(given),
                    limit=self.minimum,
                )
            )
        if high is not None and value > high:
            raise InvalidError(
                said(
                    "{value} is too large. Use {limit} or less.",
                    value=quoted(given),
                    limit=self.maximum,
                )
            )
        found: Scalar = value
        return found

    def _typed(self, given: object) -> Any:
        match self.type:
            case ParameterType.STRING:
                return self._text(given)
            case ParameterType.INTEGER:
                return integer(given)
            case ParameterType.NUMBER:
                return number(given)
            case ParameterType.BOOLEAN:
                return boolean(given)
            case ParameterType.CHOICE:
                if given in self.choices:
                    return given
                allowed = ", ".join(self.choices)
                raise InvalidError(
                    said(
                        "{given} is not allowed. Use one of {allowed}.",
                        given=quoted(given),
                        allowed=allowed,
                    )
                )
            case ParameterType.DATE:
                return date_text(given)

    def _text(self, given: object) -> str:
        if not isinstance(given, str):
            raise InvalidError(
                said("Use a text.")
                if self.secret
                else said("{given} is no text.", given=quoted(given))
            )
        most = self.max_length or (LONGEST_MATCHED if self.pattern else LONGEST_TEXT)
        if self.pattern:
            most = min(most, LONGEST_MATCHED)
        if len(given) > most:
            raise InvalidError(
                said(
                    "It has {count:,} characters. Use {most:,} or less.",
                    count=len(given),
                    most=most,
                )
            )
        if "\0" in given:
            raise InvalidError(said("It holds a NUL character."))
        if self.secret and 0 < len(given.encode(errors="replace")) < SHORTEST:
            raise InvalidError(
                said(
                    "It is too short to be kept out of the log. Use {least} characters or more.",
                    least=SHORTEST,
                )
            )
        if self.pattern and not pattern_of(self.pattern).matches(given):
            if self.secret:
                raise InvalidError(
                    said("It does not match the pattern {pattern}.", pattern=self.pattern)
                )
            raise InvalidError(
                said(
                    "{given} does not match the pattern {pattern}.",
                    given=quoted(given),
                    pattern=self.pattern,
                )
            )
        return given


def check_declarations(parameters: Sequence[Parameter], *, scheduled: bool) -> None:
    """Refuse declarations that do not fit together, or a schedule that could give them no value."""
    if len(parameters) > MOST_PARAMETERS:
        raise InvalidError(
            said(
                "{count} are too many. Use {most} or less.",
                count=len(parameters),
                most=MOST_PARAMETERS,
            )
        )
    seen: set[str] = set()
    for place, parameter in enumerate(parameters):
        # Environment variables are upper-case: a and A would be the same one.
        if parameter.name.upper() in seen:
            raise _wrong(f"{place}.name", said("{name} is declared twice.", name=parameter.name))
        seen.add(parameter.name.upper())
        if scheduled and parameter.needed:
            raise _wrong(
                f"{place}.default",
                said(
                    "{name} is required and has no default: the job's schedules could not start it. "
                    "Give it a default, make it optional, or leave out the schedules.",
                    name=parameter.name,
                ),
            )


def values_of(parameters: Iterable[Parameter], given: Mapping[str, object]) -> dict[str, Scalar]:
    """Return the value of each parameter that has one; null counts as not given.

    InvalidError has a sentence for each that is wrong, under ``parameters.NAME``.
    """
    known = {parameter.name: parameter for parameter in parameters}
    fields: dict[str, str] = {}
    for name in given:
        if name not in known:
            takes = said("This job takes none.")
            if known:
                takes = said("This job takes {names}.", names=", ".join(known))
            fields[f"parameters.{name[:60]}"] = said(
                "There is no parameter {name!r}. {takes}", name=name[:60], takes=takes
            )
    values: dict[str, Scalar] = {}
    for name, parameter in known.items():
        try:
            value = _value_for(parameter, given.get(name))
        except InvalidError as error:
            fields[f"parameters.{name}"] = told([name, error.message], ": ")
            continue
        if value is not None:
            values[name] = value
    if fields:
        raise InvalidError(told(fields.values()), fields=fields)
    return values


def _value_for(parameter: Parameter, given: object) -> Scalar | None:
    if given is None or (given == "" and parameter.required):
        if parameter.needed:
            raise InvalidError(said("A value is required."))
        default = parameter.default
        return None if default is None else parameter.value(default)
    return parameter.value(given)


def defaults_of(parameters: Iterable[Parameter]) -> dict[str, Scalar]:
    """Return the values with which nobody's start begins."""
    return {one.name: one.value(one.default) for one in parameters if one.default is not None}


def environment_of(values: Mapping[str, Scalar]) -> dict[str, str]:
    """Return the environment variables of a run: `PARAM_NAME`, upper-case."""
    return {f"{PREFIX}{name.upper()}": text_of(value) for name, value in values.items()}


def text_of(value: Scalar) -> str:
    """Return a value as programs read it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _wrong(field: str, sentence: str) -> InvalidError:
    return InvalidError(sentence, fields={field: sentence})
