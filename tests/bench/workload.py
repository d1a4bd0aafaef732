"""The decisions that are recorded to measure: what a contract mostly sees, texts included."""

from __future__ import annotations

import itertools
import json
from datetime import date

from domain.kernel.act import Body

DAY = date(2020, 5, 4)

INITIATED = json.dumps(
    {
        "ground": "city_initiative",
        "title": "Contrat mesuré",
        "territory": "Pâquis",
        "justification": "Les besoins dépassent les simples mesures techniques.",
    }
).encode()

PERIMETER = json.dumps(
    {
        "perimeter": {
            "type": "Polygon",
            "coordinates": [
                [
                    [6.145, 46.209],
                    [6.152, 46.209],
                    [6.152, 46.215],
                    [6.145, 46.215],
                    [6.145, 46.209],
                ]
            ],
        },
        "streets": ["Rue de Berne"],
    }
).encode()

PROMOTION = json.dumps({"audiences": ["Habitant-e-s", "Commerçant-e-s"]}).encode()

OPENING = (
    ("contract-initiated", INITIATED, Body.ADMINISTRATIVE_COUNCIL),
    ("perimeter-set", PERIMETER, Body.ADMINISTRATIVE_COUNCIL),
    ("promotion-started", PROMOTION, Body.COMMUNITY_UNIT),
)

ACTIVITY = json.dumps(
    {"audience": "Habitant-e-s", "means": "stall", "place": "Place de la Navigation"}
).encode()

_needs = itertools.count(1)


def activity() -> tuple[str, bytes, Body]:
    """A decision without free text."""
    return "promotion-activity-held", ACTIVITY, Body.COMMUNITY_UNIT


def need() -> tuple[str, bytes, Body]:
    """A decision with a free text, which goes to the vault."""
    data = {
        "need": f"n{next(_needs)}",
        "title": "Des bancs à l'ombre",
        "origin": "promotion",
        "theme": "espace-public",
        "text": "On aimerait pouvoir s'asseoir à l'ombre en été.",
    }
    return "need-expressed", json.dumps(data).encode(), Body.COMMUNITY_UNIT


def decisions() -> itertools.cycle[object]:
    return itertools.cycle((activity, activity, activity, need))
