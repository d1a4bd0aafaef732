"""Whoever types a title finds it, from its second letter on."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.tables import register_queries
from projections.tables.register_queries import search
from projections.tables.words import folded, sought
from tests.projections.story import at, mixed, named, paquis, vieux_moulin

TITLES = (
    "Aménagement de l'ancien-port du Mont-Blanc",
    "Réaménagement de l’œuvre d’art à l’école Necker-Vollandes",
    "Où jouer ? Les 3-6 ans et l'Espace Ados, 2e étape (n° 12)",
    "Aujourd'hui : un préau « pour tou·te·s les habitant-e-s »",
    "The neighbours' garden and St John's walk",
    "Or et argent, or not to be",
    "Café-théâtre Ŝ/Ł & Cie, rue du Môle 1bis",
    "À la place du Vieux-Bureau-de-Poste",
    'Le « petit » "bal" du 1er août',
)
PARTS = (
    *("de", "l'", "d’", "le", "à", "aux", "et", "or", "and", "the", "of", "où", "n°"),
    *("Mont-Blanc", "ancien-port", "œuvre", "École", "ÉTÉ", "habitant·e·s", "3-6", "1er", "2e"),
    *(
        "Saint-Gervais",
        "Pâquis",
        "gardens",
        "children's",
        "aujourd’hui",
        "co\u00adworking",
        "Straße",
    ),
)
LETTERS = "aeiouszàéèêïôûçñœæßøłAÉŒ'’-·.1²"


def titles():
    words = st.one_of(st.sampled_from(PARTS), st.text(LETTERS, min_size=1, max_size=8))
    return st.lists(words, min_size=1, max_size=5).map(" ".join).filter(folded)


def beginnings(title):
    """What is typed on the way to each word of it, and to all of it."""
    for word in re.split(r"\s+", title):
        for start in [0, *(place.end() for place in re.finditer(r"\W", word))]:
            yield from (word[start:end] for end in range(start + 2, len(word) + 1))
    yield from (title[:end] for end in range(2, len(title) + 1))


def typed(title):
    """All of that of which something is left to look for; a leading minus says something else."""
    return {each for each in beginnings(title) if folded(each) and not re.search(r"(^|\s)-", each)}


def finds(words, contract):
    cursor = None
    while True:
        found = search(words, cursor=cursor, limit=1000)
        if contract in [each.contract for each in found.results]:
            return True
        if (cursor := found.next) is None:
            return False


class Entitled:
    """Contracts, and actions of a contract, under titles of a test's own."""

    def __init__(self, models):
        self.models = models
        self.count = 0
        self.action = at(vieux_moulin(), "action-proposed")

    def __call__(self, title):
        """A contract of that title, and one with an action of that title."""
        self.count += 1
        ours, other = f"title-{self.count}", f"action-{self.count}"
        (initiated,) = paquis()[:1]
        renamed = initiated.decision.model_copy(update={"title": title})
        proposed = self.action.decision.model_copy(update={"title": title})
        end = self.models.log.end()
        self.models.told(
            [
                replace(initiated, contract=ours, position=end + 1, decision=renamed),
                replace(initiated, contract=other, position=end + 2),
                replace(
                    self.action, contract=other, position=end + 3, version=2, decision=proposed
                ),
            ]
        )
        return ours, other


def assert_found(title, contracts):
    for words in typed(title):
        for form in {words, words.upper(), folded(words)}:
            for contract in contracts:
                assert finds(form, contract), (title, form)


@pytest.mark.parametrize("title", TITLES)
def test_every_beginning_of_a_title_finds_its_contract_and_that_of_its_action(models, title):
    contracts = Entitled(models)(title)
    assert_found(title, contracts)


def test_every_beginning_of_any_title_finds_it(models):
    entitle = Entitled(models)

    @settings(max_examples=15, derandomize=True, database=None, deadline=None)
    @given(titles())
    def is_found(title):
        assert_found(title, entitle(title))

    is_found()


@pytest.mark.parametrize(
    "words", ["mont-bla", "l'anc", "ancien-po", "l’ANC", "necker-vol", "blanc quai", "blan"]
)
def test_compound_words_are_found_while_they_are_typed(models, words):
    contract, other = Entitled(models)(
        "Ancien-port du Mont-Blanc, quai de l'Ancienne-Necker-Vollandes"
    )
    assert finds(words, contract)
    assert finds(words, other)
    assert not finds(f"{words}x", contract)


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("", ("", "", "", "")),
        ("préau", ("preau", "", "preau:*", "")),
        ("l'anc", ("l anc", "l", "anc:*", "")),
        ("banc -paquis", ("banc -paquis", "", "", "")),
        ("-paquis", ("paquis", "", "paquis:*", "")),
        ("banc or arb", ("banc or arb", "banc", "", "arb:*")),
        ('"rue de berne" pla', ('"rue de berne" pla', '"rue de berne"', "pla:*", "")),
        ('"rue de ber', ("rue de ber", "rue de", "ber:*", "")),
        ('"rue de berne"', ('"rue de berne"', "", "", "")),
    ],
)
def test_what_is_typed_is_read_as_web_searches_do(text, asked):
    assert sought(text) == asked


def test_where_very_many_speak_of_it_they_come_by_identifier(models, monkeypatch):
    monkeypatch.setattr(register_queries, "RANKED", 4)
    models.told(mixed(*[named(paquis()[:3], f"c{n}") for n in range(7)]))

    def pages(words):
        cursor, found = None, []
        while True:
            page = search(words, cursor=cursor, limit=2)
            found += [each.contract for each in page.results]
            if (cursor := page.next) is None:
                return found

    assert pages("paquis") == [f"c{n}" for n in range(7)]
    assert pages("paquis -berne") == []
