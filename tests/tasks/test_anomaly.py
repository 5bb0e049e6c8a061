"""Learning what is normal: what is told again, what is learnt from, and what an answer says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sequela import batch
from sequela import model as models
from sequela.config import Study, convert
from sequela.contracts import Evidence
from sequela.errors import ConfigError, DataError
from sequela.tasks import anomaly
from sequela.train import crossvalidate
from sequela.train import rows as evidences
from sequela.train.fit import fit
from sequela.types import Plain, Ragged, Seq, Spec, Target

ROWS, CHANNELS, LENGTH = 96, 2, 24
WINDOWS = Spec("waveform", (CHANNELS, LENGTH), "seconds", ("I", "II"), side=2, single=True)
GRID = Spec("measurements", (3,), "days", ("a", "b", "c"))


def study(encoder: dict[str, Any], **task: Any) -> Study:
    return convert(
        {
            "name": "odd",
            "question": "Is it odd?",
            "data": {"source": "none"},
            "cohort": {"index": "SAMPLE"},
            "inputs": {"x": {"modality": "waveform", "encoder": encoder}},
            "task": {"name": "anomaly", **task},
            "train": {"epochs": 20, "batch": 16, "patience": 0, "optimizer": {"lr": 1e-2}},
        },
        Study,
    )


def windows(rows: int = ROWS, seed: int = 0) -> Evidence:
    """Sines, of which those of the odd rows (a quarter) are twice as fast; a number beside each step says nothing."""
    random = np.random.default_rng(seed)
    odd = np.arange(rows) % 4 == 0
    phase = random.uniform(0, 6, (rows, CHANNELS, 1)) + np.arange(LENGTH) * np.where(odd, 0.8, 0.4)[:, None, None]
    values = (np.sin(phase) + 0.05 * random.normal(size=phase.shape)).astype(np.float32)
    side = random.normal(size=(rows, 2)).astype(np.float32)
    ragged = Ragged(np.arange(rows + 1), values, np.zeros(rows), side=side)
    return evidence(ragged, WINDOWS, odd)


def grid(rows: int = ROWS, seed: int = 0) -> Evidence:
    """Series of 2 to 7 steps that rise by one a step; of the odd rows they jump."""
    random = np.random.default_rng(seed)
    odd, lengths = np.arange(rows) % 4 == 0, random.integers(2, 8, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    step = np.arange(offsets[-1]) - np.repeat(offsets[:-1], lengths)
    jump = np.repeat(odd, lengths) * random.normal(0, 3, offsets[-1])
    values = ((step + jump)[:, None] / 5 + 0.05 * random.normal(size=(offsets[-1], 3))).astype(np.float32)
    seen = random.random(values.shape) < 0.9
    return evidence(Ragged(offsets, np.where(seen, values, 0), step.astype(float), seen), GRID, odd)


def evidence(ragged: Ragged, spec: Spec, odd: np.ndarray) -> Evidence:
    rows = len(odd)
    target = Target(odd[:, None].astype(float), np.full((rows, 1), True), ("odd",))
    names = np.arange(rows).astype(str)
    return Evidence({"x": ragged}, {"x": spec}, Plain(np.zeros((rows, 0), np.float32), ()), target, np.arange(rows), names)


RECURRENT = {"name": "lstm", "width": 16}
CASES = {
    "windows": (windows, study({"name": "resnet1d", "width": 4}, code=4)),
    "windows unfolded": (windows, study({"name": "resnet1d", "width": 4}, window="convolution", spread="entry", side=0.5)),
    "LSTM autoencoder": (grid, study(RECURRENT, code=4, hidden=16)),
    "GRU decoder, last step": (grid, study(RECURRENT, cell="gru", judged="last", spread="entry")),
    "forecast": (grid, study(RECURRENT, by="forecast", hidden=16)),
}
each = pytest.mark.parametrize(("rows", "asked"), CASES.values(), ids=CASES)


def seqs(rows: Evidence, which: np.ndarray) -> dict[str, Seq]:
    return dict(models.tensors(batch.collate(rows.inputs, which), "cpu").inputs)


@pytest.mark.slow
@each
def test_odd_rows_are_rarer_than_any_normal_one_and_order_changes_nothing(rows: Any, asked: Study, tmp_path: Path) -> None:
    train, tune = rows(seed=0), rows(seed=1)
    trained = fit(asked, train, tune, tmp_path)
    answer = models.predict(trained.model, trained.task, tune.inputs)
    odd = tune.target.values[:, 0] > 0
    assert answer.kind == "probabilities" and ((answer.values > 0) & (answer.values < 1)).all()
    assert answer.values[odd].mean() > answer.values[~odd].mean() + 0.1
    order = np.random.default_rng(0).permutation(ROWS)[:30]
    some = models.predict(trained.model, trained.task, evidences.take(tune, order).inputs, batch=7)
    np.testing.assert_allclose(some.values, answer.values[order], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@each
def test_normal_training_rows_are_spread_evenly_over_the_shares(rows: Any, asked: Study, tmp_path: Path) -> None:
    train = rows()
    trained = fit(asked, train, None, tmp_path)
    normal = evidences.take(train, np.flatnonzero(train.target.values[:, 0] == 0))
    share = np.sort(models.predict(trained.model, trained.task, normal.inputs).values[:, 0])
    np.testing.assert_allclose(share, (np.arange(len(share)) + 0.5) / len(share), atol=0.03)


@pytest.mark.slow
@each
def test_abnormal_rows_of_train_change_nothing(rows: Any, asked: Study, tmp_path: Path) -> None:
    train, tune = rows(seed=0), rows(seed=1)
    normal = np.flatnonzero(train.target.values[:, 0] == 0)
    one, other = fit(asked, train, tune, tmp_path / "all"), fit(asked, evidences.take(train, normal), tune, tmp_path / "normal")
    for name, value in one.model.state_dict().items():
        assert torch.equal(value, other.model.state_dict()[name]), name


@pytest.mark.slow
def test_the_tune_loss_is_that_of_normal_rows(tmp_path: Path) -> None:
    train, tune = windows(seed=0), windows(seed=1)
    normal = evidences.take(tune, np.flatnonzero(tune.target.values[:, 0] == 0))
    asked = CASES["windows"][1]
    one, other = fit(asked, train, tune, tmp_path / "all"), fit(asked, train, normal, tmp_path / "normal")
    assert one.best.tune_loss == pytest.approx(other.best.tune_loss)
    assert one.best.tune_score is not None and other.best.tune_score is None


@pytest.mark.slow
def test_a_training_taken_up_again_when_finished_answers_alike(tmp_path: Path) -> None:
    train, tune = windows(seed=0), windows(seed=1)
    asked = CASES["windows"][1]
    first, again = (fit(asked, train, tune, tmp_path, resume=resume) for resume in (False, True))
    one, other = (models.predict(trained.model, trained.task, tune.inputs).values for trained in (first, again))
    assert (one == other).all()


@pytest.mark.slow
def test_variants_can_be_chosen_among_by_folds(tmp_path: Path) -> None:
    found = crossvalidate.choose({"windows": CASES["windows"][1]}, windows(), 2, tmp_path)
    assert found["windows"].score > 0.6


@each
def test_what_was_not_seen_is_not_asked(rows: Any, asked: Study) -> None:
    held = rows()
    model, _ = models.build(asked, held.specs, ("odd",))
    (seq,) = seqs(held, np.arange(9)).values()
    mask = seq.mask.view(*seq.mask.shape, *[1] * (seq.values.dim() - 2))
    real = mask if seq.seen is None else seq.seen & mask
    other = replace(seq, values=torch.where(real, seq.values, torch.full_like(seq.values, 9.0)))
    model.eval()
    with torch.no_grad():
        encoded = model.encode("x", seq)
        said = [model.head(replace(encoded, seq=one)) for one in (seq, other)]
    torch.testing.assert_close(*said)
    assert (said[0][:, 1] > 0).all()


def test_a_forecast_knows_nothing_of_the_step_that_it_foretells() -> None:
    held = grid()
    model, _ = models.build(CASES["forecast"][1], held.specs, ("odd",))
    (seq,) = seqs(held, np.arange(9)).values()
    model.eval()
    with torch.no_grad():
        said = model.head.decoder(model.encode("x", seq))
        last = seq.mask.sum(1) - 1
        changed = seq.values.clone()
        changed[torch.arange(9), last] += 5
        other = model.head.decoder(model.encode("x", replace(seq, values=changed)))
    torch.testing.assert_close(other[torch.arange(9), last], said[torch.arange(9), last])


def test_a_row_of_which_nothing_is_told_is_neither_rare_nor_common() -> None:
    held = grid()
    model, task = models.build(CASES["LSTM autoencoder"][1], held.specs, ("odd",))
    task.settle(model.head, torch.rand(50, 3) + 1, held.target)  # type: ignore[attr-defined]
    empty = Ragged(np.zeros(3, np.int64), np.zeros((0, 3), np.float32), np.zeros(0), np.zeros((0, 3), bool))
    assert models.predict(model, task, {"x": empty}).values.tolist() == [[0.5], [0.5]]


def test_missing_and_abnormal_labels_add_no_loss() -> None:
    task = anomaly.build(anomaly.Config(), ("odd",))
    target = Target(torch.tensor([[0.0], [1.0], [0.0]]), torch.tensor([[True], [True], [False]]), ("odd",))
    assert task.loss(torch.tensor([[2.0, 1, 0], [3.0, 1, 0], [4.0, 1, 0]]), target).tolist() == [2.0, 0.0, 0.0]
    known = Target(target.values.numpy(), target.known.numpy(), target.names)
    assert task.learns(known).tolist() == [True, False, False]


REFUSED = [
    ({"x": replace(WINDOWS, vocabulary=9, shape=())}, {}, "holds codes"),
    ({"x": WINDOWS, "y": GRID}, {}, "one input again"),
    ({"x": WINDOWS}, {"by": "forecast"}, "one step a row"),
    ({"x": GRID}, {"window": "convolution"}, "tells windows"),
    ({"x": GRID}, {"side": 1.0}, "which has none"),
    ({"x": replace(WINDOWS, shape=(3, 400, 400))}, {}, "at most 16,384"),
]


@pytest.mark.parametrize(("specs", "options", "reason"), REFUSED)
def test_inputs_that_cannot_be_told_again_are_refused(specs: dict[str, Spec], options: dict[str, Any], reason: str) -> None:
    task = anomaly.build(convert(options, anomaly.Config, "task"), ("odd",))
    with pytest.raises(ConfigError, match=reason):
        task.shaped(specs)


def test_labels_without_a_normal_row_are_refused() -> None:
    task = anomaly.build(anomaly.Config(), ("odd",))
    with pytest.raises(DataError, match="none of 3"):
        task.check(Target(np.ones((3, 1)), np.full((3, 1), True), ("odd",)))
    with pytest.raises(DataError, match="neither 0 nor 1"):
        task.check(Target(np.array([[0.0], [2.0]]), np.full((2, 1), True), ("odd",)))
    with pytest.raises(ConfigError, match="none to balance"):
        task.balance(Target(np.zeros((3, 1)), np.full((3, 1), True), ("odd",)))
    with pytest.raises(ConfigError, match="one label"):
        anomaly.build(anomaly.Config(), ("a", "b"))
