"""Write values as YAML that every reader takes for the same values."""

from __future__ import annotations

from typing import Any

import yaml

from jobs.importers.positions import Loader


class _Dumper(yaml.SafeDumper):
    """Quote each text that a reader of YAML 1.1 or 1.2 would take for something else."""


_Dumper.yaml_implicit_resolvers = {
    first: [
        *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
        *Loader.yaml_implicit_resolvers.get(first, []),
    ]
    for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *Loader.yaml_implicit_resolvers}
}


def yaml_text(value: Any) -> str:
    """Return a value of JSON as YAML, its keys in their order."""
    written: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100)
    return written
