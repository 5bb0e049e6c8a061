"""EDF and BDF files that are cut short, or whose header means nothing: refused with the reason, and the others read."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.readers.edf_files import Made, ramp, read, tal, write

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import _edf_header, edf
from sequela.store.source import open_source

FLAT = "it has no channel whose samples can be scaled"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"size": 1024}, "its header says it has 1024 bytes and 1 signals, which take 512"),
        ({"size": "many"}, "the size of the header in its header is no number"),
        ({"records": 0}, "it holds no data record"),
        ({"records": 9}, "it is cut short: 3 data records of 9"),
        ({"records": -7}, "its number of data records is -7"),
        ({"records": "x"}, "the number of data records in its header is no number"),
        ({"duration": 0}, "its data records last 0 s"),
        ({"duration": "1e-9"}, FLAT),
        ({"duration": "9e99"}, "its data records last 9e+99 s each"),
        ({"duration": -1}, "the duration of its data records is -1.0 s"),
        ({"duration": "nan"}, "the duration of a data record in its header is no number"),
        ({"signals": []}, "its header says it has 256 bytes and 0 signals, which take 512"),
        ({"signals": [Made(digital=(5, 5))]}, FLAT),
        ({"signals": [Made(physical=(5, 5))]}, FLAT),
        ({"signals": [Made(physical=("-9e99", "9e99"))]}, FLAT),
        ({"signals": [Made(samples=np.zeros((3, 0)))]}, "its data records hold no sample"),
        ({"signals": [Made(count=-3)]}, "its number of samples of signal 1 is -3"),
        ({"signals": [Made(count="8.5")]}, "the number of samples of signal 1 in its header is no whole number"),
        ({"signals": [Made(count=99999999)]}, "it is cut short: 0 data records of 3"),
        ({"signals": [Made(physical=("low", 5))]}, "the physical minimum of signal 1 in its header is no number"),
        (
            {"lists": [tal("+0", ""), tal("+5", ""), tal("+2", "")], "plus": "+D"},
            "its data record 3 begins before an earlier one ends",
        ),
        (
            {"lists": [tal("+0", ""), b"", tal("+2", "")], "plus": "+D"},
            "1 of its 3 data records do not say when they begin, though it is discontinuous",
        ),
        ({"plus": "+D"}, "3 of its 3 data records do not say when they begin, though it is discontinuous"),
    ],
    ids=str,
)
def test_a_wrong_header_is_refused_with_its_reason_and_the_next_file_is_read(tmp_path, folder, sink, wrong, reason):
    write(tmp_path / "bad.edf", **{"signals": [Made()], **wrong})
    write(tmp_path / "good.edf", [Made()])
    read(folder, sink, tmp_path)
    assert sink.refused == {"bad.edf": reason}
    assert list(sink.payloads) == ["good"] and set(sink.all["source_id"]) == {"good"}


@pytest.mark.parametrize(
    "faulty",
    [Made("flat", digital=(5, 5)), Made("flat", physical=(0, 0)), Made("flat", ramp(3, 0)), Made("flat", physical=(0, "9e99"))],
)
def test_a_channel_without_a_scale_is_left_out_and_counted(tmp_path, folder, sink, faulty):
    write(tmp_path / "a.edf", [Made("EEG Cz"), faulty, Made("EEG Pz", ramp(begin=100))])
    read(folder, sink, tmp_path)
    assert sink.payloads["a"].channels == ("Cz", "Pz")
    np.testing.assert_allclose(sink.payloads["a"].values[1], np.arange(100, 124) / 1e4, rtol=1e-4, atol=1e-9)
    ((note, count),) = sink.notes.items()
    assert note.startswith("channels ") and note.endswith(", left out") and count == 1


def test_channels_of_one_name_are_numbered_and_names_may_be_latin_or_missing(tmp_path, folder, sink):
    write(tmp_path / "a.edf", [Made("EEG Cz"), Made("EEG Cz"), Made("Ströme"), Made("")], patient="X F X M\xfcller")
    read(folder, sink, tmp_path)
    assert sink.payloads["a"].channels == ("Cz", "Cz#2", "Ströme", "channel_3")


def test_records_that_the_header_does_not_count_are_counted_by_the_size(tmp_path, folder, sink):
    write(tmp_path / "open.edf", [Made()], records=-1)
    write(tmp_path / "one.edf", [Made(samples=ramp(1))])
    read(folder, sink, tmp_path)
    assert {name: payload.values.shape for name, payload in sink.payloads.items()} == {"open": (1, 24), "one": (1, 8)}


def test_a_file_cut_short_is_refused_or_its_whole_records_are_kept(tmp_path, folder, memory):
    for name, records in (("told", None), ("open", -1)):
        file = write(tmp_path / f"{name}.edf", [Made()], records=records)
        file.write_bytes(file.read_bytes()[:-5])
    strict, kept = read(folder, memory(), tmp_path), read(folder, memory(), tmp_path, cut_short="keep")
    assert strict.refused == {"told.edf": "it is cut short: 2 data records of 3"}
    assert strict.notes == {"files that end within a data record, which is left out": 1}
    assert [kept.payloads[name].values.shape for name in ("told", "open")] == [(1, 16), (1, 16)]
    assert kept.notes["files cut short, of which the whole data records are read"] == 1


@pytest.mark.parametrize("length", [0, 7, 8, 100, 256, 300, 511])
def test_a_header_cut_short_anywhere_is_refused(tmp_path, folder, sink, length):
    file = write(tmp_path / "a.edf", [Made()])
    file.write_bytes(file.read_bytes()[:length])
    read(folder, sink, tmp_path)
    assert sink.refused["a.edf"] == (
        "not an EDF or BDF file" if length < 8 else f"its header is cut short: {length} bytes of {256 if length < 256 else 512}"
    )


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 10**6), flips=st.integers(1, 12), in_header=st.booleans(), plus=st.sampled_from(["", "+C", "+D"]))
def test_flipped_bytes_are_read_or_refused_and_never_break_the_import(tmp_path_factory, memory, seed, flips, in_header, plus):
    root, random = tmp_path_factory.mktemp("flipped"), np.random.default_rng(seed)
    lists = [tal(f"+{i}", "") + tal(f"+{i}.5", "spike") for i in range(3)]
    file = write(root / "a.edf", [Made(), Made("Resp", ramp(3, 2))], lists, plus=plus)
    content = bytearray(file.read_bytes())
    for place in random.integers(0, 1024 if in_header else len(content), flips):
        content[place] ^= int(random.integers(1, 256))
    file.write_bytes(content)
    sink = memory()
    edf.build(edf.Config()).read(open_source(root), sink)
    assert sink.accepted + len(sink.refused) >= 1
    for payload in sink.payloads.values():
        part = payload.values[:, : min(payload.values.shape[1], 64)]
        assert part.dtype == np.float32 and not np.isinf(part).any()


def test_an_error_never_shows_what_a_header_holds():
    with pytest.raises(DataError) as refused:
        _edf_header.parse(b"0       " + b"Secret".ljust(80) + b" " * 80 + b"Secret  " * 8 + b"Secr" + b" " * 300)
    assert "Secr" not in str(refused.value)


def test_what_edf_cannot_mean_is_an_error(tmp_path, folder, sink):
    with pytest.raises(DataError, match=r"has no \.edf"):
        read(folder, sink, tmp_path)
    for wrong in ({"subject_pattern": "p"}, {"longest_gap": "-1s"}, {"epoch": "0s"}, {"labels": {"stage": ""}}, {"epoch": "1 s"}):
        with pytest.raises(ConfigError):
            edf.build(convert(wrong, edf.Config))
