"""The filters that a reader keeps for a list, as its page shows them."""

from __future__ import annotations

from jobs.domain.preferences import FilterPage
from jobs.services import preferences
from jobs.web.http import AuthedRequest


def kept_filters(request: AuthedRequest, page: FilterPage, query: str) -> dict[str, object]:
    """Return what `partials/saved_filters.html` shows; ``query`` is the filter that holds now."""
    return {
        "saved_filters": preferences.filters_of(request.user, page),
        "filter_page": page.value,
        "filter_query": query,
    }
