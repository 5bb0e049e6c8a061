from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sequela.config import Study
from sequela.contracts import Evidence
from sequela.errors import DataError
from sequela.train.crossvalidate import choose, grouped_folds
from sequela.types import Target


def test_a_subject_is_held_out_once_with_all_its_rows(evidence: Callable[..., Evidence]) -> None:
    rows = evidence(200, 0, subjects=31)
    held = [held for _, held in grouped_folds(rows, 4, seed=0)]
    assert sorted(np.concatenate(held)) == list(range(200))
    for learnt, out in grouped_folds(rows, 4, seed=0):
        assert not set(rows.subject[learnt]) & set(rows.subject[out])
        assert sorted([*learnt, *out]) == list(range(200))


def test_folds_depend_on_the_seed_alone_and_share_out_the_labels(evidence: Callable[..., Evidence]) -> None:
    rows = evidence(400, 0)
    rare = replace(rows, target=replace(rows.target, values=(np.arange(400) < 20).astype(float)[:, None]))
    one, same, other = ([out.tolist() for _, out in grouped_folds(rare, 4, seed)] for seed in (0, 0, 1))
    assert one == same != other
    assert [int(rare.target.values[out].sum()) for out in one] == [5, 5, 5, 5]


def test_quantities_can_be_shared_out(evidence: Callable[..., Evidence]) -> None:
    rows = evidence(100, 0)
    target = Target(np.random.default_rng(0).normal(size=(100, 1)), np.ones((100, 1), bool), ("dose",))
    assert [len(out) for _, out in grouped_folds(replace(rows, target=target), 5, 0)] == [20] * 5


def test_too_few_subjects_are_refused(evidence: Callable[..., Evidence]) -> None:
    with pytest.raises(DataError, match="2 subjects cannot be shared out over 3 folds"):
        list(grouped_folds(evidence(50, 0, subjects=2), 3, 0))


def test_the_variant_that_can_learn_wins(study: Callable[..., Study], evidence: Callable[..., Evidence], tmp_path: Path) -> None:
    variants = {"learns": study(epochs=6), "stands": study(epochs=1, optimizer={"lr": 1e-9})}
    results = choose(variants, evidence(120, 0), 3, tmp_path)
    assert list(results) == ["learns", "stands"]
    assert results["learns"].score > results["stands"].score and results["learns"].loss < results["stands"].loss
    assert len(results["learns"].scores) == 3 and results["stands"].epochs == (1, 1, 1)
    again = choose(variants, evidence(120, 0), 3, tmp_path, resume=True, progress=lambda *_: pytest.fail("trained again"))
    assert again == results
