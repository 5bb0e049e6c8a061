"""What a task does, and what tasks of some kinds do besides: each protocol is asked for where its verb is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from sequela.types import Answer, Array, Boxed, Grid, Known, Painted, Target

if TYPE_CHECKING:
    from torch import Tensor, nn


class Task(Protocol):
    """Head, loss, answer and metrics of a kind of question.

    One that needs steps which no later step has touched says `causal = True` as well.
    """

    needs: Literal["pooled", "steps", "map"]
    kind: Literal[  # how it is evaluated
        "binary",
        "multiclass",
        "multilabel",
        "regression",
        "forecast",
        "next_event",
        "segment",
        "detect",
        "entities",
        "survival",
        "contact",
    ]
    names: tuple[str, ...]  # of the columns of its answers

    def check(self, target: Target) -> None:
        """Raises DataError where these training labels cannot be learnt from (one class only, none known)."""
        ...

    def head(self, width: int) -> nn.Module:
        """From Encoded to the task's own output.

        For the tasks of one vector a row a Tensor: logits "B K", or "B 2K" of values and the spreads that scale their loss.
        """
        ...

    def start(self, head: nn.Module, target: Target) -> None:
        """What a head is told of the training labels (NumPy) before its first step: base rates, or mean and spread.

        It is kept in the head's weights and buffers, so a loaded model needs no start.
        """
        ...

    def loss(self, out: Tensor, target: Target) -> Tensor:
        """Float "B": one number a row, 0 where no label is known; the loop weighs and reduces."""
        ...

    def balance(self, target: Target) -> Array:
        """Row weights, float32 "N" with mean 1, under which every class has the same total; 0 where no label is known.

        Raises ConfigError where there are no classes.
        """
        ...

    def answer(self, out: Tensor) -> Answer: ...


@runtime_checkable
class Painter(Protocol):
    """A task (`needs` = "map") that says something of every point: a model sees patches, and its answer is the whole picture."""

    flips: bool  # the answer is the mean over the picture and its mirror images (test-time augmentation)

    def chances(self, out: Any) -> Tensor:
        """What the head gave of a batch of patches as probabilities, float32 "B Q *S": Q is the task's own affair."""
        ...

    def painted(self, slabs: Iterator[tuple[int, Array]], grid: Grid) -> tuple[Painted, Array]:
        """The picture, and the mean probability of each name, float64 "K".

        `slabs` come in order: where each begins along the first axis of the model's picture, and float32 "Q n *rest".
        """
        ...


@runtime_checkable
class Boxer(Protocol):
    """A task (`needs` = "map") whose answers are boxes: `answer` gives them in the model's picture, `settled` as stored."""

    def settled(self, boxed: Boxed, grid: Grid) -> Boxed: ...


@runtime_checkable
class Tagger(Protocol):
    """A task (`needs` = "steps") whose answers are of steps: what follows training sees the steps that are asked as rows.

    It is named multiclass as its `kind`, and "tagging" as the KIND of its module.
    """

    def tagged(self, out: Tensor, mask: Tensor) -> Answer:
        """The answers about the real steps of a batch, row after row."""
        ...


@runtime_checkable
class Agreeing(Protocol):
    """A task whose answers have no mean: several networks agree on an output before one answer is read off it."""

    def agreed(self, outs: Sequence[Any]) -> Any:
        """What several networks gave of one batch as one output."""
        ...


@runtime_checkable
class Spanner(Agreeing, Protocol):
    """A task (`needs` = "steps") whose answers are stretches of a text: told in steps, and placed in the text afterwards."""

    def spanned(self, out: Any, mask: Tensor) -> Answer:
        """Of a batch: begin and end of each of `spanned` count in the steps of its row."""
        ...


@runtime_checkable
class Choosing(Protocol):
    """A task that learns from some of the training rows alone: neither inputs nor weights are fitted on the others."""

    def learns(self, target: Target) -> Array:
        """Which rows, bool "N". The tune loss is that of such rows too."""
        ...


@runtime_checkable
class Settling(Protocol):
    """A task whose answers are read off against what a trained network makes of the rows that it learnt from."""

    def settle(self, head: nn.Module, out: Tensor, target: Target) -> None:
        """Tells the head its own output of these rows, once its weights are what they are; what it keeps are buffers.

        `target` is theirs, in NumPy. Nothing of one row alone may be kept.
        """
        ...


@runtime_checkable
class Joint(Protocol):
    """A task whose loss of a row may depend on the rows beside it: tune is judged by all of its rows at once."""

    @property
    def joint(self) -> bool:
        """Whether it does."""
        ...


@runtime_checkable
class Guarded(Protocol):
    """A task whose answers are held to rules: some things are never said of a row, whatever a network makes of it.

    Whoever gives an answer of such a task has let `held` see it last, after any calibration or average.
    """

    notice: str  # what a reader of its answers must know

    @property
    def told(self) -> tuple[str, ...]:
        """The rules in force, a sentence each."""
        ...

    @property
    def constrains(self) -> bool:
        """Whether any rule can rule something out of a row: else nothing is said of how often one does."""
        ...

    @property
    def asked(self) -> Mapping[str, Sequence[str]]:
        """What the rules ask for -> codes of which the data must have one."""
        ...

    @property
    def interacts(self) -> Array | None:
        """What should not be said together, bool "K K"; None where nobody has told."""
        ...

    def barred(self, known: Known) -> Array:
        """What is ruled out of each row, bool "N K"."""
        ...

    def held(self, answer: Answer, barred: Array) -> Answer:
        """The answer with probability 0 for all that may not be said."""
        ...

    def withheld(self, known: Known, called: Array) -> list[dict[str, str]]:
        """Of each row: what is not said, and why; `called` bool "N K" is what is."""
        ...

    def unchecked(self, known: Known) -> list[list[str]]:
        """Of each row: what the rules ask for and nobody knows."""
        ...
