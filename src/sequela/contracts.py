"""The verbs of Sequela: what a reader, a modality, an encoder, a task and a baseline must do. Read after `types`.

Each lives in one file whose name is its registered name, `encoders/gru_d.py` for `encoder = "gru_d"`. That module has

    Config   a frozen msgspec.Struct (kw_only, forbid_unknown_fields): the options that a study may set, each with a default but
             for what the data alone can say (the code of a score)
    build    makes the thing from its Config (and what else its kind is given, see below)

and, for a modality, `State`: a frozen msgspec.Struct that survives JSON. Nothing else is edited. Other packages add theirs by
entry point (`registry.py`). Importing such a module imports no extra; torch is imported by encoders and tasks alone.

    readers      build(config)                      -> Reader      and VERSION: int, raised when the output changes; LABELS, its
                                                                   options that records without labels need not bear out
    modalities   build(config)                      -> Modality    and State
    encoders     build(spec, config)                -> Encoder     (an nn.Module)
    tasks        build(config, names)               -> Task        names: of the target. A task whose target is its own input has
                                                                   own_names(specs) and own_target(inputs, specs); one that is
                                                                   not named after its kind, KIND; one of classes whose
                                                                   order means something, ORDERED; one whose options name files,
                                                                   gathered(config, find), which reads them into the options;
                                                                   one whose head looks at its input, placed(task, study, specs)
    baselines    build(config)                      -> Baseline    one held against masks of another code names it: marks(config)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from sequela.types import Answer, Array, Boxed, Encoded, Grid, Known, Painted, Payload, Plain, Ragged, Seq, Spec, Target

if TYPE_CHECKING:
    from pathlib import Path

    import polars as pl
    from torch import Tensor, nn

    from sequela.config import Input


# --------------------------------------------------------------------------------------------------------------------- readers


class Source(Protocol):
    """Where records come from: a folder, a file, a zip or a tar (gz, bz2, xz), read alike."""

    name: str

    def files(self, pattern: str = "**") -> Sequence[str]:
        """Names of the files that match, sorted, with / between folders."""
        ...

    def read(self, name: str) -> bytes: ...

    def path(self, name: str) -> Path:
        """A real file with that content (and, for an archive, its neighbours beside it)."""
        ...


class Sink(Protocol):
    """Where a reader writes. Subjects are named as the source names them; the store gives them integers."""

    def events(self, frame: pl.DataFrame) -> None:
        """Adds events.

        Columns: source_id str or int64, time Datetime("us") in UTC or null (static), code str or categorical; and, each of which
        may be left out or null, numeric_value; text_value; payload; visit int64, which tells the visits of one subject apart;
        available and superseded Datetime("us") in UTC: known only from then on, and no longer from then on, since a later version
        takes its place.
        """
        ...

    def payload(self, name: str, payload: Payload) -> str:
        """Adds a payload and gives its uri. Same-shaped images are packed together; a signal is a file of its own."""
        ...

    def code(self, code: str, kind: str, *, unit: str = "", description: str = "", parents: Sequence[str] = ()) -> None:
        """Declares what a code is; kinds are those of store/schema.py, parents the next broader codes of its system."""
        ...

    def part(self, source_id: str, part: str) -> None:
        """The part (train, tune, test) to which the source itself assigns a subject."""
        ...

    def relative_times(self) -> None:
        """Declares that times count from an anchor the reader chose: differences mean something, dates do not."""
        ...

    def refuse(self, record: str, reason: str) -> None:
        """Counts one record as refused. Raises DataError once the share of refused records passes the limit."""
        ...

    def accept(self, count: int = 1) -> None:
        """Counts records as taken: the other half of the refused share."""
        ...

    def note(self, text: str, count: int) -> None:
        """Counts something the reader did to the records that a user should know (a value clipped, a row ignored)."""
        ...

    def progress(self, done: int, total: int) -> None: ...


class Reader(Protocol):
    """Turns one source format into events and payloads; one bad record never stops it (see Sink.refuse)."""

    def read(self, source: Source, sink: Sink) -> None: ...


# ------------------------------------------------------------------------------------------------------------------ modalities


class Modality(Protocol):
    """A kind of input: turns the events known at a time into a ragged sequence. Columnar: all rows at once."""

    def fit(self, known: Known) -> Any:
        """The State, from the training rows only.

        Raises DataError where nothing that this modality reads is there.
        """
        ...

    def read(self, known: Known, state: Any) -> Ragged:
        """One sequence for each of known.count rows; a row with nothing to read has no steps."""
        ...

    def plain(self, known: Known, state: Any) -> Plain:
        """The same input as plain columns, in natural units, for the baselines (last, mean, min, max, count, slope, ...)."""
        ...

    def spec(self, state: Any) -> Spec: ...

    def example(self, state: Any, rows: int, seed: int) -> Known:
        """Synthetic events drawn from the state alone, never from a patient: the golden example of a bundle."""
        ...


@runtime_checkable
class Refusing(Protocol):
    """A modality whose records may be of another making than those it learnt from."""

    def refused(self, known: Known, state: Any) -> Sequence[str]:
        """Of each row why it cannot be judged by what was learnt; "" where it can, or where it has nothing to judge."""
        ...


@runtime_checkable
class Shortening(Protocol):
    """A modality that may read a part of what is known of a row."""

    def shortened(self, state: Any) -> int:
        """Of how many training rows it left something out."""
        ...


@runtime_checkable
class Itemised(Protocol):
    """A modality whose steps can each be told as plain columns, so that baselines can judge steps."""

    def plain_steps(self, known: Known, state: Any) -> Plain:
        """As `plain`, of each step that `read` gives, in the order of the steps."""
        ...


# -------------------------------------------------------------------------------------------------------------------- encoders


@runtime_checkable
class Encoder(Protocol):
    """A network from sequence to vectors. Padding, batch order and neighbours never change what a row gets.

    An empty row (an all-False mask) gets finite numbers that do not depend on the padded values.
    """

    width: int  # D of pooled: grows with the poolings side by side and the numbers of the row
    steps_width: int  # D of steps
    gives: frozenset[Literal["pooled", "steps", "map"]]
    causal: bool  # later steps change no earlier entry of steps

    def __call__(self, seq: Seq) -> Encoded: ...


@runtime_checkable
class Worded(Protocol):
    """The part of an encoder that holds a vector for each word (or code) of its input's vocabulary."""

    def begin(self, vectors: Tensor, known: Tensor) -> None:
        """Takes vectors "V D" in place of what it drew, for those words that are known, bool "V".

        Raises ConfigError where there are more or fewer words, or D is not its own.
        """
        ...


