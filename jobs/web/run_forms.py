"""The form of a start with parameters: one field for each that the job declares.

It only carries text: `services.parameter_definitions` judges it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from django import forms
from django.utils.translation import gettext as _

from jobs.domain.parameters import Parameter, ParameterType, text_of

PREFIX = "parameter"
_INPUTS = {ParameterType.DATE: "date", ParameterType.STRING: "text"}
_LONG = 200


class RunForm(forms.Form):
    """A field for each parameter, named like it."""

    def __init__(self, parameters: Sequence[Parameter], values: Mapping[str, str]) -> None:
        """Make the fields, filled with ``values``."""
        super().__init__(
            {f"{PREFIX}-{name}": value for name, value in values.items()}, prefix=PREFIX
        )
        for one in parameters:
            self.fields[one.name] = _field(one)


def initial(parameters: Sequence[Parameter]) -> dict[str, str]:
    """Return what the fields show before anybody typed."""
    return {one.name: text_of(one.default) for one in parameters if one.default is not None}


def given(parameters: Sequence[Parameter], data: Mapping[str, str]) -> dict[str, str]:
    """Return what was typed; an empty field is no value, but for a text that has a default."""
    typed = {
        one.name: data.get(f"{PREFIX}-{one.name}", "").replace("\r\n", "\n") for one in parameters
    }
    return {
        one.name: typed[one.name]
        for one in parameters
        if typed[one.name] or (one.type == ParameterType.STRING and one.default is not None)
    }


def with_errors(form: RunForm, errors: Mapping[str, str]) -> RunForm:
    """Return the form with each sentence at its field."""
    form.is_valid()
    for key, sentence in errors.items():
        name = key.partition(".")[2]
        form.add_error(name if name in form.fields else None, sentence)
    return form


def _field(one: Parameter) -> forms.Field:
    """Return the field of a parameter."""
    help_text = " ".join(filter(None, [_sentence(one.description), _rules(one)]))
    return forms.CharField(
        label=one.label, help_text=help_text, required=False, strip=False, widget=_widget(one)
    )


def _sentence(text: str) -> str:
    """Return a text with its full stop: rules may follow."""
    return f"{text}." if text and text[-1].isalnum() else text


def _widget(one: Parameter) -> forms.Widget:
    look = {"class": "in", "autocomplete": "off"}
    if one.required:
        look["aria-required"] = "true"
    if one.secret:
        return forms.PasswordInput(attrs={**look, "autocomplete": "new-password"})
    match one.type:
        case ParameterType.BOOLEAN:
            return forms.Select(
                attrs=look, choices=[*_unset(one), ("true", _("Yes")), ("false", _("No"))]
            )
        case ParameterType.CHOICE:
            return forms.Select(attrs=look, choices=[*_unset(one), *((c, c) for c in one.choices)])
        case ParameterType.INTEGER | ParameterType.NUMBER:
            mode = "numeric" if one.type == ParameterType.INTEGER else "decimal"
            return forms.TextInput(attrs={**look, "inputmode": mode})
        case ParameterType.DATE:
            return forms.DateInput(attrs={**look, "type": "date"})
        case ParameterType.STRING:
            if (one.max_length or _LONG) > _LONG:
                return forms.Textarea(attrs={**look, "rows": 4})
            return forms.TextInput(attrs=look)


def _unset(one: Parameter) -> list[tuple[str, str]]:
    """Return the choice of nothing, where that is one."""
    return [] if one.default is not None else [("", _("Choose…") if one.required else _("None"))]


def _rules(one: Parameter) -> str:
    """Return what a value must be, as far as the field itself does not show it."""
    parts = []
    if one.needed:
        parts.append(_("Required."))
    if one.minimum is not None and one.maximum is not None:
        parts.append(_("%(low)s to %(high)s.") % {"low": one.minimum, "high": one.maximum})
    elif one.minimum is not None:
        parts.append(_("%s or more.") % one.minimum)
    elif one.maximum is not None:
        parts.append(_("%s or less.") % one.maximum)
    if one.secret:
        parts.append(_("Secret: it is not shown again."))
    if one.pattern:
        parts.append(_("Like %s.") % one.pattern)
    return " ".join(parts)
