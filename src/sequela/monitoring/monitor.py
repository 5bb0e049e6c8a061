"""A bundle that follows a recording: what comes is held while a prediction may look at it, and each is made in its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from sequela.bundle.bundle import history
from sequela.bundle.prediction import Prediction, of
from sequela.bundle.predictor import Predictor
from sequela.errors import DataError
from sequela.monitoring import beats, needs
from sequela.monitoring.carried import carrier
from sequela.monitoring.held import Held
from sequela.monitoring.quality import LEAST, WINDOW, Watch
from sequela.monitoring.reading import Reading
from sequela.monitoring.recording import SECOND, Piece, Recording
from sequela.study import cohort as cohorts
from sequela.study import cut, triggers
from sequela.study.flow import Flow
from sequela.study.predicates import Predicates
from sequela.study.records import matching
from sequela.types import Array, Cohort

SLACK = 30 * SECOND  # what nothing looks at any more is let go when there is so much of it


class Monitor:
    """Predictions for one recording, in the order of their moments: each as soon as all that bears on it has come."""

    def __init__(self, predictor: Predictor, recording: Recording, *, detect: bool = False, least_quality: float = LEAST) -> None:
        """detect: the recording has no heartbeats, so they are found in it; predictions then wait until they are certain.
        least_quality: in [0, 1]; where every channel is below it nothing is answered.

        Raises ConfigError for a study whose rows have no time, DataError for a recording in which no row can start.
        """
        self._predictor = predictor
        self._study = needs.followed(predictor.study)
        kinds = {**recording.kinds, **({beats.BEAT: "event"} if detect else {})}
        self._held = Held(recording.subject, recording.signals, kinds)
        self._beats = beats.Beats(recording.signals) if detect else None
        self._lasting = needs.lasting(self._study, self._held)
        self._start = self._now = self._kept = recording.start
        self._told = cut.NEVER  # the latest prediction made
        self._told_step = -np.inf  # the latest step of which something was said, in seconds
        self._behind = 0  # moments to start from that are let go: rows are numbered from the first of the recording
        self._watch = Watch.over(predictor, least_quality)
        self._carrier = carrier(predictor, self._study, recording.signals)
        _check_start(self._study.cohort.index, self._held)

    def push(self, piece: Piece) -> list[Reading]:
        """The predictions whose moments lie before the end of what has come."""
        self._held.add(piece, ends=piece.until + max(needs.every(self._study), 1))
        self._now = piece.until
        if self._beats is not None:
            self._held.more(self._beats.push(piece))
            self._now = max(self._beats.settled(piece.until), self._start)
        readings = self._readings(self._told + 1, self._now)
        self._forget()
        return readings

    def finish(self) -> list[Reading]:
        """The predictions that waited for samples which do not come."""
        if self._beats is not None:
            self._held.more(self._beats.finish())
        self._held.close()
        again = needs.tags(self._study)  # the last row is asked about all that is left, so it is asked once more
        return self._readings(self._told + (not again), cut.ALWAYS)

    def _readings(self, low: int, high: int) -> list[Reading]:
        rows, flow = cohorts.eligible(self._held, self._study)
        found = [*self._answered(_within(rows, low, high)), *self._refused(flow, low, high)]
        self._told = max([self._told, *(self._start + round(one.seconds * SECOND) for one in found)])
        return self._watch.judged(sorted(found, key=lambda one: one.seconds), self._held, self._start)

    def _answered(self, rows: Cohort) -> Iterator[Reading]:
        if not len(rows):
            return
        new = cut.microseconds_of(rows.time) > self._told
        for i, prediction in enumerate(self._predicted(rows)):
            if needs.tags(self._study) and not prediction.refused:
                yield from self._each_step(rows, i, prediction)
            elif new[i]:
                yield self._reading(rows, i, prediction)

    def _predicted(self, rows: Cohort) -> list[Prediction]:
        if self._carrier is None:
            return of(self._predictor, rows, cut.known(self._held, rows, history(self._study)), Flow())
        lots = self._carrier.lots(rows)
        return [one for lot, look in lots for one in of(self._carrier.predictor, lot, cut.known(self._held, lot, look), Flow())]

    def _each_step(self, rows: Cohort, i: int, prediction: Prediction) -> Iterator[Reading]:
        """A reading for each step that a row judges and no row did before."""
        for step in prediction.steps or ():
            seconds = self._seconds(np.datetime64(step["time"].removesuffix("Z")))
            if seconds > self._told_step:
                self._told_step = seconds
                one = replace(prediction, steps=None, probabilities=step["probabilities"], decision=step["decision"])
                yield replace(self._reading(rows, i, one), about=seconds)

    def _refused(self, flow: Flow, low: int, high: int) -> Iterator[Reading]:
        """Of the rows that the cohort's rules leave out; a subject without any row yet is no row."""
        if not any("#" in name for name in flow.refused):
            return
        plan = self._study.cohort
        draft = triggers.drafted(self._held, plan, Predicates(self._held, plan.predicates, None, False), None, None)
        rows = _within(draft.rows, low, high)
        for i in np.flatnonzero(np.isin(rows.row_id, list(flow.refused))).tolist():
            name = str(rows.row_id[i])
            yield self._reading(rows, i, Prediction(name, str(rows.source_id[i]), None, refused=flow.refused[name]))

    def _reading(self, rows: Cohort, i: int, prediction: Prediction) -> Reading:
        own = self._seconds(rows.start[i]) if self._each else None
        return Reading(self._seconds(rows.time[i]), own, replace(prediction, row_id=self._numbered(prediction.row_id)))

    def _seconds(self, time: np.datetime64) -> float:
        return float((int(time.astype("datetime64[us]").astype(np.int64)) - self._start) / SECOND)

    @property
    def _each(self) -> bool:
        return bool(self._study.cohort.trigger) or self._study.cohort.index.startswith(needs.EACH)

    def _numbered(self, name: str) -> str:
        subject, sign, number = name.rpartition("#")
        return f"{subject}#{int(number) + self._behind}" if sign and self._behind else name

    def _forget(self) -> None:
        reach = needs.reach(self._study) if self._carrier is None else self._carrier.reach
        if reach is None or self._lasting is None:
            return
        before = self._now - max(reach, (WINDOW + 1) * SECOND) - needs.every(self._study)
        if before - self._kept < SLACK:
            return
        self._kept = before
        lost = self._held.forget(before, self._lasting)
        if self._each and self._study.cohort.index:
            codes = matching(self._held, self._study.cohort.index.removeprefix(needs.EACH))
            self._behind += lost.filter(lost["code"].is_in(codes))["time"].n_unique()


def _check_start(index: str, held: Held) -> None:
    code = index.removeprefix(needs.EACH)
    if index and not matching(held, code):
        hint = "--beats detected finds them in the signal" if code == beats.BEAT else "see `sequela inspect`"
        raise DataError(f"the recording has no {code!r}, from which every prediction of this study starts", hint=hint)


def _within(rows: Cohort, low: int, high: int) -> Cohort:
    """Those whose prediction lies from one moment to before another, in microseconds."""
    time: Array = cut.microseconds_of(rows.time)
    return rows.take(np.flatnonzero((time >= low) & (time < high) & (time != cut.NEVER)))
