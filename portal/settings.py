"""All settings in one file, read from the environment.

Without DATABASE_URL they come from VAR_DIR/services.json, which `make serve` writes, so `manage.py` works beside it.
"""

import logging
import os
import sys
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import structlog
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from structlog.typing import Processor

from portal.local.services import load

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(os.environ.get("VAR_DIR", BASE_DIR / "var")).resolve()
"""Folder of everything the portal keeps outside PostgreSQL: files of models and runs, scratch folders."""

NEEDS_NO_SERVICES = {"makemigrations", "spectacular", "collectstatic", "check", "help"}
_local = load(VAR_DIR) if not {"DATABASE_URL", "DATABASE_URL_FILE"}.intersection(os.environ) else None


def _told(name: str) -> str:
    """The variable, or what is in the file that NAME_FILE names: no process list and no `inspect` shows that one."""
    file = os.environ.get(f"{name}_FILE")
    try:
        return os.environ.get(name) or (Path(file).read_text().strip() if file else "")
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE names {file}, which can not be read: {error.strerror}.") from error


def _from_environment(name: str, local: str | None) -> str:
    """What was told, else what `make serve` wrote; a sentence where neither is there."""
    value = _told(name) or local
    if value:
        return value
    if NEEDS_NO_SERVICES.intersection(sys.argv[1:2]):
        unused = {"SECRET_KEY": "unused-" * 10, "ENCRYPTION_KEYS": "dW51c2Vk" * 5 + "dW51"}
        return unused.get(name, "postgres://unused@127.0.0.1:1/unused")
    raise ImproperlyConfigured(
        f"{name} is not set and nothing runs in {VAR_DIR}: start `make serve`, or set {name} or {name}_FILE. "
        "If it runs with another data folder, set VAR_DIR to that."
    )


def _database(url: str) -> dict[str, object]:
    """Django's DATABASES entry of a postgres:// address; a `host=` query parameter names a socket folder."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": parts.port or "",
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5, "options": f"{_no_statement_longer} {_no_idle_transaction_longer}"},
    }


STATEMENT_TIMEOUT_MS = int(os.environ.get("STATEMENT_TIMEOUT_MS", "30000"))
"""No statement of the portal runs longer than this (milliseconds)."""
IDLE_TRANSACTION_TIMEOUT_MS = int(os.environ.get("IDLE_TRANSACTION_TIMEOUT_MS", "60000"))
"""A process that stands still in a transaction this long (milliseconds) loses it, and with it its locks."""
_no_statement_longer = f"-c statement_timeout={STATEMENT_TIMEOUT_MS}"
_no_idle_transaction_longer = f"-c idle_in_transaction_session_timeout={IDLE_TRANSACTION_TIMEOUT_MS}"

PG_BIN = os.environ.get("PG_BIN", "")
"""Folder with pg_dump and pg_restore, not older than the server; empty: those of the wheel, PostgreSQL 18."""

SECRET_KEY = _from_environment("SECRET_KEY", _local.secret_key if _local else None)
_keys = _from_environment("ENCRYPTION_KEYS", _local.encryption_key if _local else None)
ENCRYPTION_KEYS = _keys.replace(",", " ").split()
"""Keys of the secrets in the database (32 bytes in base64 each, apart by commas or lines): the first encrypts, all
decrypt. To change the key,
put a new one in front, run `manage.py reseal_secrets`, and take the old one away."""
DATABASES = {"default": _database(_from_environment("DATABASE_URL", _local.database_url if _local else None))}
REDIS_URL = _from_environment("REDIS_URL", _local.redis_url if _local else None)

LOCAL = os.environ.get("PORTAL_LOCAL", "1" if _local else "0") == "1"
"""True on somebody's own machine over plain HTTP: no HSTS, no redirect to HTTPS, cookies without Secure."""

DEMO = os.environ.get("PORTAL_DEMO", "1" if LOCAL else "0") == "1"
"""True where the demo company is loaded: pages then say that it is fictional."""

