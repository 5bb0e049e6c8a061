"""The task survival as a study has it: what it is told, what it refuses, how it is trained, judged and kept."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from msgspec import structs

from sequela import config as configs
from sequela import model as models
from sequela.contracts import Evidence, Joint, Settling
from sequela.errors import ConfigError, DataError, TrainingError
from sequela.nn.survival.edges import LEAST
from sequela.tasks import survival
from sequela.train import members
from sequela.train.fit import fit
from sequela.train.tune import judge, score
from sequela.types import Answer, Curves, Encoded, Horizon, Plain, Ragged, Spec, Target, Times, concatenate

HORIZONS = (Horizon("1y", 365.25), Horizon("3y", 1095.75))
NAMES = ("death", "transplant")
SPEC = Spec("measurements", (2,), "days")
ROWS, WIDTH = 60, 4
WAYS: list[dict[str, Any]] = [
    {},
    {"bins": 6, "hidden": 5},
    {"by": "cox"},
    {"by": "deephit", "alpha": 0.5},
    {"by": "weibull", "mixture": 2},
]


def study(task: dict[str, Any] | None = None, horizons: tuple[str, ...] = ("1y", "3y"), **train: Any) -> configs.Study:
    return configs.convert(
        {
            "name": "liver",
            "question": "When will this patient die or be transplanted?",
            "data": {"source": "x"},
            "cohort": {"index": "START"},
            "outcome": {"code": ["EVENT//death", "EVENT//transplant"], "horizons": list(horizons)},
            "inputs": {"chart": {"modality": "measurements", "encoder": {"name": "gru", "width": 6}}},
            "task": {"name": "survival", **(task or {})},
            "train": {"epochs": 3, "batch": 16, "patience": 0, "optimizer": {"lr": 0.01}, **train},
        },
        configs.Study,
    )


def times(rows: int = ROWS, seed: int = 0) -> Times:
    random = np.random.default_rng(seed)
    time = random.exponential(900.0, rows) + 1
    late = np.where(random.random(rows) < 0.3, time / 3, 0.0)
    return Times(time, np.arange(rows) % 3, late, HORIZONS)


def target(rows: int = ROWS, seed: int = 0) -> Target:
    dense = times(rows, seed)
    return Target(dense.cause[:, None].astype(float), np.ones((rows, 1), bool), NAMES, dense)


def evidence(rows: int = ROWS, seed: int = 0) -> Evidence:
    """Series of 1 to 5 steps; whoever is high in the first number has events sooner."""
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 6, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    level = random.normal(size=rows)
    values = np.repeat(level, lengths)[:, None] + 0.1 * random.normal(size=(offsets[-1], 2))
    found = times(rows, seed)
    truth = replace(
        target(rows, seed), dense=replace(found, time=found.time * np.exp(-2 * level), entry=found.entry * np.exp(-2 * level))
    )
    ragged = Ragged(offsets, values.astype(np.float32), np.zeros(offsets[-1]), np.ones(values.shape, bool))
    plain = Plain(np.zeros((rows, 0), np.float32), ())
    names = np.array([f"{seed}-{row}" for row in range(rows)])
    return Evidence({"chart": ragged}, {"chart": SPEC}, plain, truth, np.arange(rows), names)


def made(options: dict[str, Any], truth: Target | None = None) -> tuple[survival.Survival, torch.nn.Module]:
    torch.manual_seed(0)
    task = survival.Survival(configs.convert(options, survival.Config), NAMES, HORIZONS)
    head = task.head(WIDTH)
    task.start(head, truth or target())
    torch.nn.init.normal_(head.head.out.weight, std=0.5)  # as if it had learnt something
    return task, head.eval()


def encoded(rows: int = ROWS) -> Encoded:
    pooled = torch.randn(rows, WIDTH, generator=torch.Generator().manual_seed(1))
    return Encoded(None, torch.ones(rows, 1, dtype=torch.bool), pooled)


def tensors(truth: Target) -> Target:
    dense = torch.tensor(truth.dense.laid())
    return Target(torch.tensor(truth.values, dtype=torch.float32), torch.tensor(truth.known), truth.names, dense)


@pytest.mark.parametrize("options", WAYS)
def test_an_unknown_row_adds_no_loss_no_gradient_and_nothing_to_its_neighbours(options: dict[str, Any]) -> None:
    truth = target()
    task, head = made(options)
    known = np.arange(ROWS)[:, None] % 4 > 0
    hidden = tensors(replace(truth, known=known))
    hidden.dense[~hidden.known[:, 0]] = torch.nan
    out = head(encoded()).detach().requires_grad_()
    loss = task.loss(out, hidden)
    loss.sum().backward()
    assert loss.shape == (ROWS,) and (loss[::4] == 0).all() and out.grad is not None and (out.grad[::4] == 0).all()
    rows = np.flatnonzero(known)
    torch.testing.assert_close(loss[rows], task.loss(out[rows], tensors(truth.take(rows))))


@pytest.mark.parametrize("options", WAYS)
def test_a_batch_of_which_nothing_is_known_has_a_gradient_of_nothing(options: dict[str, Any]) -> None:
    task, head = made(options)
    loss = task.loss(head(encoded()), tensors(replace(target(), known=np.zeros((ROWS, 1), bool))))
    loss.sum().backward()
    assert (loss == 0).all() and all((one.grad == 0).all() for one in head.parameters())


@pytest.mark.parametrize("options", WAYS)
def test_answers_are_curves_and_the_risk_by_the_last_horizon(options: dict[str, Any]) -> None:
    task, head = made(options)
    answer = task.answer(3 * head(encoded()) if options.get("by") == "weibull" else head(encoded()))
    assert (answer.kind, answer.names, answer.values.shape, answer.values.dtype) == ("curves", NAMES, (ROWS, 2), np.float64)
    assert answer.curves is not None
    np.testing.assert_array_equal(answer.values, answer.curves.at(HORIZONS[-1].days))
    assert (np.diff(answer.curves.incidence, axis=2) >= 0).all() and (answer.curves.incidence.sum(1) <= 1 + 1e-12).all()
    both = concatenate([task.answer(head(encoded())[:7]), task.answer(head(encoded())[7:])])
    np.testing.assert_allclose(both.values, task.answer(head(encoded())).values, rtol=1e-6)


@pytest.mark.parametrize("options", WAYS)
def test_the_order_of_the_batch_changes_no_answer_and_no_loss(options: dict[str, Any]) -> None:
    whole = target()
    whole = replace(whole, dense=replace(whole.dense, time=np.ceil(whole.dense.time / 300) * 300))  # with ties
    task, head = made(options, whole)
    order = np.random.default_rng(2).permutation(ROWS)
    out = head(encoded())
    np.testing.assert_allclose(task.answer(out[order]).values, task.answer(out).values[order], rtol=1e-6)
    torch.testing.assert_close(task.loss(out[order], tensors(whole.take(order))), task.loss(out, tensors(whole))[order])


@pytest.mark.parametrize("options", WAYS)
def test_a_loaded_head_answers_as_the_saved_one_without_a_start(options: dict[str, Any]) -> None:
    task, head = made(options)
    task.settle(head, head(encoded()).detach(), target())
    fresh = task.head(WIDTH).eval()
    fresh.load_state_dict(head.state_dict())
    assert all(bool(value.isfinite().all()) for value in head.state_dict().values())
    np.testing.assert_array_equal(task.answer(fresh(encoded())).values, task.answer(head(encoded())).values)


def test_what_is_common_to_all_is_no_patient_s_own_time() -> None:
    for options in WAYS[:4]:
        _, head = made(options)
        told = np.setdiff1d(head.knots.double().numpy(), [horizon.days for horizon in HORIZONS])
        assert not np.isin(times().time.astype(np.float32), told.astype(np.float32)).any()


def test_few_events_have_fewer_intervals_and_every_horizon_ends_one() -> None:
    few = target(33)  # 22 events, some of them after the last horizon
    task, head = made({"bins": 40}, few)
    curves = task.answer(head(encoded())).curves
    assert curves is not None
    events = int(((few.dense.cause > 0) & (few.dense.time <= HORIZONS[-1].days)).sum())
    assert len(curves.times) == events // LEAST + len(HORIZONS)
    assert np.isin([horizon.days for horizon in HORIZONS], curves.times).all()


def test_labels_that_cannot_be_learnt_from_are_refused() -> None:
    truth = target()
    task, _ = made({})
    task.check(truth)

    def refused(match: str, **changed: np.ndarray) -> None:
        with pytest.raises(DataError, match=match):
            task.check(replace(truth, dense=replace(truth.dense, **changed)))

    with pytest.raises(DataError, match="none of 60 training rows has a time to 'death' or 'transplant'"):
        task.check(replace(truth, known=np.zeros((ROWS, 1), bool)))
    refused("all 60 training rows are censored", cause=np.zeros(ROWS, np.int64))
    refused("'transplant' came to none of 60 training rows by 3y", cause=np.arange(ROWS) % 2)
    refused("'death' came to none", time=np.where(truth.dense.cause == 1, 5000.0, truth.dense.time))
    refused("1 of 60 times are not after", time=np.where(np.arange(ROWS) == 3, 0.0, truth.dense.time))
    refused("1 of 60 times", time=np.where(np.arange(ROWS) == 3, np.nan, truth.dense.time))
    refused("60 of 60 times", entry=truth.dense.time)
    refused("none of 60 training rows was watched until 3y: the longest for 999 days", time=truth.dense.time.clip(max=999.0))
    refused("1 of 60 labels are none of the causes 0 to 2", cause=np.where(np.arange(ROWS) == 3, 3, truth.dense.cause))


def test_options_that_cannot_be_are_refused() -> None:
    def build(options: dict[str, Any], names: tuple[str, ...] = ("death",)) -> survival.Survival:
        return survival.build(configs.convert(options, survival.Config), names)

    build({"cure": True})
    for by in ("cox", "deephit"):
        with pytest.raises(ConfigError, match="cure is not for by"):
            build({"by": by, "cure": True})
    with pytest.raises(ConfigError, match="cure is of one cause, the outcome has 2"):
        build({"cure": True}, NAMES)
    with pytest.raises(ConfigError, match="needs one cause"):
        build({}, ())
    with pytest.raises(ConfigError, match="horizons"):
        models.build(study(horizons=()), {"chart": SPEC}, NAMES)
    with pytest.raises(ConfigError, match="do not rise"):
        models.build(study(horizons=("3y", "1y")), {"chart": SPEC}, NAMES)
    with pytest.raises(ConfigError, match="bins = 1 intervals cannot end at each of 2 horizons"):
        models.build(study({"bins": 1}), {"chart": SPEC}, NAMES)
    with pytest.raises(ConfigError, match=r"train\.batch = 1 teaches nothing by Cox"):
        models.build(study({"by": "cox"}, batch=1), {"chart": SPEC}, NAMES)
    with pytest.raises(ValueError, match="not told of the study's horizons"):
        build({}).head(3)


@pytest.mark.parametrize("train", [{"mixup": 0.2}, {"balance": "weights"}])
def test_rows_are_neither_mixed_nor_balanced(train: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"mixup is not for|no classes to balance"):
        fit(study(**train), evidence(), evidence(30, 1), tmp_path)


@pytest.mark.parametrize("options", WAYS)
def test_the_tune_verdict_does_not_depend_on_the_batches(options: dict[str, Any]) -> None:
    rows, asked = evidence(), study(options)
    model, task = models.build(asked, rows.specs, NAMES)
    task.start(model.head, rows.target)
    assert isinstance(task, Joint) and task.joint == (options.get("by") in ("cox", "deephit"))
    verdicts = [judge(model, task, rows, structs.replace(asked.train, batch=size), lambda: None) for size in (7, 60)]
    assert verdicts[0].loss == pytest.approx(verdicts[1].loss, abs=1e-5)
    assert verdicts[0].score == pytest.approx(verdicts[1].score)


def test_the_tune_score_is_the_mean_concordance_of_the_causes() -> None:
    dense = Times(np.array([1.0, 2, 3]), np.array([1, 1, 0]), np.zeros(3), HORIZONS)
    truth = Target(np.ones((3, 1)), np.ones((3, 1), bool), NAMES, dense)
    right = np.array([[0.9, 0.0], [0.5, 0.0], [0.1, 0.0]])
    first, last = (Answer("curves", one, NAMES, curves=Curves(np.array([3.0]), one[..., None])) for one in (right, right[::-1]))
    assert score(first, truth, "survival") == 1.0
    assert score(last, truth, "survival") == 0.0
    nobody = replace(truth, dense=replace(truth.dense, cause=np.zeros(3, np.int64)))
    assert score(first, nobody, "survival") is None


@pytest.mark.parametrize("options", [{}, {"by": "cox"}])
def test_a_training_ranks_by_what_it_has_read_and_restores(options: dict[str, Any], tmp_path: Path) -> None:
    train, tune = evidence(120), evidence(60, 1)
    trained = fit(study(options, epochs=8, optimizer={"lr": 0.03}), train, tune, tmp_path)
    assert trained.best.tune_score is not None and trained.best.tune_score > 0.65
    answer = models.predict(trained.model, trained.task, tune.inputs, batch=7)
    fresh, task = models.build(study(options), tune.specs, NAMES)
    models.restore(fresh, {name: value.numpy() for name, value in trained.model.state_dict().items()})
    again = models.predict(fresh, task, tune.inputs)
    np.testing.assert_allclose(again.curves.incidence, answer.curves.incidence, rtol=0, atol=1e-5)
    assert answer.curves.times[-1] == HORIZONS[-1].days
    nothing = replace(answer, values=0 * answer.values, curves=replace(answer.curves, incidence=0 * answer.curves.incidence))
    both = members.mean([answer, nothing])
    np.testing.assert_allclose(both.curves.at(1095.75), both.values)


def test_cox_is_told_the_common_hazard_by_the_rows_learnt_from(tmp_path: Path) -> None:
    """After training the mean risk that is said is what came; before settling it would be that of rows that are all alike."""
    train = evidence(200)
    late = replace(train, target=replace(train.target, dense=replace(train.target.dense, entry=np.zeros(200))))
    trained = fit(study({"by": "cox"}, epochs=6, optimizer={"lr": 0.03}), late, None, tmp_path)
    assert isinstance(trained.task, Settling)
    said = models.predict(trained.model, trained.task, late.inputs).curves.at(365.25).mean(0)
    fresh = models.build(study(), late.specs, NAMES)
    fresh[1].start(fresh[0].head, late.target)
    came = models.predict(fresh[0], fresh[1], late.inputs).curves.at(365.25)[0]
    np.testing.assert_allclose(said, came, atol=0.03)


def test_an_answer_that_is_no_number_is_refused_with_its_rows() -> None:
    rows = evidence(5)
    model, task = models.build(study(), rows.specs, NAMES)
    task.start(model.head, target())
    with torch.no_grad():
        model.head.head.out.bias.fill_(torch.nan)
    with pytest.raises(TrainingError, match="not a finite number for 5 of 5 rows"):
        models.predict(model, task, rows.inputs)


def test_the_answer_about_nobody_has_curves_of_nobody() -> None:
    model, task = models.build(study(), {"chart": SPEC}, NAMES)
    answer = models.predict(model, task, {"chart": Ragged(np.zeros(1, np.int64), np.zeros((0, 2), np.float32), np.zeros(0))})
    assert answer.kind == "curves" and len(answer) == 0 and isinstance(answer.curves, Curves)
