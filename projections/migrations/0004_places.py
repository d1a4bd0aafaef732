from django.db import migrations

# What is asked for most: each list can be entered at its place, however long it is.
INDEXES = """
CREATE INDEX register_standing ON register_rows (generation, standing, contract);
CREATE INDEX register_phase ON register_rows (generation, phase, contract);
CREATE INDEX register_box ON register_rows
    USING gist (box(point(west, south), point(east, north)));
CREATE INDEX calendar_day_occasion ON calendar_day_rows
    (generation, occasion, day, contract, subject);
CREATE INDEX silence_running ON silence_rows (generation, since, contract, question, subject)
    WHERE state = 'running';
CREATE INDEX ledger_entry_year ON ledger_entry_rows (generation, year, contract, action, route);
"""


class Migration(migrations.Migration):
    dependencies = [("projections", "0003_no_history_index")]
    operations = [migrations.RunSQL(INDEXES)]
