"""Files of job definitions, JSON and YAML: read with care, each definition with its line.

A file holds one definition, a list of them, or an object with a list under ``jobs`` or ``items``; a
YAML file may hold several documents. What cannot be read is told beside what can.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from jobs.domain.errors import InvalidError
from jobs.domain.said import said
from jobs.importers.positions import MAX_DEPTH, Loader, composed, line_at, line_of

ENDINGS: Final = (".json", ".yaml", ".yml")
MAX_BYTES: Final = 5_000_000
MAX_DEFINITIONS: Final = 10_000  # of one file
MAX_FILES: Final = 10_000  # of one directory
LISTS: Final = ("jobs", "items")


@dataclass(frozen=True)
class Entry:
    """One definition, as somebody wrote it."""

    source: str
    value: dict[str, Any]
    node: yaml.Node

    def place(self, field: str = "") -> str:
        """Return file and line, of a field where it is named: ``jobs.yaml:12``."""
        return f"{self.source}:{line_at(self.node, field) if field else line_of(self.node)}"


@dataclass(frozen=True)
class Broken:
    """What could not be read, and why."""

    place: str
    reason: str


def files_in(path: Path) -> list[Path]:
    """Return the files that a path means: itself, or the job files right in the directory."""
    if not path.is_dir():
        return [path]
    found = sorted(
        one
        for one in path.iterdir()
        if one.suffix.lower() in ENDINGS and not one.name.startswith(".")
    )
    if len(found) > MAX_FILES:
        raise InvalidError(
            said(
                "{path} holds {count} job files. Use {most} or fewer at a time.",
                path=path,
                count=len(found),
                most=MAX_FILES,
            )
        )
    return found


def read(raw: bytes, source: str) -> Iterator[Entry | Broken]:
    """Yield the definitions that a file holds, and what is wrong with it."""
    try:
        yield from _read(_Text(raw, source))
    except InvalidError as error:
        yield Broken(source, error.message)


def read_objects(raw: bytes, source: str) -> Iterator[Entry | Broken]:
    """Yield the objects of a file as they are: a list under ``jobs`` is a field like others."""
    try:
        text = _Text(raw, source)
        documents = [_json(text.text)] if text.is_json else [_value(node) for node in text.nodes]
        for document, node in zip(documents, text.nodes, strict=True):
            yield _entry(document, node, source)
    except InvalidError as error:
        yield Broken(source, error.message)


def inside(entry: Entry, name: str) -> Iterator[Entry | Broken]:
    """Yield the objects of the list that an object holds under ``name``."""
    yield from _listed(entry.value[name], _pairs(entry.node)[name], entry.source)


class _Text:
    """A file's content, with the nodes that know its lines."""

    def __init__(self, raw: bytes, source: str) -> None:
        if len(raw) > MAX_BYTES:
            raise InvalidError(
                said(
                    "The file has {size} bytes. Use {most} or fewer.", size=len(raw), most=MAX_BYTES
                )
            )
        try:
            self.text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidError(
                said("The file is not UTF-8 (byte {place}).", place=error.start)
            ) from error
        self.source = source

    @property
    def is_json(self) -> bool:
        """Say whether this has to be JSON: by its name, or by how it begins."""
        named = self.source.lower().endswith(ENDINGS[1:])
        return not named and self.text.lstrip()[:1] in ("{", "[")

    @cached_property
    def nodes(self) -> list[yaml.Node]:
        # JSON is YAML but for tabs between its values; within a text JSON has none.
        return list(composed(self.text.replace("\t", " ") if self.is_json else self.text))


def _read(text: _Text) -> Iterator[Entry | Broken]:
    documents = [_json(text.text)] if text.is_json else [_value(node) for node in text.nodes]
    if not documents:
        raise InvalidError(said("The file is empty. Write a job definition."))
    for document, node in zip(documents, text.nodes, strict=True):
        yield from _entries(document, node, text.source)


def _json(text: str) -> object:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise InvalidError(
            said(
                "This is not JSON: {reason} at line {line} column {column}.",
                reason=error.msg,
                line=error.lineno,
                column=error.colno,
            )
        ) from error
    except RecursionError as error:
        raise InvalidError(said("This is deeper than {most} levels.", most=MAX_DEPTH)) from error
    except ValueError as error:  # a whole number with thousands of digits
        raise InvalidError(said("This holds a number that is too long.")) from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidError(said("{name} is given twice in one object.", name=twice))
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise InvalidError(said("This is not JSON: {name} is no number of JSON.", name=name))


def _value(node: yaml.Node) -> object:
    """Return what a node says, in plain values; a tag that asks for an object is refused."""
    loader = Loader("")
    try:
        return loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        raise InvalidError(
            said("Line {line}: {reason}.", line=line_of(node), reason=error.problem)
        ) from error
    except (ValueError, TypeError) as error:
        raise InvalidError(
            said("Line {line}: {reason}.", line=line_of(node), reason=str(error))
        ) from error
    finally:
        loader.dispose()


def _entries(value: object, node: yaml.Node, source: str) -> Iterator[Entry | Broken]:
    """Yield the definitions of one document."""
    for name in LISTS:
        if isinstance(value, dict) and isinstance(value.get(name), list) and "name" not in value:
            yield from _listed(value[name], _pairs(node)[name], source)
            return
    if isinstance(value, list):
        yield from _listed(value, node, source)
    else:
        yield _entry(value, node, source)


def _pairs(node: yaml.Node) -> dict[str, yaml.Node]:
    """Return the fields of an object; what it merges stands before what it says itself."""
    assert isinstance(node, yaml.MappingNode)  # noqa: S101 - its value is an object
    return {key.value: child for key, child in node.value}


def _listed(values: list[Any], node: yaml.Node, source: str) -> Iterator[Entry | Broken]:
    if len(values) > MAX_DEFINITIONS:
        raise InvalidError(
            said(
                "The file holds {count} definitions. Use {most} or fewer.",
                count=len(values),
                most=MAX_DEFINITIONS,
            )
        )
    for value, child in zip(values, node.value, strict=True):
        yield _entry(value, child, source)


def _entry(value: object, node: yaml.Node, source: str) -> Entry | Broken:
    if isinstance(value, dict) and all(isinstance(name, str) for name in value):
        return Entry(source, value, node)
    return Broken(f"{source}:{line_of(node)}", said("This is no job definition. Write an object."))
