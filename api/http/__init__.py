"""What every endpoint shares.

endpoint            one address: who may ask, for what, what it answers; `query`: its parameters
responses           JSON, ETags, caching; `negotiation`, `language`, `tables`, `spreadsheet`
problems            every kind of error and its status; `exception_handler`, `sentences`
authentication      the account behind a token; `body`: strict JSON; `limits`: long answers
middleware          request id, log, metrics; `freshness`: how far read models are
"""
