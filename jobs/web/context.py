"""What the frame around every page shows: heartbeat, role, name of the installation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from jobs.domain.permissions import Actor, Permission, can
from jobs.queries.pulse import Pulse, pulse
from jobs.queries.room import Room, room
from jobs.web.freezing import ShownFreeze, banner


@dataclass(frozen=True, slots=True, kw_only=True)
class May:
    """What the reader may do, for templates; the server asks again in every service."""

    run: bool
    pause: bool
    edit: bool
    delete: bool
    administer: bool
    audit: bool
    see_all: bool  # pages about the whole product


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """The frame's data."""

    pulse: Pulse
    room: Room  # on the disk of the data directory
    freezes: list[ShownFreeze]  # that hold now or begin soon
    role: str
    environment: str
    open_loopback: bool  # programs on this host need no credentials for some addresses


def may_of(actor: Actor) -> May:
    """Return what ``actor`` may do with the job of a page, or with any of the jobs of a list."""
    allowed = actor.can_somewhere if actor.partial and actor.here is None else actor.may
    return May(
        run=allowed(Permission.EXECUTE),
        pause=allowed(Permission.PAUSE),
        edit=allowed(Permission.EDIT),
        delete=allowed(Permission.DELETE),
        administer=can(actor, Permission.ADMINISTER),
        audit=can(actor, Permission.AUDIT),
        see_all=can(replace(actor, here=None), Permission.READ),
    )


def shell(request: HttpRequest) -> dict[str, object]:
    """Add the frame to pages behind a login; nothing is asked until a template shows it."""
    actor: Actor | None = getattr(request, "actor", None)
    if actor is None:
        return {}
    role = actor.role.value if actor.role else ""

    def frame() -> Shell:
        now = timezone.now()
        return Shell(
            pulse=pulse(now, actor),
            room=room(),
            freezes=banner(request, now, actor),
            role=role,
            environment=settings.ENVIRONMENT_NAME,
            open_loopback=settings.OPEN_LOOPBACK,
        )

    return {"shell": SimpleLazyObject(frame), "may": may_of(actor)}
