"""Views: one document a contract, a pure fold of its decisions; a file a view.

Views do not import one another. `*_document` is the shape of a view that needs a file for it.
`projections/catalogue.py` lists them. `conformity` has a wing of its own.
"""
