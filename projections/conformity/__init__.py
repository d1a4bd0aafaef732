"""Conformity: for each paragraph that asks for something, was it done, and in time?

conformity     the view: a document of facts
requirement    what a requirement is; `requirements_of_bodies` (§1-3), `requirements_of_stages` (§4)
assessment     how each is answered on a day, from the facts
"""
