"""The trees in NumPy against scikit-learn's own evaluation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from sequela.baselines import _problem, _trees, boosted_hazards, boosting
from sequela.contracts import Evidence

Make = Callable[..., Evidence]


def test_probabilities_equal_those_of_scikit_learn(planted: Make) -> None:
    rows = planted("binary", 500)
    values, labels = rows.plain.values, rows.target.values[:, 0]
    model = HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(values, labels)
    ours = expit(_trees.of([model], 40, 1).raw(values)[:, 0])
    np.testing.assert_allclose(ours, model.predict_proba(values)[:, 1], atol=1e-12)


def test_class_probabilities_equal_those_of_scikit_learn(planted: Make) -> None:
    rows = planted("multiclass", 400)
    model = HistGradientBoostingClassifier(max_iter=20, random_state=0).fit(rows.plain.values, rows.target.values[:, 0])
    ours = softmax(_trees.of([model], 20, 3).raw(rows.plain.values), axis=1)
    np.testing.assert_allclose(ours, model.predict_proba(rows.plain.values), atol=1e-12)


def test_quantities_equal_those_of_scikit_learn(planted: Make) -> None:
    rows = planted("regression", 400)
    model = HistGradientBoostingRegressor(max_iter=30, random_state=0).fit(rows.plain.values, rows.target.values[:, 0])
    np.testing.assert_allclose(
        _trees.of([model], 30, 1).raw(rows.plain.values)[:, 0], model.predict(rows.plain.values), atol=1e-12
    )


def test_every_stage_equals_that_of_scikit_learn(planted: Make) -> None:
    rows = planted("multiclass", 300)
    model = HistGradientBoostingClassifier(max_iter=8, random_state=0).fit(rows.plain.values, rows.target.values[:, 0])
    staged = [softmax(raw, axis=1) for raw in _trees.of([model], 8, 3).staged(rows.plain.values, 8)]
    np.testing.assert_allclose(staged, list(model.staged_predict_proba(rows.plain.values)), atol=1e-12)


def test_several_models_answer_with_their_mean_log_odds(planted: Make) -> None:
    rows = planted("binary", 300)
    models = [
        HistGradientBoostingClassifier(max_iter=10, max_features=0.3, random_state=s).fit(
            rows.plain.values, rows.target.values[:, 0]
        )
        for s in range(3)
    ]
    mean = np.mean([model.decision_function(rows.plain.values) for model in models], axis=0)
    np.testing.assert_allclose(_trees.of(models, 10, 1).raw(rows.plain.values)[:, 0], mean, atol=1e-12)


def test_many_rows_are_worked_on_in_chunks_with_the_same_result(planted: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = planted("binary", 200)
    model = HistGradientBoostingClassifier(max_iter=10, random_state=0).fit(rows.plain.values, rows.target.values[:, 0])
    trees = _trees.of([model], 10, 1)
    whole = trees.raw(rows.plain.values)
    monkeypatch.setattr(_trees, "CHUNK", 70)
    np.testing.assert_array_equal(trees.raw(rows.plain.values), whole)


def test_growing_stops_where_tune_no_longer_gains(planted: Make) -> None:
    baseline = boosting.build(boosting.Config(rounds=1000, step=10, seeds=1, settings=(boosting.Setting(learning_rate=0.3),)))
    baseline.fit(planted("binary", 300), planted("binary", 200, seed=1), "binary", 0)
    assert baseline.chosen["death"]["chosen"]["rounds"] < 100


def test_a_rare_class_counts_for_more_where_balance_is_asked() -> None:
    values = np.repeat([0.0, 1.0], [90, 10])
    problem = _problem.Problem("binary", "rare", np.arange(100), values, 1)
    assert boosting._counts_for(problem, 0.0) is None
    counts = boosting._counts_for(problem, 1.0)
    np.testing.assert_allclose([counts[values == 0].sum(), counts[values == 1].sum()], 50)
    half = boosting._counts_for(problem, 0.5)
    np.testing.assert_allclose(half[-1] / half[0], 3.0)
    assert boosting._counts_for(replace(problem, kind="regression"), 1.0) is None


def test_boosted_hazards_tell_each_cause_by_its_own_column_and_are_exported(watched: Make) -> None:
    rows = watched(400)
    quick = boosting.Setting(learning_rate=0.2, max_leaf_nodes=4, max_features=1.0)
    baseline = boosted_hazards.build(boosted_hazards.Config(intervals=5, rounds=20, step=10, seeds=1, settings=(quick,)))
    baseline.fit(rows, watched(150, 1), "survival", 0)
    answer = baseline.answer(rows)
    assert answer.curves is not None
    risk = answer.curves.at(10.0)
    for cause in range(2):
        column = rows.plain.values[:, cause]
        seen = ~np.isnan(column)
        ranked = [np.corrcoef(column[seen], risk[seen, k])[0, 1] for k in range(2)]
        assert ranked[cause] > max(0.5, ranked[1 - cause])
    back = boosted_hazards.from_arrays(baseline.exported(), "survival", rows.target.names, rows.plain.columns)
    np.testing.assert_array_equal(back.answer(rows).values, answer.values)
