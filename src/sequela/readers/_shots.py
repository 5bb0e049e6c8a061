"""Pictures of patients who come back: each at a time of its own, with what is said of it stamped as it is.

So a row may start from each picture (`index = "EACH//IMAGE"`, `predict_at = "0s"`), labels are found by its time, and all
pictures of a patient stay in one part. Sources without dates tell an order only: their times count from an anchor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from sequela.contracts import Sink, Source
from sequela.errors import DataError
from sequela.readers import _picture
from sequela.readers._marked_boxes import CLIPPED, Fitting, Marked, fitted
from sequela.readers._picture_events import Gathered
from sequela.types import Part, Payload, Space


@dataclass(frozen=True, slots=True)
class Shot:
    """One picture of a patient."""

    name: str  # how it is refused
    file: str  # in the source; "" where it is not there
    subject: str
    time: datetime
    labels: Mapping[str, float]  # label -> value; one that is not known is left out
    told: Mapping[str, str | float]  # static -> what was told with this picture
    part: Part | None = None
    boxes: Marked | None = None  # None: nobody looked for any
    spacing: tuple[float, float] | None = None  # of the file, down and across, in millimetres


@dataclass(frozen=True)
class ShotWriter:
    """Reads the pictures and writes them, one at a time; events when it is finished."""

    source: Source
    sink: Sink
    form: _picture.Form
    partial: bool  # pictures that are not there are left out, not refused
    rows: Gathered = field(default_factory=Gathered)
    parts: dict[str, Part] = field(default_factory=dict)  # subject -> its part
    taken: set[tuple[str, datetime]] = field(default_factory=set)

    def take(self, shot: Shot) -> None:
        """Reads and writes a picture, or refuses it by its name."""
        if not shot.file and self.partial:
            self.sink.note("listed, but the picture is not there: left out", 1)
            return
        try:
            self._take(shot)
        except DataError as error:
            self.sink.refuse(shot.name, error.message)

    def _take(self, shot: Shot) -> None:
        self._check(shot)
        picture = _picture.read(self.source.path(shot.file), self.form)
        boxes = None if shot.boxes is None else _on(picture, shot.boxes)
        payload = Payload(picture.values, None, _picture.CHANNELS[self.form.mode], space=_space(picture, shot.spacing))
        uri = self.sink.payload(shot.file, payload)
        self.taken.add((shot.subject, shot.time))
        self.rows.of("IMAGE", "payload").add(shot.subject, payload=uri, time=shot.time)
        for name, value in shot.labels.items():
            self.rows.of(f"LABEL//{name}", "label").add(shot.subject, number=value, time=shot.time)
        for name, said in shot.told.items():
            text, number = (said, None) if isinstance(said, str) else (None, said)
            self.rows.of(name, "static").add(shot.subject, text=text, number=number, time=shot.time)
        if boxes is not None:
            self._boxes(shot, boxes)
        if shot.part:
            self.parts[shot.subject] = shot.part
        self.sink.accept()

    def _check(self, shot: Shot) -> None:
        if not shot.file:
            raise DataError("listed, but the picture is not there")
        if (shot.subject, shot.time) in self.taken:
            raise DataError("a second picture of its patient at the same time; the first counts")
        if shot.part and self.parts.get(shot.subject, shot.part) != shot.part:
            raise DataError(f"of the part {shot.part}, another picture of its patient of {self.parts[shot.subject]}")

    def _boxes(self, shot: Shot, boxes: Fitting) -> None:
        self.rows.of("BOXES", "label").add(shot.subject, number=len(boxes.boxes), time=shot.time)
        for box in boxes.boxes:
            self.rows.of(f"BOX//{box.name}", "label").add(shot.subject, text=box.text, time=shot.time)
        for number, reason in boxes.refused.items():
            self.sink.refuse(f"{shot.name} box {number}", reason)
        if boxes.clipped:
            self.sink.note(CLIPPED, boxes.clipped)

    def finish(self) -> None:
        """Writes the events and the parts."""
        self.sink.relative_times()
        self.rows.write(self.sink)
        for subject, part in self.parts.items():
            self.sink.part(subject, part)


def _on(picture: _picture.Picture, marked: Marked) -> Fitting:
    size = picture.values.shape[1:]
    found = fitted(marked, picture.filed)
    return found if size == picture.filed else replace(found, boxes=tuple(box.scaled(picture.filed, size) for box in found.boxes))


def _space(picture: _picture.Picture, spacing: tuple[float, float] | None) -> Space | None:
    """Only how far apart the points of the stored picture are."""
    if spacing is None:
        return None
    height, width = picture.values.shape[1:]
    down, across = spacing[0] * picture.filed[0] / height, spacing[1] * picture.filed[1] / width
    return Space(np.diag([1.0, down, across, 1.0]), oriented=False)
