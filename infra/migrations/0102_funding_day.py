from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("infra", "0101_document_requests")]
    operations = [migrations.RunSQL((SQL / "0102_funding_day.sql").read_text("utf-8"))]
