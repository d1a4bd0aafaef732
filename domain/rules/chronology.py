"""Days in their order: what has happened is past, and nothing comes before what it answers.

Several chapters ask for it, so it stands beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from domain.kernel.rule import Rule
from domain.kernel.values import Bilingual

INITIATION = Bilingual("l'initiation du contrat", "the initiation of the contract")
DECISION = Bilingual("la décision", "the decision")
START = Bilingual("le début de l'action", "the start of the action")
PUBLICATION = Bilingual("la publication", "the publication")
SUSPENSION = Bilingual("la suspension", "the suspension")
GRANT = Bilingual("l'octroi des fonds", "the grant of the money")
CONTEST = Bilingual("la demande de référendum", "the request for a referendum")


class NotYetHappened(Rule, basis="4"):
    """What is recorded as having happened did so by the day of the decision."""

    fr = "« {field} » est le {day}, après le {until} : cela n'a pas encore eu lieu."
    en = "“{field}” is {day}, after {until}: that has not happened yet."


class BeforeItsCause(Rule, basis="4"):
    """Nothing comes before what it answers, and no end before its beginning."""

    fr = "« {field} » est le {day}, avant {cause} ({since})."
    en = "“{field}” is {day}, before {cause} ({since})."


def has_happened(field: str, day: date | None, until: date) -> Iterator[NotYetHappened]:
    """Find a day that is said to be past and comes later."""
    if day is not None and day > until:
        yield NotYetHappened(field=field, day=day, until=until)


def not_before(
    field: str, day: date | None, cause: Bilingual, since: date | None
) -> Iterator[BeforeItsCause]:
    """Find a day before that of its cause; a cause that is not known, or never came, has none."""
    if day is not None and since is not None and day < since:
        yield BeforeItsCause(field=field, day=day, cause=cause, since=since)
