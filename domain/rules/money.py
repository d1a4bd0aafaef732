"""Rules about sums of money, whatever they are for."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from domain.kernel.rule import Rule


class AmountNotPositive(Rule, basis="4.3"):
    """A sum that is granted, committed or spent is more than nothing."""

    fr = "Le montant doit être supérieur à zéro."
    en = "The amount must be more than zero."


class NetAboveGross(Rule, basis="4.3"):
    """What remains to be paid after contributions is at most the whole."""

    fr = "Le montant net ({net}) dépasse le montant brut ({gross})."
    en = "The net amount ({net}) exceeds the gross amount ({gross})."


class PublishedBeforeVoted(Rule, basis="4.3"):
    """A deliberation is published once it is voted."""

    fr = "La publication ({published_on}) précède le vote ({decided_on})."
    en = "Publication ({published_on}) precedes the vote ({decided_on})."


def is_positive(amount: Decimal) -> Iterator[AmountNotPositive]:
    """Find a sum of nothing."""
    if amount <= 0:
        yield AmountNotPositive()


def is_gross_and_net(gross: Decimal, net: Decimal) -> Iterator[AmountNotPositive | NetAboveGross]:
    """Find a credit of nothing, or one whose net amount exceeds the gross."""
    yield from is_positive(gross)
    if net > gross:
        yield NetAboveGross(net=net, gross=gross)
