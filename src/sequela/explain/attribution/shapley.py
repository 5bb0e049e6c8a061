"""Shapley values through shap, of what it is right on.

kernel_shap          of natural groups (groups.py), each kept or put aside as by ablation: a weighed least-squares fit over drawn
                     sets of groups (Lundberg 2017). It sums to told - rest exactly, which says nothing of whether it is true
gradient_explainer   shap's own expected gradients (Lundberg 2017; Erion 2021), row by row; gradient_shap is the same faster

shap draws from NumPy's one stream of random numbers: it is set for each row, and put back as it was.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn

from sequela.errors import UsageError
from sequela.explain.attribution.cells import Cells
from sequela.explain.attribution.compared import Compared
from sequela.explain.attribution.found import Found
from sequela.explain.attribution.groups import Groups, groups
from sequela.explain.attribution.options import Options
from sequela.extras import need
from sequela.types import Array

SAMPLES = 200  # of gradient_explainer; shap's own
AT_ONCE = 256  # sets of groups that are asked about together


def kernel_shap(rows: Compared, options: Options) -> Found:
    """Of each row its groups."""
    cells, shap = rows.cells, _shap()
    grouped = groups(cells, options.by)
    found = torch.zeros(len(cells.column), int(grouped.count.max()), dtype=torch.float64, device=cells.column.device)
    points = 0
    for row, count in enumerate(grouped.count.tolist()):
        if count:
            asked = options.points or 2 * count + 2048  # shap's own choice
            _refuse_few(asked, count)
            points = max(points, asked)
            with _seeded(rows.random[row]):
                found[row, :count] = torch.as_tensor(_kernel(shap, cells, grouped, row, asked))
    return Found(grouped.shared(found), points, cells.asked(*cells.rest, cells.row))


def _refuse_few(points: int, count: int) -> None:
    if points < 2 * count:
        raise UsageError(
            f"{points} questions to the network do not tell {count} groups of a row apart; at least {2 * count} are needed",
            hint="ask more, or put larger groups aside (by = 'feature' or 'step')",
        )


def _kernel(shap: ModuleType, cells: Cells, grouped: Groups, row: int, points: int) -> Array:
    """What each group of a row adds, float64 "G"."""
    count, width = int(grouped.count[row]), int(grouped.count.max())

    def told(kept: Array) -> Array:
        keep = torch.ones(len(kept), width, dtype=torch.bool, device=cells.column.device)
        keep[:, :count] = torch.as_tensor(kept > 0, device=keep.device)
        each = [_asked(cells, grouped, row, some) for some in torch.split(keep, AT_ONCE)]
        return np.concatenate(each)

    explainer = shap.KernelExplainer(told, np.zeros((1, count)))
    values: Array = explainer.shap_values(np.ones((1, count)), nsamples=points, l1_reg=False, silent=True)
    return values.reshape(count)


def _asked(cells: Cells, grouped: Groups, row: int, keep: Tensor) -> Array:
    rows = torch.full((len(keep),), row, device=keep.device)
    found: Array = cells.asked(*grouped.kept(cells, rows, keep), rows).cpu().numpy()
    return found


class _One(nn.Module):
    """What is told of one row of a batch, as shap wants to ask: any number of times, "R 1"."""

    def __init__(self, cells: Cells, row: int) -> None:
        super().__init__()
        self.cells, self.row = cells, row

    def forward(self, *parts: Tensor) -> Tensor:
        rows = torch.full((len(parts[0]),), self.row, device=parts[0].device)
        unused = torch.stack([0.0 * part.flatten(1).sum(1) for part in parts]).sum(0)  # shap asks for a slope of each
        return (self.cells.told(*parts, rows) + unused).unsqueeze(1)


def gradient_explainer(rows: Compared, options: Options) -> Found:
    """Against as many other rows as there are, or as many as samples are drawn."""
    cells, shap, points = rows.cells, _shap(), options.points or SAMPLES
    others = rows.others(points if rows.background is None else min(points, len(rows.background.column)))
    parts = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    rest = torch.stack([cells.asked(*other, cells.row) for other in others]).mean(0)
    for row in range(len(cells.column)):
        against = [torch.stack([other[number][row] for other in others]) for number in range(len(parts))]
        own = [tensor[row, None].clone() for tensor in cells.tensors]
        seed = int(rows.random[row].integers(1 << 31))
        with _seeded(rows.random[row]):
            values = shap.GradientExplainer(_One(cells, row), against).shap_values(own, nsamples=points, rseed=seed)
        for part, value in zip(parts, values, strict=True):
            part[row] = torch.as_tensor(np.asarray(value).reshape(part[row].shape))
    return Found(parts, points, rest)


def _shap() -> ModuleType:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of matplotlib, which shap loads
        return need("shap", "explain")


@contextmanager
def _seeded(random: np.random.Generator) -> Iterator[None]:
    """Within, NumPy's global numbers, from which alone shap draws, follow from these; afterwards they are the caller's again."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(int(random.integers(1 << 31)))  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
