"""The Django app of the read models."""

from django.apps import AppConfig


class ProjectionsConfig(AppConfig):
    name = "projections"
