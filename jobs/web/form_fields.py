"""The kinds of fields that the job form is made of: they carry text, and judge nothing."""

from __future__ import annotations

from typing import Any

from django import forms


class Text(forms.CharField):
    """A field that keeps what was typed; spaces inside a script or a value matter."""

    def __init__(self, *, mono: bool = False, **options: Any) -> None:
        """Make an optional text field in the pages' style."""
        widget = options.pop("widget", None) or forms.TextInput()
        widget.attrs.setdefault("class", "in mono" if mono else "in")
        widget.attrs.setdefault("autocomplete", "off")
        options.setdefault("required", False)
        super().__init__(widget=widget, **options)


class Choice(forms.ChoiceField):
    """A selection; a value outside it is judged where all others are."""

    def __init__(self, **options: Any) -> None:
        """Make an optional selection in the pages' style."""
        options.setdefault("required", False)
        super().__init__(widget=forms.Select(attrs={"class": "in"}), **options)

    def validate(self, value: Any) -> None:
        """Let every value pass."""


def area(rows: int) -> forms.Textarea:
    """Return a widget of some lines."""
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false"})


def number() -> forms.TextInput:
    """Return a widget for a number."""
    return forms.TextInput(attrs={"inputmode": "numeric"})
