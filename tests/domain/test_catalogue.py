"""Nothing in the catalogue goes untested, and what holds for every type is tried on each.

Laws are data, so whether one is missing is known without running them; that each holds is what
the chapters' tests, and `test_general`, run. A test can thus not be complete on paper only.
"""

from domain.catalogue import CHAPTERS, catalogue
from domain.kernel.decision import Decision
from domain.kernel.rule import Rule
from tests.domain.cases import accepted, general, pairs, stated
from tests.domain.given import each_of


@each_of(general())
def test_general(law):
    law.holds()


def test_every_type_has_an_accepted_case():
    assert {kind.slug for kind in accepted()} == set(catalogue())


def test_every_type_has_a_refused_case_for_each_of_its_rules():
    refused = {
        (law.kind.slug, rule.id)
        for law in (*stated(), *general().values())
        for rule in law.refusing
    }
    assert pairs() - refused == set()
    assert refused - pairs() == set()


def test_every_departable_rule_of_a_type_was_departed_from():
    departed = {
        (law.kind.slug, rule)
        for law in stated()
        for taken in (*law.story, law.taken)
        for rule in taken.departing
    }
    departable = {
        (kind.slug, rule.id)
        for kind in catalogue().values()
        for rule in kind.rules()
        if rule.departable
    }
    assert departable - departed == set()


def test_every_rule_is_some_decision_type_s():
    used = {rule for kind in catalogue().values() for rule in kind.rules()}
    assert {
        rule for rule in Rule.registry.values() if rule.__module__.startswith("domain.")
    } == used


def test_every_type_is_in_the_catalogue_in_the_order_of_the_chapters():
    order = [module.__name__ for module in CHAPTERS]
    chapters = [order.index(kind.__module__) for kind in catalogue().values()]
    assert chapters == sorted(chapters)
    assert set(catalogue().values()) == set(Decision.registry.values())


def test_every_type_and_rule_says_what_it_is_in_both_languages():
    for kind in catalogue().values():
        assert kind.__doc__
        assert kind.fr
        assert kind.en
        assert kind.fr != kind.en
        assert kind.basis
        assert kind.taken_by
    for rule in Rule.registry.values():
        assert rule.__doc__
        assert rule.fr != rule.en
        assert rule.basis


def test_names_of_types_are_told_apart():
    for language in ("fr", "en"):
        names = [kind.label().to(language) for kind in catalogue().values()]
        assert len(set(names)) == len(names)
