"""The model: encoders, fusion and head joined; the same answer for a row whatever stands beside it; refusals before training."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
import torch

from sequela import batch, config, model, registry
from sequela.config import Study
from sequela.errors import BundleError, ConfigError, TrainingError
from sequela.types import Known, Plain, Ragged, Seq, Spec, Target

SPECS = {
    "chart": Spec("measurements", (3,), "days"),
    "ecg": Spec("waveform", (1, 16), "seconds"),
    "values": Spec("static", (2,), "index", single=True),
}
ENCODERS: dict[str, Any] = {
    "chart": {"name": "gru", "width": 5, "bidirectional": True},
    "ecg": {"name": "resnet1d", "width": 3, "blocks": [1], "kernel": 3},
    "values": {"name": "mlp", "width": 4},
}


def of(*names: str) -> dict[str, Any]:
    return {name: {"modality": "fake", "encoder": ENCODERS[name]} for name in names}


def study(task: Any = "binary", inputs: dict[str, Any] | None = None, **sections: Any) -> Study:
    given = {
        "name": "test",
        "question": "Will it happen?",
        "data": {"source": "."},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "label"},
        "inputs": of(*SPECS) if inputs is None else inputs,
        "task": task,
    }
    return config.convert(given | sections, Study)


def ragged(spec: Spec, rows: int, seed: int) -> Ragged:
    """Rows of 0 to 6 steps, 0 or 1 where the input is single; some entries unseen."""
    random = np.random.default_rng(seed)
    lengths = random.integers(0, 2 if spec.single else 7, rows)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    values = random.normal(size=(offsets[-1], *spec.shape)).astype(np.float32)
    return Ragged(offsets, values, -np.sort(random.random(offsets[-1]))[::-1], random.random(values.shape) > 0.2)


def inputs(rows: int = 40, names: tuple[str, ...] = tuple(SPECS)) -> dict[str, Ragged]:
    return {name: ragged(SPECS[name], rows, seed) for seed, name in enumerate(names)}


def cut(given: dict[str, Ragged], rows: np.ndarray) -> dict[str, Ragged]:
    """The inputs of these rows alone, in this order."""

    def one(ragged: Ragged) -> Ragged:
        steps = np.concatenate([np.arange(ragged.offsets[row], ragged.offsets[row + 1]) for row in rows])
        offsets = np.concatenate([[0], np.cumsum(ragged.lengths[rows])])
        return Ragged(offsets, ragged.values[steps], ragged.position[steps], ragged.seen[steps])

    return {name: one(ragged) for name, ragged in given.items()}


@pytest.mark.parametrize("fuse", ["concat", "gated", "attention"])
def test_a_row_s_answer_does_not_depend_on_its_neighbours_or_the_batch(fuse: str) -> None:
    network, task = model.build(study(fuse=fuse), SPECS, ("died",))
    given = inputs()
    whole = model.predict(network, task, given)
    assert whole.values.shape == (40, 1)
    assert len(np.unique(whole.values)) > 35
    in_sevens = model.predict(network, task, given, batch=7)
    np.testing.assert_allclose(in_sevens.values, whole.values, rtol=0, atol=1e-6)
    order = np.random.default_rng(9).permutation(40)[:11]
    np.testing.assert_allclose(model.predict(network, task, cut(given, order)).values, whole.values[order], rtol=0, atol=1e-6)
    for row in order[:3]:
        alone = model.predict(network, task, cut(given, np.array([row])))
        np.testing.assert_allclose(alone.values[0], whole.values[row], rtol=0, atol=1e-6)


def test_the_same_batch_answers_to_the_bit() -> None:
    network, task = model.build(study(), SPECS, ("died",))
    np.testing.assert_array_equal(model.predict(network, task, inputs()).values, model.predict(network, task, inputs()).values)


def test_the_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    state = torch.get_rng_state()
    first, _ = model.build(study(), SPECS, ("died",))
    assert torch.equal(torch.get_rng_state(), state), "building a model must leave the global generator alone"
    torch.manual_seed(2)
    again, _ = model.build(study(), SPECS, ("died",))
    other, _ = model.build(study(train={"seed": 1}), SPECS, ("died",))
    for (name, one), same in zip(first.state_dict().items(), again.state_dict().values(), strict=True):
        assert torch.equal(one, same), name
    assert not torch.equal(first.head.out.weight, other.head.out.weight)


def test_saved_weights_give_the_same_answers() -> None:
    task_config = {"name": "regression", "hidden": 3}
    network, task = model.build(study(task_config), SPECS, ("heart rate",))
    task.start(network.head, Target(np.array([[60.0], [90.0]]), np.full((2, 1), True), ("heart rate",)))
    arrays = {name: value.numpy().copy() for name, value in network.state_dict().items()}
    other, _ = model.build(study(task_config, train={"seed": 5}), SPECS, ("heart rate",))
    model.restore(other, arrays)
    np.testing.assert_array_equal(model.predict(other, task, inputs()).values, model.predict(network, task, inputs()).values)
    with pytest.raises(BundleError, match="not those of the model"):
        model.restore(other, {name: value for name, value in arrays.items() if name != "head.mean"})


def test_prediction_leaves_the_mode_and_dropout_out_of_it() -> None:
    network, task = model.build(study({"name": "binary", "dropout": 0.5}), SPECS, ("died",))
    network.train()
    first = model.predict(network, task, inputs())
    assert network.training
    np.testing.assert_array_equal(first.values, model.predict(network.eval(), task, inputs()).values)
    assert not network.training


def test_no_rows_get_an_empty_answer() -> None:
    network, task = model.build(study("multiclass"), SPECS, ("N", "S", "V"))
    answer = model.predict(network, task, inputs(0))
    assert answer.values.shape == (0, 3)
    assert answer.names == ("N", "S", "V")


def test_an_answer_that_is_not_finite_names_its_rows() -> None:
    network, task = model.build(study(inputs=of("chart")), SPECS, ("died",))
    given = inputs(names=("chart",))
    chart = given["chart"]
    rows = np.flatnonzero(chart.lengths > 2)[[1, 4]]
    chart.values[chart.offsets[rows]] = np.nan
    with pytest.raises(TrainingError, match=rf"2 of 40 rows of a batch: rows {rows[0]}, {rows[1]}\n") as caught:
        model.predict(network, task, given)
    assert "lower train.optimizer.lr" in caught.value.hint


def test_a_regression_that_was_never_told_its_targets_does_not_answer() -> None:
    network, task = model.build(study("regression"), SPECS, ("heart rate",))
    with pytest.raises(TrainingError, match="40 of 40 rows"):
        model.predict(network, task, inputs())


def test_tensors_have_the_types_the_encoders_expect() -> None:
    given = inputs(4) | {"codes": Ragged(np.arange(5), np.arange(4, dtype=np.int32), np.zeros(4), side=np.ones((4, 2)))}
    target = Target(np.array([[0.0], [1.0], [np.nan], [1.0]]), np.array([[True], [True], [False], [True]]), ("died",))
    made = model.tensors(batch.collate(given, np.arange(4), target, np.ones(4)), "cpu")
    assert {name: str(part.dtype) for name, part in seq_parts(made.inputs["chart"]).items()} == {
        "values": "torch.float32",
        "mask": "torch.bool",
        "position": "torch.float64",
        "seen": "torch.bool",
    }
    assert made.inputs["codes"].values.dtype == torch.int64
    assert made.inputs["codes"].side.dtype == torch.float32
    assert made.target.values.dtype == made.weight.dtype == torch.float32
    assert made.target.known.dtype == torch.bool
    assert made.rows.tolist() == [0, 1, 2, 3]


def seq_parts(seq: Seq) -> dict[str, Any]:
    parts = {name: getattr(seq, name) for name in ("values", "mask", "position", "seen", "side", "context")}
    return {name: part for name, part in parts.items() if part is not None}


def test_what_cannot_be_joined_is_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match=r"reads \(C, L\)"):
        model.check(study(), SPECS | {"ecg": SPECS["chart"]}, ("died",))
    with pytest.raises(ConfigError, match="the binary task has one label, the outcome has 2"):
        model.check(study(), SPECS, ("died", "readmitted"))
    with pytest.raises(ConfigError, match="no fuse is called 'concatt'"):
        model.check(study(fuse="concatt"), SPECS, ("died",))
    with pytest.raises(ConfigError, match="no task is called 'binery'"):
        model.check(study("binery"), SPECS, ("died",))
    dotted = {"a.b": {"modality": "fake", "encoder": "gru"}}
    with pytest.raises(ConfigError, match="has a dot in its name"):
        model.check(study(inputs=dotted), {"a.b": SPECS["chart"]}, ("died",))


def test_a_task_that_needs_what_the_encoder_does_not_give_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    binary = registry.module("tasks", "binary")

    class Dense(binary.Binary):
        needs = "map"

    monkeypatch.setattr(binary, "Binary", Dense)
    with pytest.raises(ConfigError, match=r"needs map, and the encoder 'resnet1d' of inputs\.ecg gives pooled, steps") as caught:
        model.check(study(inputs=of("ecg")), SPECS, ("died",))
    assert "unet" in caught.value.hint
    with pytest.raises(ConfigError, match="needs map of one input, and the study has 3"):
        model.check(study(), SPECS, ("died",))


# ---------------------------------------------------------------------------------------------------------------------- inputs


class FakeState(msgspec.Struct, frozen=True):
    mean: float


class FakeConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    scale: float = 1.0


@dataclass(frozen=True)
class FakeModality:
    """The first number of each row, less the training mean."""

    scale: float

    def fit(self, known: Known) -> FakeState:
        return FakeState(float(known.events["numeric_value"].mean()))

    def read(self, known: Known, state: FakeState) -> Ragged:
        values = (known.events["numeric_value"].to_numpy()[:, None] - state.mean) * self.scale
        return Ragged(np.arange(known.count + 1), values.astype(np.float32), np.zeros(known.count))

    def plain(self, known: Known, state: FakeState) -> Plain:
        return Plain(known.events["numeric_value"].to_numpy().astype(np.float32)[:, None], ("first",))

    def spec(self, state: FakeState) -> Spec:
        return Spec("fake", (1,), "index", single=True)

    def example(self, state: FakeState, rows: int, seed: int) -> Known:
        return known_of([state.mean] * rows)


def known_of(values: list[float]) -> Known:
    return Known(len(values), pl.DataFrame({"row": range(len(values)), "numeric_value": values}), payloads=None, kinds={})


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the modality "fake"."""
    real = registry.module
    fake_module = SimpleNamespace(Config=FakeConfig, State=FakeState, build=lambda settings: FakeModality(settings.scale))
    monkeypatch.setattr(registry, "module", lambda kind, name: fake_module if name == "fake" else real(kind, name))