DEBUG = False
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("CSRF_TRUSTED_ORIGINS", "").split(",") if origin]
ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
USE_I18N = False

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "axes",
    "django_cotton.apps.SimpleAppConfig",
    "django_filters",
    "django_htmx",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "lucide",
    "rest_framework",
    "rules.apps.AutodiscoverRulesConfig",
    "template_partials.apps.SimpleAppConfig",
    "apps.core",
    "apps.audit",
    "apps.accounts",
    "apps.artifacts",
    "apps.approvals",
    "apps.platforms",
    "apps.tracking",
    "apps.catalog",
    "apps.registry",
    "apps.retraining",
    "apps.lineage",
    "apps.retention",
    "apps.notifications",
    "apps.transfers",
    "apps.backups",
    "apps.dashboard",
    "apps.mlflow_protocol",
    "apps.demo",
]

MIDDLEWARE = [
    "apps.core.measures.TimedAnswers",
    "django.middleware.security.SecurityMiddleware",
    "apps.mlflow_protocol.web.ShortWay",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "apps.core.web.ErrorPages",
    "axes.middleware.AxesMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
            # The one order in which cotton and partials both work: partials around the cache around cotton.
            "loaders": [
                (
                    "template_partials.loader.Loader",
                    [
                        (
                            "django.template.loaders.cached.Loader",
                            [
                                "django_cotton.cotton_loader.Loader",
                                "django.template.loaders.filesystem.Loader",
                                "django.template.loaders.app_directories.Loader",
                            ],
                        )
                    ],
                )
            ],
            "builtins": [
                "django_cotton.templatetags.cotton",
                "template_partials.templatetags.partials",
                "django.templatetags.static",
                "lucide.templatetags.lucide",
                "apps.core.templatetags.portal",
            ],
        },
    }
]

COTTON_ISOLATE_BY_DEFAULT = True  # a component sees its attributes and the request, never a page's own variables

STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# People and tokens
AUTH_USER_MODEL = "accounts.User"
LOCAL_PASSWORDS = os.environ.get("LOCAL_PASSWORDS", "1") == "1"
"""People may sign in with a password of the portal's own; 0 where single sign-on is the only way."""
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    *(["django.contrib.auth.backends.ModelBackend"] if LOCAL_PASSWORDS else []),
    "apps.accounts.single_sign_on.Backend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]

# Single sign-on, docs/single-sign-on.md
OIDC_ISSUER = os.environ.get("OIDC_ISSUER", "").rstrip("/")
"""The address of the OpenID provider, such as https://login.example.org/realms/company; empty: no single sign-on."""
OIDC_NAME = os.environ.get("OIDC_NAME", "your company account")
"""What people call it; it stands on the button *Sign in with …*."""
OIDC_RP_CLIENT_ID = os.environ.get("OIDC_CLIENT_ID", "")
OIDC_RP_CLIENT_SECRET = _told("OIDC_CLIENT_SECRET")
"""As the provider knows the portal; the secret also from a file, by OIDC_CLIENT_SECRET_FILE."""
OIDC_RP_SCOPES = os.environ.get("OIDC_SCOPES", "openid email profile offline_access")
"""`offline_access` lets the portal ask again whether somebody is still in their groups."""
OIDC_AUTH_REQUEST_EXTRA_PARAMS = dict(parse_qsl(os.environ.get("OIDC_EXTRA", "")))
"""Further parameters of the sign-in's address, such as `access_type=offline&prompt=consent`."""
OIDC_GROUPS = os.environ.get("OIDC_GROUPS", "")
OIDC_GROUPS_FILE = os.environ.get("OIDC_GROUPS_FILE", "")
"""Which group gives which rights, as YAML or JSON; in the variable, or in the file of that name."""
OIDC_GROUPS_CLAIM = os.environ.get("OIDC_GROUPS_CLAIM", "groups")
OIDC_USERNAME_CLAIM = os.environ.get("OIDC_USERNAME_CLAIM", "preferred_username")
OIDC_ADMIT = os.environ.get("OIDC_ADMIT", "mapped")
"""Whom to let in: `mapped`, who is in a group of the mapping; `everyone`, to read what is not restricted."""
OIDC_TRUST_EMAIL = os.environ.get("OIDC_TRUST_EMAIL") == "1"
"""The provider never says whether an address is verified (Entra ID), and only the company enters addresses."""
OIDC_RECHECK_MINUTES = float(os.environ.get("OIDC_RECHECK_MINUTES", "5"))
"""So long after the provider was last asked about somebody it is asked again; a group left is left by then."""
OIDC_GRACE_HOURS = float(os.environ.get("OIDC_GRACE_HOURS", "24"))
"""So long somebody is believed while the provider is away, or gives the portal no way to ask again."""
OIDC_LEEWAY_SECONDS = float(os.environ.get("OIDC_LEEWAY_SECONDS", "60"))
"""By so much the clocks of provider and portal may differ."""
OIDC_USE_PKCE, OIDC_USE_NONCE, OIDC_MAX_STATES = True, True, 10
OIDC_AUTHENTICATION_CALLBACK_URL = "accounts:single-sign-on-return"

