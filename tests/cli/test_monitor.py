"""`sequela monitor`: a line for each prediction, whole whatever happens, and an error that says what is wrong with the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sequela import config, pipeline, simulate
from sequela import model as models
from sequela.bundle.bundle import history, save
from sequela.bundle.predictor import Predictor
from sequela.cli import main
from sequela.study import cohort as cohorts
from sequela.study import cut

STUDY = """
name = "beats"
question = "Which class is this beat?"
[data]
reader = "wfdb"
source = "ecg"
[cohort]
index = "EACH//BEAT"
predict_at = "2s"
history = "9s"
[outcome]
column = "beat"
classes = ["N", "S", "V"]
[inputs.ecg]
modality = { name = "waveform", rate_hz = 125, channels = ["MLII", "V1"] }
encoder = { name = "resnet1d", width = 4 }
[task]
name = "multiclass"
"""

HEEDING = (  # the command line, also where the tests were started in the background, in which Ctrl-C is ignored
    "import signal, sys; from sequela.cli import main; signal.signal(signal.SIGINT, signal.default_int_handler); sys.exit(main())"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two records, and a bundle whose weights are drawn."""
    folder = tmp_path_factory.mktemp("followed")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    study = config.load(folder / "study.toml")
    store = pipeline.import_data("wfdb", simulate.write("ecg", folder / "ecg", 2), folder / "ecg.store")
    rows, _ = cohorts.eligible(store, study)
    fitted = models.fit_inputs(study, cut.known(store, rows, history(study)))
    model, task = models.build(study, {name: one.spec for name, one in fitted.items()}, ("N", "S", "V"))
    save(folder / "model.sequela", Predictor(study, fitted, task, [model.eval()]), [], {})
    return folder


def said(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["monitor", *map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


def test_a_line_for_each_beat_from_a_file_as_from_a_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = said(capsys, folder / "model.sequela", folder / "ecg" / "100.hea", "--json", "--until", 30)
    lines = [json.loads(line) for line in out.splitlines()]
    assert code == 0
    assert err.startswith(f"{sum('decision' in one for one in lines)} predictions")
    assert [one["row_id"] for one in lines] == [f"100#{k + 1}" for k in range(len(lines))]
    assert all(one["about"] == pytest.approx(one["seconds"] - 2) for one in lines)
    _, stored, _ = said(
        capsys, folder / "model.sequela", folder / "ecg.store", "--record", 100, "--json", "--until", 30, "--piece", 4
    )
    for ours, theirs in zip(lines, map(json.loads, stored.splitlines()), strict=True):
        assert ours.get("probabilities") == pytest.approx(theirs.get("probabilities"), abs=1e-5)


def test_a_line_for_a_person_says_when_and_what(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = said(capsys, folder / "model.sequela", folder / "ecg", "--record", "101", "--until", 10, "--beats", "detected")
    assert all(line.startswith("0:00:0") and ("N 0." in line or "no answer" in line) for line in out.splitlines())


@pytest.mark.parametrize(
    ("file", "words", "code", "complaint"),
    [
        ("nowhere.hea", [], 3, "there is nothing at"),
        ("empty.hea", [], 3, "cannot be read"),
        ("wrong.edf", [], 3, "cannot be read"),
        ("ecg", [], 2, "there are 2 records"),
        ("ecg", ["--record", "102"], 2, "no record '102'"),
        ("ecg/100.hea", ["--from", "600"], 2, "lasts 60 s"),
        ("ecg/100.hea", ["--piece", "0"], 2, "above nothing"),
        ("bare/100.hea", ["--beats", "annotated"], 3, "no annotated heartbeat"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    file: str, words: list[str], code: int, complaint: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "empty.hea").write_bytes(b"")
    (folder / "wrong.edf").write_bytes(b"not a recording at all" * 40)
    (folder / "bare").mkdir(exist_ok=True)
    for ending in ("hea", "dat"):
        (folder / "bare" / f"100.{ending}").write_bytes((folder / "ecg" / f"100.{ending}").read_bytes())
    found, out, err = said(capsys, folder / "model.sequela", folder / file, *words)
    assert (found, out) == (code, "")
    assert complaint in err.splitlines()[0]
    assert "hint: " in err or "nowhere" in file


@pytest.mark.slow
def test_an_interrupted_monitor_leaves_whole_lines(folder: Path) -> None:
    out = folder / "followed.jsonl"
    words = [
        "monitor",
        str(folder / "model.sequela"),
        str(folder / "ecg" / "100.hea"),
        "--speed",
        "2",  # half a minute: it cannot be over before the interruption
        "--piece",
        "1",
        "--out",
        str(out),
    ]
    process = subprocess.Popen([sys.executable, "-c", HEEDING, *words], stderr=subprocess.PIPE, env=dict(os.environ), text=True)
    while process.poll() is None and not (out.exists() and out.read_text(encoding="utf-8").count("\n") > 3):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    lines = out.read_text(encoding="utf-8")
    assert process.returncode == 130, err
    assert lines.endswith("\n")
    assert all(json.loads(line)["row_id"] for line in lines.splitlines())
