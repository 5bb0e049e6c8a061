"""The forest in NumPy against scikit-learn's own answers, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.metrics import roc_auc_score

from sequela.baselines import _leaves, forest
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Plain

Make = Callable[..., Evidence]
QUICK = forest.Config(trees=20, screen_trees=10, leaves=(5, 20), tries=("third",))


@pytest.mark.parametrize(("kind", "classes"), [("binary", 1), ("multiclass", 3)])
def test_a_forest_of_classes_equals_that_of_scikit_learn(planted: Make, kind: str, classes: int) -> None:
    rows = planted(kind, 300)
    model = RandomForestClassifier(10, min_samples_leaf=3, random_state=0).fit(rows.plain.values, rows.target.values[:, 0])
    expected = model.predict_proba(rows.plain.values)
    ours = _leaves.of(model, classes)(rows.plain.values)
    np.testing.assert_allclose(ours, expected[:, 1:] if classes == 1 else expected, atol=1e-12)


def test_a_forest_of_quantities_equals_that_of_scikit_learn(planted: Make) -> None:
    rows = planted("regression", 300)
    model = RandomForestRegressor(10, random_state=0).fit(rows.plain.values, rows.target.values[:, 0])
    ours = _leaves.of(model, 1)(rows.plain.values)[:, 0]
    np.testing.assert_allclose(ours, model.predict(rows.plain.values), atol=1e-12)


def test_a_class_of_no_training_row_has_no_chance(planted: Make) -> None:
    rows = planted("binary", 200)
    model = RandomForestClassifier(5, random_state=0).fit(rows.plain.values, 2 * rows.target.values[:, 0])
    answered = _leaves.of(model, 3)(rows.plain.values)
    assert (answered[:, 1] == 0).all()
    np.testing.assert_allclose(answered.sum(1), 1)


def test_a_forest_finds_what_columns_tell(planted: Make) -> None:
    baseline = forest.build(QUICK)
    baseline.fit(planted("binary", 400), planted("binary", 200, 1), "binary", 0)
    rows = planted("binary", 300, 2)
    known = rows.target.known[:, 0]
    assert roc_auc_score(rows.target.values[known, 0], baseline.answer(rows).values[known, 0]) > 0.85
    assert len(baseline.chosen["death"]["tried"]) == 2


def test_a_label_that_is_the_same_everywhere_is_answered_with_its_rate(planted: Make) -> None:
    train = planted("multilabel", 200)
    values = train.target.values.copy()
    values[:, 1] = 0
    baseline = forest.build(QUICK)
    baseline.fit(replace(train, target=replace(train.target, values=values)), planted("multilabel", 100, 1), "multilabel", 0)
    assert (baseline.answer(train).values[:, 1] == 0).all()


def test_a_forest_without_columns_is_refused(planted: Make) -> None:
    rows = planted("binary", 50)
    bare = replace(rows, plain=Plain(np.zeros((50, 0), np.float32), ()))
    with pytest.raises(DataError, match="no plain columns"):
        forest.build(QUICK).fit(bare, bare, "binary", 0)
