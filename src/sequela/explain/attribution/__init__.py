"""What each cell of the inputs adds to an answer: methods of attribution over ragged, masked inputs of numbers and codes.

    methods       the table: names, what each suits, what is refused and why
    cells         a batch as a few tensors that a library can take
    paths         integrated_gradients, gradient_shap, smoothed_gradient_shap (smoothing)
    leaving_out   ablation by natural groups (groups), occlusion
    shapley       kernel_shap, gradient_explainer
    tables        lime
    looked        attention, retain, grad_cam

`attribute` is the way in. What was not seen has exactly 0, padding does not appear, and a row without steps has zeros.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from sequela import batch
from sequela import model as models
from sequela.contracts import Evidence, Progress, Task
from sequela.explain.attribution.cells import Cells, followed, opened
from sequela.explain.attribution.compared import background_cells, compared
from sequela.explain.attribution.found import Gathering
from sequela.explain.attribution.methods import METHODS, Method, chosen, default, suited
from sequela.explain.attribution.options import AS_IT_IS, Options
from sequela.explain.question import Question
from sequela.model import Model
from sequela.types import Array, Attribution

__all__ = ["METHODS", "Method", "Options", "attribute", "default", "suited"]


def attribute(
    members: Sequence[Model],
    task: Task,
    rows: Evidence,
    method: str = "",
    options: Options = AS_IT_IS,
    progress: Progress | None = None,
) -> Attribution:
    """What each cell of each row adds to the number that is explained (explain/question.py), the mean over the networks.

    Without a method, by that which suits the inputs. Raises UsageError for a method that there is not, that is refused or does
    not suit, and for an answer that is no number of a row.
    """
    name = method or default(rows.specs, task.kind)
    how = chosen(name, rows.specs, task.kind, members)
    question, gathering = Question(members, task), Gathering(rows.inputs, rows.specs)
    device = next(members[0].parameters()).device
    with followed(question):
        background = None if options.background is None else background_cells(question, options.background, device)
        for some in batch.sorted_(batch.lengths(rows.inputs), options.batch) if len(rows) else ():
            cells = _cells(question, rows, some, options, device)
            found = how.find(compared(cells, background, rows.row_id[some], options.seed), options)
            gathering.take(some, cells, found)
            if progress is not None:
                progress("explaining", gathering.done, len(rows))
    return gathering.attribution(name, complete=how.complete)


def _cells(question: Question, rows: Evidence, some: Array, options: Options, device: torch.device) -> Cells:
    inputs = models.tensors(batch.collate(rows.inputs, some), device).inputs
    column = None if options.column is None else torch.as_tensor(options.column[some], dtype=torch.int64, device=device)
    return opened(question, inputs, rows.specs, column)
