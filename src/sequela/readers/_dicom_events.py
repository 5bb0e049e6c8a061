"""The events of DICOM pictures and of the people in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from sequela.contracts import Sink
from sequela.readers._dicom_origin import Origin

SCHEMA = {
    "source_id": pl.String(),
    "time": pl.Datetime("us"),
    "available": pl.Datetime("us"),
    "code": pl.String(),
    "numeric_value": pl.Float32(),
    "text_value": pl.String(),
    "payload": pl.String(),
}
TOGETHER = 4096  # events given to the sink at once


def named(series: str, number: int) -> str:
    """The name of the payload of the first, second, … stack of a series."""
    return series if number == 1 else f"{series}#{number}"


@dataclass
class Events:
    """Gathers events for the sink, and what was told of each subject."""

    sink: Sink
    _rows: list[tuple[object, ...]] = field(default_factory=list)
    _ages: set[tuple[str, datetime | None]] = field(default_factory=set)
    _sexes: dict[str, str] = field(default_factory=dict)
    _names: Counter[str] = field(default_factory=Counter)

    def add(self, origin: Origin, code: str, *, number: float | None = None, text: str = "", uri: str | None = None) -> None:
        """An event at the time of its origin."""
        time, available = (origin.when.time, origin.when.available) if origin.when else (None, None)
        self._rows.append((origin.subject, time, available, code, number, text or None, uri))
        if len(self._rows) >= TOGETHER:
            self.close()

    def person(self, origin: Origin) -> None:
        """AGE once for each time that it was told, SEX once a subject."""
        time = origin.when.time if origin.when else None
        if origin.age is not None and (origin.subject, time) not in self._ages:
            self._ages.add((origin.subject, time))
            self.sink.code("AGE", "static", unit="years")
            self.add(origin, "AGE", number=origin.age)
        if origin.sex and origin.subject not in self._sexes:
            self._sexes[origin.subject] = origin.sex
            self.sink.code("SEX", "static")
            self._rows.append((origin.subject, None, None, "SEX", None, origin.sex, None))
        elif origin.sex and self._sexes[origin.subject] != origin.sex:
            self.sink.note("pictures that tell another sex than the subject's first", 1)

    def name(self, series: str) -> str:
        """Of the next payload of a series: its own, and from the second on with a number."""
        self._names[series] += 1
        return named(series, self._names[series])

    def close(self) -> None:
        """Gives the sink what still waits."""
        if self._rows:
            self.sink.events(pl.DataFrame(self._rows, schema=SCHEMA, orient="row"))
            self._rows.clear()