CI_TRUST = os.environ.get("CI_TRUST", "")
CI_TRUST_FILE = os.environ.get("CI_TRUST_FILE", "")
"""Whose runs of CI get a token of which service account, as YAML or JSON; in the variable, or in the file of that
name. See docs/ci.md."""

BEHIND_PROXY = os.environ.get("BEHIND_PROXY") == "1"
"""A proxy in front does HTTPS, and says by X-Forwarded-Proto and X-Forwarded-For how and whence it was asked."""

LOGIN_URL = "accounts:sign-in"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "accounts:sign-in"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours: long enough to stop guessing, short enough not to call the platform team
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# Behind a proxy everybody would have its address, and who guesses would lock out the person themselves.
AXES_IPWARE_META_PRECEDENCE_ORDER = [*(["HTTP_X_FORWARDED_FOR"] if BEHIND_PROXY else []), "REMOTE_ADDR"]
AXES_IPWARE_PROXY_ORDER = "right-most"  # what the proxy wrote; what stands before it a browser may have written
AXES_USERNAME_CALLABLE = "apps.accounts.guessing.counted_as"  # a password in the wrong field is not kept
AXES_SENSITIVE_PARAMETERS = ["username", "ip_address", "old_password", "new_password1", "new_password2"]  # never kept
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "apps.accounts.web.sign_in.locked_out"
AXES_VERBOSE = False
KNOX_TOKEN_MODEL = "accounts.ApiToken"
MIGRATION_MODULES = {"knox": None}  # its migrations make its own table even when the model is swapped for ours
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": None, "AUTO_REFRESH": False}
API_TOKEN_DAYS = 90
"""A token lives this long unless its maker says otherwise (days); the longest is a year."""

# Safety of the browser side
CSRF_FAILURE_VIEW = "apps.core.web.form_expired"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not LOCAL
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$"]
SECURE_HSTS_SECONDS = 0 if LOCAL else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not LOCAL
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_PROXY else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_048_576
"""A form or JSON body may have this many bytes."""
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "base-uri": [NONE],
        "object-src": [NONE],
    }
}

