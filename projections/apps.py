"""The Django app of the read models."""

from django.apps import AppConfig


class ProjectionsConfig(AppConfig):
    """Has migrations, and no models: read models are written and read as rows."""

    name = "projections"
