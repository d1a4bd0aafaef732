"""PostgreSQL as all of `infra` uses it.

connection  Django's connection with the application's role; short ones of one's own
lease       work that one process does at a time, with a heartbeat and take-over
prepared    one statement straight to libpq; `migrated`: whether the schema is this program's
"""
