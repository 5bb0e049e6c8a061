"""Shapley values are shap's own on rectangles, and sum to the answer on rows of any form."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
import pytest
import torch
from tests.explain.attribution.conftest import LENGTHS, SERIES, TASK, Plainly, drawn, encoder, evidence, model, rectangle
from torch import Tensor, nn

from sequela import seed
from sequela.errors import UsageError
from sequela.explain.attribution import Options, attribute
from sequela.types import Seq, Spec

pytestmark = pytest.mark.slow  # shap alone takes seconds to load


@pytest.fixture(scope="module")
def shap() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import shap

        return shap


class Bare(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[:2], dtype=torch.bool)
        out: Tensor = self.network({"chart": Seq(x, mask, torch.zeros(x.shape[:2], dtype=torch.float64))})
        return out.double()


def test_kernel_shap_of_features_is_that_of_shap(shap: ModuleType) -> None:
    network = model({"chart": Plainly()})
    rows, x = rectangle(rows=2)

    def told(kept: np.ndarray, row: int) -> np.ndarray:
        with torch.no_grad():
            found: np.ndarray = Bare(network)(x[row] * torch.as_tensor(kept, dtype=torch.float32)[:, None, :])[:, 0].numpy()
        return found

    found = attribute([network], TASK, rows, "kernel_shap").cells["chart"].reshape(x.shape)
    for row in range(2):
        explainer = shap.KernelExplainer(lambda kept, row=row: told(kept, row), np.zeros((1, 3)))
        np.testing.assert_allclose(
            found[row].sum(0), explainer.shap_values(np.ones((1, 3)), silent=True, l1_reg=False)[0], atol=1e-6
        )


def test_the_gradient_explainer_is_that_of_shap(shap: ModuleType) -> None:
    network = model({"chart": Plainly()})
    rows, x = rectangle(rows=2)
    other, background = rectangle(rows=5, seed=9)
    found = attribute([network], TASK, rows, "gradient_explainer", Options(points=9, background=other))
    for row in range(2):
        random = seed.generator(0, "attribution", str(row))
        order = random.permutation(5)  # the background comes in the order that is drawn for the row
        theirs = shap.GradientExplainer(Bare(network), background[order]).shap_values(
            x[row, None], nsamples=9, rseed=int(random.integers(1 << 31))
        )
        np.testing.assert_allclose(found.cells["chart"].reshape(x.shape)[row], np.asarray(theirs).reshape(x.shape[1:]), atol=1e-6)


@pytest.mark.parametrize("spec", [SERIES, Spec("codes", (3,), "days", vocabulary=9, side=1, context=2)])
def test_shapley_values_of_ragged_rows_leave_padding_at_zero_and_the_random_numbers_of_others_alone(spec: Spec) -> None:
    ragged = drawn(spec)
    rows, network = evidence({"chart": ragged}, {"chart": spec}), model({"chart": encoder("gru", spec)})
    np.random.seed(3)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    for method, points in (("kernel_shap", 60), ("gradient_explainer", 4)):
        found = attribute([network], TASK, rows, method, Options(points=points))
        assert not found.cells["chart"][~np.asarray(ragged.seen)].any()
        if method == "kernel_shap":
            each = found.cells["chart"].sum(1) + (found.side["chart"].sum(1) if spec.side else 0)
            sums = np.bincount(np.repeat(np.arange(len(LENGTHS)), LENGTHS), each, len(LENGTHS))
            sums += found.context["chart"].sum(1) if spec.context else 0
            np.testing.assert_allclose(sums, found.told - found.rest, atol=1e-6)
    assert np.random.random() == expected  # noqa: NPY002


def test_too_few_questions_for_the_groups_are_refused() -> None:
    rows = evidence({"chart": drawn(SERIES)}, {"chart": SERIES})
    with pytest.raises(UsageError, match="4 questions"):
        attribute([model({"chart": Plainly()})], TASK, rows, "kernel_shap", Options(points=4))
