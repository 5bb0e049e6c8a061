"""Rules of every method: padding and what was not seen have nothing, rows do not touch each other, and sums are right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.explain.attribution.conftest import LENGTHS, SERIES, TASK, Plainly, Sum, drawn, encoder, evidence, model
from torch import nn

from sequela.errors import UsageError
from sequela.explain.attribution import METHODS, Options, attribute, default, suited
from sequela.explain.attribution.cells import followed
from sequela.explain.question import Question
from sequela.tasks import multiclass, multilabel, regression
from sequela.types import Array, Attribution, Spec

FAMILIES = {
    "lstm": ("lstm", Spec("measurements", (4,), "index", side=4, context=2), {"pool": "attention"}),
    "gru_d": ("gru_d", Spec("measurements", (4,), "days", side=4, context=2), {}),
    "tcn": ("tcn", Spec("measurements", (4,), "index"), {"layers": 2}),
    "transformer": ("transformer", Spec("measurements", (4,), "index"), {}),
    "mlp": ("mlp", Spec("static", (4,), "index", single=True), {}),
    "lstm of codes": ("lstm", Spec("codes", (), "days", vocabulary=9, side=1), {}),
    "gru of visits": ("gru", Spec("codes", (3,), "days", vocabulary=9, context=1), {}),
    "retain": ("retain", Spec("codes", (3,), "days", vocabulary=9), {"width": 6}),
    "han": ("han", Spec("text", (3,), "index", vocabulary=9), {"width": 4, "embedding": 6}),
    "resnet1d": ("resnet1d", Spec("waveform", (2, 32), "seconds", single=True), {"width": 4}),
    "cnn of pictures": ("cnn", Spec("image", (1, 16, 16), "index", single=True), {"channels": [3]}),
}
QUICK = set(METHODS) - {"kernel_shap", "gradient_explainer"}  # shap alone takes seconds to load: test_shapley.py
FEW = {"lime": 20, "integrated_gradients": 8}


def few(method: str) -> Options:
    return Options(points=FEW.get(method, 3))


def parts(found: Attribution) -> Array:
    """What the parts of each row sum to, of one input."""
    ((name, cells),) = found.cells.items()
    each = cells.reshape(len(cells), -1).sum(1) + (found.side[name].sum(1) if name in found.side else 0)
    return np.add.reduceat(np.append(each, 0.0), np.minimum(OFFSETS, len(each)))[: len(LENGTHS)] * (np.array(LENGTHS) > 0)


OFFSETS = np.concatenate([[0], np.cumsum(LENGTHS)])[:-1]


@pytest.mark.parametrize("family", FAMILIES)
def test_every_method_that_suits_an_encoder_leaves_what_was_not_seen_at_zero_and_rows_apart(family: str) -> None:
    name, spec, options = FAMILIES[family]
    lengths = tuple(min(count, 1) for count in LENGTHS) if spec.single else LENGTHS
    ragged, network = drawn(spec, lengths), model({"chart": encoder(name, spec, options)})
    rows, alone = evidence({"chart": ragged}, {"chart": spec}), drawn(spec, lengths[:1])
    assert isinstance(ragged.values, np.ndarray)
    first = int(ragged.offsets[1])
    alone = replace(
        ragged,
        offsets=ragged.offsets[:2],
        values=ragged.values[:first],
        position=ragged.position[:first],
        seen=None if ragged.seen is None else np.asarray(ragged.seen)[:first],
        side=None if ragged.side is None else ragged.side[:first],
        context=None if ragged.context is None else ragged.context[:1],
    )
    for method in QUICK & set(suited({"chart": spec}, "binary", [network])):
        found = attribute([network], TASK, rows, method, few(method))
        cells = found.cells["chart"]
        assert cells.shape == ragged.values.shape and np.isfinite(cells).all(), method
        assert ragged.seen is None or not cells[~np.asarray(ragged.seen)].any(), method
        own = attribute([network], TASK, evidence({"chart": alone}, {"chart": spec}), method, few(method))
        np.testing.assert_allclose(cells[:first], own.cells["chart"], atol=2e-5, err_msg=method)
        assert method == "grad_cam" or np.abs(cells).max() > 0, method
        if found.context:
            assert not found.context["chart"][1].any(), method  # the row without steps


def test_the_terms_of_a_sum_are_found_by_every_method_that_is_complete() -> None:
    summed = Sum(3)
    network, ragged = model({"chart": summed}), drawn(SERIES)
    rows = evidence({"chart": ragged}, {"chart": SERIES})
    weight = (summed.weight @ network.head.out.weight.T)[:, 0].detach().numpy()  # type: ignore[union-attr, operator]
    expected = np.asarray(ragged.values) * np.asarray(ragged.seen) * weight
    for method in ("integrated_gradients", "ablation"):
        found = attribute([network], TASK, rows, method, replace(few(method), by="cell"))
        np.testing.assert_allclose(found.cells["chart"], expected, atol=1e-5, err_msg=method)
    for method in ("gradient_shap", "smoothed_gradient_shap"):
        found = attribute([network], TASK, rows, method)
        np.testing.assert_allclose(parts(found), found.told - found.rest, atol=1e-5, err_msg=method)


def test_several_networks_are_explained_by_the_mean_of_their_log_odds() -> None:
    rows = evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    members = [model({"chart": Plainly()}, seed=seed) for seed in (0, 1)]
    each = [attribute([member], TASK, rows, "integrated_gradients", few("integrated_gradients")) for member in members]
    both = attribute(members, TASK, rows, "integrated_gradients", few("integrated_gradients"))
    np.testing.assert_allclose(both.cells["chart"], np.mean([one.cells["chart"] for one in each], 0), atol=1e-6)
    np.testing.assert_allclose(both.told, np.mean([one.told for one in each], 0), atol=1e-6)


def test_several_inputs_are_explained_together() -> None:
    codes, picture = Spec("codes", (3,), "days", vocabulary=9), Spec("image", (1, 16, 16), "index", single=True)
    specs = {"chart": SERIES, "history": codes, "x_ray": picture}
    single = (1, 0, 1, 1)
    inputs = {"chart": drawn(SERIES), "history": drawn(codes, (0, 3, 2, 1)), "x_ray": drawn(picture, single, whole=True)}
    network = model({"chart": Plainly(), "history": encoder("gru", codes), "x_ray": encoder("cnn", picture, {"channels": [3]})})
    found = attribute([network], TASK, evidence(inputs, specs), "integrated_gradients", Options(points=32))
    assert {name: cells.shape for name, cells in found.cells.items()} == {
        name: np.asarray(ragged.values).shape for name, ragged in inputs.items()
    }
    total = np.zeros(4)
    for name, ragged in inputs.items():
        np.add.at(total, np.repeat(np.arange(4), ragged.lengths), found.cells[name].reshape(int(ragged.offsets[-1]), -1).sum(1))
    np.testing.assert_allclose(total, found.told - found.rest, atol=0.01)


@pytest.mark.parametrize(
    ("task", "columns", "chosen"),
    [
        (multiclass.build(multiclass.Config(), ("a", "b", "c")), 3, [2, 0, 1, 1]),
        (multilabel.build(multilabel.Config(), ("a", "b", "c")), 3, [0, 2, 1, 1]),
    ],
)
def test_the_column_that_is_asked_for_is_explained(task: object, columns: int, chosen: list[int]) -> None:
    network, rows = model({"chart": Plainly()}, columns), evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    wanted = attribute([network], task, rows, "ablation", Options(column=np.array(chosen)))  # type: ignore[arg-type]
    usual = attribute([network], task, rows, "ablation")  # type: ignore[arg-type]
    assert wanted.column.tolist() == chosen
    assert (usual.told >= wanted.told - 1e-9).all() and not np.allclose(usual.told, wanted.told)


def test_a_quantity_is_explained_in_its_own_unit() -> None:
    task = regression.build(regression.Config(), ("potassium",))
    network = model({"chart": Plainly()})
    head = task.head(8)
    task.start(
        head,
        evidence({"chart": drawn(SERIES)}, {"chart": SERIES}).target.__class__(
            np.array([[3.0], [5.0]]), np.ones((2, 1), bool), ("potassium",)
        ),
    )
    network.head = head
    found = attribute([network], task, evidence({"chart": drawn(SERIES)}, {"chart": SERIES}), "integrated_gradients")
    np.testing.assert_allclose(parts(found), found.told - found.rest, atol=1e-4)
    assert (np.abs(found.told - 4) < 3).all()


def test_what_is_drawn_for_a_row_is_the_same_each_time_and_another_with_another_seed() -> None:
    network, rows = model({"chart": Plainly()}), evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    one, again, other = (attribute([network], TASK, rows, options=Options(points=5, seed=seed)) for seed in (0, 0, 1))
    assert np.array_equal(one.cells["chart"], again.cells["chart"])
    assert not np.allclose(one.cells["chart"], other.cells["chart"])


def test_a_background_of_other_lengths_is_laid_step_for_step_from_the_first() -> None:
    network, rows = model({"chart": Sum(3)}), evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    background = evidence({"chart": drawn(SERIES, (3, 9), seed=5)}, {"chart": SERIES})
    found = attribute([network], TASK, rows, "gradient_shap", Options(points=4, background=background))
    np.testing.assert_allclose(parts(found), found.told - found.rest, atol=1e-5)
    assert not np.allclose(found.rest, found.rest[1])


def test_the_default_suits_the_inputs() -> None:
    codes, table = Spec("codes", (), "days", vocabulary=9), Spec("static", (4,), "index", single=True)
    assert default({"chart": SERIES, "history": codes}, "binary") == "smoothed_gradient_shap"
    assert default({"history": codes}, "survival") == default({"table": table}, "binary") == "gradient_shap"
    assert "lime" in suited({"table": table}, "binary") and "lime" not in suited({"chart": SERIES}, "binary")
    assert suited({"chart": SERIES}, "segment") == ()


@pytest.mark.parametrize("name", ["deep_lift", "deep_explainer"])
def test_methods_that_are_wrong_on_recurrent_networks_are_refused_by_name(name: str) -> None:
    rows = evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    with pytest.raises(UsageError, match="recurrent") as caught:
        attribute([model({"chart": Plainly()})], TASK, rows, name)
    assert "smoothed_gradient_shap" in caught.value.hint


def test_a_method_that_does_not_suit_and_one_that_is_not_known_are_refused() -> None:
    rows = evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    network = model({"chart": Plainly()})
    with pytest.raises(UsageError, match="does not suit"):
        attribute([network], TASK, rows, "retain")
    with pytest.raises(UsageError, match="no method 'gradient_shop'"):
        attribute([network], TASK, rows, "gradient_shop")


def test_no_row_has_no_cells() -> None:
    found = attribute([model({"chart": Plainly()})], TASK, evidence({"chart": drawn(SERIES, ())}, {"chart": SERIES}))
    assert found.cells["chart"].shape == (0, 3) and found.told.shape == (0,)


def test_networks_are_left_in_their_mode_and_cudnn_is_back() -> None:
    network = model({"chart": Plainly()}).train()
    was = torch.backends.cudnn.enabled
    with followed(Question([network], TASK)):
        assert not network.training and not torch.backends.cudnn.enabled
        assert not any(weight.requires_grad for weight in network.parameters())
    assert network.training and torch.backends.cudnn.enabled == was
    assert all(weight.requires_grad for weight in network.parameters())


def test_every_method_says_whether_it_is_complete() -> None:
    network, rows = model({"chart": Plainly()}), evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    for name in QUICK & set(suited(rows.specs, "binary", [network])):
        assert attribute([network], TASK, rows, name, few(name)).complete == METHODS[name].complete


def test_an_encoder_that_makes_its_vectors_by_itself_is_refused_with_what_to_take() -> None:
    class Own(nn.Module):
        gives, causal, width = frozenset({"pooled"}), True, 2

        def __init__(self) -> None:
            super().__init__()
            self.table = nn.Embedding(9, 2)

        def forward(self, seq: object) -> object:
            raise AssertionError("it is not asked")

    codes = Spec("codes", (), "days", vocabulary=9)
    with pytest.raises(UsageError, match="no gradient is followed"):
        attribute(
            [model({"history": Own()})],
            TASK,
            evidence({"history": drawn(codes)}, {"history": codes}),
            "gradient_shap",
            Options(column=np.zeros(4, np.int64)),
        )
