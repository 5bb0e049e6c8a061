"""How well a model does on rows it does not learn from: its loss, and the score that suits the task."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import isnan

import numpy as np
import torch
from torch import Tensor, nn

from sequela import batch
from sequela import model as models
from sequela.config import Train
from sequela.contracts import Evidence, Joint, Task
from sequela.metrics import concordance, contacts, discrimination, entities, regression
from sequela.train.dense import Pictures
from sequela.train.plan import counted
from sequela.types import Answer, Array, Target, concatenate


@dataclass(frozen=True, slots=True)
class Verdict:
    """Of all rows together; both higher or lower for reasons of the model alone, never of the batches."""

    loss: float  # mean over the labelled rows, or over the codes foreseen
    score: float | None  # AUROC (macro over classes or labels), concordance, minus the mean absolute error, …; or None


def judge(model: nn.Module, task: Task, rows: Evidence, settings: Train, between: Callable[[], None]) -> Verdict:
    """The verdict, in batches of the training's size; `between` is called before each, and may raise to stop."""
    losses, answers, order = [], [], batch.sorted_(batch.lengths(rows.inputs), settings.batch)
    together = Together() if isinstance(task, Joint) and task.joint else None
    model.eval()
    with torch.no_grad():
        for chosen in order:
            between()
            step = models.tensors(batch.collate(rows.inputs, chosen, rows.target, share=True), settings.device)
            out = model(step.inputs)
            assert step.target is not None
            if together is None:
                losses.append(task.loss(out, step.target).double().cpu().numpy())
            else:
                together.add(out, step.target)
            answers.append(models.answered(task, out, step.inputs))
        if together is not None:
            losses.append(together.losses(task))
    answer = models.in_text(concatenate(answers).take(batch.lines(order, models.lines(task, rows.inputs))), rows.inputs)
    total = np.concatenate(losses)[np.argsort(np.concatenate(order))].sum()
    loss = float(total / max(counted(task, rows.target), 1))
    return Verdict(loss, score(models.of_asked(answer, rows.target), rows.asked.target, task.kind))


@dataclass(slots=True)
class Together:
    """The output of all batches, for a task that tells the loss of a row beside all the others (Joint)."""

    outs: list[Tensor] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)

    def add(self, out: Tensor, target: Target) -> None:
        self.outs.append(out)
        self.targets.append(target)

    def losses(self, task: Task) -> Array:
        """Of all rows, in the order in which they came, float64 "N"."""
        values, known, dense = (torch.cat([getattr(one, part) for one in self.targets]) for part in ("values", "known", "dense"))
        return task.loss(torch.cat(self.outs), Target(values, known, task.names, dense)).double().cpu().numpy()


def judge_pictures(model: nn.Module, task: Task, pictures: Pictures, settings: Train, between: Callable[[], None]) -> Verdict:
    """The verdict on patches (the same ones at each epoch), or on whole pictures with boxes; its score is minus the loss."""
    count = pictures.judged()
    rows = np.repeat(np.flatnonzero(pictures.rows.target.known[:, 0]), count)
    losses = []
    model.eval()
    with torch.no_grad():
        for number, first in enumerate(range(0, len(rows), settings.batch)):
            between()
            made = pictures.batch(rows[first : first + settings.batch], settings.seed, "tune", number)
            step = models.tensors(made, settings.device)
            assert step.target is not None
            losses.append(task.loss(model(step.inputs), step.target).double().cpu().numpy())
    loss = float(np.concatenate(losses).mean()) if losses else 0.0
    return Verdict(loss, -loss)


def score(answer: Answer, target: Target, kind: str) -> float | None:
    """One number, higher is better, over the rows with a label; None where no column has both outcomes."""
    if kind == "next_event":
        return float(answer.values[:, answer.names.index("first")].sum() / max(float(target.values.sum()), 1.0))
    if kind == "entities":
        return _entity_f1(answer, target)
    if kind == "contact":
        return _pairs_auprc(answer, target)
    if kind == "survival":
        return _concordance(answer, target)
    if kind in ("regression", "forecast"):
        columns = zip(answer.values.T, target.values.T, target.known.T, strict=True)
        return -float(np.mean([regression.mae(value[known], truth[known]) for value, truth, known in columns]))
    found = [discrimination.auroc(risk[known], event[known]) for risk, event, known in _questions(answer, target, kind)]
    defined = [float(value) for value in found if not isnan(value)]
    return float(np.mean(defined)) if defined else None


def _entity_f1(answer: Answer, target: Target) -> float | None:
    """Of the stretches of the rows that somebody read, by type and both edges; None where there are none."""
    assert answer.spanned is not None
    read = np.flatnonzero(target.known[:, 0])
    said, there = answer.spanned.take(read), target.dense.spans.take(read)
    _, kind = entities.compared(said, there)
    right = np.bincount(said.row[kind == entities.RIGHT], minlength=len(said))
    found = float(entities.entity_f1(right, np.diff(said.offsets), np.diff(there.offsets)))
    return None if isnan(found) else found


def _pairs_auprc(answer: Answer, target: Target) -> float | None:
    """The mean over the rows of the average precision of their pairs; None where no row has one."""
    assert answer.paired is not None
    said, truth = answer.paired, target.dense.pairs
    right, true = contacts.right(said, truth), np.diff(truth.offsets)
    rows = np.flatnonzero(target.known[:, 0] & (true > 0)).tolist()
    each = [contacts.average_precision(right[slice(*said.offsets[row : row + 2])], int(true[row])) for row in rows]
    return float(np.mean(each)) if each else None


def _concordance(answer: Answer, target: Target) -> float | None:
    """Of the time lost up to the last horizon: the mean over causes of which two rows can be compared; None where none has."""
    assert answer.curves is not None
    known = target.known[:, 0]
    times = target.dense.take(known)
    last = times.horizons[-1].days
    lost = answer.curves.take(known).lost(last)
    each = [concordance.c_index(days, times, k, until=last) for k, days in enumerate(lost.T, 1)]
    defined = [float(value) for value in each if not isnan(value)]
    return float(np.mean(defined)) if defined else None


def _questions(answer: Answer, target: Target, kind: str) -> list[tuple[Array, Array, Array]]:
    """Risk, event and known of each column; for classes, each against the rest."""
    if kind == "multiclass":
        label, known = target.values[:, 0], target.known[:, 0]
        return [(answer.values[:, k], label == k, known) for k in range(len(answer.names))]
    return list(zip(answer.values.T, target.values.T == 1, target.known.T, strict=True))
