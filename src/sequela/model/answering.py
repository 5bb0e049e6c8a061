"""From rows read to the task's answer about each of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sequela import batch as batches
from sequela.contracts import Boxer, Painter, Spanner, Tagger, Task
from sequela.errors import TrainingError
from sequela.model.inputs import places
from sequela.model.network import Committee, Model
from sequela.nn import painting
from sequela.study import paired
from sequela.text import scheme
from sequela.types import Answer, Array, Batch, Curves, Pairs, Ragged, Seq, Spans, Tags, Target, concatenate


def tensors(batch: Batch, device: str | torch.device) -> Batch:
    """The batch with every array but `rows` as a tensor there: float32 (positions float64), int64 or bool."""
    return Batch(
        {name: _seq(seq, device) for name, seq in batch.inputs.items()},
        batch.rows,
        None if batch.target is None else _target(batch.target, device),
        _tensor(batch.weight, device),
    )


def _seq(seq: Seq, device: str | torch.device) -> Seq:
    moved = {part.name: _tensor(getattr(seq, part.name), device) for part in dataclasses.fields(seq)}
    moved["position"] = torch.as_tensor(seq.position, dtype=torch.float64, device=device)
    return Seq(**moved)


def _target(target: Target, device: str | torch.device) -> Target:
    dense = _tensor(target.dense, device) if isinstance(target.dense, np.ndarray) else None  # else lazy: nobody asked for it
    return Target(_tensor(target.values, device), _tensor(target.known, device), target.names, dense)


def _tensor(values: Array | None, device: str | torch.device) -> Tensor | None:
    if values is None:
        return None
    dtype = {"f": torch.float32, "i": torch.int64, "u": torch.int64, "b": torch.bool}[values.dtype.kind]
    return torch.as_tensor(values, dtype=dtype, device=device)


def predict(
    model: Model | Committee,
    task: Task,
    inputs: Mapping[str, Ragged],
    batch: int = 256,
    device: str | torch.device = "cpu",
) -> Answer:
    """The task's answer for every row (of a Tagger, for every step of every row), in order; the model's mode is left as it was.

    Raises TrainingError, naming the rows, where an answer is not finite.
    """
    length = batches.lengths(inputs)
    if not len(length):
        return _nothing(task)
    if isinstance(task, Painter):
        return painting.paint(model, task, task.names, inputs, device)
    order = batches.sorted_(length, batch)
    count = lines(task, inputs)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            answers = [_answer(model, task, batches.collate(inputs, rows, share=True), device) for rows in order]
    finally:
        model.train(was_training)
    answer = in_text(concatenate(answers).take(batches.lines(order, count)), inputs)
    return painting.settle(task, answer, inputs) if isinstance(task, Boxer) else answer


def in_text(answer: Answer, inputs: Mapping[str, Ragged]) -> Answer:
    """The answer with stretches or pairs, told in the steps of the one input, placed in the rows' texts; any other as it is."""
    if answer.paired is not None:
        return dataclasses.replace(answer, paired=paired.in_letters(answer.paired, places(inputs)))
    if answer.spanned is None:
        return answer
    return dataclasses.replace(answer, spanned=scheme.in_text(answer.spanned, places(inputs)))


def _nothing(task: Task) -> Answer:
    """The answer about no row."""
    if task.kind == "entities":
        none = np.zeros(0, np.int64)
        return Answer("spans", np.zeros((0, len(task.names))), task.names, spanned=Spans(np.zeros(1, np.int64), none, none, none))
    if task.kind == "contact":
        none = np.zeros(0, np.int64)
        return Answer("pairs", np.zeros((0, 1)), task.names, paired=Pairs(np.zeros(1, np.int64), none, none, np.zeros(0)))
    if task.kind == "survival":
        nobody = np.zeros((0, len(task.names)))
        return Answer("curves", nobody, task.names, curves=Curves(np.ones(1), nobody[:, :, None]))
    kinds: Mapping[str, Literal["values", "masks", "boxes"]] = {
        "regression": "values",
        "forecast": "values",
        "next_event": "values",
        "segment": "masks",
        "detect": "boxes",
    }
    return Answer(kinds.get(task.kind, "probabilities"), np.zeros((0, len(task.names))), task.names)


def _answer(model: Model | Committee, task: Task, batch: Batch, device: str | torch.device) -> Answer:
    answer = _mean([answered(task, model(seen), seen) for seen in model.seen(tensors(batch, device).inputs)])
    line = np.repeat(batch.rows, _steps(batch)) if isinstance(task, Tagger) else batch.rows
    wrong = np.unique(line[~_finite(answer)])
    if len(wrong):
        shown = ", ".join(map(str, wrong[:10])) + (", …" if len(wrong) > 10 else "")
        raise TrainingError(
            f"the model's answer is not a finite number for {len(wrong)} of {len(batch.rows)} rows of a batch: rows {shown}",
            hint="look at those rows' inputs; if it is every row, training diverged: lower train.optimizer.lr or set train.clip",
        )
    return answer


def _finite(answer: Answer) -> Array:
    """Which of its lines are numbers throughout, bool "N"."""
    told = [answer.values] if answer.curves is None else [answer.values, answer.curves.incidence]
    finite: Array = np.all([np.isfinite(one.reshape(len(answer), -1)).all(1) for one in told], axis=0)
    return finite


def lines(task: Task, inputs: Mapping[str, Ragged]) -> Array:
    """How many lines of the task's answer each row has, int64 "N": one, or of a Tagger one for each of its steps."""
    length = batches.lengths(inputs)
    return length if isinstance(task, Tagger) else np.ones(len(length), np.int64)


def of_asked(answer: Answer, target: Target) -> Answer:
    """What is said of the steps that are asked, of an answer about every step; else the answer as it is."""
    return answer.take(np.flatnonzero(target.dense.judged)) if isinstance(target.dense, Tags) else answer


def answered(task: Task, out: Tensor, inputs: Mapping[str, Seq]) -> Answer:
    """What the task makes of its output about a batch: a line for each row, or of a Tagger for each real step."""
    if not isinstance(task, Tagger | Spanner):
        return task.answer(out)
    (seq,) = inputs.values()
    return task.spanned(out, seq.mask) if isinstance(task, Spanner) else task.tagged(out, seq.mask)


def _steps(batch: Batch) -> Array:
    (seq,) = batch.inputs.values()
    count: Array = seq.mask.sum(1)
    return count


def _mean(answers: list[Answer]) -> Answer:
    """The mean of what was answered to several views of the same rows; one answer is itself."""
    if len(answers) == 1:
        return answers[0]
    curves = [answer.curves for answer in answers if answer.curves is not None]  # of one network: on one grid
    mean = Curves(curves[0].times, np.mean([one.incidence for one in curves], 0)) if curves else None
    return dataclasses.replace(answers[0], values=np.mean([answer.values for answer in answers], 0), curves=mean)
