"""Tables: rows across contracts, for lists and search; a file a table.

register    contracts: where, how far, and which one speaks of this; `words`: for the search
calendar    what takes place and is due; `silences`: who was asked and has not answered
ledger      where every franc is; `ledger_sums` adds it up
`*_queries` is what a table is asked.
"""
