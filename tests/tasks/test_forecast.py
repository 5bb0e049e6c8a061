"""The heads of a forecast: what they begin at, what they feed back, and what they refuse to go on from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from sequela import config as configs
from sequela import model as models
from sequela.errors import ConfigError
from sequela.nn import rollout
from sequela.tasks import forecast
from sequela.types import Encoded, Seq, Spec, Target

LINE = (80.0, 10.0)
SPEC = Spec("measurements", (1,), "days", ("HR",), side=1, lines=(LINE,))
GRID = {"name": "measurements", "grid": "5s", "steps": 6, "scale": "standard", "clip": 0, "codes": ["HR"]}
OUTCOME = {"code": "HR", "within": "15s", "every": "5s", "value": "mean"}
NAMES = ("HR +5s", "HR +10s", "HR +15s")


def study(task: dict[str, Any], **sections: Any) -> configs.Study:
    given: dict[str, Any] = {
        "name": "s",
        "question": "?",
        "data": {"source": "x"},
        "cohort": {"index": "HR"},
        "outcome": OUTCOME,
        "inputs": {"rate": {"modality": GRID, "encoder": {"name": "gru", "width": 8}}},
        "task": {"name": "forecast", **task},
    }
    return configs.convert({**given, **sections}, configs.Study)


def series(rows: int = 5, steps: int = 6) -> Seq:
    random = torch.Generator().manual_seed(0)
    values = torch.randn(rows, steps, 1, generator=random)
    seen = torch.rand(rows, steps, 1, generator=random) < 0.8
    seen[:, -1] = True
    seen[1, -1] = False
    position = -torch.arange(steps - 1, -1, -1, dtype=torch.float64).repeat(rows, 1) * 5 / 86400
    side = torch.full((rows, steps, 1), 5 / 3600)
    return Seq(values.where(seen, 0.0), torch.ones(rows, steps, dtype=torch.bool), position, seen, side)


def target(rows: int = 60) -> Target:
    values = np.random.default_rng(0).normal(80, 10, (rows, 3))
    return Target(values, np.ones(values.shape, bool), NAMES)


def built(task: dict[str, Any], **sections: Any) -> tuple[models.Model, forecast.Forecast]:
    network, made = models.build(study(task, **sections), {"rate": SPEC}, NAMES)
    assert isinstance(made, forecast.Forecast)
    made.start(network.head, target())
    return network.eval(), made


def with_nothing_learnt(network: models.Model) -> models.Model:
    """The head's answer without what the encoder says."""
    with torch.no_grad():
        network.head.head.out.weight.zero_()
    return network


@pytest.mark.parametrize("task", [{"from_last": True}, {"from_last": True, "lags": 4}, {"from_last": True, "mode": "recursive"}])
def test_a_forecast_from_the_last_value_begins_at_it_in_its_own_unit(task: dict[str, Any]) -> None:
    network, made = built(task)
    seq = series()
    said = made.answer(with_nothing_learnt(network)({"rate": seq})).values
    last = [float(row[mask][-1]) for row, mask in zip(seq.values[:, :, 0], seq.seen[:, :, 0], strict=True)]
    expected = LINE[0] + LINE[1] * np.array(last)
    np.testing.assert_allclose(said, np.tile(expected[:, None], (1, 3)), rtol=1e-4)


def test_a_row_in_which_nothing_was_seen_begins_at_the_training_mean() -> None:
    network, made = built({"from_last": True, "lags": 3})
    seq = series()
    blank = Seq(torch.zeros_like(seq.values), seq.mask, seq.position, torch.zeros_like(seq.seen), seq.side)
    said = made.answer(with_nothing_learnt(network)({"rate": blank})).values
    np.testing.assert_allclose(said, np.tile(target().values.mean(0), (5, 1)), rtol=1e-4)


@pytest.mark.parametrize("task", [{}, {"from_last": True, "lags": 2}, {"mode": "recursive"}])
def test_quantiles_never_cross_and_the_value_is_the_middle_one(task: dict[str, Any]) -> None:
    network, made = built(task)
    answer = made.answer(network({"rate": series()}))
    assert answer.quantiles is not None and answer.quantiles.values.shape == (5, 3, 5)
    assert (np.diff(answer.quantiles.values, axis=2) > 0).all()
    np.testing.assert_array_equal(answer.values, answer.quantiles.values[:, :, 2])


@pytest.mark.parametrize("task", [{"from_last": True, "lags": 3}, {"mode": "recursive", "from_last": True}])
def test_padding_changes_no_forecast(task: dict[str, Any]) -> None:
    network, made = built(task)
    seq = series()
    padded = Seq(
        *(torch.nn.functional.pad(one, (0, 0) * (one.dim() - 2) + (0, 3), value=fill) for one, fill in (
            (seq.values, 9.0), (seq.mask, False), (seq.position, 0.0), (seq.seen, True), (seq.side, 7.0),
        ))
    )  # fmt: skip
    np.testing.assert_allclose(
        made.answer(network({"rate": padded})).values, made.answer(network({"rate": seq})).values, rtol=1e-5
    )


