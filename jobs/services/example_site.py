"""The example of a deployed workspace: a template that needs no cloud, no provider and no network.

Where OpenTofu (or Terraform) is installed it is deployed by it. Elsewhere shell lines of the
workspace's own stand in for its steps, so that the example runs on every machine.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from django.utils import timezone

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Actor
from jobs.domain.said import said
from jobs.executors.template import find_binary
from jobs.executors.template_files import content_hash
from jobs.models import Template
from jobs.services.audit import record_on

NAME: Final = "hello"  # of the workspace and of its template
TEXT: Final = "Deploys one page into its own directory at 9, and destroys it at 18"
_TEMPLATE_TEXT: Final = "One page, without any cloud: an example"
_NO_ENGINE: Final = "; OpenTofu was not found here, so that shell lines do it (see Edit)"
_WRITE = "mkdir -p public && cp page.html public/index.html"
_FILES: Final = {
    "page.html": "<!doctype html>\n<title>Hello</title>\n<h1>Hello, this was deployed</h1>\n",
    "main.tf": f"""# Needs no provider and no network: it writes one page below the workspace's directory.
variable "workspace_name" {{
  default = ""
}}
variable "deployment_mode" {{
  default = "normal"
}}
resource "terraform_data" "page" {{
  input = filesha256("page.html")
  triggers_replace = [filesha256("page.html")]
  provisioner "local-exec" {{
    command = "{_WRITE}"
  }}
}}
output "workspace" {{
  value = var.workspace_name
}}
output "mode" {{
  value = var.deployment_mode
}}
""",
}
_CUSTOM: Final[dict[str, dict[str, str]]] = {
    "custom_deploy": {
        "init_command": "test -f page.html",
        "plan_command": "echo 'one page: public/index.html'",
        "apply_command": _WRITE,
    },
    "custom_destroy": {"init_command": "true", "destroy_command": "rm -rf public"},
}


def workspace() -> dict[str, Any]:
    """Return the workspace as a request has it."""
    by_hand = {} if has_engine() else _CUSTOM
    return {
        "name": NAME,
        "description": TEXT + (_NO_ENGINE if by_hand else ""),
        "operations": {
            "template": NAME,
            "deploy_schedule": "0 9 * * 1-5",
            "destroy_schedule": "0 18 * * 1-5",
            **by_hand,
        },
    }


def job_spec() -> dict[str, Any]:
    """Return what a job does that deploys the template beside any workspace's own deployment."""
    custom = None if has_engine() else _CUSTOM["custom_deploy"]
    return {"template": NAME, "custom": custom}


def has_engine() -> bool:
    """Say whether OpenTofu or Terraform can be started on this host."""
    try:
        return find_binary() is not None
    except InvalidError:  # the setting names one that is not there
        return False


def put_template(*, actor: Actor) -> None:
    """Register the template, with its files in place; whoever asks may make the examples.

    Files of somebody else that stand at its place already are left as they are, and used.
    """
    if Template.objects.filter(name__iexact=NAME).exists():
        return
    place = conf.templates_dir() / NAME
    try:
        _put(place)
    except OSError as error:
        raise InvalidError(
            said("The template cannot be put in {place}: {why}.", place=place, why=error.strerror)
        ) from error
    now = timezone.now()
    row = Template(
        name=NAME,
        description=_TEMPLATE_TEXT,
        content_hash=content_hash(place),
        created_at=now,
        created_by=actor.name[:200],
        updated_at=now,
    )
    row.save(force_insert=True)
    record_on(row, row.name, actor, "template.create", after={"name": row.name})


def is_own(row: Template) -> bool:
    """Say whether a template is the example, with its files as they were put."""
    place = conf.templates_dir() / row.name
    try:
        held = {str(one.relative_to(place)): one for one in place.rglob("*") if not one.is_dir()}
        same = held.keys() == _FILES.keys() and all(
            held[name].read_bytes() == text.encode() for name, text in _FILES.items()
        )
    except OSError:
        return False
    return row.description == _TEMPLATE_TEXT and (same or not place.exists())


def _put(place: Path) -> None:
    if place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=place.parent))
    try:
        for name, text in _FILES.items():
            (fresh / name).write_text(text, encoding="utf-8")
        fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
