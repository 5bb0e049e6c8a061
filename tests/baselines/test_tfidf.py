"""TF-IDF: the weights are scikit-learn's, the margins become honest probabilities, and tune chooses what is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.feature_extraction.text import TfidfTransformer

from sequela import config
from sequela.baselines import _defaults, _linear, _margin, _problem, _weighting, tfidf
from sequela.baselines._problem import Problem
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.types import Array, Counts, Plain, Spec, Target

QUICK = {"strengths": [3.0], "machine_strengths": [0.3], "fewest": [1]}


def block(values: Any, label: str = "note.words") -> Counts:
    held = csr_array(np.asarray(values, np.float32))
    return Counts(held, tuple(f"{label}.{n}" for n in range(held.shape[1])), label)


def evidence(counts: tuple[Counts, ...], values: Array, names: tuple[str, ...]) -> Evidence:
    rows = len(values)
    plain = Plain(np.zeros((rows, 0), np.float32), (), counts)
    target = Target(values.astype(np.float64), np.ones(values.shape, bool), names)
    return Evidence({}, {}, plain, target, np.arange(rows), np.arange(rows).astype(str))


def told(rows: int, seed: int) -> tuple[Array, Array]:
    """Counts of 30 words, and whether it is ill whose note has one of the last two; the others say nothing."""
    random = np.random.default_rng(seed)
    counts = random.poisson(0.3, (rows, 30))
    return counts, (counts[:, -2:].sum(1) > 0)[:, None]


def fitted(train: Evidence, tune: Evidence, kind: str = "binary", **options: Any) -> tfidf.TfIdf:
    baseline = tfidf.build(config.convert(QUICK | options, tfidf.Config))
    baseline.fit(train, tune, kind, 0)
    return baseline


def test_weights_are_those_of_scikit_learn() -> None:
    values = np.random.default_rng(0).poisson(0.6, (20, 9)) * np.arange(9) % 7
    found = _weighting.fit([block(values)], (0,), 1)
    by_hand = TfidfTransformer(sublinear_tf=True).fit_transform(values[:, values.any(0)])
    np.testing.assert_allclose(found.apply([block(values)]).toarray(), by_hand.toarray(), rtol=1e-6)


def test_words_that_too_few_rows_have_are_not_read_and_new_rows_change_no_weight() -> None:
    train, new = block([[1, 0, 1], [2, 0, 0], [1, 5, 0]]), block([[0, 3, 4]])
    found = _weighting.fit([train], (0,), 2)
    assert found.columns.tolist() == [0] and found.apply([new]).toarray().tolist() == [[0.0]]


def test_a_row_without_words_gets_what_the_model_says_of_nothing() -> None:
    counts, ill = told(200, 0)
    train, tune = evidence((block(counts),), ill, ("ill",)), evidence((block(counts[:50]),), ill[:50], ("ill",))
    nothing = fitted(train, tune).answer(evidence((block(np.zeros((3, 30))),), ill[:3], ("ill",))).values
    assert (nothing == nothing[0]).all() and 0 < nothing[0, 0] < 1


def test_the_words_that_tell_are_found_among_those_that_do_not() -> None:
    (counts, ill), (other, sick) = told(400, 1), told(200, 2)
    train, tune = evidence((block(counts),), ill, ("ill",)), evidence((block(other),), sick, ("ill",))
    answer = fitted(train, tune).answer(tune).values[:, 0]
    assert (answer[sick[:, 0]].mean() - answer[~sick[:, 0]].mean()) > 0.5


def test_tune_chooses_the_blocks_that_are_read() -> None:
    (counts, ill), (other, sick) = told(300, 3), told(150, 4)
    deaf, noise = np.ones((300, 1)), np.ones((150, 1))
    train = evidence((block(deaf, "note.deaf"), block(counts)), ill, ("ill",))
    tune = evidence((block(noise, "note.deaf"), block(other)), sick, ("ill",))
    chosen = fitted(train, tune).chosen["ill"]
    assert chosen["chosen"]["counts"] == "note.deaf, note.words"
    assert {one["counts"] for one in chosen["tried"]} == {"note.deaf", "note.deaf, note.words"}


def test_margins_become_probabilities_that_hold_on_new_rows() -> None:
    random = np.random.default_rng(5)
    features = random.normal(size=(3000, 4))
    values = (features[:, 0] + random.logistic(size=3000) > 0).astype(np.float64)
    train = _linear.Rows(features[:1500], Problem("binary", "ill", np.arange(1500), values[:1500], 1))
    model = _margin.calibrated(train, np.arange(1500) % _margin.FOLDS, 1.0)
    said = model(features[1500:])[:, 0]
    bands = np.digitize(said, [0.25, 0.5, 0.75])
    for band in range(4):
        inside = bands == band
        assert abs(said[inside].mean() - values[1500:][inside].mean()) < 0.06


def test_margins_of_classes_become_probabilities_and_an_absent_class_stays_unlikely() -> None:
    random = np.random.default_rng(6)
    features = random.normal(size=(600, 3))
    values = features.argmax(1).astype(np.float64) + (features.argmax(1) == 2)  # of four classes number 2 is absent
    rows = _linear.Rows(features, Problem("multiclass", "classes", np.arange(600), values, 4))
    said = _margin.calibrated(rows, np.arange(600) % _margin.FOLDS, 1.0)(features)
    np.testing.assert_allclose(said.sum(1), 1)
    assert (said.argmax(1) == values).mean() > 0.9 and said[:, 2].max() < 0.5


def test_a_fold_that_leaves_one_class_alone_is_no_basis_for_margins() -> None:
    values = np.array([1.0, 0, 0, 0, 0, 0])
    rows = _linear.Rows(np.eye(6), Problem("binary", "ill", np.arange(6), values, 1))
    assert not _margin.foldable(rows, np.arange(6) % _margin.FOLDS)
    train = evidence((block(np.eye(6)),), values[:, None], ("ill",))
    assert {one["model"] for one in fitted(train, train).chosen["ill"]["tried"]} == {"logistic"}


def test_rows_of_one_subject_are_judged_in_one_fold() -> None:
    subject = np.repeat(np.arange(20), 3)
    fold = tfidf._folds(subject, 0)
    assert all(len(set(fold[subject == one].tolist())) == 1 for one in range(20)) and set(fold.tolist()) == {0, 1, 2}


def test_inputs_without_counts_are_declined_by_name() -> None:
    _, ill = told(40, 7)
    bare = evidence((), ill, ("ill",))
    with pytest.raises(DataError, match="tfidf reads counts of words or codes, and no input tells any"):
        fitted(bare, bare)


def test_other_columns_than_those_it_learnt_from_are_refused() -> None:
    counts, ill = told(60, 8)
    train = evidence((block(counts),), ill, ("ill",))
    other = replace(train, plain=replace(train.plain, counts=(block(counts, "letter.words"),)))
    with pytest.raises(DataError, match="fitted on 30 columns"):
        fitted(train, train).answer(other)


def test_beside_text_alone_it_is_the_default_and_a_word_alone_is_judged_by_its_columns() -> None:
    text, chart = Spec("text", (), "index", vocabulary=9), Spec("measurements", (2,), "days")
    assert _defaults.default_for("binary", {"note": text}) == ["tfidf", "mean"]
    assert _defaults.default_for("binary", {"note": text, "chart": chart}) == ["logistic", "boosting", "tfidf", "mean"]
    assert _defaults.default_for("multiclass", {"note": replace(text, single=True)}) == ["logistic", "boosting", "mean"]


def test_the_settings_of_each_label_are_its_own() -> None:
    counts, ill = told(200, 9)
    both = np.concatenate([ill, counts[:, :1] > 0], 1)
    train = evidence((block(counts),), both, ("ill", "first"))
    found = fitted(train, train, "multilabel")
    assert set(found.chosen) == {"ill", "first"}
    assert _problem.loss(_problem.problems(train.target, "multilabel")[1], found.answer(train).values[:, 1:]) < 0.5
