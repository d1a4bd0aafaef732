from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


def run(file: str) -> migrations.RunSQL:
    """A file of SQL. There is no way back: undoing it would lose what must not be lost."""
    return migrations.RunSQL((SQL / file).read_text("utf-8"))


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        run("0001_role.sql"),
        run("0002_events.sql"),
        run("0003_vault.sql"),
        run("0004_append.sql"),
        run("0005_accounts.sql"),
        run("0006_documents.sql"),
    ]
