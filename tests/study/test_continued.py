"""Signals cut into pieces before the split: refused, or called a leak; records of their own are not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from scipy import signal

from sequela import config
from sequela.errors import LeakError
from sequela.study import audit, continued
from sequela.study.audit import of_split
from sequela.study.cut import SCHEMA
from sequela.types import Array, Cohort, Known, Payload, Plain, Shared, Target

RATE_HZ, LENGTH = 173.61, 512
STUDY = {
    "name": "t", "question": "?", "data": {"source": "x"}, "cohort": {"index": "RECORD//START"},
    "outcome": {"column": "set"},
    "inputs": {"eeg": {"modality": "waveform", "encoder": "crnn"}}, "task": "binary",
}  # fmt: skip


@dataclass(frozen=True)
class Held:
    payloads: dict[str, Payload]

    def open(self, uri: str) -> Payload:
        return self.payloads[uri]


def rhythms(records: int, length: int, seed: int = 0) -> Array:
    """Noise of the brain's slow rhythms, each record with a loudness and a band of its own, float32 "records length"."""
    random = np.random.default_rng(seed)
    found = []
    for _ in range(records):
        poles = signal.butter(2, random.uniform(15, 40), fs=RATE_HZ)
        noise = signal.lfilter(*poles, random.normal(size=length + 200))[200:]
        found.append(random.uniform(10, 60) * noise + 2 * random.normal(size=length))
    return np.round(np.stack(found)).astype(np.float32)


