"""Who is signed in, with what they set for their own pages, in one query."""

from __future__ import annotations

from django.contrib.auth import get_user_model
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User


class PersonBackend(ModelBackend):
    """Django's own accounts; a page knows its reader's settings without asking once more."""

    def get_user(self, user_id: int) -> User | None:
        """Return the active account of that number with its settings."""
        rows = get_user_model().objects.select_related("preference")
        user: User | None = rows.filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None
