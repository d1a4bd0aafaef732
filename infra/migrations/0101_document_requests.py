from pathlib import Path

from django.db import migrations

SQL = Path(__file__).resolve().parent.parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("infra", "0100_log")]
    operations = [migrations.RunSQL((SQL / "0101_document_requests.sql").read_text("utf-8"))]
