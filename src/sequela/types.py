"""The nouns of Sequela. Read this first, then `contracts.py`.

A patient is a timeline of events. A study asks a question at one moment of it: that is a row of a `Cohort`. What is `Known`
at that moment becomes, for each input, a `Ragged` of steps; rows of like length become a padded `Batch` of `Seq`; an encoder
makes `Encoded` of a Seq, a task makes an `Answer` of that.

Letters of shapes: N rows, E events, S steps laid end to end, B batch, T step, *F the shape of one step, D width, C channel or
context, L sample, H W space, K column of a label or an answer. A mask is True where something exists. NumPy up to `Batch`;
torch from the model on.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import polars as pl
    from torch import Tensor

Array: TypeAlias = npt.NDArray[Any]
Part: TypeAlias = Literal["train", "tune", "test"]
PARTS: tuple[Part, ...] = ("train", "tune", "test")

DAY = 86_400_000_000  # microseconds
NEVER = int(np.iinfo(np.int64).min)  # the time of what has none: NumPy's NaT


class Steps(Protocol):
    """What holds the steps of a Ragged: an array, a memory map, or anything that reads rows when asked."""

    @property
    def shape(self) -> tuple[int, ...]: ...
    @property
    def dtype(self) -> np.dtype[Any]: ...
    def __getitem__(self, index: Array, /) -> Array: ...


@dataclass(frozen=True, slots=True)
class Grid:
    """How a picture as a model sees it lies over the stored one, axis by axis: edge = stored edge * scale + offset."""

    stored: tuple[int, ...]  # points along each axis: (H, W), or (D, H, W)
    size: tuple[int, ...]  # the same of the model's picture
    scale: tuple[float, ...]
    offset: tuple[float, ...]  # in points of the model's picture

    @property
    def same(self) -> bool:
        """Whether both are one."""
        return self.stored == self.size and all(s == 1 for s in self.scale) and not any(self.offset)


@runtime_checkable
class Fields(Steps, Protocol):
    """Steps that are pictures or volumes, of which a part can be read alone, whatever their size."""

    patch: tuple[int, ...] | None  # what a network sees at once; None: the whole picture, all of one size
    patches: int  # drawn from each picture in an epoch
    foreground: float  # share of them that are drawn around a point with a label

    def grid(self, entry: int) -> Grid: ...
    def space(self, entry: int) -> Space | None:
        """Of the picture as it is stored."""
        ...

    def name(self, entry: int) -> str:
        """What the source calls the picture; "" where nobody told."""
        ...

    def crop(self, entry: int, corner: Sequence[int], size: Sequence[int]) -> Array:
        """A part of the model's picture, float32 "C *size", made ready as whole ones are; 0 outside of it."""
        ...

    def shown(self, entry: int) -> Array:
        """The picture as it is stored, for a person: uint8 "1 *S" or "3 *S"."""
        ...


# ---------------------------------------------------------------------------------------------------------- data on the way in


@dataclass(frozen=True, slots=True)
class Space:
    """Where the points of an image or volume lie in the patient.

    Volumes are stored with their slices from inferior to superior, rows from anterior to posterior and columns from right to
    left (the nearest axes, nothing is resampled), so one volume is stored alike however its file turned it.
    """

    affine: Array  # float64 "4 4": (slice, row, column, 1) of the array to millimetres to the left, posterior, superior (LPS)
    axes: str = ""  # where rising indices of the source's own axes point, first axis first ("RAS"); "" where it is as stored
    oriented: bool = True  # False: only the spacing is known, directions and origin mean nothing

    @property
    def spacing(self) -> tuple[float, float, float]:
        """Millimetres from one slice, row and column to the next."""
        down, row, column = np.linalg.norm(self.affine[:3, :3], axis=0).tolist()
        return down, row, column


@dataclass(frozen=True, slots=True)
class Payload:
    """A waveform, image or volume that an event points to; `values` is a read-only memory map."""

    values: Array  # signals (C, L) float32; images (C, H, W) and volumes (C, D, H, W): uint8, uint16, int16 or float32
    rate_hz: float | None = None  # samples a second; None where the payload has no time axis
    channels: tuple[str, ...] = ()  # one name for each C
    unit: str = ""  # of the values
    space: Space | None = None  # of an image or volume
    name: str = ""  # what its source calls it, once it is stored


class Payloads(Protocol):
    """Opens payloads by the uri that an event carries; raises DataError for a uri that is not there."""

    def open(self, uri: str) -> Payload: ...


