"""What each cell of the inputs adds to an answer: methods of attribution over ragged, masked inputs of numbers and codes.

    integrated_gradients     along the way from the training mean (paths.py)
    gradient_shap            along the ways from other rows (paths.py)
    smoothed_gradient_shap   the same, shared along the steps of a series (paths.py, smoothing.py)

`attribute` is the way in. What was not seen has exactly 0, padding does not appear, and a row without steps has zeros.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch

from sequela import batch
from sequela import model as models
from sequela.contracts import Evidence, Progress, Task
from sequela.errors import UsageError
from sequela.explain.attribution import paths
from sequela.explain.attribution.cells import Cells, followed, opened
from sequela.explain.attribution.compared import Compared, background_cells, compared
from sequela.explain.attribution.found import Found, Gathering
from sequela.explain.attribution.options import AS_IT_IS, Options
from sequela.explain.question import Question
from sequela.model import Model
from sequela.registry import nearest
from sequela.types import Array, Attribution, Spec

__all__ = ["METHODS", "Method", "Options", "attribute", "default", "suited"]

Finding: TypeAlias = Callable[[Compared, Options], Found]


@dataclass(frozen=True, slots=True)
class Method:
    """A way to attribute an answer to cells."""

    find: Finding
    complete: bool  # whether the parts of a row should sum to told - rest


METHODS: Mapping[str, Method] = {
    "smoothed_gradient_shap": Method(paths.smoothed_gradient_shap, complete=True),
    "gradient_shap": Method(paths.gradient_shap, complete=True),
    "integrated_gradients": Method(paths.integrated_gradients, complete=True),
}


def suited(specs: Mapping[str, Spec], task_kind: str) -> tuple[str, ...]:
    """The names of the methods that suit these inputs, the default first; none where the answer is not explained."""
    return tuple(METHODS)


def default(specs: Mapping[str, Spec], task_kind: str) -> str:
    """The name of the method that is taken where none is asked for."""
    return suited(specs, task_kind)[0]


def attribute(
    members: Sequence[Model],
    task: Task,
    rows: Evidence,
    method: str = "",
    options: Options = AS_IT_IS,
    progress: Progress | None = None,
) -> Attribution:
    """What each cell of each row adds to the number that is explained (explain/question.py), the mean over the networks.

    Raises UsageError for a method that there is not or that does not suit, and for an answer that is no number of a row.
    """
    name = method or default(rows.specs, task.kind)
    chosen = _method(name)
    question, gathering = Question(members, task), Gathering(rows.inputs, rows.specs)
    device = next(members[0].parameters()).device
    with followed(question):
        background = None if options.background is None else background_cells(question, options.background, device)
        done = 0
        for some in batch.sorted_(batch.lengths(rows.inputs), options.batch):
            cells = _cells(question, rows, some, options, device)
            found = chosen.find(compared(cells, background, rows.row_id[some], options.seed), options)
            gathering.take(some, cells, cells.asked(*cells.tensors, cells.row), found)
            done += len(some)
            if progress is not None:
                progress("explaining", done, len(rows))
    return gathering.attribution(name, complete=chosen.complete)


def _cells(question: Question, rows: Evidence, some: Array, options: Options, device: torch.device) -> Cells:
    inputs = models.tensors(batch.collate(rows.inputs, some), device).inputs
    column = None if options.column is None else torch.as_tensor(options.column[some], dtype=torch.int64, device=device)
    return opened(question, inputs, rows.specs, column)


def _method(name: str) -> Method:
    if name not in METHODS:
        raise UsageError(f"there is no method {name!r}", hint=nearest(name, tuple(METHODS)))
    return METHODS[name]