def material(signals: Array, part: Array, names: list[str], pieces_of_one: int = 1) -> audit.Material:
    """A row for each signal; of so many rows in a row each knows a piece of one payload."""
    rows = len(signals)
    whole = signals.reshape(rows // pieces_of_one, -1)
    payloads = {f"signals-{k:06d}.npy": Payload(one[None], RATE_HZ, ("EEG",), "uV") for k, one in enumerate(whole)}
    piece, length = np.arange(rows) % pieces_of_one, signals.shape[1]
    label = (np.arange(rows) // 7 % 2).astype(float)
    at = np.full(rows, np.datetime64("2000-01-01", "us"))
    target = Target(label[:, None], np.ones((rows, 1), bool), ("set",))
    name = np.array(names)
    subject = np.unique(name, return_inverse=True)[1]
    cohort = Cohort(subject, name, np.array([f"r{k}" for k in range(rows)]), at, at, part, target)
    events = pl.DataFrame(
        {
            "row": np.arange(rows), "position": np.zeros(rows), "code": ["WAVEFORM"] * rows,
            "payload": [list(payloads)[k] for k in np.arange(rows) // pieces_of_one],
            "begin": piece * length, "end": (piece + 1) * length,
        },
        schema_overrides={name: SCHEMA[name] for name in ("row", "position", "code", "payload", "begin", "end")},
    ).with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in ("numeric_value", "text_value"))  # fmt: skip
    known = Known(rows, events, Held(payloads), {"WAVEFORM": "payload", "LABEL//set": "label"})
    values = np.random.default_rng(1).normal(size=(rows, 8)).astype(np.float32)
    study = config.convert(STUDY, config.Study)
    return audit.Material(cohort, Plain(values, tuple("abcdefgh")), known, study, "binary", cohort)


def parts(rows: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).choice(["train", "tune", "test"], rows, p=[0.6, 0.2, 0.2])


PIECES = [f"S{record}_{piece}" for record in range(1, 31) for piece in range(1, 13)]


def test_pieces_of_one_signal_that_came_as_records_of_their_own_are_a_leak() -> None:
    signals = rhythms(30, 12 * LENGTH).reshape(360, LENGTH)
    alarm = of_split.continued_signal(material(signals, parts(360), PIECES))
    assert alarm.severity == "leak" and alarm.count > 100
    assert "recordings go on where the one before, in another part, ends" in alarm.text and "split.unit" in alarm.text


def test_pieces_that_stay_together_are_none() -> None:
    signals = rhythms(30, 12 * LENGTH).reshape(360, LENGTH)
    alarm = of_split.continued_signal(material(signals, np.repeat(parts(30), 12), PIECES))
    assert alarm.severity == "ok"


@pytest.mark.parametrize("seed", range(3))
def test_records_of_their_own_raise_no_alarm(seed: int) -> None:
    alarm = of_split.continued_signal(material(rhythms(360, LENGTH, seed), parts(360, seed), PIECES))
    assert alarm.severity == "ok"


def test_names_are_put_in_order_by_their_numbers() -> None:
    names = [f"S{k}" for k in range(1, 13)]
    found = material(rhythms(12, LENGTH), np.array(["train", "test"] * 6), names)
    assert [one.row for one in continued.stretches(found.known, found.cohort)] == list(range(12))


def test_rows_of_several_parts_that_know_one_recording_are_a_leak_whatever_overlap_is_allowed() -> None:
    signals = rhythms(20, 4 * LENGTH).reshape(80, LENGTH)
    found = material(signals, parts(80), [f"S{k // 4}" for k in range(80)], pieces_of_one=4)
    allowed = config.convert(STUDY | {"split": {"allow_overlap": "nobody knows the patients"}}, config.Study)
    alarm = of_split.continued_signal(replace(found, study=allowed))
    assert alarm.severity == "leak" and "known to rows of more than one part" in alarm.text and alarm.count >= 10
    together = material(signals, np.repeat(parts(20), 4), [f"S{k // 4}" for k in range(80)], pieces_of_one=4)
    assert of_split.continued_signal(together).severity == "ok"


def test_events_held_once_are_looked_at_as_those_held_row_by_row() -> None:
    found = material(rhythms(6, 2 * LENGTH).reshape(12, LENGTH), parts(12), [f"S{k}" for k in range(12)], pieces_of_one=2)
    events = found.known.events
    bare = events.select("code", "numeric_value", "text_value", "payload").with_columns(visit=pl.lit(None, pl.Int64))
    row, zero = np.arange(12), np.zeros(12, np.int64)
    shared = Shared(bare, zero, row, row, zero, events["begin"].to_numpy(), events["end"].to_numpy())
    again = continued.stretches(replace(found.known, source=shared), found.cohort)
    assert again == continued.stretches(found.known, found.cohort) and len(again) > 6
    nothing = replace(shared, begin=None, end=None)
    assert continued.stretches(replace(found.known, source=nothing), found.cohort) == []


def test_flat_short_and_gappy_recordings_are_passed_over() -> None:
    signals = rhythms(20, LENGTH)
    signals[3], signals[7, 40] = 5, np.nan
    alarm = of_split.continued_signal(material(signals, parts(20), [f"S{k}" for k in range(20)]))
    assert alarm.severity == "ok"
    short = material(signals[:, :40], parts(20), [f"S{k}" for k in range(20)])
    assert of_split.continued_signal(short).severity == "ok"


def test_a_study_whose_records_are_pieces_of_one_signal_is_refused(tmp_path: Path) -> None:
    """From the files to the error, as `sequela check` and `sequela run` do it."""
    from sequela.pipeline import check, import_data

    raw = tmp_path / "raw"
    for folder in ("calm", "fast"):
        (raw / folder).mkdir(parents=True)
    for number, whole in enumerate(rhythms(16, 8 * LENGTH)):
        for piece, samples in enumerate(whole.reshape(8, LENGTH)):
            np.savetxt(raw / ("calm", "fast")[number % 2] / f"S{number:02d}_{piece}.txt", samples, fmt="%d")
    options = {"rate_hz": RATE_HZ, "unit": "uV", "path": "(?P<set>calm|fast)/"}
    store = import_data("arrays", raw, tmp_path / "pieces.store", options=options)
    study = config.convert(
        STUDY
        | {
            "cohort": {"index": "RECORD//START", "predict_at": "2.95s"},
            "outcome": {"column": "set", "classes": ["calm", "fast"]},
            "task": "multiclass",
            "inputs": {
                "eeg": {
                    "modality": {"name": "waveform", "window": "fixed", "length": "2.9s"},
                    "encoder": {"name": "crnn", "channels": [4], "width": 4},
                }
            },
        },
        config.Study,
    )
    found = check(study, data=store)
    alarm = next(one for one in found.alarms if one.check == "continued_signal")
    assert alarm.severity == "leak"
    with pytest.raises(LeakError):
        found.refuse_leaks()
