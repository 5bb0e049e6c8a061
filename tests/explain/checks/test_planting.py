"""Patterns that are planted: known cells, and nothing else is touched; a network learns them, and true parts find them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from sequela import config, registry
from sequela.contracts import Evidence
from sequela.explain.attribution import Options, attribute
from sequela.explain.checks import cells, finding, learning, planting, randomised
from sequela.explain.checks.asking import asking
from sequela.explain.checks.learning import Budget
from sequela.explain.checks.planting import Planted
from sequela.model import Model
from sequela.nn import fuse as fuses
from sequela.nn import head as heads
from sequela.tasks import binary
from sequela.types import Array, Horizon, Plain, Ragged, Spec, Target, Times, Wording

TASK = binary.build(binary.Config(), ("event",))
SPECS = {
    "window": Spec("measurements", (8,), "days"),
    "static": Spec("static", (9,), "index", single=True),
    "visits": Spec("codes", (4,), "days", tuple(f"c{k}" for k in range(200)), vocabulary=200),
    "events": Spec("codes", (), "days", tuple(f"c{k}" for k in range(200)), vocabulary=200),
    "words": Spec("text", (4,), "index", tuple(f"w{k}" for k in range(200)), vocabulary=200, words=Wording(3, 5)),
    "motif": Spec("residues", (), "index", tuple("?ACGT"), vocabulary=5, alphabet="dna"),
    "bump": Spec("waveform", (2, 30), "seconds"),
    "patch": Spec("image", (3, 18, 18), "index", single=True),
    "volume": Spec("image", (1, 6, 12, 12), "index", single=True),
}
TOLD = {"static": "window", "visits": "codes", "events": "codes", "words": "codes", "volume": "patch"}


def drawn(spec: Spec, count: int, seed: int = 0) -> Evidence:
    """Rows of one input of this kind, laid out."""
    random = np.random.default_rng(seed)
    lengths = np.ones(count, np.int64) if spec.single else random.integers(20, 30, count)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    shape = (int(offsets[-1]), *spec.shape)
    values = random.integers(1, spec.vocabulary, shape) if spec.vocabulary else random.standard_normal(shape).astype(np.float32)
    seen = random.random(shape) < 0.8 if len(spec.shape) == 1 and spec.words is None else None
    ragged = Ragged(offsets, values, np.arange(float(offsets[-1])), seen)
    names = np.array([f"row{k}" for k in range(count)])
    target = Target(np.zeros((count, 1)), np.ones((count, 1), bool), ("event",))
    return Evidence({"x": ragged}, {"x": spec}, Plain(np.zeros((count, 0)), ()), target, np.arange(count), names)


def put(kind: str, count: int = 60) -> tuple[Evidence, Planted]:
    rows = drawn(SPECS[kind], count)
    pattern = planting.settle(rows, np.random.default_rng(1))
    assert pattern is not None and pattern.plant.told == TOLD.get(kind, kind)
    return rows, planting.planted(rows, pattern, "binary", np.random.default_rng(2))


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_planting_changes_the_planted_cells_and_no_others(kind: str) -> None:
    rows, made = put(kind)
    before = np.asarray(rows.inputs["x"].values)
    ragged, truth = made.rows.inputs["x"], made.truth["x"]
    kept = np.repeat(np.isin(np.arange(len(rows)), made.kept), rows.inputs["x"].lengths)
    changed = np.asarray(ragged.values) != before[kept]
    whole = changed.reshape(truth.shape + (-1,) * (changed.ndim > truth.ndim)).any(-1) if changed.ndim > truth.ndim else changed
    assert not (whole & ~truth).any()
    assert whole.sum() > 0.5 * truth.sum()
    assert not (truth & ~cells.cells_seen(ragged, SPECS[kind])).any()
    assert np.array_equal(np.asarray(rows.inputs["x"].values), before)


@pytest.mark.parametrize("kind", sorted(SPECS))
def test_every_row_that_is_kept_has_some_planted_cells_and_not_all(kind: str) -> None:
    rows, made = put(kind)
    here = cells.seen(made.rows)
    share = np.array([own.mean() for (own,) in here.each(here.read(made.truth).astype(bool))])
    assert len(made.kept) > 0.9 * len(rows) and (share > 0).all() and (share < 0.5).all()
    assert np.array_equal(made.rows.target.values[:, 0] > 0, made.label)
    assert abs(made.label.mean() - 0.5) < 0.1


def test_numbers_go_up_with_one_label_and_down_with_the_other() -> None:
    rows, made = put("window")
    kept = np.repeat(np.isin(np.arange(len(rows)), made.kept), rows.inputs["x"].lengths)
    rise = np.asarray(made.rows.inputs["x"].values) - np.asarray(rows.inputs["x"].values)[kept]
    of_row = np.repeat(made.label, made.rows.inputs["x"].lengths)
    truth = made.truth["x"]
    assert (rise[of_row][truth[of_row]] > 1).all() and (rise[~of_row][truth[~of_row]] < -1).all()


def test_rows_without_room_are_left_out_and_inputs_without_room_are_refused() -> None:
    rows = drawn(SPECS["window"], 30)
    pattern = planting.settle(rows, np.random.default_rng(0))
    assert pattern is not None
    unseen = np.array(rows.inputs["x"].seen)
    unseen[: rows.inputs["x"].offsets[5]] = False
    fewer = replace(rows, inputs={"x": replace(rows.inputs["x"], seen=unseen)})
    made = planting.planted(fewer, pattern, "binary", np.random.default_rng(0))
    assert made.kept.min() == 5 and len(made.rows) == len(made.kept)
    flat = replace(rows, inputs={"x": replace(rows.inputs["x"], values=np.zeros_like(rows.inputs["x"].values))})
    assert planting.settle(flat, np.random.default_rng(0)) is None


def test_the_first_of_the_planted_rows_are_their_own_first() -> None:
    made = put("bump")[1]
    first = made.first(7)
    assert len(first.rows) == len(first.label) == 7
    steps = int(made.rows.inputs["x"].offsets[7])
    assert np.array_equal(first.truth["x"], made.truth["x"][:steps])


def test_the_label_is_told_in_the_terms_of_every_task_that_is_planted() -> None:
    label = np.array([True, False, True])
    values, known = np.array([[1.0], [5.0], [9.0]]), np.ones((3, 1), bool)
    two, three = np.zeros((3, 2)), ("a", "b")
    times = Times(np.array([2.0, 9.0, 4.0]), np.array([1, 0, 1]), np.zeros(3), (Horizon("1d", 1.0), Horizon("8d", 8.0)))
    assert planting.target_of("binary", Target(values * 0, known, ("a",)), label).values[:, 0].tolist() == [1, 0, 1]
    assert planting.target_of("multiclass", Target(values * 0, known, three), label).values[:, 0].tolist() == [1, 0, 1]
    several = planting.target_of("multilabel", Target(two, two == 0, three), label)
    assert several.known.tolist() == [[True, False]] * 3
    quantity = planting.target_of("regression", Target(values, known, ("mm",)), label).values[:, 0]
    assert quantity[0] > 5 > quantity[1]
    survived = planting.target_of("survival", Target(values, known, ("death",), times), label).dense
    assert survived.cause.tolist() == [1, 0, 1] and survived.time.tolist() == [0.5, 8.0, 0.5]


def network(spec: Spec) -> Model:
    """A small recurrent network whose weights are drawn from a fixed seed."""
    torch.manual_seed(0)
    module = registry.module("encoders", "gru")
    encoder = module.build(spec, config.convert({"width": 16}, module.Config))
    fuse = fuses.build(config.choice("concat", "fuse"), [encoder.width])
    return Model({"x": encoder}, fuse, heads.Head(fuse.width, 1, heads.Config())).eval()


def both(kind: str, train: int = 300, held_out: int = 40) -> tuple[Planted, Planted]:
    rows, others = drawn(SPECS[kind], train), drawn(SPECS[kind], held_out, seed=9)
    pattern = planting.settle(rows, np.random.default_rng(1))
    assert pattern is not None
    return planting.planted(rows, pattern, "binary", np.random.default_rng(2)), planting.planted(
        others, pattern, "binary", np.random.default_rng(3)
    )


@pytest.mark.slow
def test_a_copy_learns_what_is_planted_and_its_explanation_finds_it_where_that_of_shuffled_weights_does_not() -> None:
    train, held_out = both("window")
    model = network(SPECS["window"])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    learnt = learning.learnt(model, TASK, (train, held_out), lambda one: asking([one], TASK), budget=Budget(steps=240))
    assert learnt.knows and learnt.auroc > 0.95
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    here = cells.seen(held_out.rows)

    def auprc(of: Model) -> float:
        said = attribute([of], TASK, held_out.rows, "integrated_gradients", Options(points=16))
        return float(np.nanmean(finding.found(said, here, held_out.truth).auprc))

    chance = finding.by_chance(here, held_out.truth, np.random.default_rng(0))
    assert auprc(learnt.model) > 3 * chance
    assert auprc(learnt.model) > auprc(randomised.all_shuffled(learnt.model, 0)) + 0.1


def test_a_network_that_may_not_learn_is_told_not_to_know() -> None:
    planted = both("window", 60, 20)
    learnt = learning.learnt(
        network(SPECS["window"]), TASK, planted, lambda one: asking([one], TASK), budget=Budget(steps=1, seconds=0.0)
    )
    assert learnt.steps == 1 and not learnt.knows


def test_shuffled_weights_are_the_same_numbers_elsewhere_and_the_network_stays() -> None:
    model = network(SPECS["window"])
    weights: dict[str, Array] = {name: value.detach().numpy().copy() for name, value in model.named_parameters()}
    head, whole = randomised.head_shuffled(model, 0), randomised.all_shuffled(model, 0)
    changed = {name for name, value in whole.named_parameters() if not np.array_equal(value.detach().numpy(), weights[name])}
    only = {name for name, value in head.named_parameters() if not np.array_equal(value.detach().numpy(), weights[name])}
    assert only and all(name.startswith("head") for name in only) and len(changed) > len(only)
    for name, value in whole.named_parameters():
        assert np.array_equal(np.sort(value.detach().numpy().ravel()), np.sort(weights[name].ravel()))
    assert all(np.array_equal(value.detach().numpy(), weights[name]) for name, value in model.named_parameters())
