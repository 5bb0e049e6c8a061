"""Sparse counts in the plain baselines: they are read, chosen on tune, saved, and equal what dense columns would give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array

from sequela.baselines import _counts, boosting, logistic, tfidf
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.train.rows import join, take
from sequela.types import Counts, Plain, Target

CODES = 300


def rows(seed: int, count: int = 1500) -> Evidence:
    """Rows whose risk is a sum over twenty of the codes of the last visit; the other block and the dense column say nothing."""
    random = np.random.default_rng(seed)
    held = [csr_array(random_array((count, CODES), density=0.03, rng=random, dtype=np.float32)) for _ in range(2)]
    for block in held:
        block.data[:] = random.integers(1, 4, len(block.data))
    risk = (held[0] > 0).astype(float) @ np.where(np.arange(CODES) < 20, 2.0, 0.0)
    event = random.random(count) < 1 / (1 + np.exp(1.5 - risk))
    names = [tuple(f"h.{label}.{number}" for number in range(CODES)) for label in ("last", "visits")]
    counts = tuple(Counts(b, n, f"h.{label}") for b, n, label in zip(held, names, ("last", "visits"), strict=True))
    plain = Plain(random.normal(size=(count, 1)).astype(np.float32), ("h.age",), counts)
    target = Target(event[:, None].astype(float), np.ones((count, 1), bool), ("death",))
    return Evidence({}, {}, plain, target, np.arange(count), np.arange(count).astype(str))


def small(name: str) -> Any:
    if name == "tfidf":
        return tfidf.build(tfidf.Config(strengths=(3.0,), machine_strengths=(0.3,)))
    if name == "logistic":
        return logistic.build(logistic.Config())
    return boosting.build(boosting.Config(rounds=60, seeds=1, settings=boosting.GRID[2:3], counts=40))


def auroc(said: np.ndarray, event: np.ndarray) -> float:
    above = said[event == 1][:, None] - said[event == 0]
    return float((above > 0).mean())


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_risk_that_adds_up_over_codes_is_found(name: str) -> None:
    baseline, judged = small(name), rows(3)
    baseline.fit(rows(1), rows(2), "binary", 0)
    assert auroc(baseline.answer(judged).values[:, 0], judged.target.values[:, 0]) > 0.7


def test_tune_leaves_out_the_block_that_tells_nothing() -> None:
    baseline = logistic.build(logistic.Config())
    baseline.fit(rows(1), rows(2), "binary", 0)
    told = baseline.chosen["death"]
    assert told["chosen"]["counts"] == "h.last"
    assert {trial["counts"] for trial in told["tried"]} == {"h.last, h.visits", "h.last", "h.visits", "none"}


@pytest.mark.parametrize("name,module", [("logistic", logistic), ("boosting", boosting), ("tfidf", tfidf)])
def test_what_was_learnt_of_counts_survives_as_arrays(name: str, module: Any) -> None:
    baseline, judged = small(name), rows(3, 50)
    baseline.fit(rows(1), rows(2), "binary", 0)
    again = module.from_arrays(baseline.exported(), "binary", ("death",), judged.plain.columns)
    np.testing.assert_array_equal(again.answer(judged).values, baseline.answer(judged).values)


def test_other_counts_than_those_of_the_fit_are_refused() -> None:
    baseline, judged = small("logistic"), rows(3, 50)
    baseline.fit(rows(1), rows(2), "binary", 0)
    without = Plain(judged.plain.values, judged.plain.names, judged.plain.counts[:1])
    with pytest.raises(DataError, match="fitted on 601 columns, but is given 301"):
        baseline.answer(Evidence({}, {}, without, judged.target, judged.subject, judged.row_id))


def test_a_design_of_sparse_counts_is_that_of_their_dense_columns() -> None:
    plain = rows(1, 30).plain
    dense = np.hstack([plain.values, *(np.log2(1 + block.values.toarray()) for block in plain.counts)])
    np.testing.assert_allclose(_counts.design(plain.values, plain.counts, (0, 1)).toarray(), dense, rtol=1e-6)


def test_the_columns_that_tell_most_are_those_of_the_score_test() -> None:
    made = rows(1)
    event = made.target.values[:, 0]
    dense = np.hstack([block.values.toarray() for block in made.plain.counts])
    score = [np.corrcoef(column, event)[0, 1] ** 2 if column.std() else 0 for column in dense.T]
    found = _counts.telling(made.plain.counts, np.arange(len(event)), event, 10)
    assert found.tolist() == sorted(np.argsort(score)[-10:].tolist())


@pytest.mark.parametrize("taken", [np.arange(5, 20), np.array([3, 1, 2])])
def test_counts_follow_their_rows(taken: np.ndarray) -> None:
    made = rows(1, 40)
    some = take(made, taken)
    both = join(some, made)
    for number, block in enumerate(made.plain.counts):
        dense = block.values.toarray()
        np.testing.assert_array_equal(some.plain.counts[number].values.toarray(), dense[taken])
        np.testing.assert_array_equal(both.plain.counts[number].values.toarray(), np.concatenate([dense[taken], dense]))
