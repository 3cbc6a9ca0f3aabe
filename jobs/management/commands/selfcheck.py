"""Say how the installation itself stands."""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from jobs.domain.errors import JobdeckError
from jobs.domain.permissions import SYSTEM
from jobs.domain.selfcheck import Finding, Part, Verdict, worst
from jobs.models import Execution
from jobs.services import canary
from jobs.services.selfcheck import selfcheck

_LOOK_SECONDS = 0.05


class Command(BaseCommand):
    """`manage.py selfcheck`."""

    help = (
        "Checks the installation itself: database, dispatcher, workers, disk, clock and more. "
        "Ends with code 1 when a part is bad."
    )
    # What is wrong is to be told, not to stop the telling.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        """Take the form of the answer, and whether to run something."""
        parser.add_argument("--json", action="store_true", help="print one JSON document")
        parser.add_argument(
            "--canary", action="store_true", help="also send a trivial command through the engine"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Look, tell, and end with 1 when a part is bad."""
        findings = selfcheck()
        if options["canary"]:
            findings.append(_canary())
        if options["json"]:
            self.stdout.write(json.dumps(document(findings), indent=2))
        else:
            self.stdout.write("\n".join(map(_line, findings)))
        if worst(findings) is Verdict.BAD:
            sys.exit(1)


def document(findings: list[Finding]) -> dict[str, Any]:
    """Return the findings as JSON shows them."""
    return {
        "status": worst(findings).value,
        "checks": [
            {
                "name": one.part.value,
                "status": one.verdict.value,
                "text": one.text,
                "advice": one.what_next,
            }
            for one in findings
        ],
    }


def _line(finding: Finding) -> str:
    advice = f" {finding.what_next}" if finding.advice else ""
    return f"{finding.verdict.value:<5} {finding.part.value:<11} {finding.text}{advice}"


def _canary() -> Finding:
    """Start the command and wait for its end."""
    try:
        execution = canary.start(actor=SYSTEM)
        while (found := canary.judge(execution, timezone.now())) is None:
            time.sleep(_LOOK_SECONDS)
            execution = Execution.objects.get(pk=execution.pk)
        canary.give_up(execution, actor=SYSTEM)
    except JobdeckError as error:
        return Finding(
            part=Part.CANARY,
            verdict=Verdict.BAD,
            sentence="%(error)s",
            values={"error": error.message},
        )
    return found
