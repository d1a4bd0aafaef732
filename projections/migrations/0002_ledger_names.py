from django.db import migrations

# What finance calls an account by. Empty until the ledger is made again in its second version.
COLUMNS = """
ALTER TABLE ledger_balance_rows
    ADD COLUMN budget_line text,
    ADD COLUMN proposal text,
    ADD COLUMN deliberation text,
    ADD COLUMN gross numeric(18, 2),
    ADD COLUMN net numeric(18, 2);
ALTER TABLE ledger_carrier_rows ADD COLUMN title text;
"""

# The views name their columns once and for all: they are said again, with the new ones.
VIEW = """
CREATE OR REPLACE VIEW {relation} AS SELECT * FROM {relation}_rows WHERE generation =
    (SELECT generation FROM projection_position WHERE name = 'ledger');
"""


class Migration(migrations.Migration):
    dependencies = [("projections", "0001_read_models")]
    operations = [
        migrations.RunSQL(COLUMNS),
        *(
            migrations.RunSQL(VIEW.format(relation=relation))
            for relation in ("ledger_balance", "ledger_carrier")
        ),
    ]
