"""For finance: land the funding events in a database of one's own, and prove that none is missing.

- `tables`: what that database holds; `landing`: one batch in one transaction
- `follow`: from Kafka into them
- `digest`: a day of funding events in a few bytes, computed alike on both sides
- `reconcile`: compares the two, and names the first difference
- `commands`: `quartier funding …`

Nothing here needs Quartier's own database but `digest`, which is our side. docs/finance.md says
how to do the same in another language.
"""
