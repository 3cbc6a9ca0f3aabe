"""The job type ``template``: OpenTofu on a registered template, in a directory that stays.

The steps run in a forked child, as a Python job does: so one time limit covers them all, and a kill
ends whatever they have started. OpenTofu itself is never fetched.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from jobs import conf
from jobs.domain.errors import InvalidError
from jobs.executors import template_files
from jobs.executors.base import STANDALONE, ExecutionContext, ExecutionResult, Monitor
from jobs.executors.environment import DEFAULT_PATH
from jobs.executors.forked import run_forked
from jobs.executors.template_drive import NOT_FOUND, Order, drive
from jobs.executors.template_spec import CustomCommands, Operation, Scope, TemplateSpec
from jobs.executors.verdict import not_started

PROGRAMS = ("tofu", "terraform")


class TemplateExecutor:
    """Deploy, destroy or compare a template."""

    spec_model = TemplateSpec

    def execute(
        self, spec: TemplateSpec, context: ExecutionContext, monitor: Monitor
    ) -> ExecutionResult:
        """Run all steps to their end; what they do wrong is a result."""
        try:
            order = order_of(spec, context)
        except (InvalidError, OSError) as error:
            monitor.write([], last=True)
            result = not_started(error, datetime.now(UTC))
            return replace(result, message=result.error or "", exit_code=None)
        if spec.scope is Scope.JOB and context.working_dir is None:
            own = Path(template_files.JOBS) / context.job_name
            context = replace(context, working_dir=own)
        return run_forked(partial(drive, order), context, monitor, gently=True)


def order_of(spec: TemplateSpec, context: ExecutionContext) -> Order:
    """Return what the child is to do; InvalidError says why it cannot be done here."""
    custom = spec.custom or CustomCommands()
    return Order(
        binary=_binary_for(spec, custom, context.environment.get("PATH")),
        source=source_of(spec, context),
        template=spec.template,
        workspace=context.workspace_id,
        operation=spec.operation,
        custom=custom,
        variables=variables_of(spec, context),
    )


def _binary_for(spec: TemplateSpec, custom: CustomCommands, path: str | None) -> str | None:
    """Return the program; None where there is none and every step has a command of its own."""
    try:
        found = find_binary(path)
        if found is None:
            raise InvalidError(NOT_FOUND)
    except InvalidError:
        if _does_without(custom, spec.operation):
            return None
        raise
    return found


def find_binary(path: str | None = None) -> str | None:
    """Return the program: the one of the setting, else ``tofu``, else ``terraform`` on PATH.

    InvalidError when the setting names one that cannot be started.
    """
    named = conf.tofu_binary()
    if named:
        found = shutil.which(named)
        if found is None:
            raise InvalidError(f"OpenTofu was not found: TOFU_BINARY names {named}.")
        return found
    searched = path or os.environ.get("PATH", DEFAULT_PATH)
    return next(filter(None, (shutil.which(one, path=searched) for one in PROGRAMS)), None)


def _does_without(custom: CustomCommands, operation: Operation) -> bool:
    """Say whether every step has a command of its own."""
    steps = {
        Operation.APPLY: (custom.init_command, custom.apply_command),
        Operation.DESTROY: (custom.init_command, custom.destroy_command),
        Operation.PLAN: ("",),
    }
    return all(steps[operation])


def source_of(spec: TemplateSpec, context: ExecutionContext) -> Path | None:
    """Return where the files come from: a workspace's own win over its template.

    None for a destruction whose template is gone: the copy of the last deployment serves it.
    """
    if spec.scope is Scope.WORKSPACE:
        own = conf.workspaces_dir()
        if own is not None and template_files.has_configuration(own / context.workspace_id):
            return own / context.workspace_id
    directory = conf.templates_dir() / spec.template
    if spec.template and template_files.has_configuration(directory):
        return directory
    if spec.operation is Operation.DESTROY and _has_copy(context):
        return None
    raise InvalidError(_no_source(spec, context, directory))


def _has_copy(context: ExecutionContext) -> bool:
    return template_files.has_configuration(context.default_dir / (context.working_dir or ""))


def _no_source(spec: TemplateSpec, context: ExecutionContext, directory: Path) -> str:
    if not spec.template:
        return (
            f"Workspace {context.workspace_id} names no template and has no *.tf file of its own."
        )
    if not directory.is_dir():
        there = sorted(one.name for one in _directories(conf.templates_dir()))
        listed = ", ".join(there[:20]) or "none"
        return f"template {spec.template} not found in {conf.templates_dir()}; there are: {listed}"
    return f"template {spec.template} holds no *.tf file ({directory})"


def _directories(folder: Path) -> list[Path]:
    return [one for one in folder.iterdir() if one.is_dir()] if folder.is_dir() else []


def variables_of(spec: TemplateSpec, context: ExecutionContext) -> dict[str, str]:
    """Return what OpenTofu finds in its environment besides the job's own variables.

    The job's variables are there a second time as ``TF_VAR_…``, as written and in lower case: one
    that the template does not declare is ignored, which ``-var`` would refuse.
    """
    given = context.environment
    passed = {
        name: value
        for key, value in given.items()
        for name in (f"TF_VAR_{key}", f"TF_VAR_{key.lower()}")
        if not key.startswith("TF_")
    }
    workspace = "" if context.workspace_id == STANDALONE else context.workspace_id
    known = {"TF_VAR_workspace_name": workspace}
    if spec.mode:
        known["TF_VAR_deployment_mode"] = spec.mode
    fixed = {"TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "CHECKPOINT_DISABLE": "1"}
    return {**_own_rc(given), **passed, **known, **_explicit(given), **fixed}


def _own_rc(given: Mapping[str, str]) -> dict[str, str]:
    """Name OpenTofu's configuration file: a missing one would be warned of at each start."""
    home = Path(given.get("HOME") or os.environ.get("HOME", "/"))
    files = (home / ".tofurc", home / ".terraformrc", Path(os.devnull))
    return {"TF_CLI_CONFIG_FILE": str(next(one for one in files if one.exists()))}


def _explicit(given: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in given.items() if name.startswith("TF_")}
