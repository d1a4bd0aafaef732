"""Contracts in files: import, export, the examples.

importing   judges a whole file, then records all or nothing; `importing_*`: its parts
exporting   a history as a file that `importing` reads; `ndjson`: the format
matching    whether a decision is in the store already; `handles`: persons of a file
"""
