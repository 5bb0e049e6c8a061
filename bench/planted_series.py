"""Series with planted causes: how well each method of attribution finds them, and what it costs. One row a method.

    python bench/planted_series.py

48 steps of 37 standard normal features; in a random window of 8 steps the first three are moved by +1 (label 1) or -1 (label 0).
Those 24 of 1,776 cells are the truth. One LSTM of 64 units learns the label from 2,048 series; of 64 others each method says what
each cell adds, and its absolute size is held against the truth: AUROC and AUPRC of each series, their mean, and a 95% interval by
resampling series. Beside ours stand Captum and shap on the bare network. Then the same with series of 24 to 48 steps, padded.

What methods do by themselves was chosen on make(64, 3) and models of other seeds. CPU-milliseconds, one thread.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Mapping
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import numpy as np
import torch
from captum.attr import GradientShap, IntegratedGradients
from harness import PACKAGES, measure, record
from sklearn.metrics import average_precision_score, roc_auc_score
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from sequela import threads
from sequela.contracts import Evidence
from sequela.explain.attribution import Options, attribute
from sequela.model import Model
from sequela.nn import head as heads
from sequela.tasks import binary
from sequela.types import Array, Encoded, Plain, Ragged, Seq, Spec, Target

STEPS, FEATURES, WINDOW, CAUSES, WIDTH = 48, 37, 8, 3, 64
with warnings.catch_warnings():  # of matplotlib; loading it is no part of what a method costs
    warnings.simplefilter("ignore")
    import shap

SHORTEST = 24  # steps, where lengths differ
TRAINED, SHOWN, BACKGROUND = 2048, 64, 256
TASK = binary.build(binary.Config(), ("event",))
OURS: Mapping[str, tuple[str, Options]] = {
    "smoothed_gradient_shap": ("smoothed_gradient_shap", Options()),
    "gradient_shap": ("gradient_shap", Options()),
    "integrated_gradients, 5 points": ("integrated_gradients", Options(points=5)),
    "integrated_gradients": ("integrated_gradients", Options()),
    "integrated_gradients, 200 points": ("integrated_gradients", Options(points=200)),
    "ablation by feature": ("ablation", Options(by="feature")),
    "ablation by step": ("ablation", Options(by="step")),
    "ablation by cell": ("ablation", Options(by="cell")),
    "occlusion": ("occlusion", Options()),
    "kernel_shap by feature": ("kernel_shap", Options(by="feature")),
    "kernel_shap by step": ("kernel_shap", Options(by="step")),
    "gradient_explainer": ("gradient_explainer", Options()),
}
WITHOUT_ROWS = ("smoothed_gradient_shap", "gradient_shap")  # methods that are shown without a background as well


def make(count: int, seed: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Series (n, 48, 37), labels (n,), the truth (n, 48, 37), and lengths (n,) of 24 to 48 that leave the truth in."""
    draw = torch.Generator().manual_seed(seed)
    x = torch.randn(count, STEPS, FEATURES, generator=draw)
    y = torch.randint(0, 2, (count,), generator=draw)
    start = torch.randint(0, STEPS - WINDOW, (count,), generator=draw)
    step = torch.arange(STEPS)
    truth = torch.zeros(count, STEPS, FEATURES, dtype=torch.bool)
    truth[:, :, :CAUSES] = ((step >= start[:, None]) & (step < start[:, None] + WINDOW))[:, :, None]
    least = (start + WINDOW).clamp(min=SHORTEST)
    length = least + (torch.rand(count, generator=draw) * (STEPS + 1 - least)).long()
    return x + truth * (2.0 * y - 1.0)[:, None, None], y, truth, length


class LSTM(nn.Module):
    """The last state of one LSTM, as an encoder."""

    gives, causal = frozenset({"pooled"}), True
    width = steps_width = WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.states = nn.LSTM(FEATURES, WIDTH, batch_first=True)

    def forward(self, seq: Seq) -> Encoded:
        last = seq.mask.sum(1) - 1
        return Encoded(None, seq.mask, self.states(seq.values)[0][torch.arange(len(last)), last])


class Bare(nn.Module):
    """The same network over tensors alone, "B T F" to "B 1": as libraries want it."""

    def __init__(self, model: Model) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        mask = torch.ones(x.shape[:2], dtype=torch.bool)
        out: Tensor = self.model({"series": Seq(x, mask, torch.zeros(x.shape[:2]))})
        return out


def trained(seed: int, padded: bool) -> Model:
    """The network, after 12 epochs of Adam at 0.003 in batches of 64, clipped at 1."""
    torch.manual_seed(seed)
    model = Model({"series": LSTM()}, nn.Identity(), heads.Head(WIDTH, 1, heads.Config()))  # type: ignore[arg-type]
    x, y, _, length = make(TRAINED, 1)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    for _ in range(12):
        for some in torch.randperm(TRAINED).split(64):
            optimizer.zero_grad()
            logit = model({"series": padded_seq(x[some], length[some] if padded else None)})[:, 0]
            binary_cross_entropy_with_logits(logit, y[some].float()).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    return model.eval()


def padded_seq(x: Tensor, length: Tensor | None) -> Seq:
    there = torch.arange(STEPS) < (torch.full((len(x),), STEPS) if length is None else length)[:, None]
    return Seq(x * there.unsqueeze(2), there, torch.zeros(there.shape))


