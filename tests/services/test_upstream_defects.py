"""The 16 defects of the provisioner that were seen by reading it, and the tests that show each mended.

A defect is named here, and the tests that would fail if it came back: those must be there.
"""

from __future__ import annotations

import ast
from functools import cache
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
DEFECTS: dict[str, list[str]] = {
    "01 cron of jobs was a placeholder": [
        "services/test_provisioner_day.py::test_a_job_waits_for_its_time_of_day_and_a_killed_run_is_no_timeout",
        "services/test_workspace_operations.py::test_a_day_of_a_workspace_deploy_event_and_destroy_by_the_clock",
        "domain/test_seed_expressions.py::test_an_expression_fires_as_its_table_says",
    ],
    "02 what failed never ran again": [
        "services/test_workspace_operations.py::test_a_failed_deployment_is_told_and_tried_again_at_the_next_time",
        "services/test_provisioner_day.py::test_a_job_of_a_file_walks_through_all_states",
    ],
    "03 next run was never filled": [
        "services/test_provisioner_day.py::test_a_job_waits_for_its_time_of_day_and_a_killed_run_is_no_timeout",
        "services/test_provisioner_day.py::test_a_job_of_a_file_walks_through_all_states",
    ],
    "04 commands were split on blanks": [
        "services/test_provisioner_day.py::test_jobs_run_in_the_directories_and_with_the_variables_of_the_provisioner",
    ],
    "05 environment and depends_on were lost": [
        "services/test_files.py::test_every_sample_of_the_seed_works_as_it_stands",
        "services/test_files.py::test_jobs_of_a_workspace_may_wait_for_each_other_in_any_order",
    ],
    "06 placeholders were not replaced": [
        "services/test_provisioner_day.py::test_placeholders_stand_for_variables_and_a_missing_one_fails_in_words",
    ],
    "07 omitted enabled meant false": [
        "services/test_provisioner_day.py::test_a_job_waits_for_its_time_of_day_and_a_killed_run_is_no_timeout",
        "services/test_files.py::test_files_follow_and_people_win",
    ],
    "08 the time limit was ten minutes": [
        "services/test_files.py::test_every_sample_of_the_seed_works_as_it_stands",
    ],
    "09 kill only wrote a file": [
        "e2e/test_pool_survives.py::test_jobctl_runs_and_kills_real_processes",
        "cli/test_acting.py::test_kill_waits_for_the_end_of_what_runs",
        "cli/test_acting.py::test_kill_of_an_idle_job_is_an_error",
        "executors/test_ending_the_tree.py::test_a_cancel_ends_the_tree_and_names_the_person",
    ],
    "10 template jobs used a mock": [
        "executors/test_template.py::test_a_template_is_deployed_again_and_destroyed_in_a_directory_of_its_own",
    ],
    "11 templates were not fetched": [
        "services/test_templates.py::test_templatectl_fetches_updates_judges_and_removes",
    ],
    "12 a failed deploy ended with 0": [
        "services/test_workspace_operations.py::test_workspacectl_ends_with_what_became_of_it",
    ],
    "13 modes were never evaluated": [
        "services/test_workspace_operations.py::test_modes_have_schedules_and_jobs_of_their_own",
    ],
    "14 a destroyed workspace showed as deployed": [
        "services/test_workspace_operations.py::test_a_day_of_a_workspace_deploy_event_and_destroy_by_the_clock",
    ],
    "15 steps of ranges, foreign kills and children": [
        "services/test_provisioner_day.py::test_a_job_waits_for_its_time_of_day_and_a_killed_run_is_no_timeout",
        "domain/test_cron_grammar.py",
        "executors/test_command.py::test_death_by_a_signal_is_reported",
        "executors/test_ending_the_tree.py::test_a_background_child_ends_with_the_timeout",
    ],
    "16 cleaning removed the state of template jobs": [
        "executors/test_template.py::test_a_workspace_s_own_files_win_and_what_its_jobs_keep_there_stays",
    ],
}


@cache
def runs_in(path: str) -> frozenset[str]:
    """Return the tests of a file that run: without a mark that leaves them out."""
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return frozenset(
        one.name
        for one in tree.body
        if isinstance(one, ast.FunctionDef)
        and one.name.startswith("test_")
        and not any("skip" in ast.unparse(mark) for mark in one.decorator_list)
    )


@pytest.mark.parametrize("defect", DEFECTS)
def test_defect(defect: str) -> None:
    for named in DEFECTS[defect]:
        path, _, test = named.partition("::")
        there = runs_in(path)
        assert (test in there) if test else there, named


def test_all_sixteen_are_named() -> None:
    assert [int(defect[:2]) for defect in DEFECTS] == list(range(1, 17))
