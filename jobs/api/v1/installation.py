"""The installation itself: how it stands, its settings, what it keeps, and ready examples."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from ninja import Router, Status
from pydantic import BaseModel, Field

from jobs.api.idempotency import keyed
from jobs.api.requests import ApiRequest
from jobs.domain.permissions import Permission, require_everywhere
from jobs.domain.selfcheck import Finding, worst
from jobs.models import Execution
from jobs.queries.configuration import Setting, configuration
from jobs.services import canary, example_set, examples, retention_rules, selfcheck
from jobs.services.retention_rules import ACT_SECONDS, LOOKED_AT, Cleaned

router = Router(tags=["installation"])
_SAMPLES = "samples"


class FindingDocument(BaseModel):
    """How one part of the installation stands."""

    part: str
    verdict: str = Field(description="`ok`, `warn` or `bad`.")
    text: str
    advice: str = Field(description="What to do next; empty where nothing is.")


class SelfcheckDocument(BaseModel):
    """How the installation stands: the verdict of its worst part, and each part."""

    verdict: str
    items: list[FindingDocument]


class CanaryDocument(BaseModel):
    """A trivial run through the whole engine."""

    execution_id: int
    state: str
    finding: FindingDocument | None = Field(description="Null while it is under way and in time.")


class SettingDocument(BaseModel):
    """One setting in effect."""

    name: str
    value: str = Field(description="Secrets read `***`; empty: nothing is set.")
    secret: bool
    source: str = Field(description="Where the value came from.")
    default: str
    meaning: str
    risks: list[str]
    in_effect: bool = Field(description="False: asked for, but another setting forbids it.")


class SettingList(BaseModel):
    """The settings in the order of their documentation."""

    items: list[SettingDocument]


class RetentionRules(BaseModel):
    """For how many days, and how many of all jobs together, is kept."""

    completed_days: int
    completed_count: int
    failed_days: int
    failed_count: int
    log_days: int
    metric_days: int


class RetentionCounts(BaseModel):
    """How much of each kind."""

    completed: int = Field(description="Executions that did not fail.")
    failed: int
    logs: int = Field(description="Outputs of executions that stay.")
    metrics: int = Field(description="Hourly figures.")


class RetentionDocument(BaseModel):
    """The rules, and what they would remove now."""

    rules: RetentionRules
    would_remove: RetentionCounts
    complete: bool = Field(
        description="False: there may be more; 5,000 of each kind are looked at."
    )


class RetentionResult(BaseModel):
    """What was removed."""

    removed: RetentionCounts
    complete: bool = Field(description="False: there is more; ask again.")


class ExampleList(BaseModel):
    """What `POST /examples/{name}` takes."""

    items: list[str]


class ExampleResult(BaseModel):
    """What an example made."""

    jobs: list[str] = Field(description="The names of the jobs that were made.")
    execution_ids: list[int] = Field(description="What was started of them.")


@router.get("/selfcheck", response=SelfcheckDocument)
def selfcheck_(request: ApiRequest) -> SelfcheckDocument:
    """Look at every part of the installation, as the page about it does."""
    found = selfcheck.selfcheck()
    return SelfcheckDocument(verdict=worst(found).value, items=[_finding(one) for one in found])


@router.post("/canary", response={202: CanaryDocument})
@keyed()
def start_canary(request: ApiRequest, response: HttpResponse) -> Status[CanaryDocument]:
    """Send a trivial command through the engine; `GET /canary/{run_id}` judges it."""
    run = canary.start(actor=request.auth)
    response["Location"] = f"{request.path.rstrip('/')}/{run.pk}"
    return Status(HTTPStatus.ACCEPTED, _canary(run))


@router.get("/canary/{id:run_id}", response=CanaryDocument)
def read_canary(request: ApiRequest, run_id: int) -> CanaryDocument:
    """Return how a run of the canary stands."""
    return _canary(canary.get(run_id))


@router.get("/settings", response=SettingList)
def settings_(request: ApiRequest) -> SettingList:
    """List the settings in effect with their origin and risks; they are changed in the environment."""
    require_everywhere(request.auth, Permission.ADMINISTER)
    return SettingList(items=[_setting(one) for one in configuration()])


@router.get("/retention", response=RetentionDocument)
def retention(request: ApiRequest) -> RetentionDocument:
    """Return what is kept, and what a cleanup would remove now."""
    found = retention_rules.preview(actor=request.auth, now=timezone.now(), most=LOOKED_AT)
    keep = retention_rules.rules()
    rules = RetentionRules(
        completed_days=keep.completed.days,
        completed_count=keep.completed_count,
        failed_days=keep.failed.days,
        failed_count=keep.failed_count,
        log_days=keep.logs.days,
        metric_days=keep.metrics.days,
    )
    return RetentionDocument(rules=rules, would_remove=_counts(found), complete=found.complete)


@router.post("/retention/run", response=RetentionResult)
@keyed()
def clean(request: ApiRequest) -> RetentionResult:
    """Remove what is not to be kept, for 20 seconds at most."""
    done = retention_rules.clean(actor=request.auth, now=timezone.now(), seconds=ACT_SECONDS)
    return RetentionResult(removed=_counts(done), complete=done.complete)


@router.get("/examples", response=ExampleList)
def example_list(request: ApiRequest) -> ExampleList:
    """List the examples that an empty installation offers."""
    return ExampleList(items=[*examples.names(), _SAMPLES])


@router.post("/examples/{name}", response={201: ExampleResult})
@keyed()
def add_example(request: ApiRequest, name: str) -> Status[ExampleResult]:
    """Add an example and start it once; `samples`: every kind of work, with its workspaces."""
    if name == _SAMPLES:
        made = example_set.load(actor=request.auth)
        return Status(HTTPStatus.CREATED, ExampleResult(jobs=made, execution_ids=[]))
    origin = f"{request.scheme}://{request.get_host()}"
    place = examples.Place(origin=origin, zone=settings.TIME_ZONE)
    run = examples.add(name, place, actor=request.auth)
    return Status(HTTPStatus.CREATED, ExampleResult(jobs=[name], execution_ids=[run.pk]))


def _finding(one: Finding) -> FindingDocument:
    return FindingDocument(
        part=one.part.value, verdict=one.verdict.value, text=one.text, advice=one.what_next
    )


def _canary(run: Execution) -> CanaryDocument:
    found = canary.judge(run, timezone.now())
    finding = None if found is None else _finding(found)
    return CanaryDocument(execution_id=run.pk, state=run.state, finding=finding)


def _setting(one: Setting) -> SettingDocument:
    return SettingDocument(
        name=one.name,
        value=one.value,
        secret=one.is_secret,
        source=one.source.value,
        default=one.default,
        meaning=one.meaning,
        risks=[risk.value for risk in one.risks],
        in_effect=one.in_effect,
    )


def _counts(found: Cleaned) -> RetentionCounts:
    return RetentionCounts(**found.counts())
