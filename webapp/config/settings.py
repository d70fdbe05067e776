"""Every setting of the site. The environment is read in this file only."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.core.management.utils import get_random_secret_key
from psycopg.conninfo import conninfo_to_dict


def env_str(name: str, default: str = "") -> str:
    """Read a string; an empty variable counts as unset."""
    return os.environ.get(name) or default


def env_int(name: str, default: int) -> int:
    """Read a whole number, or fail loudly."""
    raw = env_str(name)
    if not raw:
        return default
    try:
        return int(raw)
    except ValueError as error:
        raise ImproperlyConfigured(f"{name} must be a whole number, not {raw!r}") from error


def env_bool(name: str, *, default: bool = False) -> bool:
    """Read a switch: 1, true, yes, on or 0, false, no, off."""
    raw = env_str(name).lower()
    if not raw:
        return default
    if raw in {"1", "true", "yes", "on"}:
        return True
    if raw in {"0", "false", "no", "off"}:
        return False
    raise ImproperlyConfigured(f"{name} must be 1 or 0, not {raw!r}")


def env_list(name: str) -> list[str]:
    """Read texts with commas between them."""
    return [text.strip() for text in env_str(name).split(",") if text.strip()]


BASE_DIR = Path(__file__).resolve().parents[2]
PINAKES_HOME = Path(env_str("PINAKES_HOME", str(BASE_DIR / "var"))).resolve()
PINAKES_VERSION = "0.1.0"


def _read_secret_key() -> str:
    """The key from the environment, else the home's own, else one for this process alone.

    The last case lets commands run before the first start; a check refuses to serve with it.
    """
    key = env_str("PINAKES_SECRET_KEY")
    if key:
        return key
    key_file = PINAKES_HOME / "secret_key"
    try:
        return key_file.read_text().strip()
    except OSError:
        return get_random_secret_key()


SECRET_KEY = _read_secret_key()
SECRET_KEY_IS_LASTING = (
    bool(env_str("PINAKES_SECRET_KEY")) or (PINAKES_HOME / "secret_key").is_file()
)
#: Earlier keys: what was signed or encrypted under them can still be read.
SECRET_KEY_FALLBACKS = env_list("PINAKES_SECRET_KEY_FALLBACKS")
DEBUG = env_bool("PINAKES_DEBUG")
HTTPS = env_bool("PINAKES_HTTPS")
ALLOWED_HOSTS = env_str("PINAKES_ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
CSRF_TRUSTED_ORIGINS = env_list("PINAKES_TRUSTED_ORIGINS")
#: `host:port` of private services that webhooks, fetched documents and embedders may call.
OUTBOUND_ALLOW = frozenset(env_list("PINAKES_OUTBOUND_ALLOW"))

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "csp",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "webapp.common",
    "webapp.embedded",
    "webapp.accounts",
    "webapp.jobs",
    "webapp.catalog",
    "webapp.generations",
    "webapp.config",
    "webapp.prompts",
    "webapp.chains",
    "webapp.collections",
    "webapp.looks",
    "webapp.search",
    "webapp.bulk",
    "webapp.knowledge",
    "webapp.grounding",
    "webapp.chats",
    "webapp.webhooks",
    "webapp.review",
    "webapp.comparisons",
    "webapp.lineage",
    "webapp.insights",
    "webapp.openai_api",
]

MIDDLEWARE = [
    "webapp.common.middleware.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "webapp.common.compression.PageCompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "webapp.common.middleware.DatabaseOutageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "webapp.common.conditions.ConditionalReadMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "webapp.config.urls"
WSGI_APPLICATION = "webapp.config.wsgi.application"
ASGI_APPLICATION = "webapp.config.asgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# Databases ---------------------------------------------------------------------------------------


def _embedded_addresses() -> dict[str, str]:
    """Where `up` runs its servers for this home, so that commands beside it find them too."""
    try:
        addresses: dict[str, str] = json.loads((PINAKES_HOME / "addresses.json").read_text())
    except OSError:
        return {}
    return addresses


_ADDRESSES = _embedded_addresses()
DATABASE_URL = env_str("DATABASE_URL", _ADDRESSES.get("DATABASE_URL", "postgresql:///pinakes"))
REDIS_URL = env_str("REDIS_URL", _ADDRESSES.get("REDIS_URL", "redis://127.0.0.1:6379/0"))


def _database_from_url(url: str) -> dict[str, Any]:
    """Translate a libpq URL, unix-socket hosts included, into Django's dictionary."""
    parts = conninfo_to_dict(url)
    limits = {
        "statement_timeout": env_int("PINAKES_STATEMENT_TIMEOUT_MS", 0),
        "lock_timeout": env_int("PINAKES_LOCK_TIMEOUT_MS", 0),
        "idle_in_transaction_session_timeout": 30_000,
    }
    options: dict[str, Any] = {
        "options": " ".join(f"-c {name}={value}" for name, value in limits.items()),
        "application_name": env_str("PINAKES_PROCESS", "pinakes"),
        "connect_timeout": 5,
        # Statements that a connection has sent before are neither parsed nor planned again.
        "server_side_binding": True,
        "prepare_threshold": 3,
    }
    pool_size = env_int("PINAKES_DATABASE_POOL", 0)
    if pool_size:
        options["pool"] = {"min_size": 2, "max_size": pool_size, "timeout": 5}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.get("dbname", "pinakes"),
        "USER": parts.get("user", ""),
        "PASSWORD": parts.get("password", ""),
        "HOST": parts.get("host", ""),
        "PORT": str(parts.get("port", "")),
        "CONN_MAX_AGE": 0,
        "OPTIONS": options,
    }


