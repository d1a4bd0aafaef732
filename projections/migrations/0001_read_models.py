from pathlib import Path

from django.db import migrations

# There is no way back, and no need of one: a read model is made again from the events.
SQL = Path(__file__).with_suffix(".sql").read_text("utf-8")


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [migrations.RunSQL(SQL)]