@runtime_checkable
class Stateful(Protocol):
    """An encoder that can go on from the steps it has read: a record without end costs it no more than what is new."""

    @property
    def carries(self) -> bool:
        """Whether its options let it: it looks back only, and what it gives of a row is told by the state at its last step."""
        ...

    def carry(self, seq: Seq, state: Any, ends: Tensor) -> tuple[Encoded, Any]:
        """What it gives after further steps, and the state to go on from.

        seq: one row, all of whose steps exist; state: as it was given last, None before the first step; ends int64 "R": the
        places among these steps at which a vector is pooled, as of a row that ended there. `pooled` is "R D".
        """
        ...


# ----------------------------------------------------------------------------------------------------------------------- tasks


class Task(Protocol):
    """Head, loss, answer and metrics of a kind of question.

    One that needs steps which no later step has touched says `causal = True` as well.
    """

    needs: Literal["pooled", "steps", "map"]
    kind: Literal[  # how it is evaluated
        "binary", "multiclass", "multilabel", "regression", "forecast", "next_event", "segment", "detect", "entities"
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
class Spanner(Protocol):
    """A task (`needs` = "steps") whose answers are stretches of a text: told in steps, and placed in the text afterwards."""

    def spanned(self, out: Any, mask: Tensor) -> Answer:
        """Of a batch: begin and end of each of `spanned` count in the steps of its row."""
        ...

    def agreed(self, outs: Sequence[Any]) -> Any:
        """What several networks gave of one batch as one output: stretches themselves have no mean."""
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

    def settle(self, head: nn.Module, out: Tensor) -> None:
        """Tells the head its own output of these rows, once its weights are what they are; what it keeps are buffers."""
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


# ------------------------------------------------------------------------------------------------------------------- baselines


@dataclass(frozen=True, slots=True)
class Evidence:
    """Some rows with all that is known of them, in two forms: `inputs` for the model, `plain` for the baselines."""

    inputs: Mapping[str, Ragged]
    specs: Mapping[str, Spec]
    plain: Plain  # all inputs' columns side by side, named input.column
    target: Target
    subject: Array  # int64 "N": for folds and intervals that keep a subject together
    row_id: Array  # str "N": named in errors
    barred: Array | None = None  # bool "N K": what a Guarded task may not say of each row; None for every other task
    marks: Mapping[str, Target] = field(default_factory=dict)  # masks of other codes that a baseline asks for, by code
    steps: Evidence | None = None  # where steps are asked (a Tagger): those that are, as rows of their own, in order

    @property
    def asked(self) -> Evidence:
        """What is answered and judged, a row each: these rows, or the steps of them that are asked."""
        return self if self.steps is None else self.steps

    def __len__(self) -> int:
        return len(self.subject)


class Baseline(Protocol):
    """A plain model that every result is held against, tuned on tune as carefully as the model."""

    def fit(self, train: Evidence, tune: Evidence, kind: str, seed: int) -> None:
        """Chooses its settings on tune. `kind` is the task's. Raises DataError where it does not apply to this input."""
        ...

    def answer(self, rows: Evidence) -> Answer: ...

    @property
    def chosen(self) -> Mapping[str, Any]:
        """For the report, in what JSON can hold.

        What was chosen on tune stands by label (or "classes" of a multiclass task) as {score: its name, chosen: settings, tried:
        [settings with their loss]}; anything else by its own name.
        """
        ...


Progress = Callable[[str, int, int], None]  # what, done, total


@dataclass(frozen=True, slots=True)
class Fitted:
    """A modality with its options and what it learnt from the training rows."""

    input: Input
    modality: Modality
    state: Any
    spec: Spec
