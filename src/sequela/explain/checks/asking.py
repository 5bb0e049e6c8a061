"""What networks tell of rows: the one number that is explained (explain/question.py), of a column of the answer."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import torch

from sequela import batch as batches
from sequela import model as models
from sequela.contracts import Evidence, Task
from sequela.explain.checks import Asking
from sequela.explain.question import Question, evaluating
from sequela.model import Model
from sequela.types import Array

AT_ONCE = 128  # rows


def asking(members: Sequence[Model], task: Task) -> Asking:
    """Asks these networks, which answer as one."""
    question, device = Question(members, task), next(members[0].parameters()).device

    def told(rows: Evidence, column: Array) -> Array:
        found = np.zeros(len(rows))
        with ExitStack() as stack, torch.inference_mode():
            for member in members:
                stack.enter_context(evaluating(member))
            for some in batches.sorted_(batches.lengths(rows.inputs), AT_ONCE):
                inputs = models.tensors(batches.collate(rows.inputs, some), device).inputs
                chosen = torch.as_tensor(column[some], dtype=torch.int64, device=device)
                found[some] = question.told(inputs, chosen).cpu().numpy()
        return found

    return told
