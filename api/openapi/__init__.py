"""What is derived and frozen: OpenAPI, AsyncAPI, the catalogue.

schema      OpenAPI 3.1 from routes, endpoints and registries; `schema_components`, `shapes`
asyncapi    AsyncAPI 3 of what leaves by Kafka; `docs`: the addresses that serve both
golden      the committed files, and whether they are up to date
"""