# API
API_CALLS_PER_MINUTE = int(os.environ.get("API_CALLS_PER_MINUTE", "3000"))
"""So often a token, or a person at a browser, may call /api/v1/ within a minute, then it is 429 until the next one
begins; 0: as often as they like. MLflow's door is not counted: its clients would wait for minutes."""
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["apps.core.drf.MayRead"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.core.throttling.CallsPerMinute"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.drf.Pages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.Json"],
    "DEFAULT_SCHEMA_CLASS": "apps.core.openapi.Described",
    "EXCEPTION_HANDLER": "apps.core.drf.explain",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ML platform portal",
    "DESCRIPTION": "Everything the pages can do. Sign in, or send `Authorization: Bearer <token>` (profile page).",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.openapi.describe_refusals",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RoleEnum": "apps.accounts.models.Membership.Role",
        "PortalRoleEnum": "apps.accounts.models.PortalRole.Role",
        "RequestStatus": "apps.retraining.models.RetrainingRequest.Status",
        "SignalKindEnum": "apps.retraining.models.signal.KINDS",
        "PolicyTriggerEnum": "apps.retraining.models.Policy.Trigger",
        "FiringOutcomeEnum": "apps.retraining.models.Firing.Outcome",
        "SegmentRunStatus": "apps.retraining.models.SegmentRun.Status",
        "RunStatusEnum": "apps.tracking.models.Run.Status",
        "DecisionStatusEnum": "apps.catalog.models.Decision.Status",
        "DecisionKindEnum": "apps.catalog.models.Decision.Kind",
        "HindsightEnum": "apps.catalog.models.Decision.Verdict",
        "TriggerEnum": "apps.catalog.models.Decision.Trigger",
        "RingEnum": "apps.catalog.models.Ring",
        "RingMoveStatusEnum": "apps.catalog.models.RingMove.Status",
        "UsageKindEnum": "apps.catalog.models.Usage.Kind",
        "ToolRequestOutcomeEnum": "apps.catalog.models.ToolRequest.Outcome",
        "ToolRequestStatusEnum": "apps.catalog.models.ToolRequest.Status",
        "SourcingEnum": "apps.catalog.models.Sourcing",
        "ToolSourcingEnum": "apps.catalog.models.TOOL_SOURCING",
        "VersionStatusEnum": "apps.registry.models.ModelVersion.Status",
        "VersionKindEnum": "apps.registry.models.ModelVersion.Kind",
        "EvaluationStatusEnum": "apps.registry.models.Evaluation.Status",
        "WaveStatusEnum": "apps.registry.models.Wave.Status",
        "PromotionStatusEnum": "apps.registry.models.Promotion.Status",
        "GateKindEnum": "apps.registry.models.Gate.Kind",
        "OutcomeEnum": "apps.registry.models.GateResult.Outcome",
        "DeliveryStatusEnum": "apps.notifications.models.Delivery.Status",
        "WebhookStatusEnum": "apps.notifications.models.Webhook.Status",
        "WebhookEventEnum": "apps.notifications.mlflow_events.CHOICES",
        "AliasMoveKindEnum": "apps.registry.models.AliasMove.Kind",
    },
}

# Celery: rows are the truth and messages only doorbells, so a message may be lost or come twice.
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True  # results are rows
CELERY_TASK_ACKS_LATE = True  # a killed worker's message comes back; the claim makes the second one harmless
CELERY_TASK_REJECT_ON_WORKER_LOST = False  # the lease brings the row back; a message that kills must not loop
CELERY_WORKER_PREFETCH_MULTIPLIER = 1  # a reserved message is invisible to the other workers
CELERY_WORKER_MAX_TASKS_PER_CHILD = 2_000
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False  # the lease decides, not the broker
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_DEFAULT_QUEUE = "control"
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_TASK_PUBLISH_RETRY = False  # a person does not wait for the broker: the coordinator finds the row
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 3_600,  # longer than any batch: a shorter one starts long training twice
    "unacked_restore_throttle": 1,  # look for lost messages at each interval instead of every tenth
    "socket_connect_timeout": 2,
    "socket_timeout": 10,
    "socket_keepalive": True,
}

# Files
ARTIFACT_STORE = os.environ.get("ARTIFACT_STORE", "")
"""Where files of models and runs lie: s3://bucket/prefix, or nothing for the folder VAR_DIR/artifacts. Moving from one
to the other: `manage.py move_files`; see docs/s3.md."""
S3 = {
    "endpoint": os.environ.get("S3_ENDPOINT_URL", "").rstrip("/"),
    "region": os.environ.get("S3_REGION", ""),
    "style": os.environ.get("S3_ADDRESSING", ""),
    "key_id": os.environ.get("S3_ACCESS_KEY_ID", ""),
    "secret": _told("S3_SECRET_ACCESS_KEY"),
    "public_endpoint": os.environ.get("S3_PUBLIC_ENDPOINT_URL", "").rstrip("/"),
}
"""The S3 server of the file store and of backups; Amazon's without an endpoint. S3_ADDRESSING is `path` or `virtual`.
Without a key boto3 looks where it always does: AWS_* variables, the shared credentials file, the role of the machine or
pod. S3_PUBLIC_ENDPOINT_URL is how people's machines reach the server, where that is not how the portal does."""
ARTIFACT_LINK_BYTES = int(os.environ.get("ARTIFACT_LINK_MEGABYTES", "100")) * 1024**2
"""Files in S3 of this size and more are downloaded from S3 itself, by a signed address for one file; 0: never."""
S3_LINK_SECONDS = int(os.environ.get("S3_LINK_SECONDS", "60"))
"""So long such an address begins a download; one that has begun goes on to its end."""
ARTIFACT_GRACE_DAYS = float(os.environ.get("ARTIFACT_GRACE_DAYS", "7"))
"""Stored bytes that nothing names any more leave the store after so many days. Whoever restores the database by tools
of their own, without `manage.py restore`, sets it to the age of the oldest dump that they would restore."""
RETENTION_PAUSE_HOURS = float(os.environ.get("RETENTION_PAUSE_HOURS", "24"))
"""So long after it was set a family's rule of retention removes nothing yet: until then it can be taken back."""

