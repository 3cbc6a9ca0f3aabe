"""Django's templates, which let go of what they rendered as soon as it is written.

Django keeps the values of a rendered template in a circle of its own making. They would stay, a
page's rows among them, until the garbage collector takes its time for them in a later request.
"""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.template import TemplateDoesNotExist
from django.template.backends import django as backend
from django.template.context import make_context
from django.utils.safestring import SafeString


class Template(backend.Template):
    """A template that keeps nothing of what it rendered."""

    def render(
        self, context: dict[str, Any] | None = None, request: HttpRequest | None = None
    ) -> SafeString:
        """Return the text, as Django's own does, and break the circle."""
        values = make_context(context, request, autoescape=self.backend.engine.autoescape)
        try:
            return self.template.render(values)
        except TemplateDoesNotExist as error:
            backend.reraise(error, self.backend)
        finally:
            values.dicts.clear()


class Templates(backend.DjangoTemplates):
    """What the setting ``TEMPLATES`` names as its backend."""

    def from_string(self, template_code: str) -> Template:
        """Return a template of a text."""
        return Template(super().from_string(template_code).template, self)

    def get_template(self, template_name: str) -> Template:
        """Return a template of a file."""
        return Template(super().get_template(template_name).template, self)