class Masks(Protocol):
    """What is true of every point of N pictures as they are stored, opened when asked."""

    @property
    def instances(self) -> bool:
        """Whether the values number things of one kind, rather than name kinds."""
        ...

    def __len__(self) -> int: ...
    def take(self, rows: Array) -> Masks: ...
    def whole(self, row: int) -> Array:
        """int32 "*S": 0 nothing, k the k-th name (of instances, the number of one), -1 not known."""
        ...

    def space(self, row: int) -> Space | None: ...


@dataclass(frozen=True, slots=True)
class Boxes:
    """Boxes on N pictures as they are stored, laid end to end; row i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "N+1"
    corners: Array  # float32 "M 4": top, left, bottom, right edges in pixels: the first pixel reaches from 0 to 1
    label: Array  # int64 "M": the place in names

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Boxes:
        """Of these pictures (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Boxes(offsets, self.corners[place], self.label[place])

    def of(self, row: int) -> tuple[Array, Array]:
        """Corners and labels of one picture."""
        here = slice(self.offsets[row], self.offsets[row + 1])
        return self.corners[here], self.label[here]


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels of moments in the records of N rows, laid end to end; row i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "N+1"
    position: Array  # float64 "M": days before the row's prediction, rising within a row
    value: Array  # int64 "M": the place in names, -1 where no class gathers the label
    since: Array  # float64 "N": days; the steps after this, and not after `until`, are the row's to be judged
    until: Array  # float64 "N"
    lasting: bool  # a label holds until the next one, not at its moment alone

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Labels:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Labels(offsets, self.position[place], self.value[place], self.since[rows], self.until[rows], self.lasting)


@dataclass(frozen=True, slots=True)
class Tags:
    """What is true of each step of N rows, laid end to end as the steps of their Ragged are."""

    offsets: Array  # int64 "N+1"
    value: Array  # int64 "S": the place in names, -1 where it is not known
    judged: Array  # bool "S": whether the row is asked about the step; the others stand by it

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64: of each judged step."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))[self.judged]

    def take(self, rows: Array) -> Tags:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Tags(offsets, self.value[place], self.judged[place])

    def padded(self, steps: int) -> Array:
        """int64 "N T": what is known of the judged steps, -1 elsewhere."""
        found = np.full((len(self), steps), -1, np.int64)
        found[np.arange(steps) < np.diff(self.offsets)[:, None]] = np.where(self.judged, self.value, -1)
        return found


@dataclass(frozen=True, slots=True)
class Spans:
    """Stretches of the texts of N rows, laid end to end; row i has offsets[i]:offsets[i+1], by begin, then end."""

    offsets: Array  # int64 "N+1"
    begin: Array  # int64 "M": characters (code points) before it in the row's text, or in its document
    end: Array  # int64 "M": up to and with its last one
    label: Array  # int64 "M": the place in names, -1 where no class gathers the type
    score: Array | None = None  # float64 "M", in [0, 1]: how sure it is; None of the truth
    concept: Array | None = None  # str "M": the code of what it names, "" where nobody tells; None: nobody tells of any
    document: Array | None = None  # str "M": key of the document in which begin and end count; None: they count in the row's text

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64 "M"."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def take(self, rows: Array) -> Spans:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return self._of(offsets, place)

    def keep(self, which: Array) -> Spans:
        """Those stretches alone, bool "M"."""
        offsets = np.concatenate([[0], np.cumsum(np.bincount(self.row[which], minlength=len(self)))])
        return self._of(offsets, which)

    def _of(self, offsets: Array, place: Array) -> Spans:
        score, concept, document = (
            None if values is None else values[place] for values in (self.score, self.concept, self.document)
        )
        return Spans(offsets, self.begin[place], self.end[place], self.label[place], score, concept, document)


@dataclass(frozen=True, slots=True)
class Spanned:
    """What is true of N texts: the stretches that somebody marked, in the row's text, and the tag of each step that they make."""

    spans: Spans
    tags: Tags

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, rows: Array) -> Spanned:
        """Of these rows (indices or a mask), in the order given."""
        return Spanned(self.spans.take(rows), self.tags.take(rows))


@dataclass(frozen=True, slots=True)
class Piece:
    """A document inside the text of a row."""

    begin: int  # characters of the row's text before it
    key: str  # told by its content (text/documents.py), so that what is said of it finds it wherever it stands
    code: str  # of its event