# MLflow's protocol
ARTIFACT_BYTES = int(os.environ.get("ARTIFACT_BYTES", str(20 * 1024**3)))
"""A file that a client uploads may have this many bytes."""

# Retraining
PIPELINES_DIR = Path(os.environ.get("PIPELINES_DIR", VAR_DIR / "pipelines")).resolve()
"""Folder of the training scripts; a pipeline names a file below it."""
PIPELINES_DATA = Path(os.environ.get("PIPELINES_DATA", VAR_DIR / "data")).resolve()
"""Folder of the data that training reads; a pipeline names a folder below it."""
PIPELINE_COMMANDS = os.environ.get("PIPELINE_COMMANDS") == "1"
"""A pipeline may be a command of any program, which platform admins define; off, because it runs whatever they say."""
PIPELINE_COMMAND_ENVIRONMENT = [name for name in os.environ.get("PIPELINE_COMMAND_ENVIRONMENT", "").split(",") if name]
"""Names of variables of the workers that such commands see; of the rest of its environment they see nothing."""
_address = os.environ.get("PORTAL_URL") or (_local.address if _local else "")
TRACKING_URL = (os.environ.get("TRACKING_URL") or _address).rstrip("/")
"""The portal's address as training code on the workers reaches it: there plain MLflow logs; the pages' own if unset."""
RETRAINING_LEASE_SECONDS = float(os.environ.get("RETRAINING_LEASE_SECONDS", "15"))
"""A worker that is silent this long has lost its segment run; five heartbeats, so that a busy machine loses none."""
RETRAINING_HEARTBEAT_SECONDS = RETRAINING_LEASE_SECONDS / 5
RETRAINING_RESEND_SECONDS = float(os.environ.get("RETRAINING_RESEND_SECONDS", "30"))
"""A message that nobody answered for this long is sent again; twice is harmless."""
SIGNAL_SETTLE_SECONDS = float(os.environ.get("SIGNAL_SETTLE_SECONDS", "60"))
"""How long a signal lies before policies see it: a storm is known only when its neighbours have arrived, too."""
RETRAINING_POLL_SECONDS = float(os.environ.get("RETRAINING_POLL_SECONDS", "3"))
"""How often a platform that has segment runs of ours is asked about them: one call, however many they are."""
RETRAINING_BACKOFF_SECONDS = 2.0  # before the second try; doubles
RETRAINING_LOG_BYTES = 65_536
RETRAINING_OUTPUT_BYTES = 512 * 1024 * 1024
RETRAINING_MOST_SEGMENTS = 5_000

# Catalog
CATALOG_VOTES = int(os.environ.get("CATALOG_VOTES", "1"))
"""So many of the board must say yes to a decision, an exception or a ring; whoever wrote it never counts."""

