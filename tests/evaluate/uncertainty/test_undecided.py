"""The two-by-two table of a model that abstains: undecided rows are counted, and both ways to reckon with them are told."""

from __future__ import annotations

from sequela.evaluate.intervals import wilson
from sequela.evaluate.report.html import EMPTY
from sequela.evaluate.report.sections.decisions import undecided
from sequela.evaluate.uncertainty.abstention import Abstention
from sequela.evaluate.uncertainty.facts import Withheld

FITTED = Abstention(0.1, 0.9, 0.8, 500)


def test_rates_are_told_among_the_decided_and_among_all() -> None:
    one = Withheld(fitted=FITTED, rows=1000, given=750, wrong=60, by_class={"no": (800, 650, 20), "yes": (200, 100, 40)})
    shown = str(undecided(one))
    for count in ("60", "20", "40", "630", "100", "150"):
        assert f">{count}<" in shown
    assert "0.600 [" in shown and "0.300 [" in shown  # 60 of 100, and 60 of 200
    low, high = wilson(630, 800)
    assert f"{630 / 800:.3f} [{low:.3f}, {high:.3f}]" in shown


def test_nothing_is_told_where_no_decision_is_given() -> None:
    assert undecided(Withheld(fitted=FITTED, rows=10, given=0, by_class={"no": (8, 0, 0), "yes": (2, 0, 0)})) == EMPTY