@dataclass(frozen=True, slots=True)
class Places:
    """Where the steps of N rows stand in their texts: by this, every answer points back to the exact characters of a source."""

    offsets: Array  # int64 "N+1": of steps, as of the Ragged
    begin: Array  # int32 "S": characters (code points) before the step in its row's text
    end: Array  # int32 "S"
    texts: tuple[str, ...]  # N: the documents of the row, one after the other, a blank line between them
    pieces: tuple[tuple[Piece, ...], ...]  # N: these documents, in order

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Places:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        chosen = np.arange(len(self))[rows]
        texts, pieces = tuple(self.texts[i] for i in chosen), tuple(self.pieces[i] for i in chosen)
        return Places(offsets, self.begin[place], self.end[place], texts, pieces)


def _spread(offsets: Array, rows: Array) -> tuple[Array, Array]:
    """The offsets of these rows laid end to end, and where what they hold stood before."""
    first, count = offsets[:-1][rows], np.diff(offsets)[rows]
    found = np.concatenate([[0], np.cumsum(count)])
    return found, np.repeat(first - found[:-1], count) + np.arange(found[-1])


@dataclass(frozen=True, slots=True)
class Target:
    """Labels of N rows: a missing label is `known` False, never a value.

    binary: K = 1, values 0 or 1, names = (the outcome,). multiclass: K = 1, values an index into names, names = the classes.
    multilabel: values 0 or 1, names = the K labels. regression: values as they are, names = the K quantities.
    next_event: K = 1, values how many codes of the input are foreseen, names = the vocabulary.
    segment, detect: K = 1, values 0, known where somebody marked the picture, names = what is marked; the truth is in `dense`.
    tagging: K = 1, values how many steps of the row have a label, names = the classes; the labels are in `dense`.
    entities: K = 1, values how many stretches of the row's text are marked, known where somebody read it, names = their types;
    the stretches are in `dense`.
    Arrays are NumPy in a cohort, tensors in a batch of the model.
    """

    values: Any  # float64 "N K" (float32 as a tensor)
    known: Any  # bool "N K"
    names: tuple[str, ...]
    # segment: Masks; in a batch int64 "B *S", the model's patch of each. detect: Boxes; in a batch float32 "B M 5": label (-1 for
    # padding), top, left, bottom, right in the model's picture. tagging: Labels, once the steps are read Tags; in a batch int64
    # "B T": a place in names, or -1. entities: Spans of documents, once the text is read Spanned; in a batch int64 "B T": a tag
    # of text/scheme.py, or -1
    dense: Any = None
    # float64 "N K": labels between 0 and 1, NaN elsewhere; they are not `known`: training learns them, nothing is judged by them
    soft: Array | None = None
    ordered: bool = False  # multiclass: the order of the names means something, so a miss by two classes is worse than by one

    def take(self, rows: Array) -> Target:
        dense = None if self.dense is None else self.dense.take(rows)
        soft = None if self.soft is None else self.soft[rows]
        return Target(self.values[rows], self.known[rows], self.names, dense, soft, self.ordered)

    @property
    def learnt(self) -> Target:
        """As training has it: labels between 0 and 1 among the known ones."""
        if self.soft is None:
            return self
        between = ~np.isnan(self.soft)
        return Target(np.where(between, self.soft, self.values), self.known | between, self.names, self.dense)


@dataclass(frozen=True, slots=True)
class Cohort:
    """The rows that a study asks about, in a fixed order: by subject_id, then time. Columns of length N."""

    subject_id: Array  # int64: the unit of the store
    source_id: Array  # str: what the source called the subject
    row_id: Array  # str, unique: source_id, or source_id#k for the k-th row of a subject where it may have several
    start: Array  # datetime64[us]: the event the row starts from; NaT where the data has no time
    time: Array  # datetime64[us]: the moment of the prediction; NaT where the data has no time
    part: Array  # str: train, tune, test, or "" where no split was made
    target: Target
    groups: Mapping[str, Array] = field(default_factory=dict)  # name -> str, "" where missing
    event: Array | None = None  # datetime64[us]: when the outcome of a yes-or-no question came; NaT where it did not

    def __len__(self) -> int:
        return len(self.subject_id)

    def take(self, rows: Array) -> Cohort:
        """These rows (indices or a mask), in the order given."""
        columns = {name: getattr(self, name)[rows] for name in ("subject_id", "source_id", "row_id", "start", "time", "part")}
        event = None if self.event is None else self.event[rows]
        groups = {name: level[rows] for name, level in self.groups.items()}
        return replace(self, **columns, target=self.target.take(rows), groups=groups, event=event)

    def of(self, part: Part) -> Array:
        """Indices of the rows of a part, in order."""
        return np.flatnonzero(self.part == part)


