"""The Django project that carries the ``jobs`` app."""
