"""Running it: the worker, and everything at once.

worker      loops with back-off; `background`: what they do
up          `quartier up`; `preflight`: what must hold before it
session     Django and a database for a command
"""
