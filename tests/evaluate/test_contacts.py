"""Pairs of places from answer and truth to numbers with intervals, through a table and back, and as a map."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from runs import cohort

from sequela import config
from sequela.evaluate import cases, contacts, tallies
from sequela.evaluate.evaluation import evaluate
from sequela.evaluate.report import contact_map
from sequela.types import Answer, Array, Paired, Pairs, Target

LETTERS, SEPARATION = 40, 6
Row = list[tuple[int, int]]
WORKED: Row = [(0, 6), (0, 30), (1, 29), (5, 20), (2, 28), (9, 15), (3, 10), (8, 33)]  # in the order of their chance
THERE: Row = [(0, 30), (1, 29), (2, 28), (3, 10), (4, 39)]


def pairs(rows: list[Row], score: bool = False) -> Pairs:
    low, high = np.array([one for row in rows for one in row], np.int64).reshape(-1, 2).T
    sure = np.concatenate([np.linspace(0.9, 0.1, len(row)) for row in rows]) if score else None
    return Pairs(np.cumsum([0, *map(len, rows)]), low, high, sure)


def target(rows: list[Row], known: Array | None = None) -> Target:
    dense = Paired(pairs(rows), pairs(rows), np.full(len(rows), LETTERS), SEPARATION)
    asked = np.full((len(rows), 1), True) if known is None else known
    return Target(np.array([[float(len(row))] for row in rows]), asked, ("stem",), dense)


def answer(rows: list[Row], truth: Target) -> Answer:
    said = Answer("pairs", np.zeros((len(rows), 1)), ("stem",), paired=pairs(rows, score=True))
    return tallies.tallied("contact", said, truth, 0.0)


def test_a_row_is_judged_by_its_first_pairs_as_worked_by_hand() -> None:
    each = answer([WORKED], target([THERE])).tally.each(SEPARATION)
    assert each["precision_l5"][0] == 4 / 8  # 40 letters: the first 8
    assert each["precision_l2"][0] == 4 / 20 and each["precision_l"][0] == 4 / 40
    assert each["contact_auprc"][0] == pytest.approx((1 / 2 + 2 / 3 + 3 / 5 + 4 / 7) / 5)


def test_a_range_is_judged_by_its_own_pairs() -> None:
    tally = answer([WORKED], target([THERE])).tally
    short, long = tally.each(6, 11), tally.each(24)
    assert short["precision_l5"][0] == 1 / 8 and short["contact_auprc"][0] == pytest.approx(1 / 3)
    assert long["precision_l5"][0] == 3 / 8 and long["contact_auprc"][0] == pytest.approx(3 / 4)
    assert np.isnan(tally.each(12, 23)["precision_l"][0])


def drawn(seed: int = 0) -> tuple[list[Row], list[Row]]:
    """What is true of 24 sequences, of which some have nothing; and what is said, half of it true."""
    random = np.random.default_rng(seed)
    every = [(low, high) for high in range(LETTERS) for low in range(high) if high - low >= SEPARATION]
    truth = [[every[k] for k in sorted(random.choice(len(every), row % 6, replace=False))] for row in range(24)]
    said = [list(dict.fromkeys([*row[::2], *(every[k] for k in random.choice(len(every), 12)), *row[1::2]])) for row in truth]
    return truth, said


def test_numbers_have_intervals_by_range_and_differences() -> None:
    truth, said = drawn()
    known = np.arange(24)[:, None] % 5 > 0
    of = target(truth, known)
    rows = cohort(of)
    answers = {"model": answer(truth, of), "baseline:pair_frequency": answer(said, of)}
    found = evaluate("contact", rows, answers, config.Evaluate(bootstrap=60), {}, part="test", split="split-1", seed=0)
    assert {row.class_ for row in found.metrics} == {"", "short", "medium", "long"}
    mine = {(row.model, row.metric): row for row in found.metrics if not row.class_ and not row.against}
    auprc = mine["baseline:pair_frequency", "contact_auprc"]
    assert mine["model", "contact_auprc"].value == 1 and auprc.low is not None and auprc.value is not None
    assert auprc.low < auprc.value < 1 and auprc.n == int(known.sum())
    assert {row.metric for row in found.metrics if row.against} == set(contacts.COMPARED)


def test_a_tally_comes_back_from_a_table() -> None:
    truth, said = drawn()
    one = answer(said, target(truth))
    held = io.BytesIO()
    pl.DataFrame(tallies.columns("contact", one)).write_parquet(held)
    held.seek(0)
    again = tallies.restored("contact", pl.read_parquet(held), replace(one, tally=None)).tally
    for least, most in ((SEPARATION, 100), (12, 23)):
        for metric, values in one.tally.each(least, most).items():
            np.testing.assert_array_equal(again.each(least, most)[metric], values)
    some = np.array([7, 3, 11])
    np.testing.assert_array_equal(one.take(some).tally.each(6)["precision_l"], one.tally.each(6)["precision_l"][some])


def test_the_worst_the_middle_and_the_best_are_shown_as_maps() -> None:
    truth, said = drawn()
    of = target(truth)
    shown = cases.chosen("contact", "model", answer(said, of), of, {})
    assert [case.why for case in shown] == ["worst"] * 3 + ["middle"] + ["best"] * 3
    tally = answer([WORKED], target([THERE])).tally
    svg = contact_map.drawn(tally, "a & b").markup
    assert svg.count("<rect") == 1 + len(THERE) + len(WORKED) and "a &amp; b" in svg
