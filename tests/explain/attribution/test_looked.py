"""What networks tell of themselves, tables, and which cells go together."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.explain.attribution.conftest import LENGTHS, SERIES, TASK, Plainly, Sum, drawn, encoder, evidence, model
from torch import nn

from sequela import batch
from sequela import model as models
from sequela.errors import UsageError
from sequela.explain.attribution import Options, attribute, suited
from sequela.explain.attribution.cells import opened
from sequela.explain.attribution.groups import groups
from sequela.explain.question import Question
from sequela.types import Ragged, Spec

VISITS = Spec("codes", (3,), "days", vocabulary=9, side=2, context=1)


def test_attention_is_a_share_of_each_step_and_says_what_it_is() -> None:
    ragged = drawn(SERIES, whole=True)
    network = model({"chart": encoder("lstm", SERIES, {"pool": "attention"})})
    found = attribute([network], TASK, evidence({"chart": ragged}, {"chart": SERIES}), "attention")
    sums = np.bincount(np.repeat(np.arange(4), LENGTHS), found.cells["chart"].sum(1), 4)
    np.testing.assert_allclose(sums, [1, 0, 1, 1], atol=1e-6)
    assert found.method == "attention" and not found.complete and np.isnan(found.rest).all()


def test_attention_is_for_encoders_that_have_it() -> None:
    assert "attention" not in suited({"chart": SERIES}, "binary", [model({"chart": Plainly()})])
    assert "attention" not in suited({"chart": SERIES}, "binary")


def test_the_terms_of_retain_are_exact_and_their_rest_is_what_is_told_of_nothing() -> None:
    network = model({"visits": encoder("retain", VISITS, {"width": 6})})
    ragged = drawn(VISITS)
    found = attribute([network], TASK, evidence({"visits": ragged}, {"visits": VISITS}), "retain")
    each = found.cells["visits"].sum(1) + found.side["visits"].sum(1)
    sums = np.bincount(np.repeat(np.arange(4), LENGTHS), each, 4) + found.context["visits"].sum(1)
    np.testing.assert_allclose(sums, found.told - found.rest, atol=1e-6)
    bias = network.head.out.bias.item()  # type: ignore[union-attr, operator]
    there = np.array(LENGTHS) > 0
    np.testing.assert_allclose(found.rest[there], bias, atol=1e-5)


def test_retain_under_a_deeper_head_is_no_sum() -> None:
    network = model({"visits": encoder("retain", VISITS, {"width": 6})})
    network.head.hidden = nn.Linear(7, 7)
    with pytest.raises(UsageError, match="does not suit"):
        attribute([network], TASK, evidence({"visits": drawn(VISITS)}, {"visits": VISITS}), "retain")


def test_lime_finds_the_slopes_of_a_table() -> None:
    spec = Spec("static", (4,), "index", single=True)
    summed = Sum(4)
    network, ragged = model({"table": summed}), drawn(spec, (1, 0, 1), whole=True)
    found = attribute([network], TASK, evidence({"table": ragged}, {"table": spec}), "lime")
    weight = (summed.weight @ network.head.out.weight.T)[:, 0].detach().numpy()  # type: ignore[union-attr, operator]
    expected = np.asarray(ragged.values) * weight
    np.testing.assert_allclose(found.cells["table"], expected, atol=0.05 * np.abs(expected).max())


def test_the_heat_of_a_picture_is_shared_by_its_channels() -> None:
    spec = Spec("image", (2, 16, 16), "index", single=True)
    network = model({"x_ray": encoder("cnn", spec, {"channels": [3]})})
    found = attribute([network], TASK, evidence({"x_ray": drawn(spec, (1, 0, 1), whole=True)}, {"x_ray": spec}), "grad_cam")
    heat = found.cells["x_ray"].sum(1)
    assert heat.min() >= 0 and heat.max() <= 1 + 1e-6
    assert np.array_equal(found.cells["x_ray"][:, 0], found.cells["x_ray"][:, 1])


def test_occlusion_finds_the_square_that_alone_decides() -> None:
    class Corner(nn.Module):
        gives, causal, width = frozenset({"pooled"}), True, 1

        def forward(self, seq: object) -> object:
            from sequela.types import Encoded, Seq

            assert isinstance(seq, Seq)
            return Encoded(None, seq.mask, seq.values[:, 0, 0, :4, :4].sum((1, 2)).unsqueeze(1))

    spec = Spec("image", (1, 16, 16), "index", single=True)
    ragged = drawn(spec, (1, 1), whole=True)
    found = np.abs(
        attribute([model({"x_ray": Corner()})], TASK, evidence({"x_ray": ragged}, {"x_ray": spec}), "occlusion").cells["x_ray"]
    )
    assert found[:, 0, :4, :4].sum() > 0 and not found[:, 0, 6:, 6:].any()


def opened_groups(spec: Spec, ragged: Ragged, by: str) -> list[list[int]]:
    """The group of each cell of each row's values, -1 where nothing was seen."""
    inputs = models.tensors(batch.collate({"one": ragged}, np.arange(len(ragged))), "cpu").inputs
    cells = opened(Question([], TASK), inputs, {"one": spec}, torch.zeros(len(ragged), dtype=torch.int64))
    found = groups(cells, by)
    return [row.flatten().tolist() for row in found.number[0]]


def test_a_code_is_one_group_wherever_it_stands_and_a_visit_all_that_it_holds() -> None:
    codes = Spec("codes", (2,), "days", vocabulary=9)
    seen = np.array([[True, True], [True, False]])
    ragged = Ragged(np.array([0, 2]), np.array([[4, 7], [4, 7]]), np.arange(2.0), seen)
    assert opened_groups(codes, ragged, "code") == [[0, 1, 0, -1]]
    assert opened_groups(codes, ragged, "visit") == [[0, 0, 1, -1]]
    assert opened_groups(codes, ragged, "cell") == [[0, 1, 2, -1]]


def test_a_lead_is_one_group_and_a_region_a_stretch_of_it() -> None:
    windows = Spec("waveform", (2, 32), "seconds")
    ragged = Ragged(np.array([0, 1]), np.zeros((1, 2, 32), np.float32), np.zeros(1))
    assert opened_groups(windows, ragged, "lead") == [[0] * 32 + [1] * 32]
    assert opened_groups(windows, ragged, "region") == [[k // 2 for k in range(32)] * 2]


def test_a_word_that_names_no_groups_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="'featur'") as caught:
        attribute(
            [model({"chart": Plainly()})],
            TASK,
            evidence({"chart": drawn(SERIES)}, {"chart": SERIES}),
            "ablation",
            Options(by="featur"),
        )
    assert "feature" in caught.value.hint
