"""Mount the JSON API: every address below it answers JSON, to known callers only."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import URLPattern, include, path, re_path, register_converter
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from jobs.api import docs, metrics
from jobs.api.auth import identify
from jobs.api.body import check_size
from jobs.api.native import api
from jobs.api.problems import HttpProblem, answer_to, problem
from jobs.api.requests import IdConverter
from jobs.domain.errors import JobdeckError

View = Callable[..., HttpResponseBase]


def guarded(view: View) -> View:
    """Check the size before anything reads the body, and answer a wrong method as JSON."""

    @wraps(view)
    def guard(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            check_size(request)
            response = view(request, *args, **kwargs)
            if response.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
                identify(request)
                return _wrong_method(request, response["Allow"])
        except (HttpProblem, JobdeckError, Http404) as error:
            return answer_to(error)
        return response

    # Who signs in by cookie is checked in `auth`; a token needs no CSRF protection.
    return csrf_exempt(guard)


def _wrong_method(request: HttpRequest, allowed: str) -> HttpResponse:
    allowed = ", ".join(sorted(allowed.split(", ")))
    return problem(
        HTTPStatus.METHOD_NOT_ALLOWED,
        "wrong_method",
        f"{request.method} is not possible here. Use {allowed}.",
        headers={"Allow": allowed},
    )


def unknown_address(request: HttpRequest) -> HttpResponse:
    """Answer what no other pattern took: 401 to strangers, 404 to everybody else."""
    identify(request)
    raise Http404


def _guard(pattern: URLPattern) -> URLPattern:
    """Put the guard around an operation of ninja; its root page is ours to answer."""
    pattern.callback = guarded(unknown_address if pattern.name == "api-root" else pattern.callback)
    return pattern


metrics_view = guarded(require_safe(metrics.view))
register_converter(IdConverter, "id")  # before ninja reads its paths
_patterns, _app_name, _namespace = api.urls
_operations = [_guard(pattern) for pattern in _patterns if isinstance(pattern, URLPattern)]

urlpatterns = [
    path("docs/", docs.page, name="api-docs"),
    # An interface of its own below the same address; the native API has nothing of that name.
    path("v1/", include("jobs.api.compat.scheduled_jobs")),
    path("v1/", include((_operations, _app_name), namespace=_namespace)),
    re_path("", guarded(unknown_address)),
]
