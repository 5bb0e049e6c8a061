"""WFDB signals of every format, rate and layout: what wfdb itself reads is read, and in pieces what is read at once."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from sequela.config import convert
from sequela.errors import DataError
from sequela.readers import wfdb as reader
from sequela.readers._wfdb_formats import FORMATS, missing, samples
from sequela.readers._wfdb_header import parse
from sequela.readers._wfdb_marks import quiet
from sequela.readers._wfdb_segments import opened
from sequela.readers._wfdb_signal import Signal, by_rate, check

with quiet():
    wfdb = pytest.importorskip("wfdb")

FLAC = ("508", "516", "524")
BITS = {
    "8": 7,
    "80": 8,
    "508": 8,
    "310": 10,
    "311": 10,
    "212": 12,
    "16": 16,
    "61": 16,
    "160": 16,
    "516": 16,
    "24": 24,
    "524": 24,
    "32": 32,
}
PACKED = ("8", "61", "160", "310", "311")  # what wfdb reads and does not write
WRITTEN = sorted(set(BITS) - set(PACKED))
many = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def digital(fmt, shape, seed=0):
    """Samples over the whole range of a format, the one that means nothing among them."""
    least = -(2 ** (BITS[fmt] - 1))
    return np.random.default_rng(seed).integers(least, -least, shape, endpoint=False)


def write(folder, name, values, fmt="16", rate=250.0, gain=200.0, per_frame=None, **more):
    """A record of digital values "L C", by wfdb; with per_frame a list of the values of each channel."""
    count = len(values) if per_frame else values.shape[1]
    given_values = {"e_d_signal": values, "samps_per_frame": per_frame} if per_frame else {"d_signal": values}
    names = more.pop("names", [f"s{i}" for i in range(count)])
    first = [int(channel[0]) for channel in values] if per_frame else values[0].tolist()
    frames = len(values[0]) // per_frame[0] if per_frame else len(values)
    files, zeros = more.pop("files", [f"{name}.dat"] * count), [0] * count
    with quiet():
        record = wfdb.Record(
            record_name=name, n_sig=count, fs=rate, sig_len=frames, file_name=files, fmt=[fmt] * count, adc_gain=[gain] * count,
            baseline=zeros, units=["mV"] * count, adc_res=zeros, adc_zero=zeros, block_size=zeros, sig_name=names,
            init_value=first, **given_values, **more,
        )  # fmt: skip
        record.checksum = record.calc_checksum(expanded=bool(per_frame))
        record.wrheader(write_dir=str(folder), expanded=bool(per_frame))
        record.wr_dat_files(expanded=bool(per_frame), write_dir=str(folder))
    return folder / f"{name}.hea"


def packed(values, fmt):
    """The bytes of formats that wfdb does not write, from signal(5)."""
    flat = np.ravel(values).astype(np.int64)
    if fmt == "8":
        return np.diff(values, axis=0, prepend=0).astype(np.int8).tobytes()
    if fmt in ("61", "160"):
        return (flat + 2**15).astype("<u2").tobytes() if fmt == "160" else flat.astype(">i2").tobytes()
    low = np.pad(flat & 0x3FF, (0, -len(flat) % 3)).reshape(-1, 3)
    if fmt == "311":
        return (low[:, 0] | low[:, 1] << 10 | low[:, 2] << 20).astype("<u4").tobytes()
    words = [low[:, i] << 1 | (low[:, 2] >> 5 * i & 0x1F) << 11 for i in (0, 1)]
    return np.stack(words, 1).astype("<u2").tobytes()


def write_packed(folder, name, values, fmt, gain=200.0):
    """A record of digital values "L C" in a format that wfdb does not write."""
    (folder / f"{name}.dat").write_bytes(packed(values, fmt))
    sums = values.sum(0) % 2**16
    lines = [f"{name}.dat {fmt} {gain:g}/mV 10 0 0 {total} 0 s{i}" for i, total in enumerate(sums)]
    (folder / f"{name}.hea").write_text("\n".join([f"{name} {values.shape[1]} 250 {len(values)}", *lines]) + "\n")
    return folder / f"{name}.hea"


def signals(header):
    """The signals of a record, checked."""
    record = opened(header)
    kept = list(range(len(record.channels)))
    check(record, kept, checksums=True)
    return by_rate(record, kept)


def whole(signal):
    return signal[:, 0 : signal.shape[1]]


def expected(values, fmt, gain=200.0):
    """float32 "C L" of digital values "L C"."""
    return np.where(values == missing(fmt), np.nan, values / gain).T.astype(np.float32)


@pytest.mark.parametrize("fmt", WRITTEN)
@pytest.mark.parametrize("length", [1, 2, 3, 100, 301])
def test_every_format_that_wfdb_writes_is_read_as_wfdb_reads_it(tmp_path, fmt, length):
    header = write(tmp_path, "r", digital(fmt, (length, 2)), fmt)
    (signal,) = signals(header)
    with quiet():
        theirs = wfdb.rdrecord(str(header.with_suffix(""))).p_signal
    np.testing.assert_array_equal(whole(signal), theirs.T.astype(np.float32))
    assert np.isfinite(theirs).any()


@pytest.mark.parametrize("fmt", PACKED)
@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize("length", [1, 2, 3, 100, 301])
def test_formats_that_wfdb_only_reads_are_read(tmp_path, fmt, channels, length):
    values = digital(fmt, (length, channels), seed=length)
    header = write_packed(tmp_path, "r", values // 2 if fmt == "8" else values, fmt)
    (signal,) = signals(header)
    np.testing.assert_array_equal(whole(signal), expected(values // 2 if fmt == "8" else values, fmt))


@pytest.mark.parametrize("fmt", PACKED)
def test_formats_that_wfdb_only_reads_are_read_as_wfdb_reads_them(tmp_path, fmt):
    values = digital(fmt, (300, 2)) // 2
    header = write_packed(tmp_path, "r", values, fmt)
    with quiet():
        theirs = wfdb.rdrecord(str(header.with_suffix(""))).p_signal
    np.testing.assert_array_equal(whole(signals(header)[0]), theirs.T.astype(np.float32))


@pytest.mark.parametrize("fmt", [fmt for fmt in FORMATS if fmt != "8"])
@many
@given(data=some.data(), length=some.integers(1, 40))
def test_any_run_of_samples_is_that_part_of_the_file(tmp_path, fmt, data, length):
    values = digital(fmt, (length, 1), seed=length)
    header = write_packed(tmp_path, "r", values, fmt) if fmt in PACKED else write(tmp_path, "r", values, fmt)
    first, end = sorted((data.draw(some.integers(0, length)), data.draw(some.integers(0, length))))
    np.testing.assert_array_equal(samples(header.with_suffix(".dat"), fmt, 0, first, end), values[first:end, 0])


@pytest.mark.parametrize("fmt", sorted(BITS))
@many
@given(data=some.data())
def test_a_signal_read_in_pieces_is_the_whole(tmp_path, fmt, data):
    length = data.draw(some.integers(1, 60), "length")
    values = digital(fmt, (length, 2), seed=length) // 2
    header = write_packed(tmp_path, "r", values, fmt) if fmt in PACKED else write(tmp_path, "r", values, fmt)
    (signal,) = signals(header)
    cuts = sorted({0, length, *data.draw(some.lists(some.integers(0, length)), "cuts")})
    pieces = [signal[:, a:b] for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(pieces, 1), expected(values, fmt))


@pytest.mark.parametrize("fmt", ["16", "212", "8", "516"])
def test_blocks_of_any_size_are_decoded_to_one_signal(tmp_path, fmt, monkeypatch):
    values = digital(fmt, (101, 2)) // 2
    header = write_packed(tmp_path, "r", values, fmt) if fmt == "8" else write(tmp_path, "r", values, fmt)
    for most in (1, 2, 7, 64):
        monkeypatch.setattr("sequela.readers._wfdb_files.BLOCK_SAMPLES", most)
        np.testing.assert_array_equal(whole(signals(header)[0]), expected(values, fmt))


def multirate(folder, fmt="16", frames=50):
    """ECG at four samples a frame, a pressure at two, a rate at one."""
    per_frame = [4, 1, 2]
    values = [digital(fmt, frames * count, seed=count) for count in per_frame]
    files = [f"{i}.dat" for i in range(3)] if fmt in FLAC else ["all.dat"] * 3
    return write(folder, "r", values, fmt, 62.5, per_frame=per_frame, names=["II", "HR", "ABP"], files=files), values


@pytest.mark.parametrize("fmt", ["16", "212", "24", "516"])
def test_signals_of_different_rates_are_kept_at_their_own(tmp_path, folder, sink, fmt):
    header, values = multirate(tmp_path, fmt)
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert not sink.refused
    stored = {payload.channels[0]: payload for payload in sink.payloads.values()}
    for name, rate, value in zip(("II", "HR", "ABP"), (250.0, 62.5, 125.0), values, strict=True):
        assert stored[name].rate_hz == rate
        np.testing.assert_array_equal(stored[name].values, expected(value[:, None], fmt))
    assert len(sink.of("WAVEFORM")) == len(sink.of("WAVEFORM//62.5HZ")) == len(sink.of("WAVEFORM//125HZ")) == 1
    with quiet():
        theirs = wfdb.rdrecord(str(header.with_suffix("")), smooth_frames=False).e_p_signal
    np.testing.assert_array_equal(stored["ABP"].values[0], theirs[2].astype(np.float32))


@many
@given(data=some.data())
def test_signals_of_different_rates_read_in_pieces_are_the_whole(tmp_path, data):
    header, _ = multirate(tmp_path, frames=12)
    for signal in signals(header):
        length = signal.shape[1]
        cuts = sorted({0, length, *data.draw(some.lists(some.integers(0, length)))})
        pieces = [signal[:, a:b] for a, b in pairwise(cuts)]
        np.testing.assert_array_equal(np.concatenate(pieces, 1), whole(signal))


@many
@given(skew=some.tuples(some.integers(0, 5), some.integers(0, 5)), cut=some.integers(0, 40))
def test_a_skewed_signal_is_shifted_back_and_ends_early(tmp_path, skew, cut):
    values = digital("16", (40, 2)) // 2
    header = write(tmp_path, "r", values, skew=list(skew))
    (signal,) = signals(header)
    wanted = np.full((2, 40), np.nan, np.float32)
    for row, lag in enumerate(skew):
        wanted[row, : 40 - lag] = expected(values, "16")[row, lag:]
    np.testing.assert_array_equal(np.concatenate([signal[:, :cut], signal[:, cut:40]], 1), wanted)
    if min(skew) == 0:  # wfdb 4.3 itself fails where every signal is skewed
        with quiet():
            theirs = wfdb.rdrecord(str(header.with_suffix(""))).p_signal
        np.testing.assert_array_equal(wanted, theirs.T.astype(np.float32))


def test_a_file_may_begin_with_bytes_of_another_kind(tmp_path):
    values = digital("16", (40, 2))
    header = write(tmp_path, "r", values, byte_offset=[24, 24])
    np.testing.assert_array_equal(whole(signals(header)[0]), expected(values, "16"))


def test_a_header_without_a_length_leaves_it_to_the_file(tmp_path):
    values = digital("212", (41, 2))
    header = write(tmp_path, "r", values, "212")
    text = header.read_text()
    header.write_text(text.replace("r 2 250 41", "r 2 250"))
    np.testing.assert_array_equal(whole(signals(header)[0]), expected(values, "212"))


def test_fixed_segments_follow_each_other_with_gaps_between(tmp_path, folder, sink):
    first, second = digital("16", (40, 2)), digital("212", (25, 2))
    write(tmp_path, "a", first)
    write(tmp_path, "b", second, "212")
    (tmp_path / "long.hea").write_text("long/3 2 250 95 8:30:00 1/2/2003\na 40\n~ 30\nb 25\n# 61 F\n")
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert not sink.refused and list(sink.payloads) == ["long"]
    gap = np.full((2, 30), np.nan)
    wanted = np.concatenate([expected(first, "16"), gap, expected(second, "212")], 1)
    np.testing.assert_array_equal(sink.payloads["long"].values, wanted)
    assert sink.of("AGE")["numeric_value"].to_list() == [61]


def variable(folder):
    """Three segments of two, one and both of three signals, and a gap; gives the float32 "C L" that they make."""
    a, b, c = digital("16", (40, 2)), digital("16", (25, 1), 1), digital("16", (10, 3), 2)
    write(folder, "a", a, names=["II", "ABP"])
    write(folder, "b", b, gain=50.0, names=["V"])
    write(folder, "c", c, names=["V", "ABP", "II"])
    (folder / "layout.hea").write_text("layout 3 250 0\n" + "".join(f"~ 0 200/mV 16 0 0 0 0 {n}\n" for n in ("II", "V", "ABP")))
    (folder / "long.hea").write_text("long/5 3 250 95\nlayout 0\na 40\n~ 20\nb 25\nc 10\n")
    whole_signal = np.full((3, 95), np.nan, np.float32)
    whole_signal[[0, 2], :40] = expected(a, "16")
    whole_signal[1, 60:85] = expected(b, "16", 50.0)[0]
    whole_signal[[1, 2, 0], 85:] = expected(c, "16")
    return whole_signal


def test_segments_of_variable_layout_are_found_by_the_names_of_their_signals(tmp_path, folder, sink):
    wanted = variable(tmp_path)
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert not sink.refused and list(sink.payloads) == ["long"] and sink.payloads["long"].channels == ("II", "V", "ABP")
    np.testing.assert_array_equal(sink.payloads["long"].values, wanted)
    with quiet():
        theirs = wfdb.rdrecord(str(tmp_path / "long")).p_signal
    np.testing.assert_array_equal(sink.payloads["long"].values, theirs.T.astype(np.float32))


@many
@given(cuts=some.lists(some.integers(0, 95)))
def test_segments_read_in_pieces_are_the_whole(tmp_path, cuts):
    wanted = variable(tmp_path)
    (signal,) = signals(tmp_path / "long.hea")
    edges = sorted({0, 95, *cuts})
    np.testing.assert_array_equal(np.concatenate([signal[:, a:b] for a, b in pairwise(edges)], 1), wanted)


def test_leads_are_chosen_among_signals_that_come_and_go(tmp_path, folder, sink):
    wanted = variable(tmp_path)
    reader.build(convert({"leads": ["ABP", "II"]}, reader.Config)).read(folder(tmp_path), sink)
    np.testing.assert_array_equal(sink.payloads["long"].values, wanted[[2, 0]])


def test_channels_of_one_name_are_kept_apart(tmp_path, folder, sink):
    values = digital("16", (40, 2))
    values[:, 1] = values[:, 0] + 1
    header = write(tmp_path, "r", values, names=["ECG", "other"])
    header.write_text(header.read_text().replace("other", "ECG"))
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert sink.payloads["r"].channels == ("ECG", "ECG#2")
    np.testing.assert_array_equal(sink.payloads["r"].values, expected(values, "16"))


def test_names_of_channels_come_in_the_spelling_of_the_store_and_are_found_by_their_own(tmp_path, folder, sink):
    values = digital("16", (40, 2))
    write(tmp_path, "r", values, names=["ECG lead V1", "EKG II"])
    reader.build(convert({"leads": ["EKG II", "V1"]}, reader.Config)).read(folder(tmp_path), sink)
    assert sink.payloads["r"].channels == ("II", "V1")
    np.testing.assert_array_equal(sink.payloads["r"].values, expected(values, "16")[::-1])


def test_texts_of_annotations_are_kept(tmp_path, folder, sink):
    write(tmp_path, "r", digital("16", (900, 1)))
    with quiet():
        wfdb.wrann(
            "r", "atr", np.array([5, 100, 350, 600]), ["+", "N", '"', "~"], aux_note=["(AFIB", "paced?", "moved", ""],
            write_dir=str(tmp_path),
        )  # fmt: skip
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert sink.of("LABEL//rhythm")["text_value"].to_list() == ["(AFIB"]
    assert sink.of("LABEL//beat")["text_value"].to_list() == ["N"] and sink.of("ANNOTATION//N")["text_value"].to_list() == [
        "paced?"
    ]
    assert sink.of('ANNOTATION//"')["text_value"].to_list() == ["moved"] and sink.of("ANNOTATION//~")["text_value"].to_list() == [
        None
    ]


def test_annotations_of_another_resolution_keep_their_time(tmp_path, folder, sink):
    write(tmp_path, "r", digital("16", (900, 1)))
    with quiet():
        wfdb.wrann("r", "atr", np.array([100, 1501]), ["N", "V"], fs=1000, write_dir=str(tmp_path))
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert [time.microsecond + time.second * 10**6 for time in sink.of("BEAT")["time"]] == [100_000, 1_501_000]


def test_records_of_one_name_in_two_folders_are_not_one_person(tmp_path, folder, sink):
    for place in ("p1", "p2"):
        (tmp_path / place).mkdir()
        write(tmp_path / place, "r", digital("16", (40, 1)))
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert sink.of("WAVEFORM")["source_id"].to_list() == ["p1/r", "p2/r"]


def test_a_segment_in_one_folder_does_not_hide_a_record_of_its_name_in_another(tmp_path, folder, sink):
    for place in ("p1", "p2"):
        (tmp_path / place).mkdir()
        write(tmp_path / place, "a", digital("16", (40, 1)))
    (tmp_path / "p1" / "long.hea").write_text("long/1 1 250 40\na 40\n")
    reader.build(reader.Config()).read(folder(tmp_path), sink)
    assert sorted(sink.payloads) == ["p1/long", "p2/a"]


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("1:02:03 4/5/2006", "2006-05-04T01:02:03"),
        ("02:03.5 4/5/2006", "2006-05-04T00:02:03.500000"),
        ("1:02:03", None),
        ("", None),
    ],
)
def test_a_record_begins_where_its_header_has_date_and_time(line, start):
    found = parse(f"r 1 250 10 {line}\nr.dat 16 200 16 0 0 0 0 I\n".encode()).start
    assert (found and found.isoformat()) == start


def test_a_signal_is_read_only_in_order(tmp_path):
    header = write(tmp_path, "r", digital("16", (40, 1)))
    signal = Signal(opened(header), (0,))
    with pytest.raises(DataError, match="in order"):
        signal[:, 0:40:2]


def test_only_what_is_asked_for_is_read(tmp_path: Path):
    header = write(tmp_path, "r", digital("16", (40, 1)))
    (signal,) = signals(header)
    file = header.with_suffix(".dat")
    file.write_bytes(file.read_bytes()[:20])
    np.testing.assert_array_equal(signal[:, 2:10].shape, (1, 8))
    with pytest.raises(DataError, match="cut short"):
        signal[:, 2:11]