@dataclass(frozen=True, slots=True)
class Shared:
    """The events known of many rows, each held once: row[p] knows the event place[p]; by row, then time.

    A patient's record is known at each of their rows; held once, it costs a pair of integers a row, not a copy. The column code
    is text, or, read from a shard of a store, an Enum of the codes of the whole store: integers.
    """

    events: pl.DataFrame  # E events: code, numeric_value, text_value, payload, visit; by subject, then time
    time: Array  # int64 "E": microseconds, NEVER for an event without time
    row: Array  # int64 "P"
    place: Array  # int64 "P"
    high: Array  # int64 "N": microseconds of each row's prediction, NEVER where it has no time
    begin: Array | None = None  # int64 "P": as in Known.events, -1 for null; None: null throughout
    end: Array | None = None

    @property
    def position(self) -> Array:
        """Days before the prediction of each pair, float64 "P"; NaN for an event without time."""
        since, until = self.time[self.place], self.high[self.row]
        return np.where((since == NEVER) | (until == NEVER), np.nan, (since - until) / DAY)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes in memory."""
        arrays = (self.time, self.row, self.place, self.high, self.begin, self.end)
        return int(self.events.estimated_size()) + sum(one.nbytes for one in arrays if one is not None)

    def of(self, rows: Array, count: int) -> Shared:
        """What is known of these of the `count` rows (each at most once, in the order given), numbered anew."""
        number = np.full(count, -1, np.int64)
        number[rows] = np.arange(len(rows))
        pairs = np.flatnonzero(number[self.row] >= 0)
        if (np.diff(rows) < 0).any():
            pairs = pairs[np.argsort(number[self.row[pairs]], kind="stable")]
        begin, end = (bound if bound is None else bound[pairs] for bound in (self.begin, self.end))
        return replace(self, row=number[self.row[pairs]], place=self.place[pairs], high=self.high[rows], begin=begin, end=end)

    def frame(self) -> pl.DataFrame:
        """The columns of Known.events, a line for each pair."""
        said = self.events.with_columns(self.events["code"].cast(str))[self.place]
        make = type(said)  # this file imports nothing heavy
        none = np.full(len(self.place), -1)
        bounds = make({"begin": none if self.begin is None else self.begin, "end": none if self.end is None else self.end})
        nulled = [bound.set(bound < 0, None) for bound in bounds.get_columns()]
        first = make({"row": self.row, "position": self.position})
        return make([*first.get_columns(), *said.get_columns(), *nulled])


@dataclass(frozen=True)
class Known:
    """The events known at each row's time, sorted by row, then time: the only way by which an input sees data.

    `events` has the columns
        row            int64    0..count-1
        position       float64  days before the prediction, <= 0; NaN for an event without time (always known)
        code           str
        numeric_value  float32  null where there is none
        text_value     str      null where there is none
        payload        str      uri, null where there is none
        visit          int64    tells the visits of one subject apart, null where it belongs to none
        begin, end     int64    of a payload with a time axis: the half-open range of its samples that lies inside the history
                                window and not after the prediction; null elsewhere. No other sample may be read.
    For a payload with a time axis `position` is that of its first sample (it may lie before the history window).
    """

    count: int
    source: pl.DataFrame | Shared  # the events; where many rows share them, as integers that point to them
    payloads: Payloads
    kinds: Mapping[str, str]  # code -> kind, from the store's codes: see store/schema.py
    start: Array | None = None  # float64 "N": position of each row's index event, days, <= 0; NaN where it has no time
    subject: Array | None = None  # int64 "N": rows of one subject have one number, for counting alone; None: each row its own
    parents: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # code -> the next broader codes that the store names

    @cached_property
    def events(self) -> pl.DataFrame:
        """A line for each event of each row."""
        return self.source.frame() if isinstance(self.source, Shared) else self.source

    @property
    def shared(self) -> Shared | None:
        """The events held once and which row knows which; None where they were given row by row."""
        return self.source if isinstance(self.source, Shared) else None


# ------------------------------------------------------------------------------------------------------------------- sequences


@dataclass(frozen=True, slots=True)
class Wording:
    """How a word is told in integers: its place in the vocabulary, its shape, then its C characters, 0 where it has fewer."""

    shapes: int  # how many shapes there are
    characters: int  # how many characters there are; 0 stands for none, 1 for one that training did not have


@dataclass(frozen=True, slots=True)
class Spec:
    """All that an encoder learns of its input."""

    kind: str  # the modality's name
    shape: tuple[int, ...]  # *F of one step: () for a code, (F,) measurements, (C, L) windows, (C, H, W) images
    unit: str  # of position: "days", "seconds", "millimetres" or "index"
    names: tuple[str, ...] = ()  # of the features, where they have names
    vocabulary: int = 0  # number of codes, where values are integers; 0 where they are floats
    side: int = 0  # E, numbers beside a step
    context: int = 0  # C, numbers of the row
    single: bool = False  # every row has at most one step (an image, a patient's statics)
    spacing: tuple[float, ...] = ()  # millimetres between points along *S of (C, *S), where all pictures have the same
    lines: tuple[tuple[float, float], ...] = ()  # (centre, spread) of each feature that is centre + spread * value; (): of none
    words: Wording | None = None  # steps are words told by more than their number: values (2 + C,)


@dataclass(frozen=True, slots=True)
class Ragged:
    """One input of N rows: their steps laid end to end. Row i has the steps offsets[i]:offsets[i+1]; it may have none."""

    offsets: Array  # int64 "N+1"
    values: Steps  # "S *F", or "M *F" with `take`
    position: Array  # float64 "S", rising within a row
    seen: Steps | None = None  # bool, like values: which entries of a step are real; None: all
    side: Array | None = None  # float32 "S E"
    context: Array | None = None  # float32 "N C"
    take: Array | None = None  # int64 "S": the entry of values (and seen) that each step is; None where they are 1 to 1
    places: Places | None = None  # of steps that stand in texts

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def lengths(self) -> Array:
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class Counts:
    """Columns that are 0 for nearly every row, such as how often each of thousands of codes occurs."""

    values: Any  # scipy.sparse.csr_array float32 "N Q"
    names: tuple[str, ...]  # Q
    label: str  # of the block


@dataclass(frozen=True, slots=True)
class Plain:
    """One input of N rows as plain columns, for the baselines; NaN where nothing was seen (a count is 0)."""

    values: Array  # float32 "N P"
    names: tuple[str, ...]  # P
    counts: tuple[Counts, ...] = ()  # blocks of sparse columns, each of which a baseline may take or leave

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, those of the sparse blocks last."""
        return (*self.names, *(name for block in self.counts for name in block.names))

    def take(self, rows: Array) -> Plain:
        """These rows (indices), in the order given."""
        return Plain(self.values[rows], self.names, tuple(replace(block, values=block.values[rows]) for block in self.counts))


