"""Who asks, in one statement: the account, its settings and its rights.

Written by hand: every request asks it, and the ORM took longer to build these statements than a poll
that changes nothing may cost.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from jobs.models import Preference

# A role, and the workspace or the tag that it is limited to: None and "" for everything.
Right = tuple[str, int | None, str]

_RIGHTS = (
    "SELECT g.name AS role, CAST(NULL AS bigint) AS workspace_id, '' AS tag "
    "FROM auth_user_groups m JOIN auth_group g ON g.id = m.group_id WHERE m.user_id = %s "
    "UNION ALL SELECT role, workspace_id, tag FROM jobs_access WHERE user_id = %s"
)
# In the order of the models, as `from_db` takes them. What no page asks of its reader (two moments)
# is fetched when something does.
_FIELDS = (
    *("id", "password", "is_superuser", "username", "first_name", "last_name", "email"),
    *("is_staff", "is_active"),
)
_SETTINGS = (
    *("user_id", "language", "time_zone", "theme", "density", "single_keys"),
    *("job_columns", "execution_columns"),
)
_READER = (
    f"SELECT {', '.join(f'u.{name}' for name in _FIELDS)}, "  # noqa: S608  # names of columns
    f"{', '.join(f'p.{name}' for name in _SETTINGS)}, r.role, r.workspace_id, r.tag "
    "FROM auth_user u LEFT JOIN jobs_preference p ON p.user_id = u.id "
    f"LEFT JOIN ({_RIGHTS}) r ON 1 = 1 WHERE u.id = %s"
)


def reader(user_id: int) -> User | None:
    """Return an account with its settings and its rights as they stand now; None without one."""
    with connection.cursor() as cursor:
        cursor.execute(_READER, [user_id] * 3)
        rows = cursor.fetchall()
    if not rows:
        return None
    account, rest = rows[0][: len(_FIELDS)], rows[0][len(_FIELDS) :]
    user = User.from_db(connection.alias, _FIELDS, account)
    # Kept as the ORM keeps it, also that there is none: else each look at it would ask.
    preference = _preference(rest[: len(_SETTINGS)])
    Preference.user.field.remote_field.set_cached_value(user, preference)
    user.known_rights = [row[-3:] for row in rows if row[-3] is not None]  # type: ignore[attr-defined]
    return user


def rights_of(user: User) -> Sequence[Right]:
    """Return the rights that a person has; nothing is asked for one that `reader` returned."""
    known: Sequence[Right] | None = getattr(user, "known_rights", None)
    if known is not None:
        return known
    with connection.cursor() as cursor:
        cursor.execute(_RIGHTS, [user.pk] * 2)
        rows: list[Right] = cursor.fetchall()
    return rows


def _preference(values: Sequence[Any]) -> Preference | None:
    if values[0] is None:
        return None
    *plain, jobs, executions = values
    return Preference.from_db(connection.alias, _SETTINGS, [*plain, _json(jobs), _json(executions)])


def _json(text: str | None) -> Any:
    """Return what a column of JSON holds; both databases hand over its text."""
    return None if text is None else json.loads(text)
