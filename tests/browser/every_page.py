"""Every page with something on it: the list that the tests of all pages and the pictures share."""

from __future__ import annotations

from tests.e2e.harness import Product, wait_until

BROKEN = (
    "printf '\\033[32mconnected\\033[0m to mail.example.org\\n'; echo 'sending 14 invoices'; "
    "echo 'no route to mail.example.org' >&2; exit 3"
)
REPORT = (
    """echo "orders of $PARAM_DAY"; echo '::warning Nearly full'; echo '::metric rows=5'; """
    """echo '::result {"rows": {"paris": 5}}'; echo a > $ARTIFACTS_DIR/orders.csv"""
)
OPERATIONS = {"template": "shop", "mode_schedules": {"busy": "0 9 * * *"}}


def fill(product: Product) -> dict[str, str]:
    """Make something of every kind; return the address of each page by its name."""
    good = product.job(
        "sync-inventory", "echo fine; echo oops >&2", seconds=3600, tags=["shop"], owner="Ada"
    )
    bad = product.job(
        "send-invoices",
        BROKEN,
        tags=["shop", "mail"],
        description="Sends what was billed yesterday",
        retry={"max_attempts": 2, "base_seconds": 0},
        breaker={"name": "mail-server", "threshold": 20},
    )
    long = product.job(
        "import-orders", "echo reading page 1; sleep 600", timeout_seconds=900, tags=["shop"]
    )
    for _run in range(3):
        product.run(good)
        product.run(bad)
    running = product.trigger(long)
    product.job("refresh-search", "echo {{search_host}} {{mail_password}}")
    given = product.job(
        "report-orders",
        REPORT,
        parameters=[
            {"name": "day", "type": "date", "default": "2030-01-31"},
            {"name": "place", "type": "choice", "choices": ["paris", "london"]},
            {"name": "key", "secret": True},
        ],
    )
    after = product.job(
        "publish-prices", "echo then", depends_on=["sync-inventory", "report-orders"]
    )
    product.run(given)
    needy = product.job("train-forecast", "echo no", requires=["gpu"])
    waiting = product.trigger(needy)
    cloud = product.job(
        "register-cloud",
        "",
        type="registerCspResources",
        spec={"ns_id": "production", "connection_name": "aws", "mci_name_prefix": "web"},
    )
    room = product.ask("create_workspace", name="web-shop", operations=OPERATIONS)
    secret = product.ask("create_variable", name="mail_password", value="hidden", secret=True)
    product.ask("create_variable", name="mail_host", value="mail.example.org")
    made = product.ask("furnish", job_id=good)
    breaker = _newest(product, "jobs_breaker", "name", "mail-server")
    failed = _newest(product, "jobs_execution", "job_id", bad)
    reported = _newest(product, "jobs_execution", "job_id", given)
    alert = wait_until(
        lambda: product.sql("SELECT alert_id FROM jobs_alertjob WHERE job_id = %s", bad),
        what="the failures are an alert",
    )[0][0]
    return {
        "missed": "/missed/",
        "alerts": "/alerts/",
        "no-alerts": "/alerts/?q=nothing-is-called-so",
        "alert": f"/alerts/{alert}/",
        "alert-rules": "/alerts/rules/",
        "alert-rule-new": "/alerts/rules/new/",
        "alert-rule": f"/alerts/rules/own/{made['rule']}/",
        "channels": "/channels/",
        "channel-new": "/channels/new/",
        "channel": f"/channels/{made['channel']}/",
        "check-ins": "/check-ins/",
        "no-check-ins": "/check-ins/?q=nothing-is-called-so",
        "check-in": f"/check-ins/{made['check_in']}/",
        "check-in-new": "/check-ins/new/",
        "check-in-edit": f"/check-ins/{made['check_in']}/edit/",
        "job-alerts": f"/jobs/{bad}/alerts/",
        "job-statistics": f"/jobs/{bad}/statistics/?window=30d",
        "no-statistics": f"/jobs/{needy}/statistics/",
        "statistics": "/statistics/",
        "statistics-queue": "/statistics/?of=queue:default&window=24h",
        "alert-link-of-nobody": "/alerts/link/forged/",
        "overview": "/",
        "jobs": "/jobs/",
        "no-jobs": "/jobs/?q=nothing-is-called-so",
        "good-job": f"/jobs/{good}/",
        "job": f"/jobs/{bad}/",
        "job-with-dependencies": f"/jobs/{after}/",
        "edit-job-with-dependencies": f"/jobs/{after}/edit/",
        "run-with": f"/jobs/{given}/run/with/",
        "edit-job-with-parameters": f"/jobs/{given}/edit/",
        "cloud-job": f"/jobs/{cloud}/",
        "reported": f"/executions/{reported}/?q=2030",
        "waiting": f"/executions/{waiting}/",
        "no-logs": f"/jobs/{needy}/logs/",
        "new-job": "/jobs/new/",
        "import-jobs": "/jobs/import/",
        "edit": f"/jobs/{good}/edit/",
        "delete-job": f"/jobs/{good}/delete/",
        "ledger": f"/jobs/{good}/ledger/",
        "job-changes": f"/jobs/{good}/changes/",
        "job-logs": f"/jobs/{bad}/logs/?q=invoices",
        "log-line": f"/executions/{failed}/?line=1&q=invoices",
        "explain": f"/jobs/{good}/explain/?at=2030-01-01T10:00",
        "explain-nothing": f"/jobs/{good}/explain/",
        "backfill-new": f"/jobs/{good}/backfill/",
        "backfills": f"/jobs/{good}/backfills/",
        "backfill": f"/backfills/{made['backfill']}/",
        "executions": "/executions/",
        "running": f"/executions/{running}/",
        "execution": f"/executions/{failed}/",
        "kill": f"/executions/{running}/kill/",
        "freezes": "/freezes/",
        "past-freezes": "/freezes/?show=past",
        "new-freeze": "/freezes/new/",
        "freeze-preview": "/freezes/new/?tag=shop&duration_seconds=12h",
        "edit-freeze": f"/freezes/{made['freeze']}/edit/",
        "calendars": "/calendars/",
        "calendar": f"/calendars/{made['calendar']}/",
        "new-calendar": "/calendars/new/",
        "variables": "/variables/",
        "no-variables": "/variables/?q=nothing-is-called-so",
        "new-variable": "/variables/new/",
        "edit-secret": f"/variables/{secret}/edit/",
        "breakers": "/breakers/",
        "queues": "/queues/",
        "health": "/health/",
        "edit-queue": "/queues/default/edit/",
        "breaker": f"/breakers/{breaker}/",
        "edit-breaker": f"/breakers/{breaker}/edit/",
        "preferences": "/preferences/",
        "keyboard": "/keyboard/",
        "search": "/search/?q=sync-inventory",
        "found-nothing": "/search/?q=nothing-is-called-so",
        "change-many": f"/jobs/change/?id={good}&id={given}&do=edit&minutes=20&add_tags=new",
        "delete-many": f"/jobs/change/?id={good}&id={bad}&do=delete",
        "settings": "/settings/",
        "retention": "/settings/retention/",
        "about": "/about/",
        "tv": "/tv/",
        "people": "/people/",
        "person": f"/people/{made['person']}/",
        "person-new": "/people/new/",
        "tokens": "/tokens/",
        "token-new": "/tokens/new/",
        "audit": "/audit/",
        "workspaces": "/workspaces/",
        "password": "/password/",
        "timeline": "/timeline/",
        "timeline-as-table": "/timeline/?as=table&range=6h",
        "workspace": f"/workspaces/{room}/",
        "workspace-new": "/workspaces/new/",
        "edit-workspace": f"/workspaces/{room}/edit/",
        "deploy-workspace": f"/workspaces/{room}/deploy/?mode=busy",
        "files": "/files/",
        "templates": "/templates/",
        "new-template": "/templates/new/",
        "missing": "/jobs/999999/",
    }


def _newest(product: Product, table: str, column: str, value: object) -> int:
    rows = product.sql(f"SELECT max(id) FROM {table} WHERE {column} = %s", value)
    return int(rows[0][0])
