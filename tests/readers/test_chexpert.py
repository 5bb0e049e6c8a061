"""Small folders laid out exactly as CheXpert is given out."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from PIL import Image

from sequela.config import convert
from sequela.errors import DataError
from sequela.readers import chexpert
from sequela.readers._samples import ANCHOR
from sequela.store.source import open_source

FINDINGS = (
    "No Finding", "Enlarged Cardiomediastinum", "Cardiomegaly", "Lung Opacity", "Lung Lesion", "Edema", "Consolidation",
    "Pneumonia", "Atelectasis", "Pneumothorax", "Pleural Effusion", "Pleural Other", "Fracture", "Support Devices",
)  # fmt: skip
HEAD = ",".join(("Path", "Sex", "Age", "Frontal/Lateral", "AP/PA", *FINDINGS))
ROOT = "CheXpert-v1.0-small"


def line(path, sex="Female", age=68, side="Frontal", view="AP", **findings):
    said = {name.replace("_", " "): value for name, value in findings.items()}
    return ",".join((f"{ROOT}/{path}", sex, str(age), side, view, *(str(said.get(name, "")) for name in FINDINGS)))


TRAIN = (
    line("train/patient00001/study1/view1_frontal.jpg", No_Finding=1.0, Pneumothorax=0.0, Support_Devices=1.0),
    line("train/patient00002/study2/view1_frontal.jpg", age=87, Cardiomegaly=-1.0, Edema=-1.0, Lung_Opacity=1.0),
    line("train/patient00002/study1/view1_frontal.jpg", age=83, view="PA", Edema=1.0, Fracture=1.0),
    line("train/patient00002/study1/view2_lateral.jpg", age=83, side="Lateral", view="", Edema=1.0, Fracture=1.0),
)
VALID = (line("valid/patient64541/study1/view1_frontal.jpg", sex="Male", age=73, **dict.fromkeys(("Edema", "Fracture"), 0.0)),)


def layout(root, train=TRAIN, valid=VALID):
    """The folder of the set, with a picture for each line."""
    for table, lines in (("train", train), ("valid", valid)):
        (root / ROOT).mkdir(exist_ok=True, parents=True)
        (root / ROOT / f"{table}.csv").write_text("\n".join((HEAD, *lines, "")))
        for number, text in enumerate(lines):
            path = root / text.partition(",")[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.random.default_rng(number).integers(0, 256, (32, 39), dtype=np.uint8)).save(path)


def read(sink, root, **options):
    chexpert.build(convert(options, chexpert.Config)).read(open_source(root), sink)
    return sink


def found(sink, finding):
    """(patient, value) of a label, by patient and time."""
    return sink.of(f"LABEL//{finding}").sort("source_id", "time").select("source_id", "numeric_value").rows()


@pytest.mark.parametrize("folder", ["", ROOT])
def test_frontal_pictures_are_read_whichever_folder_is_given(folder, tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path / folder)
    assert sink.accepted == 4 and not sink.refused and sink.relative
    assert sink.parts == {"patient00001": "train", "patient00002": "train", "patient64541": "tune"}
    times = sink.of("IMAGE").filter(source_id="patient00002")["time"].to_list()
    assert times == [ANCHOR + timedelta(days=2, minutes=1), ANCHOR + timedelta(days=1, minutes=1)]
    assert found(sink, "Edema") == [("patient00002", 1), ("patient64541", 0)], "uncertain and unmentioned are missing"
    assert found(sink, "No Finding") == [("patient00001", 1)]
    assert sink.of("AGE")["numeric_value"].to_list() == [68, 87, 83, 73]
    assert sorted(sink.of("SEX").select("source_id", "text_value").rows()) == [
        ("patient00001", "Female"), ("patient00002", "Female"), ("patient64541", "Male"),
    ]  # fmt: skip


@pytest.mark.parametrize(("uncertain", "value"), [("positive", 1), ("negative", 0)])
def test_what_is_uncertain_is_what_was_asked_for(uncertain, value, tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path, uncertain=uncertain)
    assert found(sink, "Edema") == [("patient00002", 1), ("patient00002", value), ("patient64541", 0)]


def test_smoothed_is_drawn_once_and_for_all_between_its_bounds(tmp_path, memory):
    layout(tmp_path)
    one, again = (read(memory(), tmp_path, uncertain="smoothed") for _ in range(2))
    drawn = [found(one, name)[place][1] for name, place in (("Edema", 1), ("Cardiomegaly", 0))]
    assert all(0.55 <= value <= 0.85 for value in drawn) and drawn[0] != drawn[1]
    assert found(one, "Edema") == found(again, "Edema")


def test_what_is_not_mentioned_may_be_negative(tmp_path, sink):
    layout(tmp_path)
    read(sink, tmp_path, unmentioned="negative")
    assert found(sink, "Fracture") == [("patient00001", 0), ("patient00002", 1), ("patient00002", 0), ("patient64541", 0)]
    assert ("patient00002", 0) in found(sink, "No Finding")


def test_views_are_chosen(tmp_path, memory):
    layout(tmp_path)
    lateral, every = read(memory(), tmp_path, views="lateral"), read(memory(), tmp_path, views="all")
    assert lateral.of("VIEW")["text_value"].to_list() == ["lateral"] and lateral.accepted == 1
    assert every.accepted == 5 and sorted(set(every.of("VIEW")["text_value"])) == ["frontal AP", "frontal PA", "lateral"]


def test_every_bad_line_and_picture_is_refused_by_path(tmp_path, sink):
    train = (
        *TRAIN,
        line("train/patient00003/study1/front.jpg"),
        line("train/patient00004/study1/view1_frontal.jpg", Edema=3.0),
        line("train/patient00005/study1/view1_frontal.jpg", Edema="yes"),
        line("train/patient00006/study1/view1_frontal.jpg"),
        line("train/patient00007/study1/view1_frontal.jpg"),
        TRAIN[0],
    )
    layout(tmp_path, train)
    (tmp_path / ROOT / "train/patient00006/study1/view1_frontal.jpg").unlink()
    (tmp_path / ROOT / "train/patient00007/study1/view1_frontal.jpg").write_bytes(b"")
    read(sink, tmp_path)
    assert {path.split("patient")[1][:5] for path in sink.refused} == {"00001", "00003", "00004", "00005", "00006", "00007"}
    assert sink.accepted == 4


def test_a_patient_of_two_parts_is_refused_in_the_second(tmp_path, sink):
    layout(tmp_path, valid=(*VALID, line("valid/patient00001/study2/view1_frontal.jpg")))
    read(sink, tmp_path)
    assert list(sink.refused) == [f"{ROOT}/valid/patient00001/study2/view1_frontal.jpg"]


def test_a_folder_without_a_table_is_refused(tmp_path, sink):
    with pytest.raises(DataError, match=r"train\.csv"):
        read(sink, tmp_path)
    (tmp_path / "train.csv").write_text("file,label\n")
    with pytest.raises(DataError, match="Path"):
        read(sink, tmp_path)
