"""What follows what: a chain's own entropy is reached, visits share their transitions, equal chances stand in order."""

from __future__ import annotations

import numpy as np
import pytest

from sequela import config
from sequela.baselines import bigram, unigram
from sequela.contracts import Baseline, Evidence
from sequela.tasks import next_event
from sequela.types import Array, Plain, Ragged, Spec


def evidence(ragged: Ragged, vocabulary: int) -> Evidence:
    inputs = {"history": ragged}
    shape = ragged.values.shape[1:]
    specs = {"history": Spec("codes", shape, "days", vocabulary=vocabulary)}
    nothing = Plain(np.zeros((len(ragged), 0), np.float32), ())
    rows = np.arange(len(ragged))
    return Evidence(inputs, specs, nothing, next_event.own_target(inputs, specs), rows, rows.astype(str))


def chains(chance: Array, rows: int, seed: int, length: int = 40) -> Evidence:
    """Rows of a Markov chain that starts anywhere."""
    random = np.random.default_rng(seed)
    codes = np.zeros((rows, length), np.int32)
    codes[:, 0] = random.integers(0, len(chance), rows)
    for step in range(1, length):
        turn = random.random(rows)[:, None]
        codes[:, step] = (turn > chance[codes[:, step - 1]].cumsum(1)).sum(1)
    return evidence(Ragged(np.arange(rows + 1) * length, codes.ravel(), np.zeros(codes.size)), len(chance))


def perplexity(baseline: Baseline, rows: Evidence) -> float:
    return float(np.exp(baseline.answer(rows).values[:, 0].sum() / rows.target.values.sum()))


def test_the_bigram_reaches_the_entropy_of_a_chain_and_the_unigram_that_of_its_codes() -> None:
    chance = np.random.default_rng(0).dirichlet(np.full(8, 0.4), 8)
    stationary = np.linalg.matrix_power(chance, 200)[0]
    train, tune, test = (chains(chance, rows, seed) for rows, seed in ((600, 1), (100, 2), (600, 3)))
    plain, pairs = unigram.build(unigram.Config()), bigram.build(bigram.Config())
    for baseline in (plain, pairs):
        baseline.fit(train, tune, "next_event", 0)
    logs = np.log(np.where(chance > 0, chance, 1))
    assert perplexity(pairs, test) == pytest.approx(np.exp(-(stationary[:, None] * chance * logs).sum()), rel=0.02)
    assert perplexity(plain, test) == pytest.approx(np.exp(-(stationary * np.log(stationary)).sum()), rel=0.02)


def of_visits(rows: list[list[list[int]]], vocabulary: int) -> Evidence:
    """Rows of visits of codes, two at most."""
    steps = [visit for row in rows for visit in row]
    values = np.array([[*visit, 0, 0][:2] for visit in steps])
    seen = np.array([[place < len(visit) for place in range(2)] for visit in steps])
    offsets = np.cumsum([0, *map(len, rows)])
    return evidence(Ragged(offsets, values, np.zeros(len(steps)), seen), vocabulary)


def test_after_a_visit_the_chance_is_the_mean_over_its_codes() -> None:
    given = of_visits([[[0, 1], [2]], [[0], [3]], [[1], [2, 3]]], 4)
    chosen = config.convert({"masses": [2.0], "priors": [1.0]}, bigram.Config)
    pairs = bigram.build(chosen)
    pairs.fit(given, given, "next_event", 0)
    plain = (np.array([0, 0, 2, 2]) + 1) / (4 + 4)
    after_0 = (np.array([0, 0, 0.5, 1]) + 2 * plain) / (1.5 + 2)
    after_1 = (np.array([0, 0, 1.5, 1]) + 2 * plain) / (2.5 + 2)
    both = (after_0 + after_1) / 2
    found = pairs.answer(given).values
    np.testing.assert_allclose(found[:, 0], [-np.log(both[2]), -np.log(after_0[3]), -np.log(after_1[2] * after_1[3])])
    assert both[3] > both[2]
    np.testing.assert_array_equal(found[:, 1], [0, 1, 1])
    np.testing.assert_array_equal(found[:, 2], [1, 1, 2])


def test_of_equal_chances_the_first_code_of_the_vocabulary_is_taken() -> None:
    given = of_visits([[[5], [5]], [[5], [9]]], 20)
    plain = unigram.build(unigram.Config())
    plain.fit(given, given, "next_event", 0)
    held = of_visits([[[0], [0]], [[0], [8]], [[0], [10]], [[0], [9]]], 20)
    np.testing.assert_array_equal(plain.answer(held).values[:, 2], [1, 1, 0, 1], "5 and 9, then 0 1 2 3 4 6 7 8")
