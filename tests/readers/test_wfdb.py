"""The WFDB reader: records written by wfdb itself come back whole, and bad ones are refused by name."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import date, datetime, time, timedelta

import numpy as np
import polars as pl
import pytest

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import wfdb as reader
from sequela.readers._wfdb_marks import quiet

RATE = 250.0


with quiet():
    wfdb = pytest.importorskip("wfdb")


def read(folder, sink, root, **options):
    reader.build(convert(options, reader.Config)).read(folder(root), sink)
    return sink


def write(folder, name="r1", leads=("MLII", "V1"), units=None, seconds=4, comments=None, day=None, marks=True, fmt="16"):
    """One record of sines; gives its signals "L C" in the units written."""
    t = np.arange(int(seconds * RATE)) / RATE
    signal = np.stack([np.sin(2 * np.pi * (c + 1) * t) for c in range(len(leads))], 1)
    with quiet():
        wfdb.wrsamp(
            name,
            fs=RATE,
            units=units or ["mV"] * len(leads),
            sig_name=list(leads),
            p_signal=signal,
            fmt=[fmt] * len(leads),
            adc_gain=[1000.0] * len(leads),
            baseline=[0] * len(leads),
            comments=comments,
            base_date=day,
            base_time=None if day is None else time(8, 30),
            write_dir=str(folder),
        )
    if marks:
        with quiet():
            wfdb.wrann(
                name,
                "atr",
                sample=np.array([5, 100, 350, 600, 700]),
                symbol=["+", "N", "V", "N", "~"],
                aux_note=["(N", "", "", "", ""],
                write_dir=str(folder),
            )
    return signal


def test_a_record_comes_back_with_its_signal_units_and_times(tmp_path, folder, sink):
    signal = write(tmp_path, comments=["69 M 1085 1629 x1", "Digoxin"])
    read(folder, sink, tmp_path)
    payload = sink.payloads["r1"]
    np.testing.assert_allclose(payload.values, signal.T, atol=1e-3)
    assert payload.values.dtype == np.float32
    assert (payload.rate_hz, payload.channels, payload.unit) == (RATE, ("MLII", "V1"), "mV")
    assert sink.of("WAVEFORM")["time"].to_list() == [datetime(2000, 1, 1)]
    assert sink.of("RECORD//END")["time"].to_list() == [datetime(2000, 1, 1, 0, 0, 4)]
    assert sink.of("BEAT")["time"].to_list() == [datetime(2000, 1, 1) + timedelta(seconds=s / RATE) for s in (100, 350, 600)]
    assert sink.of("BEAT")["text_value"].null_count() == 3, "a beat does not tell its label"
    assert sink.of("LABEL//beat")["text_value"].to_list() == ["N", "V", "N"]
    assert sink.of("LABEL//rhythm")["text_value"].to_list() == ["(N"]
    assert len(sink.of("ANNOTATION//~")) == 1
    assert sink.of("AGE")["numeric_value"].to_list() == [69] and sink.of("SEX")["text_value"].to_list() == ["M"]
    assert sink.codes["BEAT"][0] == "event" and sink.codes["LABEL//beat"][0] == "label" == sink.codes["ANNOTATION//~"][0]
    assert sink.accepted == 1 and not sink.refused and sink.relative


def test_a_date_in_the_header_is_kept(tmp_path, folder, sink):
    write(tmp_path, day=date(1999, 5, 6))
    assert read(folder, sink, tmp_path).of("RECORD//START")["time"].to_list() == [datetime(1999, 5, 6, 8, 30)]
    assert not sink.relative


def test_volts_of_any_scale_become_millivolts_and_other_units_stay(tmp_path, folder, sink):
    signal = write(tmp_path, leads=("I", "II", "PLETH"), units=["uV", "V", "NU"], marks=False)
    read(folder, sink, tmp_path)
    np.testing.assert_allclose(sink.payloads["r1"].values, (signal * [1e-3, 1e3, 1]).T, atol=1)
    np.testing.assert_allclose(sink.payloads["r1"].values[0], signal[:, 0] / 1e3, atol=1e-5)
    assert sink.payloads["r1"].unit == "mV,mV,NU"
    write(tmp_path, "r2", leads=("I",))
    sink.payloads.clear()
    assert read(folder, sink, tmp_path).payloads["r2"].unit == "mV"


def test_leads_are_found_by_name_where_a_record_has_them_swapped(tmp_path, folder, sink):
    signal = write(tmp_path, leads=("V5", "MLII"))
    read(folder, sink, tmp_path, leads=["MLII", "V1|V2|V4|V5"])
    assert sink.payloads["r1"].channels == ("MLII", "V5")
    np.testing.assert_allclose(sink.payloads["r1"].values, signal[:, ::-1].T, atol=1e-3)


def test_a_missing_lead_is_allowed_and_no_lead_at_all_is_refused(tmp_path, folder, sink):
    write(tmp_path, "some", leads=("MLII", "aVF"))
    write(tmp_path, "none", leads=("aVL", "aVF"))
    read(folder, sink, tmp_path, leads=["MLII", "V1"])
    assert sink.payloads["some"].channels == ("MLII",)
    assert list(sink.refused) == ["none"] and "aVL" in sink.refused["none"]


def test_records_of_one_person_are_one_subject_and_never_overlap(tmp_path, folder, sink):
    write(tmp_path, "201", comments=["68 M"])
    write(tmp_path, "202", comments=["68 M"])
    write(tmp_path, "203")
    read(folder, sink, tmp_path, same=[["201", "202"]])
    starts = sink.of("WAVEFORM")
    assert starts["source_id"].to_list() == ["201", "201", "203"]
    assert starts["time"].to_list() == [datetime(2000, 1, 1), datetime(2000, 1, 2), datetime(2000, 1, 1)]
    assert len(sink.of("AGE")) == 1


def test_the_subject_is_found_in_the_name_of_the_record(tmp_path, folder, sink):
    write(tmp_path, "p07_rec2", marks=False)
    write(tmp_path, "odd", marks=False)
    read(folder, sink, tmp_path, subject_pattern=r"^(p\d+)_")
    assert sink.of("WAVEFORM")["source_id"].to_list() == ["p07"]
    assert list(sink.refused) == ["odd"]


def test_several_annotators_are_joined_in_time(tmp_path, folder, sink):
    write(tmp_path)
    with quiet():
        wfdb.wrann("r1", "qrs", sample=np.array([50]), symbol=["A"], write_dir=str(tmp_path))
    read(folder, sink, tmp_path, annotators=["atr", "qrs", "absent"])
    assert sink.of("LABEL//beat")["text_value"].to_list() == ["A", "N", "V", "N"]


def test_segments_of_a_longer_record_are_read_once_through_it(tmp_path, folder, sink):
    first, second = write(tmp_path, "s1", marks=False), write(tmp_path, "s2", marks=False)
    (tmp_path / "long.hea").write_text("long/2 2 250 2000\ns1 1000\ns2 1000\n")
    read(folder, sink, tmp_path)
    assert list(sink.payloads) == ["long"]
    np.testing.assert_allclose(sink.payloads["long"].values, np.concatenate([first, second]).T, atol=1e-3)


@pytest.mark.parametrize("fmt", ["16", "212", "32"])
def test_a_signal_cut_short_is_refused_and_the_next_record_is_read(tmp_path, folder, sink, fmt):
    for name in ("cut", "good"):
        write(tmp_path, name, fmt=fmt)
    whole = (tmp_path / "cut.dat").read_bytes()
    (tmp_path / "cut.dat").write_bytes(whole[: len(whole) * 2 // 3])
    read(folder, sink, tmp_path)
    assert list(sink.refused) == ["cut"] and "cut short" in sink.refused["cut"]
    assert list(sink.payloads) == ["good"] and set(sink.all["source_id"]) == {"good"}


def test_every_kind_of_damage_is_refused_by_name(tmp_path, folder, sink):
    for name in ("nodat", "emptydat", "emptyhea", "texthea", "binhea", "nosignal", "cutann", "textann", "good"):
        write(tmp_path, name)
    (tmp_path / "nodat.dat").unlink()
    (tmp_path / "emptydat.dat").write_bytes(b"")
    (tmp_path / "emptyhea.hea").write_bytes(b"")
    (tmp_path / "texthea.hea").write_text("this is not a header")
    (tmp_path / "binhea.hea").write_bytes(b"\xff\xfe\x00" * 30)
    (tmp_path / "nosignal.hea").write_text("nosignal 0 250 1000\n")
    (tmp_path / "cutann.atr").write_bytes((tmp_path / "cutann.atr").read_bytes()[:7])
    (tmp_path / "textann.atr").write_text("no annotations here")
    read(folder, sink, tmp_path)
    assert set(sink.refused) == {"nodat", "emptydat", "emptyhea", "texthea", "binhea", "nosignal", "cutann", "textann"}
    assert "nodat.dat is missing" in sink.refused["nodat"]
    assert not any(str(tmp_path) in reason for reason in sink.refused.values())
    assert list(sink.payloads) == ["good"]


def test_annotations_after_the_end_are_left_out_and_counted(tmp_path, folder, sink):
    write(tmp_path, seconds=2)
    read(folder, sink, tmp_path)
    assert len(sink.of("BEAT")) == 2 and sum(sink.notes.values()) == 2


def test_what_cannot_be_meant_is_an_error(tmp_path, folder, sink):
    with pytest.raises(DataError, match="has no"):
        read(folder, sink, tmp_path)
    with pytest.raises(ConfigError, match="regular expression"):
        reader.build(reader.Config(subject_pattern="("))
    with pytest.raises(ConfigError, match="no group"):
        reader.build(reader.Config(subject_pattern="p"))


@pytest.fixture(scope="session")
def mitbih(tmp_path_factory):
    """Unpacks the records of MIT-BIH once."""

    def unpack(folder):
        target = tmp_path_factory.mktemp("mitbih")
        subprocess.run([sys.executable, str(folder / "unpack.py"), str(target)], check=True)
        return target

    return unpack


@pytest.mark.slow
def test_mit_bih_has_its_published_beats_and_swapped_leads_in_order(real_data, mitbih, folder, sink):
    read(folder, sink, mitbih(real_data("mitbih")), leads=["MLII", "V1|V2|V4|V5"], same=[["201", "202"]])
    assert not sink.refused and sink.accepted == 48
    assert len(sink.of("BEAT")) == 109_494
    symbols = Counter(sink.of("LABEL//beat")["text_value"].to_list())
    assert (symbols["N"], symbols["V"], symbols["A"], symbols["F"]) == (75_052, 7_130, 2_546, 803)
    assert sink.payloads["114"].channels == ("MLII", "V5")
    assert sink.payloads["102"].channels == ("V2",), "102 has V5 and V2, and no MLII"
    assert all(p.values.shape[1] == 650_000 and p.rate_hz == 360 for p in sink.payloads.values())
    assert sink.all["source_id"].n_unique() == 47
    ages = sink.of("AGE")
    assert dict(zip(ages["source_id"], ages["numeric_value"], strict=True))["100"] == 69
    first = sink.of("BEAT").filter(pl.col("source_id") == "100")["time"][0]
    assert first == datetime(2000, 1, 1) + timedelta(microseconds=round(77 / 360 * 1e6))
