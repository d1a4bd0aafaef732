"""The law: what may be decided in a neighbourhood contract, by whom, and what follows.

Nothing here knows of a database, a clock or the network. A decision type is one class in one
chapter; `domain.catalogue` imports them all.
"""
