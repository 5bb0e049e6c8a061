"""What a task is told of a network once its weights are what they are."""

from __future__ import annotations

import numpy as np
import torch

from sequela import batch
from sequela import model as models
from sequela.config import Train
from sequela.contracts import Evidence, Settling, Task
from sequela.model import Model


def settled(model: Model, task: Task, rows: Evidence, settings: Train) -> None:
    """Lets a task that asks for it (Settling) settle the head by its output of these rows, which it learnt from.

    A function of weights and rows alone, so a training that is taken up again settles alike; the model is in eval mode.
    """
    if not isinstance(task, Settling):
        return
    found, order = [], batch.sorted_(batch.lengths(rows.inputs), settings.batch)
    with torch.no_grad():
        for chosen in order:
            found.append(model(models.tensors(batch.collate(rows.inputs, chosen, share=True), settings.device).inputs))
    place = torch.as_tensor(np.argsort(np.concatenate(order)), device=found[0].device)
    task.settle(model.head, torch.cat(found)[place], rows.target)
