"""The form of one edit of many jobs: it carries text, and puts each sentence at its field."""

from __future__ import annotations

from collections.abc import Mapping

from django import forms
from django.utils.translation import gettext_lazy as _

from jobs.domain.errors import InvalidError
from jobs.web.form_fields import Text

# What the service calls a field that the form calls otherwise.
_CALLED = {"shift_minutes": "minutes"}


class ChangeForm(forms.Form):
    """What to change of each job; what is empty stays as it is."""

    add_tags = Text(label=_("Add tags"), help_text=_("Separated by commas"))
    remove_tags = Text(label=_("Remove tags"))
    queue = Text(label=_("Move to the queue"))
    minutes = Text(
        label=_("Shift schedules by minutes"),
        help_text=_("Later; below zero: earlier. Intervals and events stay."),
        widget=forms.NumberInput(),
    )


FIELDS = tuple(ChangeForm.base_fields)


def shown(values: Mapping[str, str], wrong: InvalidError | None = None) -> ChangeForm:
    """Return the form as it was typed, with what is wrong of it."""
    form = ChangeForm({name: values.get(name, "") for name in FIELDS})
    form.is_valid()
    if wrong is None:
        return form
    for key, sentence in (wrong.fields or {"": wrong.message}).items():
        head = key.partition(".")[0]
        name = _CALLED.get(head, head)
        form.add_error(name if name in form.fields else None, sentence)
    return form