def test_what_is_foreseen_is_the_next_step_that_is_read() -> None:
    network, made = built({"mode": "recursive"})
    seq, read = series(), []

    def encode(further: Seq) -> Encoded:
        read.append(further)
        return network.encode("rate", further)

    with torch.no_grad():
        said = made.answer(network.head.rolled(encode, seq)).values
    assert [one.values.shape[1] for one in read] == [6, 7, 8]
    for step, further in enumerate(read[1:]):
        np.testing.assert_allclose(LINE[0] + LINE[1] * further.values[:, -1, 0], said[:, step], rtol=1e-5)
        assert further.seen[:, -1].all() and further.mask[:, -1].all()
        np.testing.assert_allclose(further.position[:, -1] * 86400, 5 * (step + 1))
    waited = [5, 10, 5, 5, 5]  # the second row was not seen at its last step
    np.testing.assert_allclose(read[1].side[:, -1, 0] * 3600, waited, rtol=1e-5)


def test_a_row_without_any_step_goes_on_from_its_first() -> None:
    network, made = built({"mode": "recursive", "from_last": True})
    seq = series()
    seq.mask[2] = False
    alone = Seq(*(one[[0, 1, 3, 4]] for one in (seq.values, seq.mask, seq.position, seq.seen, seq.side)))
    said = made.answer(network({"rate": seq})).values
    assert np.isfinite(said).all()
    np.testing.assert_allclose(said[[0, 1, 3, 4]], made.answer(network({"rate": alone})).values, rtol=1e-5)


@pytest.mark.parametrize("logarithm", [False, True])
def test_the_time_since_a_value_goes_on_as_the_input_tells_it(logarithm: bool) -> None:
    told = rollout.Series((LINE,), (0, 0, 0), (0,), hours=2.0, logarithm=logarithm)
    side = torch.tensor([[[0.0], [3.0]]])
    seq = Seq(torch.zeros(1, 2, 1), torch.ones(1, 2, dtype=torch.bool), torch.zeros(1, 2), torch.zeros(1, 2, 1).bool(), side)
    seq = Seq(seq.values, seq.mask, seq.position, seq.seen, side.log1p() if logarithm else side)
    grown = rollout.grown(seq, told, torch.ones(1, 1), 1)
    assert grown.side[0, 2, 0] == pytest.approx(np.log1p(5.0) if logarithm else 5.0)


@pytest.mark.parametrize(
    ("task", "modality", "outcome", "told"),
    [
        ({"from_last": True}, {"scale": "rank_gauss"}, {}, "scaled by a straight line"),
        ({"mode": "recursive"}, {"steps": 0}, {}, "needs a regular series"),
        ({"mode": "recursive"}, {"grid": "10s"}, {}, "steps of 10s, the outcome of 5s"),
        ({"mode": "recursive"}, {}, {"gap": "5s"}, "after a gap of 5s"),
        ({"mode": "recursive"}, {"aggregate": "last"}, {}, "has the last of a step, the outcome its mean"),
    ],
)
def test_a_series_that_cannot_go_on_is_refused(
    task: dict[str, Any], modality: dict[str, Any], outcome: dict[str, Any], told: str
) -> None:
    inputs = {"rate": {"modality": {**GRID, **modality}, "encoder": "gru"}}
    spec = SPEC if modality.get("scale") != "rank_gauss" else Spec("measurements", (1,), "days", ("HR",), side=1)
    with pytest.raises(ConfigError, match=told):
        models.build(study(task, inputs=inputs, outcome={**OUTCOME, **outcome}), {"rate": spec}, NAMES)


def test_a_series_of_something_else_or_of_more_is_refused() -> None:
    other = Spec("measurements", (1,), "days", ("BP",), side=1, lines=(LINE,))
    both = Spec("measurements", (2,), "days", ("BP", "HR"), side=2, lines=(LINE, LINE))
    with pytest.raises(ConfigError, match="a series of 'HR'"):
        models.build(study({"from_last": True}), {"rate": other}, NAMES)
    with pytest.raises(ConfigError, match="nothing foresees 'BP'"):
        models.build(study({"mode": "recursive"}), {"rate": both}, NAMES)
    inputs = {name: {"modality": GRID, "encoder": "gru"} for name in ("rate", "more")}
    with pytest.raises(ConfigError, match="goes on one input, and the study has 2"):
        models.build(study({"from_last": True}, inputs=inputs), {"rate": SPEC, "more": SPEC}, NAMES)


@pytest.mark.parametrize("levels", [[0.5, 0.1, 0.9], [0.1, 0.9], [0.1, 0.5, 0.8], [0.1, 0.1, 0.5, 0.9, 0.9], [0.5]])
def test_levels_that_do_not_stand_in_pairs_around_the_middle_are_refused(levels: list[float]) -> None:
    with pytest.raises(ConfigError, match="rising levels in pairs around"):
        built({"quantiles": levels})


def test_lags_of_a_forecast_that_does_not_begin_at_the_last_value_are_refused() -> None:
    for task in ({"lags": 3}, {"lags": 3, "from_last": True, "mode": "recursive"}):
        with pytest.raises(ConfigError, match="begins at the last value"):
            built(task)