def two_inputs() -> Study:
    wide = {"modality": {"name": "fake", "scale": 10.0}, "encoder": {"name": "mlp", "width": 4}}
    return study(inputs={"b": wide, "a": {"modality": "fake", "encoder": {"name": "mlp", "width": 4}}})


@pytest.mark.usefixtures("fake")
def test_inputs_are_fitted_on_the_training_rows_and_read_elsewhere() -> None:
    fitted = model.fit_inputs(two_inputs(), known_of([1.0, 3.0]))
    read, specs = model.read_inputs(fitted, known_of([5.0]))
    assert list(fitted) == list(read) == list(specs) == ["b", "a"]
    assert read["b"].values.tolist() == [[30.0]]
    assert read["a"].values.tolist() == [[3.0]]
    assert specs["a"].kind == "fake"


@pytest.mark.usefixtures("fake")
def test_states_survive_json() -> None:
    fitted = model.fit_inputs(two_inputs(), known_of([1.0, 3.0]))
    states = {name: msgspec.json.decode(msgspec.json.encode(one.state)) for name, one in fitted.items()}
    assert model.restore_inputs(two_inputs(), states) == fitted


@pytest.mark.usefixtures("fake")
def test_evidence_lays_the_plain_columns_side_by_side() -> None:
    fitted = model.fit_inputs(two_inputs(), known_of([1.0, 3.0]))
    target = Target(np.array([[1.0], [0.0]]), np.full((2, 1), True), ("died",))
    who = (np.array([7, 9]), np.array(["x", "y"]))
    found = model.evidence(two_inputs(), fitted, known_of([5.0, 6.0]), target, who)
    assert found.plain.names == ("b.first", "a.first")
    assert found.plain.values.tolist() == [[5.0, 5.0], [6.0, 6.0]]
    assert found.plain.values.dtype == np.float32
    assert found.subject.tolist() == [7, 9]
    assert found.row_id.tolist() == ["x", "y"]
    assert len(found) == 2


