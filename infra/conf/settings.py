"""Django's settings, by environment; `infra/conf/environment.py` says what comes from where."""

from typing import Any

import dj_database_url

from infra.conf import environment
from infra.conf.logging import LogFormat, configure, log_format

environment.demand_secrets()

SECRET_KEY = environment.secret_key()
ALLOWED_HOSTS = environment.allowed_hosts()
DEBUG = False

INSTALLED_APPS = [
    "infra",
    "projections",
    "api",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
]

MIDDLEWARE = [
    "api.http.middleware.RequestLog",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "api.http.middleware.PageLanguage",
]

ROOT_URLCONF = "api.urls"
WSGI_APPLICATION = "infra.web.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    }
]

# --- Database -----------------------------------------------------------------------------------

DATABASES: dict[str, Any] = {
    "default": dj_database_url.parse(
        environment.database_url(),
        # A thread keeps its connection: borrowing one from a pool at every request costs more.
        conn_max_age=None,
    )
}
DATABASES["default"]["OPTIONS"] = {
    # Every connection works as the restricted role; infra/database says how migrations do.
    "assume_role": "quartier_app",
    "application_name": "quartier",
    # Django turns prepared statements off; the append is prepared once a connection.
    "prepare_threshold": 5,
    # A server that is gone without a word is noticed in ten seconds, and not in two hours.
    "connect_timeout": 10,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
    **DATABASES["default"].get("OPTIONS", {}),
}
# What a suspended process has locked is free again after a while; workers ask for less.
DATABASES["default"]["OPTIONS"]["options"] = " ".join(
    [
        "-c idle_in_transaction_session_timeout=30s",
        DATABASES["default"]["OPTIONS"].get("options", ""),
    ]
).strip()
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Time and language --------------------------------------------------------------------------

USE_TZ = True
TIME_ZONE = "Europe/Zurich"  # legal days; instants are UTC
LANGUAGE_CODE = "fr"
LANGUAGES = [("fr", "Français"), ("en", "English")]
LOCALE_PATHS = [environment.ROOT / "api" / "locale"]
USE_I18N = True

# --- HTTP ---------------------------------------------------------------------------------------

STATIC_URL = "/static/"
WHITENOISE_USE_FINDERS = True  # files are served out of the packages: nothing is collected
SECURE_CONTENT_TYPE_NOSNIFF = True
PUBLIC_URL = environment.public_url()
# What a request says of its way here counts only if a proxy of ours says it.
TRUSTED_PROXIES = environment.trusted_proxies()
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
SECURE_REFERRER_POLICY = "same-origin"
environment.cache_megabytes()  # read where it is used; what is wrong with it is said at once
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024

REST_FRAMEWORK: dict[str, Any] = {
    "NUM_PROXIES": TRUSTED_PROXIES,
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SERVE_INCLUDE_SCHEMA": False,
}

# --- Logs ---------------------------------------------------------------------------------------

LOG_FORMAT: LogFormat = log_format()
LOGGING_CONFIG = None
configure(LOG_FORMAT)
