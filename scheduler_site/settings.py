"""One file of settings: the defaults are the embedded single-machine product.

Everything that an installation may want to change comes from the environment
(`docs/reference/settings.md` lists it); a bad value stops the start with a sentence that names it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django import VERSION

from scheduler_site.env import (
    LOOPBACK,
    Env,
    allowed_addresses,
    bull_redis_url,
    config_directory,
    named_file,
    networks,
    one_of,
    port_numbers,
    private_file,
    repository,
    share,
    tumblebug_server,
    web_address,
    zone_name,
)

env = Env()
BASE_DIR = Path(__file__).resolve().parent.parent

# --- Where things are -----------------------------------------------------------------------------
DATA_DIR = Path(env.text("JOBDECK_DATA", str(BASE_DIR / "var"))).expanduser().resolve()
DATA_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
# Working copies and templates. The variables of the provisioner are understood as well.
STATE_DIR = named_file(env.text("PROVISIONER_STATE_DIR")) or DATA_DIR
CONFIG_DIR = config_directory(
    env.text("JOBDECK_CONFIG_DIR"), env.text("PROVISIONER_CONFIG_DIR"), default="/etc/provisioner"
)
CONFIG_REPOSITORY = repository("JOBDECK_CONFIG_REPOSITORY", env.text("JOBDECK_CONFIG_REPOSITORY"))
if CONFIG_REPOSITORY and CONFIG_DIR is None:
    CONFIG_DIR = DATA_DIR / "config"
HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)
# Where programs written for the interfaces of others look for them; all serve the same.
COMPAT = env.boolean("COMPAT", default=False)
_compat_ports = port_numbers("COMPAT_PORTS", env.words("COMPAT_PORTS", "1323,8002,3000"))
COMPAT_PORTS = [port for port in _compat_ports if COMPAT and port != PORT]

# --- Keys -----------------------------------------------------------------------------------------
SECRET_KEY = env.text("SECRET_KEY") or private_file(DATA_DIR / "secret_key")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS")
# Marks the processes of this installation's jobs, so that leftovers of a crash can be found.
INSTANCE_ID = private_file(DATA_DIR / "instance_id", length=12)

# --- The site -------------------------------------------------------------------------------------
DEBUG = env.boolean("DEBUG", default=False)
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or [
    "localhost",
    "127.0.0.1",
    "[::1]",
    # An address of all interfaces is no name that a browser sends.
    *([] if HOST in {"0.0.0.0", "::", "127.0.0.1", "localhost"} else [HOST]),  # noqa: S104
]
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
# Set when a proxy in front speaks HTTPS: cookies become Secure and HSTS is sent.
HTTPS = env.boolean("HTTPS", default=False)
TRUST_PROXY = env.boolean("TRUST_PROXY", default=False)
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = HTTPS
# Requests of this very host to the interfaces of others need no credentials, as their samples send
# none. Off wherever somebody else could look like this host.
OPEN_LOOPBACK = (
    env.boolean("OPEN_LOOPBACK", default=True)
    and HOST in LOOPBACK
    and not TRUST_PROXY
    and not HTTPS
)
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "jobs.web.session_store"
SESSION_COOKIE_AGE = int(env.seconds("SESSION_AGE", "12h"))
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_SAVE_EVERY_REQUEST = False
CSRF_FAILURE_VIEW = "jobs.web.guard.without_token"
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_500_000
# The form of a job with 50 schedules and 999 variables has some 3,000 fields.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000
ENVIRONMENT_NAME = env.text("ENVIRONMENT_NAME")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django_q",
    "axes",
    "jobs",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "jobs.web.compression.CompressionMiddleware",
    "jobs.api.timing.TimingMiddleware",
    "jobs.web.turned_away.RefusalsMiddleware",
    "jobs.web.middleware.BodyLimitMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "jobs.web.middleware.HeadersMiddleware",
    "jobs.web.middleware.ViewerMiddleware",
    "jobs.web.middleware.OutageMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "scheduler_site.urls"
WSGI_APPLICATION = "scheduler_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "jobs.web.rendering.Templates",
        "NAME": "django",  # by which other code asks for it, whatever our class is called
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "jobs.web.context.shell",
            ],
        },
    },
]

# --- Database: SQLite in the data directory, or PostgreSQL ----------------------------------------
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.database("DATABASE_URL", f"sqlite:///{DATA_DIR / 'jobdeck.sqlite3'}")
}
_database = DATABASES["default"]
# Connections stay open: opening one for each request or run costs more than the work itself.
_database["CONN_MAX_AGE"] = None
_database["CONN_HEALTH_CHECKS"] = True
if _database["ENGINE"].endswith("sqlite3"):
    _database["OPTIONS"] = {
        # Several processes write: without IMMEDIATE, transactions that read first fail as "locked".
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": (
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-16000;"
            "PRAGMA mmap_size=134217728;PRAGMA journal_size_limit=67108864"
        ),
    }
else:
    # A server that vanished without a word is noticed within seconds, not by the next person.
    _database["OPTIONS"] = {
        "application_name": "jobdeck",
        "connect_timeout": 5,
        "keepalives": 1,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People ---------------------------------------------------------------------------------------
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "jobs.web.sign_in.PersonBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
PASSWORD_RESET_TIMEOUT = 86_400  # seconds for which a link sets a password
# Both the account and the address must match, so that a stranger cannot lock anybody out.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_FAILURE_LIMIT = env.integer("LOGIN_ATTEMPTS", 8, low=3, high=1000)
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_ENABLE_ACCESS_FAILURE_LOG = False

# --- Words, time, files ---------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("id", "Bahasa Indonesia")]
LOCALE_PATHS = [BASE_DIR / "jobs" / "locale"]
# The server's zone, used for people and jobs that name none.
TIME_ZONE = env.text("TIME_ZONE", "UTC")
USE_I18N = True
USE_TZ = True
STATIC_URL = "static/"
# Swagger UI comes with django-ninja; its other files are not needed.
_ninja = find_spec("ninja")
_swagger = Path(str(_ninja.origin if _ninja else "")).parent / "static" / "ninja"
STATICFILES_DIRS = [BASE_DIR / "static", ("swagger", _swagger)]
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if (STATIC_ROOT / "staticfiles.json").exists() and not DEBUG
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = not (STATIC_ROOT / "staticfiles.json").exists()

# --- The engine -----------------------------------------------------------------------------------
# redis://… hands work over; empty: the table.
BROKER_URL = env.text("BROKER_URL") or bull_redis_url(
    env.text("BULL_REDIS_HOST"),
    port=env.integer("BULL_REDIS_PORT", 6379, low=1, high=65535),
    password=env.text("BULL_REDIS_PASSWORD"),
    number=env.integer("BULL_REDIS_DB", 0, low=0, high=1000),
)
JOBDECK = {
    "WORKERS": env.integer("WORKERS", 4, low=1, high=256),
    "QUEUES": env.words("QUEUES", "default"),
    "LABELS": env.words("LABELS", ""),
    "DRAIN_SECONDS": env.seconds("DRAIN", "30s"),
    "LEASE_SECONDS": env.seconds("LEASE", "30s"),
    "BEAT_SECONDS": env.seconds("BEAT", "1s"),
    # Standalone jobs run here unless they name another directory (REQUIREMENTS S1-93).
    "WORK_DIR": Path(env.text("WORK_DIR", str(STATE_DIR / "deployments"))).expanduser().resolve(),
    # The program of template jobs; empty: tofu, else terraform, on PATH. Never fetched.
    "TOFU_BINARY": env.text("TOFU_BINARY"),
    "TEMPLATES_DIR": Path(env.text("TEMPLATES_DIR", str(STATE_DIR / "templates")))
    .expanduser()
    .resolve(),
    # Files that define jobs and workspaces; None: there are none.
    "CONFIG_DIR": CONFIG_DIR,
    # The repository that it is a checkout of; empty: it is one already, or none.
    "CONFIG_REPOSITORY": CONFIG_REPOSITORY,
    "CONFIG_BRANCH": env.text("JOBDECK_CONFIG_BRANCH").strip(),
    "CONFIG_PULL_SECONDS": env.seconds("JOBDECK_CONFIG_PULL", "1m" if CONFIG_REPOSITORY else "0s"),
    "WORKSPACES_DIR": named_file(env.text("PROVISIONER_WORKSPACES_DIR"))
    or (CONFIG_DIR / "workspaces" if CONFIG_DIR else None),
    # The files that runs leave; several hosts give the same shared directory.
    "ARTIFACTS_DIR": Path(env.text("JOBDECK_ARTIFACTS", str(DATA_DIR / "artifacts")))
    .expanduser()
    .resolve(),
    "ARTIFACT_FILE_LIMIT": env.integer("ARTIFACT_FILE_LIMIT", 100_000_000, low=1, high=10**12),
    "ARTIFACT_TOTAL_LIMIT": env.integer("ARTIFACT_TOTAL_LIMIT", 500_000_000, low=1, high=10**12),
    # As whom jobs may run when the server is root; "*": anybody but root.
    "RUN_AS_USERS": env.words("RUN_AS_USERS"),
    "DEFAULT_TIMEOUT_SECONDS": env.seconds("DEFAULT_TIMEOUT", "30m"),
    # How long an interface whose callers wait for a result lets them wait.
    "SYNC_WAIT_SECONDS": env.seconds("SYNC_WAIT", "5m"),
    "SCHEDULED_JOBS_ZONE": zone_name(
        "SCHEDULED_JOBS_TIME_ZONE", env.text("SCHEDULED_JOBS_TIME_ZONE", "Asia/Jakarta")
    ),
    "OUTPUT_LIMIT_BYTES": env.integer("OUTPUT_LIMIT", 10_000_000, low=10_000, high=1_000_000_000),
    # HTTP jobs reach public addresses only, and these networks and hosts.
    "HTTP_ALLOWED": allowed_addresses("JOBS_HTTP_ALLOW", env.words("JOBS_HTTP_ALLOW")),
    # Jobs of the product's own: the health check and the weekly cleanup.
    "BUILTIN_JOBS": env.boolean("BUILTIN_JOBS", default=True),
    # How often conditions for alerts are looked at.
    "ALERT_SECONDS": env.seconds("ALERT_INTERVAL", "5s"),
    # An address outside that the dispatcher calls while it truly dispatches.
    "HEARTBEAT_URL": web_address("HEARTBEAT_URL", env.text("HEARTBEAT_URL")),
    "HEARTBEAT_SECONDS": env.seconds("HEARTBEAT_INTERVAL", "1m"),
    # The collector that traces and metrics go to; empty, or switched off as the standard says: none.
    "OTLP_ENDPOINT": web_address(
        "OTEL_EXPORTER_OTLP_ENDPOINT", env.text("OTEL_EXPORTER_OTLP_ENDPOINT")
    )
    if not env.boolean("OTEL_SDK_DISABLED", default=False)
    else "",
    "OTLP_METRICS_SECONDS": env.integer(
        "OTEL_METRIC_EXPORT_INTERVAL", 60_000, low=1000, high=86_400_000
    )
    / 1000,
    # A list of cron jobs, made at start and kept up to date.
    "CRON_JOBS_FILE": named_file(env.text("CRON_JOBS_FILE")),
    "CRON_FEATURES": {
        "duplicate_prevention": env.boolean("CRON_ENABLE_DUPLICATE_PREVENTION", default=True),
        "performance_monitoring": env.boolean("CRON_ENABLE_PERFORMANCE_MONITORING", default=True),
        "automatic_recovery": env.boolean("CRON_ENABLE_AUTOMATIC_RECOVERY", default=True),
        "metrics_collection": env.boolean("CRON_ENABLE_METRICS_COLLECTION", default=True),
        "alert_notifications": env.boolean("CRON_ENABLE_ALERT_NOTIFICATIONS", default=True),
    },
    "CRON_BREAKER": {
        "threshold": env.integer("CIRCUIT_BREAKER_FAILURE_THRESHOLD", 5, low=1, high=1000),
        "open_seconds": env.integer("CIRCUIT_BREAKER_TIMEOUT", 300_000, low=1, high=10**10) / 1000,
        "window_seconds": env.integer(
            "CIRCUIT_BREAKER_MONITORING_WINDOW", 60_000, low=1, high=10**10
        )
        / 1000,
    },
    "HEALTH_CHECK_SECONDS": env.integer(
        "QUEUE_HEALTH_CHECK_INTERVAL", 60_000, low=1000, high=86_400_000
    )
    / 1000,
    "HEALTH_ALERT_SCORE": share(
        "QUEUE_HEALTH_ALERT_THRESHOLD", env.text("QUEUE_HEALTH_ALERT_THRESHOLD", "0.5")
    ),
    "HEALTH_RETENTION_SECONDS": env.integer(
        "QUEUE_HEALTH_RETENTION_PERIOD", 604_800_000, low=7_200_000, high=7_776_000_000
    )
    / 1000,
    # What the weekly cleanup keeps: the numbers of the cron API's documentation.
    "KEEP": {
        "completed_days": env.integer("KEEP_COMPLETED_DAYS", 7, low=1, high=36_500),
        "completed_count": env.integer("KEEP_COMPLETED_COUNT", 1000, low=1, high=10**9),
        "failed_days": env.integer("KEEP_FAILED_DAYS", 30, low=1, high=36_500),
        "failed_count": env.integer("KEEP_FAILED_COUNT", 100, low=1, high=10**9),
        "log_days": env.integer("KEEP_LOG_DAYS", 30, low=1, high=36_500),
    },
    # Of each job so many executions stay whatever their age.
    "KEEP_OF_EACH_JOB": env.integer("KEEP_OF_EACH_JOB", 50, low=1, high=100_000),
    # How long hourly figures are kept; a period of 90 days is compared with the 90 before. The other
    # name is the cron API's: one figure, whoever cleans up.
    "STATISTICS_DAYS": env.integer(
        "STATISTICS_DAYS",
        max(8, env.integer("KEEP_METRIC_DAYS", 400, low=1, high=36_500)),
        low=8,
        high=36_500,
    ),
    # From where /metrics may be read without a token, and which jobs it names besides queues.
    "METRICS_ALLOW": networks("METRICS_ALLOW", env.words("METRICS_ALLOW")),
    "METRICS_JOBS": env.words("METRICS_JOBS"),
    # What jobs of the type management_command may run; empty: all but those that are refused.
    "MANAGEMENT_COMMANDS": env.words("MANAGEMENT_COMMANDS"),
    # Requests of the API that one token, or one person by password, may make in a minute.
    "API_RATE": env.integer("API_RATE", 6000, low=0, high=1_000_000),
    # What seals secrets, newest first; empty: a file of the data directory, made when needed.
    "SECRET_KEYS": env.words("JOBS_SECRET_KEYS"),
    # The server that jobs of the type registerCspResources call; None: they say that there is none.
    "TUMBLEBUG": tumblebug_server(
        env.text("TUMBLEBUG_URL"),
        own_ports={PORT, *COMPAT_PORTS},
        user=env.text("TUMBLEBUG_USER"),
        password=env.text("TUMBLEBUG_PASSWORD"),
        token=env.text("TUMBLEBUG_TOKEN"),
        credential_holder=env.text("TUMBLEBUG_CREDENTIAL_HOLDER"),
        verify_tls=env.boolean("TUMBLEBUG_VERIFY_TLS", default=True),
        ca_file=env.text("TUMBLEBUG_CA_FILE"),
        vocabulary=env.text("TUMBLEBUG_VOCABULARY", "auto"),
        read_seconds=env.seconds("TUMBLEBUG_READ_TIMEOUT", "30m"),
    ),
}
Q_CLUSTER = {
    "name": "jobdeck",
    "broker_class": "jobs.broker.TableBroker",
    "scheduler": False,
    "workers": JOBDECK["WORKERS"],
    # An execution's own timeout rules; django-q2's would hit our supervision of the child process.
    "timeout": 10**8,
    "retry": 2 * 10**8,
    "save_limit": -1,
    "queue_limit": 1,
    "bulk": JOBDECK["WORKERS"],
    "ack_failures": True,
    "max_attempts": 1,
    "recycle": 1000,
    "guard_cycle": 0.5,
    "log_level": "WARNING",
    "label": "Task pool",
    "ALT_CLUSTERS": {},
}

# --- Alerts: where messages lead to, and who sends e-mail ------------------------------------------
# How people reach this installation, for links in messages; empty: messages have none.
PUBLIC_URL = env.text("PUBLIC_URL").rstrip("/")
OTEL_SERVICE_NAME = env.text("OTEL_SERVICE_NAME", "jobdeck")
_mail_server = {
    "host": env.text("EMAIL_HOST"),
    "port": env.integer("EMAIL_PORT", 25, low=1, high=65535),
    "username": env.text("EMAIL_USER"),
    "password": env.text("EMAIL_PASSWORD"),
    "use_tls": env.boolean("EMAIL_STARTTLS", default=False),
    "use_ssl": env.boolean("EMAIL_TLS", default=False),
    "timeout": 20,
}
MAIL_READY = bool(_mail_server["host"])
# Django 6.1 takes them in one setting and warns of the single ones, which Django 5.2 needs.
if VERSION >= (6, 1):
    MAILERS = {"default": {"OPTIONS": _mail_server}}
else:
    EMAIL_HOST = _mail_server["host"]
    EMAIL_PORT = _mail_server["port"]
    EMAIL_HOST_USER = _mail_server["username"]
    EMAIL_HOST_PASSWORD = _mail_server["password"]
    EMAIL_USE_TLS = _mail_server["use_tls"]
    EMAIL_USE_SSL = _mail_server["use_ssl"]
    EMAIL_TIMEOUT = _mail_server["timeout"]
DEFAULT_FROM_EMAIL = env.text("EMAIL_FROM", "jobdeck@localhost")

# --- Logging: one line an event on standard error -------------------------------------------------
LOG_FILE = env.text("LOG_FILE")
# One file for each workspace, as the provisioner has them.
LOG_DIR = named_file(env.text("PROVISIONER_LOG_DIR"))
LOG_FORMAT = one_of("LOG_FORMAT", env.text("LOG_FORMAT", "line").lower(), ("line", "json"))
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "scheduler_site.logs.LineFormatter",
            "fmt": "{asctime}.{msecs:03.0f} {levelname} {name}: {message}",
            "datefmt": "%Y-%m-%d %H:%M:%S",
            "style": "{",
        },
        "json": {"()": "scheduler_site.logs.JsonFormatter"},
    },
    "filters": {"execution": {"()": "scheduler_site.logs.CorrelationFilter"}},
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["execution"],
        },
        # Opened anew when a rotation, its own or another's, has moved it away.
        "file": {
            "class": "scheduler_site.logs.SharedFileHandler",
            "filename": LOG_FILE,
            "size": env.integer("LOG_FILE_SIZE", 50_000_000, low=0, high=10**12),
            "count": env.integer("LOG_FILE_COUNT", 5, low=1, high=1000),
            "formatter": LOG_FORMAT,
            "filters": ["execution"],
        },
        **(
            {
                "workspaces": {
                    "()": "scheduler_site.logs.WorkspaceFiles",
                    "directory": LOG_DIR,
                    "formatter": LOG_FORMAT,
                    "filters": ["execution"],
                }
            }
            if LOG_DIR
            else {}
        ),
    },
    "root": {
        "handlers": ["stderr", "file"] if LOG_FILE else ["stderr"],
        "level": env.text("LOG_LEVEL", "INFO").upper(),
    },
    "loggers": {
        "axes": {"level": "WARNING"},
        "django.request": {"level": "ERROR"},
        "httpx": {"level": "WARNING"},
        **(
            {name: {"handlers": ["workspaces"]} for name in ("scheduler.runner", "Scheduler")}
            if LOG_DIR
            else {}
        ),
    },
}
# Each variable that was read above, for the page of settings.
SETTINGS_READ = env.readings
SILENCED_SYSTEM_CHECKS: list[str] = []
if not HTTPS:
    # Plain HTTP on loopback is the documented default; `HTTPS=1` turns all four on.
    SILENCED_SYSTEM_CHECKS += ["security.W004", "security.W008", "security.W012", "security.W016"]
