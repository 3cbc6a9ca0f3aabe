"""Examples of bodies about jobs and their runs, as the OpenAPI document shows them."""

from __future__ import annotations

from typing import Any

EXAMPLE_JOB: dict[str, Any] = {
    "name": "report",
    "type": "command",
    "spec": {"command": "date"},
    "schedules": [
        {"kind": "cron", "expression": "*/5 * * * *", "timezone": "Europe/Paris"},
        {"kind": "interval", "seconds": 10, "anchor": "start"},
    ],
    "timeout_seconds": 60,
    "overlap": "skip",
    "misfire": "fire_once",
    "retry": {"max_attempts": 3, "kind": "exponential", "base_seconds": 10},
    "environment": {},
    "tags": [],
}
JOB_EXAMPLES: dict[str, dict[str, Any]] = {
    "JobDefinition": {
        "command": {"summary": "A command every five minutes", "value": EXAMPLE_JOB},
        "script": {
            "summary": "A script, each night, up to three attempts",
            "value": {
                "name": "system-health",
                "type": "script",
                "spec": {"script": "#!/bin/bash\ndf -h /\nfree -m\n"},
                "schedules": [{"kind": "cron", "expression": "0 2 * * *", "timezone": "UTC"}],
                "timeout_seconds": 600,
                "retry": {"max_attempts": 3, "base_seconds": 60},
            },
        },
        "management_command": {
            "summary": "A Django management command, each night",
            "value": {
                "name": "clear-sessions",
                "type": "management_command",
                "spec": {"command": "clearsessions", "args": [], "options": {}},
                "schedules": [{"kind": "cron", "expression": "0 4 * * *", "timezone": "UTC"}],
            },
        },
        "registerCspResources": {
            "summary": "Register the resources of a cloud, an hour after each run",
            "value": {
                "name": "aws-kr-prod",
                "type": "registerCspResources",
                "spec": {
                    "ns_id": "production",
                    "connection_name": "aws-ap-northeast-2",
                    "mci_name_prefix": "aws-kr-prod",
                    "option": "vNet,securityGroup",
                },
                "schedules": [{"kind": "interval", "seconds": 3600}],
                "auto_disable_after": 5,
            },
        },
    },
    "JobChanges": {
        "timeout": {"summary": "Another time limit", "value": {"timeout_seconds": 120}},
        "schedules": {
            "summary": "Other schedules; the list is replaced as a whole",
            "value": {"schedules": [{"kind": "interval", "seconds": 300, "anchor": "start"}]},
        },
    },
    "BackfillRequest": {
        "missed": {
            "summary": "What was missed on a day, one a minute at most",
            "value": {
                "from": "2026-01-31T00:00:00Z",
                "to": "2026-01-31T23:59:59Z",
                "only": "missed",
                "pace_seconds": 60,
            },
        }
    },
    "MissedRequest": {
        "outage": {
            "summary": "What an outage of two hours left out, once for each job",
            "value": {
                "from": "2026-01-31T02:00:00Z",
                "to": "2026-01-31T04:00:00Z",
                "each": "latest",
            },
        }
    },
    "BulkRequest": {
        "pause": {
            "summary": "Pause two jobs",
            "value": {"action": "pause", "ids": [1, 2], "reason": "Moving the database"},
        },
        "trigger": {"summary": "Start three", "value": {"action": "trigger", "ids": [1, 2, 3]}},
    },
    "EditPreview": {
        "tags": {
            "summary": "Another tag and another queue",
            "value": {"ids": [1, 2], "add_tags": ["nightly"], "queue": "slow"},
        },
    },
    "EditApply": {
        "later": {
            "summary": "Half an hour later",
            "value": {
                "jobs": [{"job_id": 1, "version": 3}, {"job_id": 2, "version": 1}],
                "shift_minutes": 30,
            },
        }
    },
    "EditUndo": {
        "one": {"summary": "Take one back", "value": {"jobs": [{"job_id": 1, "version": 4}]}}
    },
    "ImportRequest": {
        "crontab": {
            "summary": "A crontab",
            "value": {"text": "10 2 * * * /opt/copy.sh\n", "timezone": "Europe/Paris"},
        }
    },
    "ImportApply": {
        "chosen": {
            "summary": "Two of its jobs, with a tag to find them",
            "value": {
                "text": "10 2 * * * /opt/copy.sh\n@daily /opt/sweep.sh\n@hourly date\n",
                "chosen": [1, 2],
                "tag": "moved",
            },
        }
    },
    "TriggerRequest": {
        "parameters": {
            "summary": "With parameters that the job declares",
            "value": {"parameters": {"day": "2026-01-31", "limit": 100}},
        }
    },
    "PauseReason": {"reason": {"summary": "Why", "value": {"reason": "Moving the database"}}},
    "PreviewRequest": {
        "cron": {
            "summary": "One cron schedule",
            "value": {
                "schedules": [
                    {"kind": "cron", "expression": "30 2 * * *", "timezone": "Europe/Paris"}
                ],
                "count": 3,
            },
        }
    },
}