@pytest.mark.usefixtures("fake")
def test_a_fitted_study_answers_from_end_to_end() -> None:
    fitted = model.fit_inputs(two_inputs(), known_of([1.0, 3.0]))
    read, specs = model.read_inputs(fitted, known_of([5.0, 2.0, 5.0]))
    network, task = model.build(two_inputs(), specs, ("died",))
    answer = model.predict(network, task, read)
    assert answer.values[0] == answer.values[2] != answer.values[1]
    network.train()
    made = model.tensors(batch.collate(read, np.arange(3)), "cpu")
    target = Target(torch.tensor([[1.0], [0.0], [1.0]]), torch.ones(3, 1, dtype=torch.bool), ("died",))
    before = task.loss(network(made.inputs), target).sum()
    before.backward()
    for parameter in network.parameters():
        if parameter.grad is not None:
            parameter.data.sub_(0.01 * parameter.grad)
    assert task.loss(network(made.inputs), target).sum() < before


def test_an_absent_input_is_not_the_same_as_a_present_one_of_zeros() -> None:
    network, task = model.build(study(inputs=of("chart", "values")), SPECS, ("died",))
    given = inputs(2, ("chart", "values"))
    absent = replace(given["values"], offsets=np.zeros(3, np.int64))
    zeros = Ragged(np.arange(3), np.zeros((2, 2), np.float32), np.zeros(2), np.ones((2, 2), bool))
    without = model.predict(network, task, given | {"values": absent}).values
    with_zeros = model.predict(network, task, given | {"values": zeros}).values
    assert (np.abs(without - with_zeros) > 1e-4).all()


