"""Who is signed in, with what they set for their own pages and may do, in one query."""

from __future__ import annotations

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User

from jobs.queries.readers import reader


class PersonBackend(ModelBackend):
    """Django's own accounts; a page knows its reader's settings and rights without asking again."""

    def get_user(self, user_id: int) -> User | None:
        """Return the active account of that number with its settings and rights."""
        user = reader(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None
