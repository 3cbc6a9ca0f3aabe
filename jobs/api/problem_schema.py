"""What every operation may refuse with, and the shape of a refusal, for the OpenAPI document."""

from __future__ import annotations

REFUSALS = {
    400: "A value cannot be accepted; `fields` names each one.",
    401: "Credentials are missing, unknown, revoked or expired.",
    403: "The caller's role may not do this, or the CSRF token is missing.",
    404: "Nothing has that id.",
    405: "The address does not know this method.",
    409: "The present state, another name or another version stands in the way.",
    413: "The body is larger than 1 MB.",
    415: "The body is compressed.",
    422: "Well-formed, but it cannot be done.",
    429: "More requests a minute than the setting allows; `Retry-After` says when to go on.",
    503: "The database does not answer at the moment.",
}
PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457: what was wrong, and what to do.",
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "Stable, for programs."},
        "detail": {"type": "string", "description": "A sentence for a person."},
        "fields": {
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "A sentence for each wrong field, such as `schedules.0.expression`.",
        },
        "existing_job_id": {
            "type": "integer",
            "description": "With `duplicate`: the job that registers the same resources.",
        },
        "version": {"type": "integer", "description": "With `stale`: the current version."},
        "diff": {
            "type": "array",
            "description": "With `stale`: what has changed since the version of `If-Match`.",
            "items": {
                "type": "object",
                "required": ["field", "before", "now", "yours"],
                "properties": {
                    "field": {"type": "string"},
                    "before": {"description": "As it was edited."},
                    "now": {"description": "As it is."},
                    "yours": {"description": "As the refused edit would have it."},
                },
            },
        },
    },
}
