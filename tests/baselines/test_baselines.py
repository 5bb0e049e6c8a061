"""Rules that hold for every baseline that reads plain columns, and for every kind of task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save
from scipy.sparse import csr_array

from sequela import registry
from sequela.baselines.boosting import Setting
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Counts, Plain, Target

Make = Callable[..., Evidence]
KINDS = ("binary", "multiclass", "multilabel", "regression")
PLAIN = ("logistic", "boosting", "mean")
TWO = (
    Setting(learning_rate=0.2, max_leaf_nodes=4, max_features=0.5),
    Setting(learning_rate=0.2, max_leaf_nodes=8, max_features=0.5),
)
QUICK: dict[str, dict[str, Any]] = {"boosting": {"rounds": 30, "step": 15, "seeds": 2, "settings": TWO}}
FITTED: dict[tuple[str, str], Any] = {}


def built(name: str) -> Any:
    module = registry.module("baselines", name)
    return module.build(module.Config(**QUICK.get(name, {})))


def fitted(name: str, kind: str, planted: Make) -> Any:
    """One fit for all tests that only ask it."""
    if (name, kind) not in FITTED:
        FITTED[name, kind] = refitted(name, kind, planted)
    return FITTED[name, kind]


def refitted(name: str, kind: str, planted: Make) -> Any:
    baseline = built(name)
    baseline.fit(planted(kind, 600), planted(kind, 200, seed=1), kind, 0)
    return baseline


def loss(kind: str, answered: np.ndarray, target: Target) -> float:
    if kind == "multiclass":
        return float(-np.log(answered[np.arange(len(answered)), target.values[:, 0].astype(int)]).mean())
    if kind == "regression":
        return float(((answered - target.values) ** 2).mean())
    return float(-np.log(np.where(target.values == 1, answered, 1 - answered)).mean())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PLAIN)
def test_answers_have_the_form_that_the_task_asks_for(name: str, kind: str, planted: Make) -> None:
    rows = planted(kind, 50, seed=2)
    answer = fitted(name, kind, planted).answer(rows)
    assert answer.names == rows.target.names and answer.values.shape == (50, len(answer.names))
    assert answer.values.dtype == np.float64 and np.isfinite(answer.values).all()
    if kind == "regression":
        assert answer.kind == "values"
    else:
        assert answer.kind == "probabilities" and (answer.values >= 0).all() and (answer.values <= 1).all()
    if kind == "multiclass":
        np.testing.assert_allclose(answer.values.sum(axis=1), 1, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_what_was_planted_is_found(name: str, kind: str, planted: Make) -> None:
    rows = planted(kind, 500, seed=2)
    found = loss(kind, fitted(name, kind, planted).answer(rows).values, rows.target)
    blind = loss(kind, fitted("mean", kind, planted).answer(rows).values, rows.target)
    assert found < 0.85 * blind


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PLAIN)
def test_neighbours_and_order_change_no_answer(name: str, kind: str, planted: Make) -> None:
    baseline, rows = fitted(name, kind, planted), planted(kind, 40, seed=3)
    order = np.random.default_rng(0).permutation(40)[:25]
    some = replace(rows, plain=Plain(rows.plain.values[order], rows.plain.names), subject=order)
    np.testing.assert_allclose(baseline.answer(some).values, baseline.answer(rows).values[order], atol=1e-12)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_labels_of_the_rows_answered_change_nothing(name: str, planted: Make) -> None:
    baseline, rows = fitted(name, "binary", planted), planted("binary", 40, seed=3)
    other = replace(rows, target=replace(rows.target, values=1 - rows.target.values))
    np.testing.assert_array_equal(baseline.answer(rows).values, baseline.answer(other).values)


@pytest.mark.parametrize("name", PLAIN)
def test_unknown_labels_are_not_learnt_from(name: str, planted: Make) -> None:
    train, tune, rows = (planted("binary", n, seed=s) for s, n in enumerate((400, 150, 30)))
    altered = replace(train, target=replace(train.target, values=np.where(train.target.known, train.target.values, 7.0)))
    one, other = built(name), built(name)
    one.fit(train, tune, "binary", 0)
    other.fit(altered, tune, "binary", 0)
    np.testing.assert_array_equal(one.answer(rows).values, other.answer(rows).values)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_the_same_seed_gives_the_same_answers(name: str, planted: Make) -> None:
    rows = planted("multiclass", 30, seed=2)
    first, second = (refitted(name, "multiclass", planted).answer(rows).values for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_the_setting_chosen_has_the_least_tune_loss_of_those_tried(name: str, planted: Make) -> None:
    for told in fitted(name, "multilabel", planted).chosen.values():
        losses = [trial["loss"] for trial in told["tried"]]
        best = told["tried"][int(np.argmin(losses))]
        assert len(losses) >= 2 and told["chosen"] == {key: value for key, value in best.items() if key != "loss"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_exported_arrays_give_the_same_answers_again(name: str, kind: str, planted: Make) -> None:
    baseline, rows = fitted(name, kind, planted), planted(kind, 60, seed=4)
    arrays = load(save({key: np.ascontiguousarray(array) for key, array in baseline.exported().items()}))
    again = registry.module("baselines", name).from_arrays(arrays, kind, rows.target.names, rows.plain.names)
    np.testing.assert_array_equal(again.answer(rows).values, baseline.answer(rows).values)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_class_that_training_never_had_gets_no_probability(name: str, planted: Make) -> None:
    train, tune = planted("multiclass", 300), planted("multiclass", 100, seed=1)
    two = np.where(train.target.values == 1, 2.0, train.target.values)
    baseline = built(name)
    baseline.fit(replace(train, target=replace(train.target, values=two)), tune, "multiclass", 0)
    answered = baseline.answer(tune).values
    assert (answered[:, 1] == 0).all()
    np.testing.assert_allclose(answered.sum(axis=1), 1)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_label_that_never_varies_is_answered_with_its_frequency(name: str, planted: Make) -> None:
    train, tune = planted("multilabel", 300), planted("multilabel", 100, seed=1)
    train.target.values[:, 1] = 1.0
    baseline = built(name)
    baseline.fit(train, tune, "multilabel", 0)
    answered = baseline.answer(tune).values
    assert (answered[:, 1] == 1).all() and answered[:, 0].std() > 0.1


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_columns_never_seen_or_never_varying_are_harmless(name: str, planted: Make) -> None:
    def idle(rows: Evidence) -> Evidence:
        size = len(rows)
        extra = np.stack([np.full(size, np.nan), np.full(size, 3.0), np.full(size, np.inf)], axis=1).astype(np.float32)
        return replace(rows, plain=Plain(np.hstack([rows.plain.values, extra]), (*rows.plain.names, "none", "same", "endless")))

    baseline, rows = built(name), idle(planted("binary", 100, seed=2))
    baseline.fit(idle(planted("binary", 400)), idle(planted("binary", 150, seed=1)), "binary", 0)
    assert loss("binary", baseline.answer(rows).values, rows.target) < 0.6


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_severity_score_of_the_data_is_not_learnt_from(name: str, planted: Make) -> None:
    def scored(rows: Evidence) -> Evidence:
        values = np.hstack([rows.target.values.astype(np.float32), rows.plain.values])
        return replace(rows, plain=Plain(values, ("scores.SCORE//SOFA", *rows.plain.names)))

    rows, baseline = planted("binary", 40, seed=2), built(name)
    baseline.fit(scored(planted("binary", 600)), scored(planted("binary", 200, seed=1)), "binary", 0)
    expected = fitted(name, "binary", planted).answer(rows).values
    np.testing.assert_array_equal(baseline.answer(rows).values, expected)
    np.testing.assert_array_equal(baseline.answer(scored(rows)).values, expected)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_other_columns_than_those_fitted_on_are_refused(name: str, planted: Make) -> None:
    baseline, rows = fitted(name, "binary", planted), planted("binary", 5)
    with pytest.raises(DataError, match="fitted on 6 columns"):
        baseline.answer(replace(rows, plain=Plain(rows.plain.values[:, :5], rows.plain.names[:5])))


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_part_without_a_known_label_is_refused(name: str, planted: Make) -> None:
    train, tune = planted("binary", 50), planted("binary", 20, seed=1)
    unknown = replace(tune, target=replace(tune.target, known=np.zeros_like(tune.target.known)))
    with pytest.raises(DataError, match="known in no row of tune"):
        built(name).fit(train, unknown, "binary", 0)


@pytest.mark.parametrize("name", PLAIN)
def test_answering_before_fitting_is_refused(name: str, planted: Make) -> None:
    with pytest.raises(DataError, match="has not been fitted"):
        built(name).answer(planted("binary", 3))


def with_noise(rows: Evidence, name: str) -> Evidence:
    """The same rows with another column of that name."""
    plain = rows.plain
    values = plain.values.copy()
    values[:, plain.names.index(name)] = np.arange(len(values), dtype=np.float32)
    return replace(rows, plain=replace(plain, values=values))


def held_to(name: str, columns: tuple[str, ...], rows: Evidence, tune: Evidence) -> Any:
    module = registry.module("baselines", name)
    baseline = module.build(module.Config(**QUICK.get(name, {}), columns=columns))
    baseline.fit(rows, tune, "binary", 0)
    return baseline


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_baseline_held_to_some_columns_reads_no_other(name: str, planted: Make) -> None:
    train, tune, rows = planted("binary", 300), planted("binary", 100, seed=1), planted("binary", 50, seed=2)
    one = held_to(name, ("*.c0", "chart.c3"), train, tune)
    other = held_to(name, ("*.c0", "chart.c3"), with_noise(train, "chart.c1"), with_noise(tune, "chart.c1"))
    np.testing.assert_array_equal(one.answer(rows).values, other.answer(with_noise(rows, "chart.c5")).values)
    assert not np.array_equal(one.answer(rows).values, one.answer(with_noise(rows, "chart.c0")).values)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_counts_that_a_baseline_is_held_to_are_all_that_it_learns_from(name: str, planted: Make) -> None:
    rows = [planted("binary", count, seed=seed) for seed, count in enumerate((300, 100, 50))]
    told = [(one.target.values > 0).astype(np.float32) for one in rows]
    blocks = [(Counts(csr_array(np.hstack([yes, 1 - yes])), ("visit.yes", "visit.no"), "visit"),) for yes in told]
    train, tune, test = (replace(one, plain=replace(one.plain, counts=block)) for one, block in zip(rows, blocks, strict=True))
    baseline = held_to(name, ("visit.yes",), train, tune)
    assert loss("binary", baseline.answer(test).values, test.target) < 0.1
    dense = held_to(name, ("chart.*",), train, tune)
    np.testing.assert_array_equal(dense.answer(test).values, held_to(name, ("chart.*",), *rows[:2]).answer(rows[2]).values)


@pytest.mark.parametrize("name", ["logistic", "boosting"])
def test_a_pattern_that_no_column_matches_is_refused_with_the_nearest(name: str, planted: Make) -> None:
    with pytest.raises(DataError, match=r"chart\.c9") as caught:
        held_to(name, ("*.c1", "chart.c9"), planted("binary", 50), planted("binary", 50, seed=1))
    assert caught.value.hint is not None and "chart.c" in caught.value.hint


def test_columns_that_never_vary_leave_logistic_nothing_to_learn_from(planted: Make) -> None:
    rows = planted("binary", 50)
    still = replace(rows, plain=replace(rows.plain, values=np.ones_like(rows.plain.values)))
    with pytest.raises(DataError, match="none of 6 plain columns varies"):
        built("logistic").fit(still, still, "binary", 0)
