"""Raw scans and a table of diagnoses: from the command line to a study that passes its check."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sequela.cli import main
from sequela.store.store import open_store

pytest.importorskip("pydicom")

from tests.readers.dicom_series import series, straight

PATIENTS = 24
STUDY = """
name = "bright-scans"
question = "Is this scan bright?"
[data]
source = "scans"
reader = "dicom"
options = {{ table = "labels.csv", labels = ["diagnosis"], time = "{time}" }}
[cohort]
index = "{index}"{predict}
[outcome]
column = "diagnosis"
classes = ["dark", "bright"]
[inputs.scan]
modality = {{ name = "slices", code = "IMAGE//CT", axis = "axial" }}
encoder = {{ name = "cnn_rnn", step = {{ name = "cnn", channels = [4], width = 4 }}, width = 4 }}
[task]
name = "binary"
[train]
epochs = 1
[baselines]
names = ["mean"]
[evaluate]
bootstrap = 10
"""
WITH_TIMES = {"time": "study", "index": "EACH//IMAGE//CT", "predict": '\npredict_at = "0s"'}
WITHOUT = {"time": "none", "index": "SAMPLE", "predict": ""}


def scans(root: Path, column: str, visits: int) -> None:
    """Patients of whom each has so many studies, dark and bright in turn, and a table that names what `column` says."""
    random, lines = np.random.default_rng(0), [f"{column},diagnosis"]
    for patient in range(PATIENTS):
        for visit in range(visits):
            bright = (patient + visit) % 2
            number = patient * visits + visit
            told = {"PatientID": f"P{patient:02d}", "StudyInstanceUID": f"1.{number}", "SeriesInstanceUID": f"1.{number}.1"}
            volume = random.integers(0, 50, (4, 8, 8)).astype(np.int16) + np.int16(random.integers(60) + 20 * bright)
            series(root / "scans", volume, straight(), seed=number, StudyDate=f"2020010{visit + 1}", **told)
            name = told["PatientID"] if column == "subject" else told[column]
            lines.append(f"{name},{'bright' if bright else 'dark'}")
    (root / "scans/labels.csv").write_text("\n".join(lines))


@pytest.mark.parametrize(
    ("column", "visits", "asked"), [("subject", 1, WITHOUT), ("subject", 1, WITH_TIMES), ("StudyInstanceUID", 2, WITH_TIMES)]
)
def test_a_study_over_scans_that_a_table_labels_passes_its_check(
    column: str, visits: int, asked: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scans(tmp_path, column, visits)
    options = ["--option", "table=labels.csv", "--option", 'labels=["diagnosis"]', "--option", f"time={asked['time']}"]
    assert main(["import", "dicom", str(tmp_path / "scans"), str(tmp_path / "it.store"), *options]) == 0
    assert len(open_store(tmp_path / "it.store").events(["LABEL//diagnosis"])) == PATIENTS * visits
    (tmp_path / "study.toml").write_text(STUDY.format(**asked))
    assert main(["check", str(tmp_path / "study.toml"), "--data", str(tmp_path / "it.store")]) == 0
    assert f"(label not known) = {PATIENTS * visits}\n" in capsys.readouterr().out, "every row has a label"
