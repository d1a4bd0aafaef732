"""The program that checks our evidence without us: `verifier.py` goes into every bundle as it is.

It shares no code with the rest, so that it is a second reading of the same specifications.
"""
