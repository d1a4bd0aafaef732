from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("infra", "0001_event_store")]
    operations = [migrations.RunSQL((SQL / "0100_log.sql").read_text("utf-8"))]
