"""The Django app of the HTTP API and the pages."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Everything that answers over HTTP."""

    name = "api"
