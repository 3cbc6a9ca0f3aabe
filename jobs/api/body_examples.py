"""Examples of all bodies, as the OpenAPI document shows them: by model, then by name."""

from __future__ import annotations

from typing import Any

from jobs.api.job_examples import JOB_EXAMPLES

EXAMPLES: dict[str, dict[str, Any]] = {
    **JOB_EXAMPLES,
    "PersonDefinition": {
        "operator": {
            "summary": "An operator",
            "value": {"username": "otto", "email": "otto@example.org", "role": "operator"},
        }
    },
    "PersonChanges": {
        "role": {"summary": "Another role", "value": {"role": "editor"}},
        "deactivate": {"summary": "Deactivate", "value": {"active": False}},
    },
    "AccessRequest": {
        "workspace": {
            "summary": "For the jobs of a workspace",
            "value": {"role": "operator", "workspace": "shop"},
        },
        "tag": {
            "summary": "For the jobs with a tag",
            "value": {"role": "editor", "tag": "nightly"},
        },
    },
    "PreferenceChanges": {
        "dark": {"summary": "Dark, close rows", "value": {"theme": "dark", "density": "compact"}},
        "zone": {"summary": "Another clock", "value": {"time_zone": "Europe/Paris"}},
    },
    "FilterRequest": {
        "failed": {
            "summary": "What failed of the nightly jobs",
            "value": {
                "page": "executions",
                "name": "Bad nights",
                "query": "state=failed&tag=nightly",
            },
        }
    },
    "TokenDefinition": {
        "deploy": {
            "summary": "For a deployment: starts the jobs with a tag, for 90 days",
            "value": {
                "name": "deploy",
                "role": "operator",
                "permissions": ["scheduled_job.read", "scheduled_job.execute"],
                "tags": ["deploy"],
                "expires_at": "90d",
            },
        }
    },
    "FreezeRequest": {
        "everything": {
            "summary": "Everything, for two hours",
            "value": {"reason": "Moving the database", "duration_seconds": "2h"},
        },
        "tag": {
            "summary": "The jobs with a tag, until somebody lifts it",
            "value": {"scope": "tag", "target": "nightly", "reason": "The disk is full"},
        },
    },
    "FreezeChanges": {
        "longer": {"summary": "An hour from now", "value": {"duration_seconds": 3600}}
    },
    "WorkspaceDefinition": {
        "shop": {"summary": "A workspace", "value": {"name": "shop", "description": "The shop"}}
    },
    "WorkspaceChanges": {
        "close": {"summary": "Let nothing of it run", "value": {"enabled": False}}
    },
    "TemplateDefinition": {
        "shop": {
            "summary": "A directory of a repository",
            "value": {
                "name": "shop",
                "url": "https://git.example.com/infra.git",
                "path": "shop",
                "ref": "main",
            },
        }
    },
    "DeployRequest": {"busy": {"summary": "In a mode", "value": {"mode": "busy"}}},
    "QueueSettings": {
        "limit": {"summary": "Three at a time", "value": {"limit": 3}},
        "rate": {"summary": "100 starts a minute", "value": {"starts_per_minute": 100}},
        "none": {"summary": "No limit", "value": {"limit": None}},
    },
    "AlertMute": {"hour": {"summary": "For an hour", "value": {"seconds": 3600}}},
    "AlertNote": {"note": {"summary": "Why", "value": {"note": "The database is moving"}}},
    "AlertRuleChanges": {
        "sooner": {
            "summary": "Critical from the third failure in a row on",
            "value": {"limits": {"critical_in_a_row": 3}},
        }
    },
    "AlertBulk": {
        "acknowledge": {
            "summary": "Look after two",
            "value": {"action": "acknowledge", "ids": [1, 2], "note": "The database is moving"},
        },
        "mute": {
            "summary": "Tell nobody for an hour",
            "value": {"action": "mute", "ids": [3], "seconds": 3600},
        },
    },
    "OwnRule": {
        "slow": {
            "summary": "Three runs in a row of more than ten minutes",
            "value": {
                "name": "Slow nights",
                "metric": "run_seconds",
                "comparison": "above",
                "threshold": 600,
                "count": 3,
                "tag": "nightly",
            },
        },
        "silent": {
            "summary": "No run in two hours, quiet at night",
            "value": {
                "name": "No imports",
                "severity": "critical",
                "metric": "runs",
                "comparison": "below",
                "threshold": 1,
                "count": 2,
                "job": "import",
                "mute": {"from": "22:00", "to": "06:00", "timezone": "Europe/Paris"},
            },
        },
    },
    "OwnRuleChanges": {"off": {"summary": "Off", "value": {"enabled": False}}},
    "ChannelDefinition": {
        "webhook": {
            "summary": "A signed webhook for critical alerts",
            "value": {
                "name": "pager",
                "kind": "webhook",
                "settings": {"url": "https://pager.example.com/in", "secret": "a long secret"},
                "severity": "critical",
            },
        },
        "email": {
            "summary": "E-mail",
            "value": {"name": "ops", "kind": "email", "settings": {"to": ["ops@example.com"]}},
        },
    },
    "ChannelChanges": {"off": {"summary": "Off", "value": {"enabled": False}}},
    "CheckInDefinition": {
        "backup": {
            "summary": "A backup of another host, each night",
            "value": {
                "name": "backup of db1",
                "expression": "30 2 * * *",
                "timezone": "Europe/Paris",
                "grace_seconds": "1h",
            },
        },
        "period": {
            "summary": "Every 15 minutes",
            "value": {"name": "mail queue", "period_seconds": 900, "grace_seconds": 300},
        },
    },
    "CheckInChanges": {"grace": {"summary": "More time", "value": {"grace_seconds": "2h"}}},
    "BreakerChanges": {
        "longer": {"summary": "Open for ten minutes", "value": {"open_seconds": 600}}
    },
    "CalendarDefinition": {
        "holidays": {
            "summary": "Nothing at night and over the holidays",
            "value": {
                "name": "Quiet hours",
                "mode": "block",
                "timezone": "Europe/Paris",
                "windows": [
                    {
                        "kind": "weekly",
                        "days": ["mon", "tue", "wed", "thu", "fri"],
                        "from": "22:00",
                        "to": "06:00",
                        "label": "Night",
                    },
                    {"kind": "yearly", "month": 12, "day": 25, "label": "Christmas"},
                    {"kind": "date", "date": "2026-12-28", "until": "2026-12-31"},
                ],
            },
        }
    },
    "CalendarChanges": {
        "zone": {"summary": "Another time zone", "value": {"timezone": "Asia/Jakarta"}}
    },
    "VariableDefinition": {
        "secret": {
            "summary": "A secret for every job",
            "value": {"name": "db_password", "value": "correct horse", "secret": True},
        },
        "plain": {
            "summary": "A variable of one job",
            "value": {"name": "db_host", "value": "db.lan", "job_id": None},
        },
    },
    "VariableChanges": {"value": {"summary": "Another value", "value": {"value": "new"}}},
    "EventReport": {
        "deployment": {
            "summary": "A deployment; repeated, it is still one",
            "value": {"event": "@deployment", "detail": "shop 4.2", "key": "shop-4.2"},
        }
    },
}
