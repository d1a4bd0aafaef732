from django.db import migrations

# Every decision was indexed by what it names, a fifth of all that read models take, and no page,
# list or command ever read it: a contract's history is read from its events.
DROP = """
DROP VIEW history_index, history_correction;
DROP TABLE history_index_rows, history_correction_rows;
DELETE FROM projection_position WHERE name = 'history';
"""


class Migration(migrations.Migration):
    dependencies = [("projections", "0002_ledger_names")]
    operations = [migrations.RunSQL(DROP)]
