"""The resources of the API: a file an address, or a few that belong together.

`api/urls.py` lists the addresses. An endpoint is added here, and there; OpenAPI follows.
"""
