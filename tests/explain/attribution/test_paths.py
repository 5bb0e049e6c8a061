"""Paths: on rectangles they are Captum's own to 1e-6, and smoothing moves evidence without making or losing any."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from captum.attr import FeatureAblation, GradientShap, IntegratedGradients
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.explain.attribution.conftest import TASK, Plainly, drawn, evidence, model, rectangle
from torch import Tensor

from sequela.explain.attribution import Options, attribute
from sequela.explain.attribution.cells import opened
from sequela.explain.attribution.compared import compared
from sequela.explain.attribution.paths import expected
from sequela.explain.attribution.smoothing import smoothed
from sequela.explain.question import Question
from sequela.model import Model
from sequela.types import Seq, Spec

CLOSE = 1e-6


def bare(network: Model, x: Tensor) -> Tensor:
    """The log-odds of plain tensors, as libraries ask for them."""
    mask = torch.ones(x.shape[:2], dtype=torch.bool)
    out: Tensor = network({"chart": Seq(x, mask, torch.zeros(x.shape[:2], dtype=torch.float64))})
    return out[:, 0].double()


@pytest.mark.parametrize("points", [5, 50])
def test_integrated_gradients_of_a_rectangle_are_those_of_captum(points: int) -> None:
    network = model({"chart": Plainly()})
    rows, x = rectangle()
    found = attribute([network], TASK, rows, "integrated_gradients", Options(points=points))
    theirs = IntegratedGradients(lambda x: bare(network, x)).attribute(x, n_steps=points)
    np.testing.assert_allclose(found.cells["chart"].reshape(x.shape), theirs.detach().numpy(), atol=CLOSE)


def test_integrated_gradients_of_ragged_rows_are_those_of_captum_row_by_row() -> None:
    network, spec = model({"chart": Plainly()}), Spec("measurements", (3,), "index")
    ragged = drawn(spec, (6, 2, 4), whole=True)
    found = attribute([network], TASK, evidence({"chart": ragged}, {"chart": spec}), "integrated_gradients")
    for begin, end in zip(ragged.offsets, ragged.offsets[1:], strict=False):
        x = torch.as_tensor(np.asarray(ragged.values)[begin:end])[None]
        theirs = IntegratedGradients(lambda x: bare(network, x)).attribute(x, n_steps=50)
        np.testing.assert_allclose(found.cells["chart"][begin:end], theirs[0].detach().numpy(), atol=CLOSE)


def test_gradient_shap_of_the_same_samples_is_that_of_captum(monkeypatch: pytest.MonkeyPatch) -> None:
    network, samples = model({"chart": Plainly()}), 7
    rows, x = rectangle()
    background = rectangle(rows=5, seed=9)[1]
    which, share = np.random.default_rng(0).integers(0, 5, len(x) * samples), np.random.default_rng(1).random(len(x) * samples)
    monkeypatch.setattr(np.random, "choice", lambda *_: which)  # Captum draws from these two
    monkeypatch.setattr(np.random, "uniform", lambda *_: share)
    theirs = GradientShap(lambda x: bare(network, x)).attribute(x, background, n_samples=samples)
    monkeypatch.undo()
    inputs = {"chart": Seq(x, torch.ones(x.shape[:2], dtype=torch.bool), torch.zeros(x.shape[:2], dtype=torch.float64))}
    cells = opened(Question([network], TASK), inputs, rows.specs)
    others = [(background[which.reshape(len(x), samples)[:, k]],) for k in range(samples)]
    shares = torch.as_tensor(share.reshape(len(x), samples).T, dtype=torch.float32)
    (found,) = expected(compared(cells, None, rows.row_id, 0), others, shares).parts
    torch.testing.assert_close(found, theirs.detach(), rtol=0, atol=CLOSE)


@pytest.mark.parametrize("by", ["feature", "step", "cell"])
def test_ablation_of_a_rectangle_is_that_of_captum_shared_by_the_cells_of_a_group(by: str) -> None:
    network = model({"chart": Plainly()})
    rows, x = rectangle()
    mask = {
        "feature": torch.arange(3).expand(1, 6, 3),
        "step": torch.arange(6).view(1, 6, 1).expand(1, 6, 3),
        "cell": torch.arange(18).view(1, 6, 3),
    }[by]
    theirs = FeatureAblation(lambda x: bare(network, x)).attribute(x, feature_mask=mask) / torch.bincount(mask.flatten())[0]
    found = attribute([network], TASK, rows, "ablation", Options(by=by))
    np.testing.assert_allclose(found.cells["chart"].reshape(x.shape), theirs.numpy(), atol=CLOSE)


@given(seed=st.integers(0, 99), spread=st.floats(0.3, 9), lengths=st.lists(st.integers(0, 7), min_size=1, max_size=4))
@settings(max_examples=30, deadline=None)
def test_smoothing_keeps_the_sum_of_each_feature_of_each_row_and_what_was_not_seen(
    seed: int, spread: float, lengths: list[int]
) -> None:
    from sequela import batch
    from sequela import model as models

    spec = Spec("measurements", (3,), "index")
    ragged = drawn(spec, tuple(lengths), seed)
    inputs = models.tensors(batch.collate({"chart": ragged}, np.arange(len(lengths))), "cpu").inputs
    cells = opened(Question([], TASK), inputs, {"chart": spec}, torch.zeros(len(lengths), dtype=torch.int64))
    part = (
        torch.randn(cells.tensors[0].shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * cells.there[0]
    )
    (after,) = smoothed(cells, [part], spread)
    torch.testing.assert_close(after.sum(1), part.sum(1))
    assert not after[~cells.there[0]].any()
    torch.testing.assert_close(smoothed(cells, [part], 0)[0], part)


def test_smoothing_brings_out_what_neighbours_agree_on() -> None:
    spec = Spec("measurements", (1,), "index")
    seq = Seq(torch.zeros(1, 40, 1), torch.ones(1, 40, dtype=torch.bool), torch.zeros(1, 40))
    cells = opened(Question([], TASK), {"chart": seq}, {"chart": spec}, torch.zeros(1, dtype=torch.int64))
    part = torch.tensor([3.0, -3.0] * 20, dtype=torch.float64).view(1, 40, 1)  # one step credits what the next takes back
    part[0, 15:23] += 0.5
    (after,) = smoothed(cells, [part], 2.0)
    assert set(after[0, 4:36, 0].topk(8).indices.add(4).tolist()) == set(range(15, 23))
