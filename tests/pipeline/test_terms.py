"""The exact terms of an additive network: they are its answer, each with the code and the time it is of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sequela import config
from sequela import model as models
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence
from sequela.metrics.calibration import logit
from sequela.pipeline import terms
from sequela.types import Plain, Ragged, Spec, Target

SPEC = Spec("codes", (4,), "days", ("other", "A", "B", "C", "D"), vocabulary=5, side=2, context=1)
ROWS = 6


def evidence() -> Evidence:
    """Rows of 0 to 5 visits, the last of which is 3 days ago."""
    random = np.random.default_rng(0)
    length = np.arange(ROWS)
    steps = int(length.sum())
    history = Ragged(
        np.concatenate([[0], np.cumsum(length)]),
        random.integers(0, 5, (steps, 4)).astype(np.int32),
        -3 - 30.0 * np.concatenate([np.arange(n)[::-1] for n in length]),
        random.random((steps, 4)) < 0.7,
        random.normal(size=(steps, 2)).astype(np.float32),
        random.normal(size=(ROWS, 1)).astype(np.float32),
    )
    target = Target(np.zeros((ROWS, 1)), np.ones((ROWS, 1), bool), ("died",))
    plain = Plain(np.zeros((ROWS, 0), np.float32), ())
    return Evidence({"history": history}, {"history": SPEC}, plain, target, np.arange(ROWS), np.arange(ROWS).astype(str))


def predictor(encoder: str = "retain", task: object = "binary") -> Predictor:
    study = config.convert(
        {
            "name": "terms",
            "question": "?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"column": "died"},
            "inputs": {"history": {"modality": "codes", "encoder": {"name": encoder, "width": 6}}},
            "task": task,
        },
        config.Study,
    )
    model, made = models.build(study, {"history": SPEC}, ("died",))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0, 0.7)
    return Predictor(study, {}, made, [model.eval()])


@pytest.mark.parametrize("shown", [1, 5, 100])
def test_what_is_told_sums_to_the_log_odds_of_the_answer(shown: int) -> None:
    held, rows = predictor(), evidence()
    said = terms.exact(terms.additive(held), rows, shown)
    answer = logit(held.answer(rows).values[:, 0])
    assert said[0] == ()
    for told, expected in zip(said[1:], answer[1:], strict=True):
        assert abs(sum(term["change"] for term in told) - expected) < 1e-5
        assert len(told) <= shown + 1


def test_every_code_that_is_seen_is_told_with_its_time() -> None:
    rows = evidence()
    history = rows.inputs["history"]
    said = terms.exact(terms.additive(predictor()), rows, 100)
    for row, told in enumerate(said):
        steps = range(history.offsets[row], history.offsets[row + 1])
        expected = [
            (SPEC.names[code], history.position[step]) for step in steps for code in history.values[step][history.seen[step]]
        ]
        found = [(term["code"], term["days"]) for term in told if term["code"] in SPEC.names]
        assert sorted(found) == sorted(expected)
        assert [term["days"] for term in told if term["code"] == terms.BESIDE] != [] or not expected


def test_the_largest_terms_come_first() -> None:
    told = terms.exact(terms.additive(predictor()), evidence(), 6)[5]
    sizes = [abs(term["change"]) for term in told[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert told[-1]["code"] == terms.REST


def test_other_networks_have_no_exact_terms() -> None:
    held = predictor()
    assert terms.additive(held) is not None
    assert terms.additive(predictor("gru")) is None
    assert terms.additive(predictor(task={"name": "binary", "hidden": 4})) is None
    assert terms.additive(replace(held, members=[*held.members, *held.members])) is None
    assert terms.additive(replace(held, weights={"model": 0.5})) is None
