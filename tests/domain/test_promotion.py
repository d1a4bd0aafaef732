"""Promotion of the initiative (§4.1) and the operating budget (§2)."""

from domain.chapters.promotion import (
    NoPerimeter,
    OperatingBudgetGranted,
    OperatingExpenseRecorded,
    OverspentBudget,
    PromotionActivityHeld,
    PromotionNotStarted,
    PromotionStarted,
    PromotionUnderWay,
)
from domain.kernel.values import Decimal
from domain.rules.money import AmountNotPositive
from tests.domain.given import Laws, day, each_of, given, take
from tests.domain.stages import BEFORE_PROMOTION, CLOSING, INITIATED, PROMOTED, PROMOTES

ACTIVITY = {"audience": "Jeunes", "means": "walk"}
SPENDS = {"year": 2014, "purpose": "Impression de dépliants"}

LAWS: Laws = {
    "the community unit starts promotion": given(BEFORE_PROMOTION)
    .when(PROMOTES)
    .recorded(lambda c: c.promotion_started_on == day("2014-03-10")),
    "promotion explains a perimeter, so there must be one": given(INITIATED)
    .when(PROMOTES)
    .refused(NoPerimeter),
    "the perimeter was set by then": given(BEFORE_PROMOTION)
    .when(PROMOTES, on="2014-02-26")
    .refused(NoPerimeter),
    "promotion starts once": given(PROMOTED)
    .when(PromotionStarted, audiences=["Jeunes"])
    .refused(PromotionUnderWay, started_on=day("2014-03-10")),
    "promotion names its audiences": given(BEFORE_PROMOTION)
    .when(PromotionStarted, audiences=[])
    .malformed("audiences"),
    "promotion has activities": given(PROMOTED).when(PromotionActivityHeld, **ACTIVITY).recorded(),
    "promotion stays active all along": given(CLOSING)
    .when(PromotionActivityHeld, **ACTIVITY)
    .recorded(),
    "activities follow the start of promotion": given(BEFORE_PROMOTION)
    .when(PromotionActivityHeld, **ACTIVITY)
    .refused(PromotionNotStarted),
    "the council grants a year's operating budget": given(INITIATED)
    .when(OperatingBudgetGranted, year=2014, amount="20000")
    .recorded(lambda c: c.budgets[2014].granted == Decimal(20000)),
    "a budget of nothing is none": given(INITIATED)
    .when(OperatingBudgetGranted, year=2014, amount="0.00")
    .refused(AmountNotPositive),
    "a budget is spent to the last centime": given(PROMOTED)
    .when(OperatingExpenseRecorded, **SPENDS, amount="20000.00")
    .recorded(lambda c: c.budgets[2014].spent == Decimal(20000)),
    "an expense of nothing is none": given(PROMOTED)
    .when(OperatingExpenseRecorded, **SPENDS, amount="0")
    .refused(AmountNotPositive),
    "no more is spent than was granted": given(PROMOTED)
    .when(OperatingExpenseRecorded, **SPENDS, amount="20000.01")
    .refused(OverspentBudget, left=Decimal(20000)),
    "one year's budget pays for that year": given(
        PROMOTED, take(OperatingBudgetGranted, "2014-12-01", year=2015, amount="100")
    )
    .when(OperatingExpenseRecorded, **SPENDS | {"year": 2016}, amount="1")
    .refused(OverspentBudget, left=Decimal("0.00")),
}


@each_of(LAWS)
def test_promotion(law):
    law.holds()
