"""What the networks say of rows, as the answer is given, and on which side of its decision a row is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace

import numpy as np
import torch

from sequela import model as models
from sequela.contracts import Tagger, Task
from sequela.errors import UsageError
from sequela.explain.question import Question, evaluating
from sequela.model import Model
from sequela.types import Answer, Array, Batch, Seq

KINDS = ("binary", "multiclass", "multilabel")  # whose answers are decisions
REACH = 12.0  # log-odds beyond which no threshold lies


@dataclass(frozen=True, slots=True)
class Judge:
    """The networks, what becomes of their mean answer, and the probability from which on a column is called."""

    members: Sequence[Model]
    task: Task
    thresholds: Sequence[float] = ()  # of each column; of classes none: the likeliest is called
    settled: Callable[[Answer], Answer] = lambda answer: answer  # calibration

    def __post_init__(self) -> None:
        """Raises UsageError where an answer is no decision about a row."""
        if isinstance(self.task, Tagger) or self.task.kind not in KINDS:
            raise UsageError(
                "an answer that is no decision about a row has nothing to flip", hint=f"ask one of {', '.join(KINDS)}"
            )

    @property
    def question(self) -> Question:
        return Question(self.members, self.task)

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Within, all networks answer as they do after training."""
        with ExitStack() as stack:
            for member in self.members:
                stack.enter_context(evaluating(member))
            yield

    def values(self, inputs: Mapping[str, Seq]) -> Array:
        """Probabilities of a batch of NumPy arrays as the answer gives them, float64 "B K"."""
        return self.said(models.tensors(Batch(inputs, np.zeros(0, np.int64)), "cpu").inputs)

    def said(self, made: Mapping[str, Seq]) -> Array:
        """The same of a batch of tensors."""
        with self.answering(), torch.inference_mode():
            each = [models.answered(self.task, member(seen), seen) for member in self.members for seen in member.seen(made)]
        mean = replace(each[0], values=np.mean([answer.values for answer in each], 0))
        return np.asarray(self.settled(mean).values)

    def each(self, versions: Sequence[Mapping[str, Seq]]) -> Array:
        """The same of rows one by one (B = 1), together where they are of one size: float64 "V K"."""
        sizes: dict[tuple[tuple[int, ...], ...], list[int]] = {}
        for number, one in enumerate(versions):
            sizes.setdefault(tuple(seq.values.shape for seq in one.values()), []).append(number)
        found = np.zeros((len(versions), len(self.task.names)))
        for those in sizes.values():
            found[those] = self.values({name: _stacked([versions[k][name] for k in those]) for name in versions[those[0]]})
        return found

    def column(self, values: Array) -> Array:
        """Of each row what its answer is about, int64 "B": the likeliest class, else the label furthest beyond its threshold."""
        if self.task.kind == "multiclass":
            return np.asarray(values.argmax(1))
        return np.asarray((values - np.asarray(self.thresholds)).argmax(1))

    def decided(self, values: Array, column: Array) -> Array:
        """Whether the column is called, bool "B"."""
        if self.task.kind == "multiclass":
            return np.asarray(values.argmax(1) == column)
        rows = np.arange(len(values))
        return np.asarray(values[rows, column] >= np.asarray(self.thresholds)[column])

    def boundary(self, column: int) -> float:
        """The log-odds of the network's own mean at which the answer flips; of classes, where none of K can be the likeliest."""
        count = len(self.task.names)
        if self.task.kind == "multiclass":
            return -float(np.log(max(count - 1, 1)))
        asked = np.linspace(-REACH, REACH, 2401)
        risk = 1 / (1 + np.exp(-asked))
        settled = self.settled(Answer("probabilities", np.repeat(risk[:, None], count, 1), self.task.names)).values[:, column]
        called = settled >= self.thresholds[column]
        return float(asked[np.argmax(called)]) if called.any() else REACH


def _stacked(each: Sequence[Seq]) -> Seq:
    """Rows of one size as a batch."""
    named = {part.name: [getattr(seq, part.name) for seq in each] for part in fields(Seq)}
    return Seq(**{name: None if parts[0] is None else np.concatenate(parts) for name, parts in named.items()})