# Evaluation
DEMO_EVALUATORS = BASE_DIR / "apps" / "demo" / "evaluators"
EVALUATORS = {
    "eta": {
        "script": DEMO_EVALUATORS / "eta_evaluator.py",
        "data": PIPELINES_DATA / "lake",
        "preload": ["numpy", "pandas"],
        "baselines": ["median-of-3-months"],
    },
    "demand": {
        "script": DEMO_EVALUATORS / "demand_evaluator.py",
        "data": PIPELINES_DATA / "demand",
        "preload": ["numpy", "pandas"],
        "baselines": ["same-weekday-last-week", "yesterday"],
    },
    "late": {
        "script": DEMO_EVALUATORS / "late_evaluator.py",
        "data": PIPELINES_DATA / "lake",
        "preload": ["numpy", "pandas"],
        "baselines": ["usual-share-of-the-hour"],
    },
}
"""Scripts that score models, by name, and the baselines that each computes, its first one first; named here by whoever
runs the portal, never by a person at a page."""
EVALUATION_LEASE_SECONDS = RETRAINING_LEASE_SECONDS
EVALUATION_SECONDS = 600  # one batch of comparisons; the demo's takes two or three
EVALUATION_MEMORY_MB = 2_048
EVALUATE_PYFUNC = os.environ.get("EVALUATE_PYFUNC") == "1"
"""Evaluations ask MLflow pyfuncs, which run code of their own: each in a process, in an environment and as a user of
its own. A family has to allow pickles, too; see docs/evaluators.md."""
PYFUNC_ENVIRONMENT = os.environ.get("PYFUNC_ENVIRONMENT", "")
"""Folder of a virtual environment with mlflow for all pyfuncs; else each gets what its requirements.txt names."""
PYFUNC_SECONDS, PYFUNC_MEMORY_MB, PYFUNC_OUTPUT_BYTES = 300, 2_048, 64 * 1024 * 1024
PYFUNC_INSTALL_SECONDS = 900  # mlflow and scikit-learn out of an index nearby take one to two minutes

# Notices to people and webhooks
PORTAL_URL = _address.rstrip("/")
"""Where people reach the portal, such as https://portal.example.org: what links in mails begin with."""
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
"""The mail server; without one nobody is mailed, and the inbox is where people look."""
EMAIL_PORT = int(os.environ.get("EMAIL_PORT", "25"))
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_HOST_USER", ""), _told("EMAIL_HOST_PASSWORD")
EMAIL_USE_TLS, EMAIL_USE_SSL = os.environ.get("EMAIL_USE_TLS") == "1", os.environ.get("EMAIL_USE_SSL") == "1"
EMAIL_TIMEOUT = 15  # seconds
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "ML Portal <portal@localhost>")
WEBHOOK_SCHEMES = os.environ.get("WEBHOOK_SCHEMES", "https").split(",")
"""Schemes that the address of a webhook may have."""
WEBHOOK_PRIVATE_NETWORKS = [part for part in os.environ.get("WEBHOOK_PRIVATE_NETWORKS", "").split(",") if part]
"""Networks inside the company that webhooks may reach, such as 10.20.0.0/16; without any, only public addresses."""
WEBHOOK_TIMEOUT_SECONDS = 15.0
"""A receiver that has not answered whole by then has failed this attempt."""
WEBHOOK_TRIES = 8  # over about three hours: 2 s after the first, then four times as long after each
DELIVERY_LEASE_SECONDS = 60.0  # longer than any attempt takes; a worker that is gone has lost its delivery by then

# Logs
DJANGO_STRUCTLOG_CELERY_ENABLED = True  # what a request rings carries its request_id
# Also on what libraries tell: without these a line of theirs had no time, and an error no traceback.
_on_each_line: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.format_exc_info,
]
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_on_each_line,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
_renderer = structlog.dev.ConsoleRenderer(colors=False) if LOCAL else structlog.processors.JSONRenderer()


def _tells_more_than_a_tick(record: logging.LogRecord) -> bool:
    """Coordinators tick every two seconds: that they did well is told where a request rang the task, and failures."""
    return record.levelno > logging.INFO or "request_id" in structlog.contextvars.get_contextvars()


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processor": _renderer,
            "foreign_pre_chain": _on_each_line,
        }
    },
    "filters": {"ticks": {"()": "django.utils.log.CallbackFilter", "callback": _tells_more_than_a_tick}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": os.environ.get("LOG_LEVEL", "WARNING" if LOCAL else "INFO")},
    "loggers": {
        "axes": {"level": "ERROR"},
        "django_structlog": {"level": "WARNING"},
        "celery.app.trace": {"filters": ["ticks"]},
        "celery.worker.strategy": {"level": "WARNING"},
    },
}
