"""Settings that an administrator should know about, and texts that nobody may read."""

from __future__ import annotations

import pytest

from jobs.domain.readings import Reading
from jobs.domain.risks import Risk, risks

# What an installation has where nobody set anything.
PLAIN = {
    "HOST": "127.0.0.1",
    "HTTPS": "False",
    "DEBUG": "False",
    "TRUST_PROXY": "False",
    "OPEN_LOOPBACK": "0",
    "ALLOWED_HOSTS": "",
    "RUN_AS_USERS": "",
    "JOBS_HTTP_ALLOW": "",
    "SECRET_KEY": "",
    "API_RATE": "6000",
    "LOGIN_ATTEMPTS": "8",
    "SESSION_AGE": "12h",
    "LEASE": "30s",
    "BEAT": "1s",
    "DRAIN": "30s",
    "TUMBLEBUG_URL": "",
    "TUMBLEBUG_VERIFY_TLS": "True",
    "LOG_LEVEL": "INFO",
    "CRON_ENABLE_AUTOMATIC_RECOVERY": "True",
}


@pytest.mark.parametrize(
    ("changes", "name", "risk"),
    [
        ({"DEBUG": "yes"}, "DEBUG", Risk.DEBUG),
        ({"HOST": "0.0.0.0"}, "HTTPS", Risk.PLAIN_HTTP),
        ({"TRUST_PROXY": "1", "HOST": "::", "HTTPS": "1"}, "TRUST_PROXY", Risk.FORGED_PROXY),
        ({"OPEN_LOOPBACK": "True"}, "OPEN_LOOPBACK", Risk.OPEN_LOOPBACK),
        ({"ALLOWED_HOSTS": "a.example, *"}, "ALLOWED_HOSTS", Risk.ANY_HOST_NAME),
        ({"RUN_AS_USERS": "*"}, "RUN_AS_USERS", Risk.ANY_USER),
        ({"JOBS_HTTP_ALLOW": "wiki.lan,0.0.0.0/0"}, "JOBS_HTTP_ALLOW", Risk.ANY_ADDRESS),
        ({"SECRET_KEY": "short"}, "SECRET_KEY", Risk.SHORT_KEY),
        ({"API_RATE": "0"}, "API_RATE", Risk.NO_RATE),
        ({"LOGIN_ATTEMPTS": "51"}, "LOGIN_ATTEMPTS", Risk.MANY_ATTEMPTS),
        ({"SESSION_AGE": "8d"}, "SESSION_AGE", Risk.LONG_SESSION),
        ({"BEAT": "11s"}, "LEASE", Risk.SHORT_LEASE),
        ({"DRAIN": "2s"}, "DRAIN", Risk.SHORT_DRAIN),
        (
            {"TUMBLEBUG_URL": "https://tb", "TUMBLEBUG_VERIFY_TLS": "0"},
            "TUMBLEBUG_VERIFY_TLS",
            Risk.ANY_CERTIFICATE,
        ),
        ({"LOG_LEVEL": "debug"}, "LOG_LEVEL", Risk.CHATTY_LOG),
        (
            {"CRON_ENABLE_AUTOMATIC_RECOVERY": "0"},
            "CRON_ENABLE_AUTOMATIC_RECOVERY",
            Risk.STAYS_OPEN,
        ),
    ],
)
def test_each_risk_is_found_at_its_setting_and_alone(
    changes: dict[str, str], name: str, risk: Risk
) -> None:
    assert risks({**PLAIN, **changes}) == {name: [risk]}


def test_plain_settings_have_no_risk_and_missing_ones_do_no_harm() -> None:
    assert risks(PLAIN) == {}
    assert risks({}) == {}
    assert {risk for found in risks(PLAIN | {"LEASE": "nonsense"}).values() for risk in found} == {
        Risk.SHORT_LEASE
    }


@pytest.mark.parametrize(
    ("name", "text", "shown"),
    [
        ("SECRET_KEY", "hush", "***"),
        ("JOBS_SECRET_KEYS", "hush", "***"),
        ("TUMBLEBUG_PASSWORD", "hush", "***"),
        ("TUMBLEBUG_TOKEN", "", ""),
        ("TUMBLEBUG_CREDENTIAL_HOLDER", "admin", "admin"),
        ("DATABASE_URL", "postgres://me:hush@db/jobs", "postgres://***@db/jobs"),
        ("BROKER_URL", "redis://hush@r:1/0?password=hush&x=hush", "redis://***@r:1/0?password=***&x=***"),
        ("HTTPS", "True", "1"),
        ("PORT", "8000", "8000"),
    ],
)  # fmt: skip
def test_no_secret_is_shown(name: str, text: str, shown: str) -> None:
    assert Reading(name=name, text=text).shown == shown
