"""Volumes that others wrote: those that come with nibabel, a public set, and files of SimpleITK."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tests.readers.nifti_files import assert_is, read, save

import sequela

nibabel = pytest.importorskip("nibabel")
BUNDLED = Path(nibabel.__file__).parent


def bundled():
    return sorted(path for ending in ("nii", "nii.gz", "hdr") for path in BUNDLED.rglob(f"*.{ending}"))


REFUSED = {
    "analyze.hdr": "Analyze",
    "nifti1.hdr": "without its .img",
    "nifti2.hdr": "without its .img",
    "row_major.dconn.nii": "CIFTI",
    "resampled_anat_moved.nii": "153 points that are not finite",
}


@pytest.mark.parametrize("path", bundled(), ids=lambda path: path.name)
def test_every_file_that_nibabel_brings_is_read_as_nibabel_reads_it_or_refused_with_its_reason(path, tmp_path, folder, sink):
    image = None if path.name in REFUSED else nibabel.load(path)
    channels = [f"volume {n}" for n in range(image.shape[3])] if image is not None and image.ndim == 4 else []
    (tmp_path / path.name).write_bytes(path.read_bytes())
    read(folder, sink, tmp_path, channels=channels)
    if path.name in REFUSED:
        assert REFUSED[path.name] in sink.refused[path.name]
    else:
        assert_is(sink.payloads[path.name], image)


def test_the_volume_of_nibabel_with_holes_is_read_where_they_are_filled(tmp_path, folder, sink):
    path = BUNDLED / "tests" / "data" / "resampled_anat_moved.nii"
    (tmp_path / path.name).write_bytes(path.read_bytes())
    image = nibabel.load(path)
    filled = nibabel.Nifti1Image(np.nan_to_num(np.asarray(image.dataobj)), image.affine)
    assert_is(read(folder, sink, tmp_path, fill=0).payloads[path.name], filled)


@pytest.mark.slow
def test_the_hippocampus_set_is_read_but_for_its_three_faulty_cases(real_data, tmp_path):
    store = sequela.import_data("nifti", real_data("msd_hippocampus"), tmp_path / "it.store", options={"volumes": True})
    assert store.flow.accepted == 260
    refused = {name.rpartition("_")[2] for refusal in store.flow.refused for name in refusal.first}
    assert refused == {"118.nii.gz", "010.nii.gz", "281.nii.gz"} and store.flow.refused_count == 3
    events = store.events()
    assert (events["code"] == "MASK").sum() == (events["code"] == "IMAGE").sum() == 260
    ids = dict(zip(store.subjects["source_id"], store.subjects["subject_id"], strict=True))
    mine = events.filter(events["subject_id"] == ids["hippocampus_001"])
    for code, name in (("IMAGE", "images"), ("MASK", "labels")):
        payload = store.payloads.open(mine.filter(mine["code"] == code)["payload"][0])
        assert_is(payload, nibabel.load(real_data("msd_hippocampus") / name / "hippocampus_001.nii.gz"))
    said = np.asarray(nibabel.load(real_data("msd_hippocampus") / "labels" / "hippocampus_001.nii.gz").dataobj)
    assert mine.filter(mine["code"] == "LABEL//volume")["numeric_value"][0] == pytest.approx((said > 0).sum() / 1000)


def test_metaimage_and_nrrd_are_read_through_simpleitk_alike(tmp_path, folder, sink):
    itk = pytest.importorskip("SimpleITK")
    turn = Rotation.from_euler("xyz", (10, 20, 30), degrees=True).as_matrix() * [2.0, 3.0, 4.0]
    save(tmp_path, "a.nii", affine=np.block([[turn, np.array([[5.0], [6], [7]])], [np.zeros(3), 1]]))
    image = itk.ReadImage(str(tmp_path / "a.nii"))
    for name in ("b.mha", "c.nrrd"):
        itk.WriteImage(image, str(tmp_path / name))
    (tmp_path / "d.mha").write_bytes(b"ObjectType = Image\nNDims = 3\n")
    read(folder, sink, tmp_path)
    assert list(sink.refused) == ["d.mha"]
    for name in ("b.mha", "c.nrrd"):
        np.testing.assert_array_equal(sink.payloads[name].values, sink.payloads["a.nii"].values)
        np.testing.assert_allclose(sink.payloads[name].space.affine, sink.payloads["a.nii"].space.affine, atol=1e-4)


def test_without_simpleitk_its_files_are_refused_with_the_line_that_installs_it(tmp_path, folder, sink, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "SimpleITK", None)
    (tmp_path / "a.nrrd").write_bytes(b"NRRD0004\n")
    save(tmp_path, "b.nii")
    assert "pip install SimpleITK" in read(folder, sink, tmp_path).refused["a.nrrd"] and sink.accepted == 1
