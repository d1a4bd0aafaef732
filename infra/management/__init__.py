"""Commands of Django that need other rights here."""