def evidence(x: Tensor, length: Tensor | None) -> Evidence:
    """The series as ragged rows."""
    count = torch.full((len(x),), STEPS) if length is None else length
    there = torch.arange(STEPS) < count[:, None]
    offsets = np.concatenate([[0], np.cumsum(count.numpy())])
    position = np.concatenate([np.arange(n, dtype=float) for n in count.tolist()])
    unknown = np.zeros((len(x), 1), bool)
    target = Target(unknown.astype(float), unknown, ("event",))
    names: Any = np.arange(len(x)).astype(str)
    ragged = Ragged(offsets, x[there].numpy(), position)
    spec = Spec("measurements", (FEATURES,), "index")
    return Evidence(
        {"series": ragged}, {"series": spec}, Plain(np.zeros((len(x), 0), np.float32), ()), target, np.arange(len(x)), names
    )


def scored(cells: list[Array], truth: list[Array], cpu_seconds: float) -> dict[str, Any]:
    """A row of the table: of each series what the cells that it has say, held against the truth."""
    pairs = [(np.abs(one).ravel(), true.ravel()) for one, true in zip(cells, truth, strict=True)]
    area = np.array([roc_auc_score(true, size) for size, true in pairs])
    precision = np.array([average_precision_score(true, size) for size, true in pairs])
    random = np.random.default_rng(0)
    means = precision[random.integers(0, len(precision), (2000, len(precision)))].mean(1)
    return {
        "cpu_ms_a_sample": round(1000 * cpu_seconds / len(cells), 1),
        "auroc": round(float(area.mean()), 3),
        "auprc": round(float(precision.mean()), 3),
        "auprc_low": round(float(np.quantile(means, 0.025)), 3),
        "auprc_high": round(float(np.quantile(means, 0.975)), 3),
    }


def ours(model: Model, shown: Evidence, truth: list[Array], background: Evidence) -> dict[str, Any]:
    """A row for each method, and those without other rows to compare with."""
    tried = {name: (method, Options(**{**_told(options), "background": background})) for name, (method, options) in OURS.items()}
    tried |= {f"{name}, no other rows": (name, Options()) for name in WITHOUT_ROWS}
    rows: dict[str, Any] = {}
    for name, (method, options) in tried.items():
        with measure() as cost:
            found = attribute([model], TASK, shown, method, options).cells["series"]
        rows[name] = scored(np.split(found, shown.inputs["series"].offsets[1:-1]), truth, cost.cpu_seconds)
        print(f"{name:<40} {rows[name]}", flush=True)
    return rows


def _told(options: Options) -> dict[str, Any]:
    return {"points": options.points, "by": options.by}


def theirs(model: Model, x: Tensor, truth: list[Array], background: Tensor) -> dict[str, Any]:
    """A row for each method of Captum and shap, on whole series."""
    bare = Bare(model)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    tried: dict[str, Callable[[], Any]] = {
        "captum GradientShap, 50": lambda: GradientShap(bare).attribute(x, background, n_samples=50, target=0),
        "captum GradientShap, 50, from zeros": lambda: GradientShap(bare).attribute(
            x, torch.zeros_like(x[:1]), n_samples=50, target=0
        ),
        "captum IntegratedGradients, 50": lambda: IntegratedGradients(bare).attribute(
            x, n_steps=50, target=0, internal_batch_size=64
        ),
        "shap GradientExplainer, 200": lambda: shap.GradientExplainer(bare, background).shap_values(x, nsamples=200, rseed=0),
    }
    rows: dict[str, Any] = {}
    for name, method in tried.items():
        with measure() as cost:
            found = method()
        values = found.detach().numpy() if isinstance(found, Tensor) else np.asarray(found)
        rows[name] = scored(list(values.reshape(x.shape)), truth, cost.cpu_seconds)
        print(f"{name:<40} {rows[name]}", flush=True)
    return rows


def setting(seed: int, shown_seed: int, padded: bool) -> dict[str, Any]:
    """All rows of one network and one set of series."""
    model = trained(seed, padded)
    x, y, truth, length = make(SHOWN, shown_seed)
    other, _, _, other_length = make(TRAINED, 1)
    lengths = length if padded else None
    with torch.no_grad():
        accuracy = ((model({"series": padded_seq(x, lengths)})[:, 0] > 0) == (y > 0)).float().mean()
    each = [true[: int(n)] if padded else true for true, n in zip(truth.numpy(), length, strict=True)]
    background = evidence(other[:BACKGROUND], other_length[:BACKGROUND] if padded else None)
    rows = ours(model, evidence(x, lengths), each, background)
    if not padded:
        rows |= theirs(model, x, each, other[:BACKGROUND])
    return {"accuracy": round(float(accuracy), 3), "methods": rows}


def main() -> None:
    threads.prepare(1)
    whole, padded = setting(0, 2, padded=False), setting(0, 2, padded=True)
    payload = {
        "series": SHOWN,
        "truth_share": WINDOW * CAUSES / (STEPS * FEATURES),
        "accuracy": {"whole": whole["accuracy"], "padded": padded["accuracy"]},
        "whole_series": whole["methods"],
        "padded_series": padded["methods"],
    }
    record("planted_series", payload, (*PACKAGES, "captum", "shap"))


if __name__ == "__main__":
    main()
