"""What is said of parts of a record: points and boxes of pictures, labels of moments, stretches of texts, pairs of places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sequela.types.arrays import Array, Space
from sequela.types.lazy import OfRows, chosen


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
class Letters:
    """A label for each letter of the sequences of N rows, laid end to end; row i has offsets[i]:offsets[i+1], or none at all."""

    offsets: Array  # int64 "N+1"
    value: Array  # int64 "M": the place in names, -1 where it is not known

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Letters:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Letters(offsets, self.value[place])


@dataclass(frozen=True, slots=True)
class Tags:
    """What is true of each step of N rows, laid end to end as the steps of their Ragged are."""

    offsets: Array  # int64 "N+1"
    value: Array  # int64 "S": the place in names, -1 where it is not known
    judged: Array  # bool "S": whether the row is asked about the step; the others stand by it
    letters: bool = False  # the steps are letters of a sequence: those of one class that follow one another are a segment

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64: of each judged step."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))[self.judged]

    def take(self, rows: Array) -> Tags:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Tags(offsets, self.value[place], self.judged[place], self.letters)

    def padded(self, steps: int) -> Array:
        """int64 "N T": what is known of the judged steps, -1 elsewhere."""
        found = np.full((len(self), steps), -1, np.int64)
        found[np.arange(steps) < np.diff(self.offsets)[:, None]] = np.where(self.judged, self.value, -1)
        return found


@dataclass(frozen=True, slots=True)
class Along:
    """Where each of N steps, taken as a row of its own, stands along its sequence."""

    row: Array  # int64 "N": the number of the sequence
    step: Array  # int64 "N": the number of the step in it

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: Array) -> Along:
        """Of these steps (indices or a mask), in the order given."""
        return Along(self.row[rows], self.step[rows])


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
class Marked:
    """What was marked for N rows, told by document: a row may read others too, of which nothing is known."""

    spans: Spans  # with the document of each
    offsets: Array  # int64 "N+1"
    read: Array  # str "R": keys of the documents that somebody read; of row i offsets[i]:offsets[i+1]

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, rows: Array) -> Marked:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Marked(self.spans.take(rows), offsets, self.read[place])

    def read_of(self, row: int) -> frozenset[str]:
        """Keys of the documents that somebody read for a row."""
        return frozenset(self.read[slice(*self.offsets[row : row + 2])].tolist())


@dataclass(frozen=True, slots=True)
class Spanned:
    """What is true of N texts: the stretches that somebody marked, in the row's text, and the tag of each step that they make."""

    spans: Spans
    tags: Tags
    unread: Spans | None = None  # documents in the texts of which nobody told: nothing said there is judged; None: all were read

    def __len__(self) -> int:
        return len(self.spans)

    def take(self, rows: Array) -> Spanned:
        """Of these rows (indices or a mask), in the order given."""
        return Spanned(self.spans.take(rows), self.tags.take(rows), self.unread and self.unread.take(rows))


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of places in the sequences of N rows, laid end to end; row i has offsets[i]:offsets[i+1]."""

    offsets: Array  # int64 "N+1"
    low: Array  # int64 "M": letters (or steps) before the first of the two
    high: Array  # int64 "M": before the second, above low
    score: Array | None = None  # float64 "M", in [0, 1], falling within a row: how likely it is; None of the truth

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @property
    def row(self) -> Array:
        """int64 "M"."""
        return np.repeat(np.arange(len(self)), np.diff(self.offsets))

    def take(self, rows: Array) -> Pairs:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return self._of(offsets, place)

    def keep(self, which: Array) -> Pairs:
        """Those pairs alone, bool "M"."""
        return self._of(np.concatenate([[0], np.cumsum(np.bincount(self.row[which], minlength=len(self)))]), which)

    def _of(self, offsets: Array, place: Array) -> Pairs:
        return Pairs(offsets, self.low[place], self.high[place], None if self.score is None else self.score[place])


@dataclass(frozen=True, slots=True)
class Paired:
    """What is true of the pairs of places of N sequences: those that somebody marked, and which of them the steps can tell."""

    pairs: Pairs  # in letters, without those nearer than `separation`
    steps: Pairs  # the same in steps, without those of which a letter was not read
    letters: Array  # int64 "N": how many letters each sequence has
    separation: int  # the fewest letters from the first of a pair to the second

    def __len__(self) -> int:
        return len(self.pairs)

    def take(self, rows: Array) -> Paired:
        """Of these rows (indices or a mask), in the order given."""
        return Paired(self.pairs.take(rows), self.steps.take(rows), self.letters[rows], self.separation)

    def laid(self, mask: Array) -> Array:
        """int8 "N T T": 1 for a pair, 0 for none, -1 for what is not asked, where the rows have the steps of `mask` "N T"."""
        place = np.arange(mask.shape[1])
        apart = np.abs(place[:, None] - place) >= self.separation
        found = np.where(mask[:, :, None] & mask[:, None] & apart, 0, -1).astype(np.int8)
        found[self.steps.row, self.steps.low, self.steps.high] = 1
        found[self.steps.row, self.steps.high, self.steps.low] = 1
        return found


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
    texts: OfRows[str]  # N: the documents of the row, one after the other, a blank line between them
    pieces: OfRows[tuple[Piece, ...]]  # N: these documents, in order

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def take(self, rows: Array) -> Places:
        """Of these rows (indices or a mask), in the order given."""
        offsets, place = _spread(self.offsets, rows)
        return Places(offsets, self.begin[place], self.end[place], chosen(self.texts, rows), chosen(self.pieces, rows))


def joined(spans: Sequence[Spans]) -> Spans:
    """The stretches of several rows after one another; all tell the same columns."""
    count = np.concatenate([np.diff(one.offsets) for one in spans])
    begin, end, label = (np.concatenate([getattr(one, name) for one in spans]) for name in ("begin", "end", "label"))
    score, concept, document = (
        None if getattr(spans[0], name) is None else np.concatenate([getattr(one, name) for one in spans])
        for name in ("score", "concept", "document")
    )
    return Spans(np.concatenate([[0], np.cumsum(count)]), begin, end, label, score, concept, document)


def joined_pairs(pairs: Sequence[Pairs]) -> Pairs:
    """The pairs of several rows after one another; all have scores, or none."""
    offsets = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(one.offsets) for one in pairs]))])
    low, high = (np.concatenate([getattr(one, name) for one in pairs]) for name in ("low", "high"))
    scores = [one.score for one in pairs if one.score is not None]
    return Pairs(offsets, low, high, np.concatenate(scores) if scores else None)


def _spread(offsets: Array, rows: Array) -> tuple[Array, Array]:
    """The offsets of these rows laid end to end, and where what they hold stood before."""
    first, count = offsets[:-1][rows], np.diff(offsets)[rows]
    found = np.concatenate([[0], np.cumsum(count)])
    return found, np.repeat(first - found[:-1], count) + np.arange(found[-1])
