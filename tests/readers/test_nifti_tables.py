"""Tables beside NIfTI volumes label them by file or by subject."""

from __future__ import annotations

import pytest
from tests.readers.nifti_files import read, save

from sequela.config import convert
from sequela.errors import ConfigError, DataError
from sequela.readers import nifti


def labelled(sink, code):
    found = sink.of(code)
    assert found["time"].null_count() == len(found)
    words = found["text_value"] if found["text_value"].null_count() < len(found) else found["numeric_value"]
    return dict(zip(found["source_id"], words, strict=True))


def test_a_table_labels_volumes_by_file_with_or_without_its_ending(tmp_path, folder, sink):
    for name in ("one/a.nii.gz", "one/b.nii", "two/c.nii.gz", "two/d.nii.gz"):
        save(tmp_path, f"scans/{name}")
    lines = ("a.nii.gz,glioma,0.5,train", "b,normal,,val", "one/b,normal,1,train", "scans/two/c.nii.gz,glioma,2,", "e,normal,3,")
    (tmp_path / "scans/t.csv").write_text("\n".join(["file,diagnosis,score,part", *lines, "d,normal,,later"]))
    read(folder, sink, tmp_path, table="scans/t.csv", labels=["diagnosis", "score"])
    assert labelled(sink, "LABEL//diagnosis") == {"scans/one/a": "glioma", "scans/one/b": "normal", "scans/two/c": "glioma"}
    assert labelled(sink, "LABEL//score") == {"scans/one/a": 0.5, "scans/two/c": 2}, "an empty cell is no label"
    assert sink.parts == {"scans/one/a": "train", "scans/one/b": "tune"} and sink.accepted == 4
    assert sink.codes["LABEL//diagnosis"] == ("label", "")
    assert set(sink.refused) == {"scans/t.csv line 4", "scans/t.csv line 7"} and "part" in sink.refused["scans/t.csv line 7"]
    assert sink.notes == {
        "lines of scans/t.csv that name no file of the source": 1,
        "files of which scans/t.csv has no line, so unlabelled": 1,
    }


def test_a_table_labels_volumes_by_subject(tmp_path, folder, sink):
    for name in ("sub-01_T1w.nii", "sub-02_T1w.nii", "sub-03_T1w.nii"):
        save(tmp_path, name)
    (tmp_path / "t.csv").write_text("subject,label\n01,1\n02,0\n02,1\n")
    read(folder, sink, tmp_path, table="t.csv", subject_pattern=r"sub-(?P<subject>\d+)")
    found = sink.of("LABEL//label")
    assert dict(zip(found["source_id"], found["numeric_value"], strict=True)) == {"01": 1, "02": 0}
    assert sink.refused == {"t.csv line 4": "listed more than once; the first line counts"}
    assert sink.notes == {"subjects of which t.csv has no line, so unlabelled": 1}


def test_a_name_that_may_mean_two_volumes_labels_neither(tmp_path, folder, sink):
    save(tmp_path, "left/a.nii")
    save(tmp_path, "right/a.nii")
    (tmp_path / "t.csv").write_text("file,label\na,1\nright/a,0\n")
    read(folder, sink, tmp_path, table="t.csv")
    assert sink.of("LABEL//label")["source_id"].to_list() == ["right/a"]
    assert sink.refused == {"t.csv line 2": "several pictures are called so"}


def test_a_table_that_cannot_be_meant_is_refused(tmp_path, folder, memory):
    save(tmp_path, "a.nii")
    (tmp_path / "t.csv").write_text("flie,label\na,1\n")
    with pytest.raises(DataError, match="no column 'file' or 'subject'"):
        read(folder, memory(), tmp_path, table="t.csv")
    with pytest.raises(DataError, match="no column 'grade'"):
        read(folder, memory(), tmp_path, table="t.csv", file="flie", labels=["grade"])
    (tmp_path / "t.csv").write_text("file,label\nb,1\nc,1\n")
    with pytest.raises(DataError, match=r"none of the 2 lines of t\.csv names a file"):
        read(folder, memory(), tmp_path, table="t.csv")
    with pytest.raises(ConfigError, match="without a table there are no columns grade"):
        nifti.build(convert({"labels": ["grade"]}, nifti.Config))


def test_new_volumes_without_the_table_are_read_unlabelled(tmp_path, folder, sink):
    save(tmp_path, "a.nii")
    read(folder, sink, tmp_path, table="t.csv", labels=["grade"])
    assert sink.accepted == 1 and set(sink.codes) == {"IMAGE"}
    assert sink.notes == {"a table that is not there, so nothing is labelled: t.csv": 1}
