"""The Django app of the infrastructure: its migrations, and what must hold before anything runs."""

from django.apps import AppConfig


class InfraConfig(AppConfig):
    """Registers every decision type before anything is read or recorded."""

    name = "infra"
    verbose_name = "Quartier"

    def ready(self) -> None:
        """Fill the registry of decision types: reading a stored event depends on it."""
        import domain.catalogue  # noqa: F401, PLC0415 - imported for its decision types