DATABASES = {"default": _database_from_url(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# People ------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "studio"
LOGOUT_REDIRECT_URL = "sign-in"
SESSION_COOKIE_AGE = 7 * 24 * 3600

# Security ----------------------------------------------------------------------------------------

SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_REDIRECT_EXEMPT = [r"^healthz/"]
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "blob:", "data:"],
        "media-src": [SELF, "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "form-action": [SELF],
        "manifest-src": [SELF],
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
#: Largest document or picture that may be uploaded, in bytes.
PINAKES_MAX_UPLOAD_BYTES = env_int("PINAKES_MAX_UPLOAD_BYTES", 20_000_000)
#: How many pictures one person may keep for generations to start from, about 4 MB each at most.
PINAKES_MAX_UPLOADS_PER_OWNER = env_int("PINAKES_MAX_UPLOADS_PER_OWNER", 500)

#: Whether documents may be brought by their address, which the worker then calls.
FETCH_DOCUMENTS = env_bool("PINAKES_FETCH_DOCUMENTS")

#: With this token a monitor may read `/metrics`; without one only admins may.
PINAKES_METRICS_TOKEN = env_str("PINAKES_METRICS_TOKEN")

# Files -------------------------------------------------------------------------------------------

STATIC_URL = "static/"
STATIC_ROOT = PINAKES_HOME / "static"
STATICFILES_DIRS = [path for path in [BASE_DIR / "frontend" / "dist"] if path.is_dir()]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = DEBUG
MEDIA_ROOT = PINAKES_HOME / "media"
#: Where artifacts and uploads lie, each under the SHA-256 of its bytes.
PINAKES_BLOBS = Path(env_str("PINAKES_BLOBS", str(PINAKES_HOME / "blobs")))
#: Where the shipped and the user's own checkpoints lie.
PINAKES_CHECKPOINTS = [
    BASE_DIR / "genmodels" / "checkpoints",
    Path(env_str("PINAKES_CHECKPOINTS", str(PINAKES_HOME / "checkpoints"))),
]
#: The network that puts pictures and sentences into one space; its folder may be absent.
PINAKES_ALIGNMENT = Path(
    env_str("PINAKES_ALIGNMENT", str(BASE_DIR / "genmodels" / "alignment" / "clip-pictures"))
)
#: Where comparisons of models lie, as `python -m genmodels compare` leaves them.
PINAKES_COMPARISONS = [
    BASE_DIR / "genmodels" / "evaluation" / "comparisons",
    Path(env_str("PINAKES_COMPARISONS", str(PINAKES_HOME / "comparisons"))),
]
#: Where folders in the formats of `transformers` and `diffusers` lie, for admins to connect.
PINAKES_MODELS = Path(env_str("PINAKES_MODELS", str(PINAKES_HOME / "models")))
#: `auto` gives every CUDA device a process of its own, else MPS, else one CPU process.
PINAKES_DEVICE = env_str("PINAKES_DEVICE", "auto")
#: Threads that torch may use in one worker process; half the cores leave room for the site itself.
PINAKES_TORCH_THREADS = env_int("PINAKES_TORCH_THREADS", max(1, (os.cpu_count() or 2) // 2))

# Language model ----------------------------------------------------------------------------------

#: A server that speaks the OpenAI chat protocol, such as `http://127.0.0.1:11434/v1`. It is sent
#: questions and the passages that may answer them. Without one, answers are made of quotes.
PINAKES_LLM_URL = env_str("PINAKES_LLM_URL").rstrip("/")
PINAKES_LLM_KEY = env_str("PINAKES_LLM_KEY")
PINAKES_LLM_MODEL = env_str("PINAKES_LLM_MODEL")
#: The longest that one answer of it may take, in seconds.
PINAKES_LLM_SECONDS = env_int("PINAKES_LLM_SECONDS", 120)

# Interface ---------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "webapp.accounts.authentication.ApiKeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": ["webapp.common.rates.RequestRate"],
    "EXCEPTION_HANDLER": "webapp.common.problems.handle_exception",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Pinakes",
    "DESCRIPTION": "Generate with every family of models, and find again what was made.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "webapp.jobs.models.STATUSES",
        "DocumentStatus": "webapp.knowledge.api.STATES",
        "VerdictEnum": "webapp.generations.models.Verdict",
        "VoteVerdict": "webapp.comparisons.models.Verdict",
        "ReviewVerdict": "webapp.review.models.Verdict",
        "StandingEnum": "webapp.generations.models.Standing",
        "FamilyEnum": "genmodels.contract.FAMILIES",
        "SideLetter": "webapp.comparisons.sides.LETTERS",
        "ConnectorKind": "webapp.catalog.models.ConnectorKind",
        "EntityKind": "webapp.knowledge.graph_api.ENTITY_KINDS",
        "TypeEnum": "webapp.search.api.ORIGIN_TYPES",
        "LineageNodeType": "webapp.lineage.api.LINEAGE_TYPES",
        "LineageEdgeKind": "webapp.lineage.api.LINEAGE_KINDS",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "webapp.generations.event_schema.describe_streams",
        "webapp.common.schema.add_problems",
        "webapp.common.schema.add_tags",
    ],
}

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# Queue -------------------------------------------------------------------------------------------

#: The broker's address as Celery spells it; unix sockets have a scheme of their own there.
BROKER_URL = re.sub(r"^unix:", "redis+socket:", REDIS_URL)

#: How many jobs may wait in one queue, and how many of one owner's in all queues together.
#: Requests that one user may send to the REST interfaces in a minute; 0 is any number.
PINAKES_REQUESTS_PER_MINUTE = env_int("PINAKES_REQUESTS_PER_MINUTE", 6_000)
JOBS_MAX_QUEUED = env_int("PINAKES_MAX_QUEUED", 10_000)
JOBS_MAX_QUEUED_PER_OWNER = env_int("PINAKES_MAX_QUEUED_PER_OWNER", 500)
#: How many jobs of one owner may run at a time, and how many seconds of computing one owner has
#: per day (UTC); 0 means any number. A user's own quota, set in the admin, goes before these.
JOBS_MAX_RUNNING_PER_OWNER = env_int("PINAKES_MAX_RUNNING_PER_OWNER", 0)
JOBS_COMPUTE_SECONDS_PER_DAY = env_int("PINAKES_COMPUTE_SECONDS_PER_DAY", 0)
#: Seconds without a heartbeat after which a worker process counts as dead.
JOBS_HEARTBEAT_TTL = env_int("PINAKES_HEARTBEAT_TTL", 30)
JOBS_HEARTBEAT_INTERVAL = env_int("PINAKES_HEARTBEAT_INTERVAL", 5)
#: How often an idle process looks for work whose wake-up was lost, in seconds.
JOBS_IDLE_LOOK_INTERVAL = env_int("PINAKES_IDLE_LOOK_INTERVAL", 3)

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name} {message}", "style": "{"},
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env_str("PINAKES_LOG_LEVEL", "INFO")},
    "loggers": {"pypdf": {"level": "ERROR"}, "httpx": {"level": "WARNING"}},
}
