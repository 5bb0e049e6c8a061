"""A store small enough to read in the test, and studies over it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

from sequela import config
from sequela.errors import DataError
from sequela.types import Payload

EPOCH = datetime(2020, 1, 1)
Event = tuple[Any, ...]  # source_id, hours after the epoch (None: without time), code, value[, visit, available, superseded]


@dataclass(frozen=True)
class HeldPayloads:
    held: Mapping[str, Payload] = field(default_factory=dict)

    def open(self, uri: str) -> Payload:
        if uri not in self.held:
            raise DataError("no such payload")
        return self.held[uri]


@dataclass(frozen=True)
class HeldStore:
    """Events in memory, with the face of a store."""

    frame: pl.DataFrame
    codes: pl.DataFrame
    subjects: pl.DataFrame
    parts: Mapping[int, str]
    payloads: HeldPayloads

    @property
    def kinds(self) -> Mapping[str, str]:
        return dict(self.codes.select("code", "kind").iter_rows())

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        return {code: tuple(broader) for code, broader in self.codes.select("code", "parent_codes").iter_rows() if broader}

    def events(self, codes: Sequence[str] | None = None, subjects: Sequence[int] | None = None) -> pl.DataFrame:
        frame = self.frame
        if codes is not None:
            frame = frame.filter(pl.col("code").is_in(list(codes)))
        return frame if subjects is None else frame.filter(pl.col("subject_id").is_in(list(subjects)))


def held(
    events: Sequence[Event],
    kinds: Mapping[str, str] | None = None,
    parts: Mapping[str, str] | None = None,
    payloads: Mapping[str, Payload] | None = None,
) -> HeldStore:
    """A store of these events; a code's kind is guessed from its name unless given."""
    names = list(dict.fromkeys(event[0] for event in events))
    number = {name: place for place, name in enumerate(names)}
    frame = pl.DataFrame(
        [
            (
                number[source],
                at(hours),
                code,
                float(value) if isinstance(value, int | float) else None,
                value if isinstance(value, str) and not value.startswith("uri:") else None,
                value if isinstance(value, str) and value.startswith("uri:") else None,
                visit,
                at(available),
                at(superseded),
            )
            for source, hours, code, value, visit, available, superseded in (
                (*event, *[None] * (7 - len(event))) for event in events
            )
        ],
        schema={
            "subject_id": pl.Int64,
            "time": pl.Datetime("us"),
            "code": pl.String,
            "numeric_value": pl.Float32,
            "text_value": pl.String,
            "payload": pl.String,
            "visit": pl.Int64,
            "available": pl.Datetime("us"),
            "superseded": pl.Datetime("us"),
        },
        orient="row",
    ).sort("subject_id", "time", nulls_last=False, maintain_order=True)
    found = sorted(set(frame["code"]))
    return HeldStore(
        frame,
        pl.DataFrame(
            {
                "code": found,
                "kind": [(kinds or {}).get(code, guessed(code)) for code in found],
                "parent_codes": [[] for _ in found],
            },
            schema_overrides={"parent_codes": pl.List(pl.String)},
        ),
        pl.DataFrame(
            {"subject_id": list(number.values()), "source_id": names}, schema={"subject_id": pl.Int64, "source_id": pl.String}
        ),
        {number[name]: part for name, part in (parts or {}).items()},
        HeldPayloads(payloads or {}),
    )


def at(hours: float | None) -> datetime | None:
    return None if hours is None else EPOCH + timedelta(hours=hours)


def guessed(code: str) -> str:
    if code.startswith("LABEL//"):
        return "label"
    if code.startswith("DEATH"):
        return "outcome"
    if "//" in code:
        return "event"
    return "static" if code in {"AGE", "SEX", "SITE"} else "payload" if code in {"ECG", "IMAGE"} else "measurement"


@pytest.fixture
def store() -> Callable[..., HeldStore]:
    return held


@pytest.fixture
def study() -> Callable[..., config.Study]:
    """A study with these sections laid over a plain one: in-hospital death, 48 h after admission."""

    def make(**sections: Any) -> config.Study:
        given: dict[str, Any] = {
            "name": "test",
            "question": "?",
            "data": {"source": "x"},
            "cohort": {"index": "ICU//ADMISSION", "predict_at": "48h"},
            "outcome": {"code": "DEATH", "within": "stay"},
            "inputs": {"chart": {"modality": "measurements", "encoder": "gru"}},
            "task": "binary",
        }
        return config.convert({**given, **sections}, config.Study)

    return make
