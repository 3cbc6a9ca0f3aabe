"""Which fields there are where somebody named one that is none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel

from jobs.domain.said import said, told

_ALIKE = 0.6  # of 1: what shares less is no slip of the hand


def no_such_field(model: type[BaseModel] | None, place: Sequence[object]) -> str:
    """Say that the field at a place is none, which one is probably meant, and which there are."""
    sentences = [said("This field does not exist.")]
    names = list(dict.fromkeys(_names(_models(model, place[:-1])))) if place else []
    if not names:
        return sentences[0]
    meant = _meant(str(place[-1]), names)
    if meant:
        sentences.append(said("Did you mean {names}?", names=meant))
    return told([*sentences, said("Allowed: {names}.", names=", ".join(names))])


def _meant(typed: str, names: Sequence[str]) -> str:
    """Return the field that is meant: one that begins with the same words, else the most alike."""
    wanted = typed[:100].lower().replace("-", "_")
    begun = [one for one in names if f"{wanted}_".startswith(f"{one}_")]
    longer = [one for one in names if one.startswith(f"{wanted}_")]
    alike = get_close_matches(wanted, names, n=1, cutoff=_ALIKE)
    return next(iter(sorted(begun, key=len, reverse=True) or longer or alike), "")


def _models(model: Any, place: Sequence[object]) -> list[type[BaseModel]]:
    """Return what may stand at a place of a model; places in lists and dictionaries count no field."""
    found = list(_inside(model))
    for part in place:
        if isinstance(part, int):
            continue
        fields = [
            field.annotation
            for one in found
            for name, field in one.model_fields.items()
            if part in (name, field.alias)
        ]
        if fields:
            found = [one for annotation in fields for one in _inside(annotation)]
    return found


def _inside(annotation: Any) -> Iterator[type[BaseModel]]:
    """Return the models that an annotation has in it, such as that of ``list[Model] | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _inside(inner)


def _names(models: Sequence[type[BaseModel]]) -> Iterator[str]:
    for model in models:
        for name, field in model.model_fields.items():
            yield field.alias or name
