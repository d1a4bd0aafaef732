from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("infra", "0102_funding_day")]
    operations = [migrations.RunSQL((SQL / "0103_lease.sql").read_text("utf-8"))]
