"""Where in a text a value stands, and whether a YAML text is one that may be read at all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import yaml

from jobs.domain.errors import InvalidError
from jobs.domain.said import said

MAX_NODES: Final = 200_000  # after aliases are written out: a small text must not become a huge one
MAX_DEPTH: Final = 32  # as deep as a body of the API may be


class Loader(yaml.SafeLoader):
    """Plain values only, and as YAML 1.2 reads them.

    In YAML 1.1 the key ``on`` is true, ``010`` is eight, ``12:30`` is 750 and a date is an object;
    none of it is what somebody who writes a job means.
    """


Loader.yaml_implicit_resolvers = {}
_PLAIN: Final = (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?(?:0|[1-9][0-9]{0,300})$", list("-+0123456789")),
    (
        "tag:yaml.org,2002:float",
        r"^[-+]?(?:0|[1-9][0-9]*)(?:\.[0-9]+(?:[eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)$",
        list("-+0123456789"),
    ),
    ("tag:yaml.org,2002:merge", r"^<<$", ["<"]),
)


def _learn() -> None:
    for tag, pattern, first in _PLAIN:
        Loader.add_implicit_resolver(tag, re.compile(pattern), first)


_learn()


def composed(text: str) -> Iterator[yaml.Node]:
    """Yield the documents of a YAML text as nodes; InvalidError, with its line, for a wrong one."""
    try:
        for node in yaml.compose_all(text, Loader):
            if node is not None:
                check(node)
                yield node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidError(_not_yaml(error.problem, mark)) from error
    except yaml.YAMLError as error:
        raise InvalidError(
            said("This is not YAML: {reason}.", reason=str(error).splitlines()[0])
        ) from error
    except RecursionError as error:
        raise InvalidError(said("This is deeper than {most} levels.", most=MAX_DEPTH)) from error


def _not_yaml(reason: object, mark: yaml.Mark | None) -> str:
    if mark is None:
        return said("This is not YAML: {reason}.", reason=str(reason))
    return said(
        "This is not YAML: {reason} at line {line} column {column}.",
        reason=str(reason),
        line=mark.line + 1,
        column=mark.column + 1,
    )


def check(node: yaml.Node) -> None:
    """Refuse keys given twice, aliases that explode or hold themselves, and too deep a text."""
    sizes: dict[int, int] = {}
    if _size(node, sizes, set(), 1) > MAX_NODES:
        raise InvalidError(
            said(
                "This holds more than {most} values once its aliases are followed.", most=MAX_NODES
            )
        )


def _size(node: yaml.Node, sizes: dict[int, int], above: set[int], depth: int) -> int:
    """Return how many values a node holds; each is looked at once, however often it is named."""
    if isinstance(node, yaml.ScalarNode):
        return 1
    if id(node) in above:
        raise InvalidError(said("Line {line} holds itself by an alias.", line=line_of(node)))
    if depth > MAX_DEPTH:
        raise InvalidError(
            said("Line {line} is deeper than {most} levels.", line=line_of(node), most=MAX_DEPTH)
        )
    if id(node) not in sizes:
        above.add(id(node))
        sizes[id(node)] = 1 + sum(
            _size(child, sizes, above, depth + 1) for child in _children(node)
        )
        above.discard(id(node))
    return sizes[id(node)]


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        yield from node.value
    elif isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise InvalidError(said("The key on line {line} is not a text.", line=line_of(key)))
            if key.value in seen:
                raise InvalidError(
                    said(
                        "{key} is given twice, again on line {line}.",
                        key=key.value,
                        line=line_of(key),
                    )
                )
            seen.add(key.value)
            yield value


def line_of(node: yaml.Node) -> int:
    """Return the line on which a node begins, from 1."""
    return int(node.start_mark.line) + 1


def line_at(node: yaml.Node, place: str) -> int:
    """Return the line of a field such as ``schedules.0.expression``: of what of it is there."""
    line = line_of(node)
    for part in place.split("."):
        found = _step(node, part)
        if found is None:
            break
        line, node = found
    return line


def _step(node: yaml.Node, part: str) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if getattr(key, "value", None) == part:
                return line_of(key), value
    elif isinstance(node, yaml.SequenceNode) and part.isdecimal() and int(part) < len(node.value):
        value = node.value[int(part)]
        return line_of(value), value
    return None
