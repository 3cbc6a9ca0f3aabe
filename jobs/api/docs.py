"""The native API described, on a page on which to try it."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show Swagger UI to signed-in people, who use it as themselves."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    return swagger(request, title=_("JSON API"), document_url=reverse("api-v1:openapi"))


def swagger(request: HttpRequest, *, title: str, document_url: str) -> HttpResponse:
    """Return Swagger UI for the document at an address."""
    context = {
        "title": title,
        "document_url": document_url,
        "csrf_token_value": get_token(request),
    }
    return render(request, "pages/swagger.html", context)
