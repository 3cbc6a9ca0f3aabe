"""The pages' addresses. Fragments have their own, under /p/."""

from __future__ import annotations

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from jobs.web.views import (
    backfill_actions,
    backfills,
    execution_actions,
    executions,
    job,
    job_actions,
    job_form,
    overview,
    timeline,
)
from jobs.web.views import jobs as job_list

urlpatterns = [
    path("login/", LoginView.as_view(redirect_authenticated_user=True), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("healthz", overview.health, name="healthz"),
    path("", overview.overview, name="overview"),
    path("jobs/", job_list.job_list, name="jobs"),
    path("jobs/bulk/", job_actions.bulk, name="jobs_bulk"),
    path("jobs/new/", job_form.new, name="job_new"),
    path("jobs/<int:job_id>/", job.job_page, name="job"),
    path("jobs/<int:job_id>/edit/", job_form.edit, name="job_edit"),
    path("jobs/<int:job_id>/run/", job_actions.run, name="job_run"),
    path("jobs/<int:job_id>/pause/", job_actions.pause, name="job_pause"),
    path("jobs/<int:job_id>/resume/", job_actions.resume, name="job_resume"),
    path("jobs/<int:job_id>/delete/", job_actions.delete, name="job_delete"),
    path("jobs/<int:job_id>/backfill/", backfills.new, name="backfill_new"),
    path("jobs/<int:job_id>/backfills/", backfills.job_backfills, name="job_backfills"),
    path("backfills/<int:backfill_id>/", backfills.backfill_page, name="backfill"),
    path("backfills/<int:backfill_id>/pause/", backfill_actions.pause, name="backfill_pause"),
    path("backfills/<int:backfill_id>/resume/", backfill_actions.resume, name="backfill_resume"),
    path("backfills/<int:backfill_id>/cancel/", backfill_actions.cancel, name="backfill_cancel"),
    path("executions/", executions.execution_list, name="executions"),
    path("executions/<int:execution_id>/", executions.execution_page, name="execution"),
    path("executions/<int:execution_id>/log.txt", executions.log_text, name="execution_log"),
    path("executions/<int:execution_id>/kill/", execution_actions.kill, name="execution_kill"),
    path("executions/<int:execution_id>/rerun/", execution_actions.rerun, name="execution_rerun"),
    path("timeline/", timeline.timeline, name="timeline"),
    path("p/timeline/lanes/", timeline.lanes_region, name="p_timeline_lanes"),
    path("p/timeline/load/", timeline.load_region, name="p_timeline_load"),
    path("p/heartbeat/", overview.heartbeat_region, name="p_heartbeat"),
    path("p/totals/", overview.totals_region, name="p_totals"),
    path("p/attention/", overview.attention_region, name="p_attention"),
    path("p/timeline/", overview.timeline_region, name="p_timeline"),
    path("p/recent/", overview.recent_region, name="p_recent"),
    path("p/jobs/", job_list.table_region, name="p_jobs"),
    path("p/jobs/preview/", job_form.preview, name="p_job_preview"),
    path("p/jobs/<int:job_id>/header/", job.header_region, name="p_job_header"),
    path("p/jobs/<int:job_id>/stats/", job.stats_region, name="p_job_stats"),
    path("p/jobs/<int:job_id>/next/", job.next_region, name="p_job_next"),
    path("p/jobs/<int:job_id>/history/", job.history_region, name="p_job_history"),
    path("p/jobs/<int:job_id>/delete/", job_actions.delete_dialog, name="p_job_delete"),
    path("p/jobs/<int:job_id>/backfills/", backfills.table_region, name="p_job_backfills"),
    path("p/backfills/<int:backfill_id>/", backfills.facts_region, name="p_backfill"),
    path("p/backfills/<int:backfill_id>/items/", backfills.items_region, name="p_backfill_items"),
    path(
        "p/backfills/<int:backfill_id>/cancel/",
        backfill_actions.cancel_dialog,
        name="p_backfill_cancel",
    ),
    path("p/executions/", executions.table_region, name="p_executions"),
    path("p/executions/<int:execution_id>/", executions.facts_region, name="p_execution"),
    path("p/executions/<int:execution_id>/log/", executions.log_region, name="p_execution_log"),
    path(
        "p/executions/<int:execution_id>/log/earlier/",
        executions.log_earlier,
        name="p_execution_log_earlier",
    ),
    path(
        "p/executions/<int:execution_id>/kill/",
        execution_actions.kill_dialog,
        name="p_execution_kill",
    ),
]
