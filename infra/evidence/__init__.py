"""Evidence that a stranger can check offline.

bundle      the archive of a contract: decisions, proofs, documents, report
verifier    the program in it: one file, the standard library alone
"""