@dataclass(frozen=True, slots=True)
class Seq:
    """One input of B rows, padded to T steps: what an encoder sees. NumPy in collate, torch in the model."""

    values: Any  # "B T *F": integer codes (int64 as a tensor), or float32
    mask: Any  # bool "B T": True where a step exists; never inferred from values; existing steps come first
    position: Any  # float64 "B T", in the unit that the Spec declares; 0 on padding
    seen: Any = None  # bool "B T *F"; None says what True everywhere would
    side: Any = None  # float32 "B T E"; None where Spec.side is 0
    context: Any = None  # float32 "B C"; None where Spec.context is 0


@dataclass(frozen=True, slots=True)
class Batch:
    """B rows, every input padded: what training, evaluation, prediction and serving all pass to the model."""

    inputs: Mapping[str, Seq]
    rows: Array  # int64 "B": where each row stands in the Cohort
    target: Target | None = None
    weight: Any = None  # float32 "B" or None


@dataclass(frozen=True, slots=True)
class Encoded:
    """What an encoder gives."""

    steps: Tensor | None  # "B T D *S": S is () or the (H, W) that dense tasks need; None where it has no steps to show
    mask: Tensor  # bool "B T"
    pooled: Tensor | None  # "B D"
    seq: Seq | None = None  # what was read, where there is one input: of use to a head that foresees its next steps
    coarser: tuple[Tensor, ...] = ()  # in training, maps "B T D *S" of fewer points, finest first, for deep supervision


# --------------------------------------------------------------------------------------------------------------------- answers


@dataclass(frozen=True, slots=True)
class Likeliest:
    """The codes that may come next after each row's last step, the likeliest first."""

    codes: Array  # int64 "N L": places in the vocabulary
    probabilities: Array  # float64 "N L", falling

    def take(self, rows: Array) -> Likeliest:
        return Likeliest(self.codes[rows], self.probabilities[rows])