PICTURE = Spec("image", (1, 6, 6), "days", ("grey",), single=True)


def seeing(average: list[str], task: Any = "binary") -> Study:
    image = {"modality": "fake", "encoder": {"name": "cnn", "channels": [3]}, "average": average}
    return study(task, {"scan": image, **of("values")})


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_an_answer_from_several_sides_is_the_mean_and_the_same_for_a_mirrored_picture(task: str) -> None:
    specs = {"scan": PICTURE, "values": SPECS["values"]}
    rows = {"scan": ragged(PICTURE, 12, 3), "values": ragged(SPECS["values"], 12, 4)}
    mirrored = rows | {"scan": replace(rows["scan"], values=rows["scan"].values[..., ::-1], seen=rows["scan"].seen[..., ::-1])}
    one, task_ = model.build(seeing([], task), specs, ("ill",))
    both, _ = model.build(seeing(["horizontal"], task), specs, ("ill",))
    if task == "regression":
        for built in (one, both):
            task_.start(built.head, Target(np.arange(12.0)[:, None], np.ones((12, 1), bool), ("ill",)))
    here, there = model.predict(one, task_, rows).values, model.predict(one, task_, mirrored).values
    assert np.abs(here - there).max() > 1e-6
    np.testing.assert_allclose(model.predict(both, task_, rows).values, (here + there) / 2, atol=1e-6)
    np.testing.assert_allclose(model.predict(both, task_, mirrored).values, (here + there) / 2, atol=1e-6)


def test_sides_of_what_is_no_picture_and_of_answers_without_a_mean_are_refused() -> None:
    chart = {"chart": {"modality": "fake", "encoder": ENCODERS["chart"], "average": ["horizontal"]}}
    with pytest.raises(ConfigError, match="'measurements' is no picture"):
        model.build(study(inputs=chart), SPECS, ("ill",))
    codes = {"visits": {"modality": "fake", "encoder": {"name": "gru", "width": 4}, "average": ["horizontal"]}}
    with pytest.raises(ConfigError, match=r"inputs\.visits\.average: .*'next_event'"):
        model.build(study("next_event", codes), {"visits": Spec("codes", (), "days", vocabulary=9)}, ("a", "b"))


def test_a_model_says_the_same_of_rows_whether_or_not_they_share_sequences() -> None:
    inputs = {
        name: Ragged(np.arange(5) * 2, np.array(values), np.tile([0.0, 1.0], 4), same=np.array(same))
        for name, values, same in (("a", [1, 2, 3, 1, 1, 2, 3, 1], [0, 1, 0, 1]), ("b", [1, 1, 2, 2, 3, 3, 1, 1], [0, 1, 2, 0]))
    }
    specs = {name: Spec("codes", (), "index", vocabulary=4) for name in inputs}
    each = {name: {"modality": "fake", "encoder": {"name": "gru", "width": 5}} for name in inputs}
    torch.manual_seed(0)
    network, _ = model.build(study("pair", each, fuse="product"), specs, ("affinity",))
    rows = np.array([3, 0, 2, 1])
    once, apart = (model.tensors(batch.collate(inputs, rows, share=share), "cpu").inputs for share in (True, False))
    assert len(once["a"].values) == 2
    network.eval()
    network.head.mean.fill_(1.0)  # type: ignore[union-attr, operator]
    network.head.spread.fill_(2.0)  # type: ignore[union-attr, operator]
    torch.testing.assert_close(network(once), network(apart))


def test_a_pair_is_refused_where_the_study_has_not_two_inputs() -> None:
    with pytest.raises(ConfigError, match="a pair has 2 inputs, the study has 1"):
        model.build(study("pair", of("chart")), {"chart": SPECS["chart"]}, ("affinity",))
