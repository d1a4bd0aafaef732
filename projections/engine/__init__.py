"""How read models are kept: nothing here knows a single one.

projection  handlers by decision type; `view` (a document a contract) and `table` (rows)
runner      keeps read models up with the events; `batch`: one transaction of it
rebuild     makes them again beside those in use; `bulk_copy`: COPY
storage     documents and rows in the database; `positions`: how far each read model is
keyset      pages of a long list; `sql`, `source`: the database, the events
"""