@dataclass(frozen=True, slots=True)
class Quantiles:
    """How far the truth may lie from what is said: each column's value at each level of probability."""

    levels: tuple[float, ...]  # Q, rising, in (0, 1)
    values: Array  # float64 "N K Q", rising along Q

    def take(self, rows: Array) -> Quantiles:
        return Quantiles(self.levels, self.values[rows])


@dataclass(frozen=True, slots=True)
class Painted:
    """What is said of every point of a picture as it is stored."""

    label: Array  # uint8 or uint16 "*S": 0 nothing, k the k-th name; of instances, the number of one
    chance: Array  # uint8 "K *S": probability of each name in 255ths


@dataclass(frozen=True, slots=True)
class Boxed:
    """Boxes that are said to be on a picture as it is stored, the surest first."""

    corners: Array  # float32 "M 4": top, left, bottom, right edges in pixels
    label: Array  # int64 "M"
    score: Array  # float64 "M", in [0, 1]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a task says of each row, in NumPy.

    probabilities: binary K = 1 (of the event), multiclass K classes that sum to 1, multilabel K labels each in [0, 1].
    values: regression, K quantities in the unit of the target; forecast, the same, in the middle of their quantiles; next_event,
    sums over the codes foreseen (see its task).
    masks: segment, the mean probability of each name over the picture; the picture itself is in `painted`.
    boxes: detect, the sum of the scores of each name; the boxes themselves are in `boxed`.
    spans: entities, the sum of the scores of each name; the stretches themselves are in `spanned`.
    """

    kind: Literal["probabilities", "values", "masks", "boxes", "spans"]
    values: Array  # float64 "N K"
    names: tuple[str, ...]  # K
    likeliest: Likeliest | None = None  # of next_event
    quantiles: Quantiles | None = None  # of forecast, beside its values
    painted: tuple[Painted | None, ...] = ()  # of segment, N: None where the row has no picture
    boxed: tuple[Boxed | None, ...] = ()  # of detect, N
    spanned: Spans | None = None  # of entities: first in steps (begin, end of them), once they are placed in the row's text
    tally: Any = None  # of these, once held against the truth: what evaluation needs of each row, with a `take` of its own

    def take(self, rows: Array) -> Answer:
        """The answers of these rows (indices), in the order given."""
        painted, boxed = (tuple(one[i] for i in rows) if one else () for one in (self.painted, self.boxed))
        ranked, tally = (one and one.take(rows) for one in (self.likeliest, self.tally))
        around = self.quantiles and self.quantiles.take(rows)
        told = Answer(self.kind, self.values[rows], self.names, ranked, around, painted, boxed, tally=tally)
        return told if self.spanned is None else replace(told, spanned=self.spanned.take(rows))

    def __len__(self) -> int:
        return len(self.values)


def concatenate(answers: Sequence[Answer]) -> Answer:
    """The answers of several batches as one, in order; they must be of one kind and of the same names."""
    first = answers[0]
    values = np.concatenate([answer.values for answer in answers])
    painted = tuple(one for answer in answers for one in answer.painted)
    boxed = tuple(one for answer in answers for one in answer.boxed)
    return Answer(first.kind, values, first.names, _ranked(answers), _around(answers), painted, boxed, _stretches(answers))


def _ranked(answers: Sequence[Answer]) -> Likeliest | None:
    ranked = [answer.likeliest for answer in answers if answer.likeliest is not None]
    if not ranked:
        return None
    codes, probabilities = (np.concatenate([getattr(one, column) for one in ranked]) for column in ("codes", "probabilities"))
    return Likeliest(codes, probabilities)


def _around(answers: Sequence[Answer]) -> Quantiles | None:
    around = [answer.quantiles for answer in answers if answer.quantiles is not None]
    return Quantiles(around[0].levels, np.concatenate([one.values for one in around])) if around else None


def _stretches(answers: Sequence[Answer]) -> Spans | None:
    spans = [answer.spanned for answer in answers if answer.spanned is not None]
    return joined(spans) if spans else None


def joined(spans: Sequence[Spans]) -> Spans:
    """The stretches of several rows after one another; all tell the same columns."""
    count = np.concatenate([np.diff(one.offsets) for one in spans])
    begin, end, label = (np.concatenate([getattr(one, name) for one in spans]) for name in ("begin", "end", "label"))
    score, concept, document = (
        None if getattr(spans[0], name) is None else np.concatenate([getattr(one, name) for one in spans])
        for name in ("score", "concept", "document")
    )
    return Spans(np.concatenate([[0], np.cumsum(count)]), begin, end, label, score, concept, document)
