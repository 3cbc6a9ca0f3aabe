"""One bounded piece of an index for each of a few keys, in one statement.

One condition over all keys would read every row of a key that has millions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection


def pieces(select: str, keys: Iterable[int], values: Sequence[Any] = ()) -> list[Any]:
    """Return the rows of ``select``, asked once for each key, in no order between the keys.

    ``select`` has ``{key}`` for the key, before the places of ``values``, and its own limit. Without
    a key there is nothing to ask.
    """
    chosen = list(keys)
    if not chosen:
        return []
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # Planned once: of a union each piece is planned by itself, and thirty took 10 ms.
            lateral = select.format(key="each.key")
            cursor.execute(
                f"SELECT piece.* FROM unnest(%s::bigint[]) AS each(key), LATERAL ({lateral}) AS piece",  # noqa: S608  # the select is a constant of the caller
                [chosen, *values],
            )
        else:
            one = f"SELECT * FROM ({select.format(key='%s')}) AS piece"  # noqa: S608  # likewise
            cursor.execute(
                " UNION ALL ".join([one] * len(chosen)),
                [value for key in chosen for value in (key, *values)],
            )
        return list(cursor.fetchall())
