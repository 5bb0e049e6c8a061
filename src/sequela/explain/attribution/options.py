"""What a method of attribution may be told."""

from __future__ import annotations

from dataclasses import dataclass

from sequela.contracts import Evidence
from sequela.types import Array

SPREAD = 2.0  # steps: a normal curve that reaches over some five steps to both sides


@dataclass(frozen=True, slots=True)
class Options:
    """All of it may be left out."""

    points: int = 0  # of a path, samples, or questions to the network; 0: as many as the method takes by itself
    seed: int = 0  # of what is drawn; what is drawn for a row depends on its row_id, not on the rows beside it
    spread: float = SPREAD  # of smoothed_gradient_shap: over how many steps evidence is shared (a standard deviation)
    by: str = ""  # of occlusion, ablation and kernel_shap: what is put aside together; left out: what suits each input
    column: Array | None = None  # int64 "N": of the answer, that is explained; None: the likeliest class or label, or the first
    background: Evidence | None = None  # rows to compare with, of training; None: numbers drawn as training's are spread
    batch: int = 64  # rows at once


AS_IT_IS = Options()
