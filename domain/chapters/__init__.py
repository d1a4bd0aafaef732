"""The chapters of the Cadre: every decision type with its rules, a file a chapter.

Chapters do not import one another. `domain/catalogue.py` lists them; docs/catalogue.md shows what
each holds. A decision type is added in its chapter, and nowhere else.
"""
