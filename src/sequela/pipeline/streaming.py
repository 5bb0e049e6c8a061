"""The batches of a study, read a shard at a time: memory does not grow with the number of patients.

For training loops of one's own, and for records that do not fit into memory as sequences. Only the rows (who, when, which label)
are held for all; what is known of them is held up to HELD bytes, and beyond those read again for each pass, a shard at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from sequela import batch as batching
from sequela import model as models
from sequela import seed as streams
from sequela.bundle.bundle import history
from sequela.config import Study
from sequela.contracts import Fitted, Progress
from sequela.errors import ConfigError
from sequela.pipeline.data import records
from sequela.pipeline.prepared import loaded, names_exist
from sequela.pipeline.progress import silent
from sequela.store.store import Shard, Store
from sequela.study import cohort as cohorts
from sequela.study import cut, homology
from sequela.study.flow import Flow
from sequela.study.joined import joined
from sequela.study.split import plans
from sequela.types import Array, Batch, Cohort, Known, Part, Spec

HELD = 24 * 2**20  # bytes of what is known that are held between passes


@dataclass(frozen=True)
class Stream:
    """A study over a store, its inputs fitted on the training part, ready to give batches."""

    study: Study
    store: Store
    cohort: Cohort  # every row, with its part
    flow: Flow
    fitted: Mapping[str, Fitted]
    ends: Array  # int64: where the rows of each shard end in the cohort
    held: Held

    @property
    def specs(self) -> dict[str, Spec]:
        """What each input is: all that an encoder is built from."""
        return {name: one.spec for name, one in self.fitted.items()}

    def batches(self, part: Part | None = None, size: int = 64, epoch: int | None = None) -> Iterator[Batch]:
        """The rows of a part (None: of all) in batches of like length; `Batch.rows` says where each stands in the cohort.

        In the order of the store, or, with an epoch, shuffled: shards, then rows within each, by the training seed and the epoch.
        """
        for place, (known, rows) in enumerate(self._known(part, epoch)):
            inputs, _ = models.read_inputs(self.fitted, known)
            length = batching.lengths(inputs)
            order = batching.sorted_(length, size) if epoch is None else self._shuffled(length, size, epoch, place)
            target = self.cohort.target.take(rows)
            yield from (replace(batching.collate(inputs, own, target), rows=rows[own]) for own in order)

    def _shuffled(self, length: Array, size: int, epoch: int, place: int) -> list[Array]:
        return batching.shuffled(length, size, streams.number(self.study.train.seed, "shard", place), epoch)

    def _known(self, part: Part | None, epoch: int | None) -> Iterator[tuple[Known, Array]]:
        """What is known of the rows of the part, and which they are: a shard at a time, each that has any."""
        rows = np.split(np.arange(len(self.cohort)), self.ends[:-1])
        shards = list(self.store.shards())
        random = None if epoch is None else streams.generator(self.study.train.seed, "shards", epoch)
        for place in range(len(rows)) if random is None else random.permutation(len(rows)):
            here = np.ones(len(rows[place]), bool) if part is None else self.cohort.part[rows[place]] == part
            if here.any():
                shard = replace(shards[place], numbered=True)
                yield self.held.known(shard, self.cohort.take(rows[place]), here), rows[place][here]


class Held:
    """What is known of the rows of each shard: of the first shards held, of the others read again each time."""

    def __init__(self, history: int | None, most: int) -> None:
        self._history, self._room = history, most
        self._known: dict[Path, Known] = {}

    def hold(self, shard: Shard, rows: Cohort) -> None:
        """Holds what is known of all rows of a shard, while there is room."""
        if self._room > 0 and len(rows):
            whole = cut.known(shard, rows, self._history)
            self._room -= whole.shared.nbytes if whole.shared else 0
            if self._room >= 0:
                self._known[shard.path] = whole

    def known(self, shard: Shard, rows: Cohort, here: Array) -> Known:
        """Of the rows that are here (bool "N"), of all those of a shard."""
        whole = self._known.get(shard.path)
        own = np.flatnonzero(here)
        if whole is None:
            return cut.known(shard, rows.take(own), self._history)
        return whole if len(own) == len(here) else cut.take(whole, own)


def stream(
    study: str | Path | Study,
    *,
    data: str | Path | Store | None = None,
    overrides: tuple[str, ...] = (),
    progress: Progress = silent,
) -> Stream:
    """The study's rows split, and its inputs fitted on the training part, a shard of the store at a time.

    Raises ConfigError for a study of several splits, and what `check` raises where it cannot be asked of these records.
    """
    read, base = loaded(study, overrides)
    names_exist(read)
    store = records(read.data, base, data, progress)
    held = Held(history(read), HELD)
    found = [_labelled(read, replace(shard, numbered=True), held) for shard in store.shards()]
    cohort, flow = joined(found)
    if not len(cohort):
        raise cohorts.empty(flow)
    cohort = homology.grouped(store, read.cohort, cohort)
    planned = plans(cohort, read, store, base)
    if len(planned) != 1:
        raise ConfigError(
            f"the study has {len(planned)} splits, and a stream is of one", hint="name one list file, or split by subject"
        )
    ends = np.cumsum([len(rows) for rows, _ in found])
    bare = Stream(read, store, planned[0].applied(cohort), flow, {}, ends, held)
    return replace(bare, fitted=models.fit_inputs_each(read, partial(_training, bare)))


def _labelled(study: Study, shard: Shard, held: Held) -> tuple[Cohort, Flow]:
    """The rows of a shard and their flow, without the names of those left out: there may be millions."""
    cohort, flow = cohorts.labelled(shard, study)
    held.hold(shard, cohort)  # while its events are at hand
    return cohort, replace(flow, refused={})


def _training(bare: Stream) -> Iterator[Known]:
    """What is known of the training rows that the task learns from, a shard at a time."""
    learnt = models.learns(bare.study, bare.cohort.target)
    for known, rows in bare._known("train", None):
        yield known if learnt[rows].all() else cut.take(known, np.flatnonzero(learnt[rows]))
