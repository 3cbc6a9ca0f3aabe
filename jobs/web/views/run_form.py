"""Run now, with parameters: ask for them, and start."""

from __future__ import annotations

from uuid import uuid4

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from jobs.domain.errors import InvalidError
from jobs.domain.permissions import Permission
from jobs.models import Job
from jobs.queries.jobs import get_job
from jobs.services import triggers
from jobs.services.parameter_definitions import declared
from jobs.web import guard, run_forms
from jobs.web.http import AuthedRequest, SeeOther, toast_on_page
from jobs.web.run_forms import RunForm
from jobs.web.views.job_actions import started


@guard.form(Permission.EXECUTE)
def run_with(request: AuthedRequest, job_id: int) -> HttpResponse:
    """Show a field for each parameter; start the job with what was typed."""
    job = get_job(job_id)
    if job.deleted_at:
        return SeeOther(reverse("job", args=[job.pk]))
    parameters = declared(job.parameters)
    if request.method != "POST":
        return _page(request, job, RunForm(parameters, run_forms.initial(parameters)))
    given = run_forms.given(parameters, request.POST.dict())
    try:
        execution = triggers.trigger(
            job_id,
            actor=request.actor,
            idempotency_key=request.POST.get("key", "")[:200],
            force=request.POST.get("force") == "1",
            parameters=given,
        )
    except InvalidError as error:
        form = run_forms.with_errors(RunForm(parameters, given), error.fields)
        return _page(request, job, form, status=422)
    return toast_on_page(
        request, started(job, execution), url=reverse("execution", args=[execution.pk])
    )


def _page(request: AuthedRequest, job: Job, form: RunForm, *, status: int = 200) -> HttpResponse:
    context = {"section": "jobs", "job": job, "form": form, "key": uuid4().hex}
    return render(request, "pages/run_with.html", context, status=status)
