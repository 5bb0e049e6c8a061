"""What each tile adds to an answer: the terms are the answer, and each lies where its tile does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sequela import config
from sequela import model as models
from sequela.bundle.predictor import Predictor
from sequela.contracts import Evidence, Fitted
from sequela.metrics.calibration import logit
from sequela.modalities import tiles
from sequela.modalities._synthetic import Held, events
from sequela.pipeline import bags
from sequela.types import Known, Payload


def known():
    """Pictures of 6, 4 and 0 tiles."""
    random = np.random.default_rng(0)
    payloads = {f"u{i}": Payload(random.integers(0, 256, (1, 16, w), dtype=np.uint8)) for i, w in enumerate((24, 16))}
    said = {"row": [0, 2], "position": [np.nan] * 2, "code": ["IMAGE"] * 2, "payload": list(payloads)}
    return Known(3, events(said), Held(payloads), {"IMAGE": "payload"})


def predictor(**encoder):
    options = {"name": "resnet", "blocks": [1], "width": 4, "pool": "attention", **encoder}
    study = config.convert(
        {
            "name": "bags",
            "question": "?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"column": "ill"},
            "inputs": {"slide": {"modality": {"name": "tiles", "tile": 8}, "encoder": options}},
            "task": "binary",
        },
        config.Study,
    )
    modality = tiles.build(tiles.Config(tile=8))
    state = modality.fit(known())
    fitted = Fitted(study.inputs["slide"], modality, state, modality.spec(state))
    model, task = models.build(study, {"slide": fitted.spec}, ("ill",))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, 0, 0.7)
    return Predictor(study, {"slide": fitted}, task, [model.eval()])


def evidence(made) -> Evidence:
    return made.evidence(known(), np.arange(3), np.arange(3).astype(str))


def test_weights_sum_to_one_and_terms_with_the_bias_to_the_log_odds():
    made = predictor()
    rows = evidence(made)
    bag = bags.bag(made)
    found = bags.weighed(bag, rows.inputs["slide"])
    said = logit(made.answer(rows).values[:, 0])
    assert [len(one.weight) for one in found] == [6, 0, 4]
    for one, log_odds in zip(found, said, strict=True):
        assert abs(one.weight.sum() - (len(one.weight) > 0)) < 1e-6
        assert abs(one.change.sum() + one.bias - log_odds) < 1e-4
    assert np.ptp(found[0].weight) > 1e-3


@pytest.mark.parametrize("shown", [2, 50])
def test_what_is_told_of_a_row_sums_to_its_log_odds_and_says_where_each_tile_lies(shown):
    made = predictor()
    rows = evidence(made)
    told = bags.exact(bags.bag(made), made.fitted["slide"], known(), rows, shown)
    said = logit(made.answer(rows).values[:, 0])
    assert [len(one) for one in told] == [min(shown, 6) + 1, 0, min(shown, 4) + 1]
    for row in (0, 2):
        assert abs(sum(one["change"] for one in told[row]) - said[row]) < 1e-4
        change = [abs(one["change"]) for one in told[row][:-1]]
        assert change == sorted(change, reverse=True)
    number = int(told[0][0]["code"].split()[1]) - 1
    top, left = divmod(number, 3)
    assert told[0][0]["edges"] == [8.0 * top, 8.0 * left, 8.0 * top + 8, 8.0 * left + 8]


def test_a_network_whose_answer_is_no_sum_has_no_terms():
    made = predictor()
    assert bags.bag(made) is not None
    assert bags.bag(predictor(pool="mean")) is None
    assert bags.bag(replace(made, members=[*made.members, *made.members])) is None
    assert bags.bag(replace(made, weights={"model": 1.0})) is None
