"""EDF and BDF files against pyedflib: those that it ships and those that it writes have the same samples."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.edf_files import read

import sequela


@pytest.fixture(scope="module")
def pyedflib():
    return pytest.importorskip("pyedflib")


def theirs(pyedflib, file):
    """All samples as pyedflib has them, in the units of a store, by rate; and the annotations' onsets, durations and texts."""
    signals: dict[float, list[np.ndarray]] = {}
    with pyedflib.EdfReader(str(file)) as opened:
        for number, name in enumerate(opened.getSignalLabels()):
            if name != "EDF Annotations":  # a signal like any other where a file claims to be plain EDF
                rate = opened.samples_in_datarecord(number) / opened.datarecord_duration
                factor = {"uV": 1e-3, "V": 1e3}.get(opened.getPhysicalDimension(number), 1.0)
                signals.setdefault(rate, []).append((opened.readSignal(number) * factor).astype(np.float32))
        marks = [column.tolist() for column in opened.readAnnotations()]
    return {rate: np.stack(found) for rate, found in signals.items()}, marks


def test_every_file_shipped_with_pyedflib_has_the_same_samples(pyedflib, folder, memory, tmp_path):
    files = sorted(Path(pyedflib.__file__).parent.rglob("*.[eb]df"))
    if not files:
        pytest.skip("this pyedflib ships no files")
    for number, file in enumerate(files):
        write_to = tmp_path / str(number) / file.name
        write_to.parent.mkdir()
        write_to.write_bytes(file.read_bytes())
        ours, (signals, marks) = read(folder, memory(), write_to.parent), theirs(pyedflib, file)
        assert not ours.refused and ours.accepted == 1
        assert {payload.rate_hz for payload in ours.payloads.values()} == set(signals)
        for payload in ours.payloads.values():
            np.testing.assert_array_equal(payload.values, signals[payload.rate_hz])
        if len(marks[0]):
            said = ours.all.filter(pl.col("code").str.starts_with("ANNOTATION//"))
            outside = ours.notes["annotations outside their record, left out"]
            assert said.height + outside == len(marks[0])
            assert {code.removeprefix("ANNOTATION//") for code in said["code"]} <= set(marks[2])


@settings(max_examples=10, deadline=None)
@given(
    ending=st.sampled_from(["edf", "bdf"]),
    rates=st.lists(st.sampled_from([1, 8, 100, 256]), min_size=1, max_size=4),
    seconds=st.integers(1, 4),
    top=st.sampled_from([0.5, 3276.7, 99999.5]),
    seed=st.integers(0, 99),
)
def test_what_pyedflib_writes_is_read_with_the_same_samples(pyedflib, tmp_path_factory, ending, rates, seconds, top, seed):
    root = tmp_path_factory.mktemp("written")
    file, random = root / f"it.{ending}", np.random.default_rng(seed)
    span = (-(2**15), 2**15 - 1) if ending == "edf" else (-(2**23), 2**23 - 1)
    kind = pyedflib.FILETYPE_EDFPLUS if ending == "edf" else pyedflib.FILETYPE_BDFPLUS
    with pyedflib.EdfWriter(str(file), len(rates), kind) as writer:
        common = {"physical_min": -top, "physical_max": top, "digital_min": span[0], "digital_max": span[1]}
        for number, rate in enumerate(rates):
            writer.setSignalHeader(number, {"label": f"s{number}", "dimension": "uV", "sample_frequency": rate, **common})
        writer.setSex("female")
        writer.setBirthdate(datetime(1951, 5, 2))
        writer.setStartdatetime(datetime(2001, 5, 2, 1, 2, 3))
        writer.writeAnnotation(0.25, 0.5, "étage")
        writer.writeSamples([random.uniform(-top, top, rate * seconds) for rate in rates])
    store = sequela.import_data("edf", root, root / "it.store")
    signals, _ = theirs(pyedflib, file)
    events = store.events()
    payloads = [store.payloads.open(uri) for uri in events["payload"].drop_nulls()]
    assert {payload.rate_hz for payload in payloads} == set(signals)
    for payload in payloads:
        np.testing.assert_array_equal(payload.values, signals[payload.rate_hz])
    said = {
        code: (time, number, text)
        for code, time, number, text in events.select(
            pl.col("code").cast(pl.String), "time", "numeric_value", "text_value"
        ).iter_rows()
    }
    assert said["ANNOTATION//étage"][:2] == (datetime(2001, 5, 2, 1, 2, 3, 250_000), 0.5)
    assert said["SEX"][2] == "F" and said["AGE"][1] == pytest.approx(50, abs=0.01)
