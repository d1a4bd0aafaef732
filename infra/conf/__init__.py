"""Configuration: settings from the environment, logs, reference data.

environment  what comes from where; `settings`: Django's
logging      structlog; `reference`: the city's services and delays, `geneva.json`
"""
