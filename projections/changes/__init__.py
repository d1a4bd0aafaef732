"""What changed in a view between two states, and the decision behind each change.

intervals   two states of a contract, and the decisions between them
changes     the places that differ, each with the last decision that changed it (docs/adr/0009)
"""
