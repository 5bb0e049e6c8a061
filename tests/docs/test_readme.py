"""The README's example with one's own data runs as it stands there, on a few simulated patients."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

import sequela
from sequela.cli import main
from sequela.store.store import open_store

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
QUICK = ["--set", "train.epochs=1", "--set", 'baselines.names=["logistic"]', "--set", "evaluate.bootstrap=50"]


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def commands(section: str) -> list[list[str]]:
    """The lines of a section that begin with sequela, without their comments."""
    text = README[README.index(f"## {section}\n") :].partition("\n## ")[0]
    return [shlex.split(line, comments=True) for line in text.splitlines() if line.startswith("sequela")]


def write_records(folder: Path, patients: int = 80) -> None:
    """Patients whose high heart rate foretells their death; all others are seen again after six weeks."""
    random, chart, stays = np.random.default_rng(0), ["patient,time,name,value,unit"], ["patient,time,event"]
    for patient in range(1, patients + 1):
        dies, came = patient % 3 == 0, datetime(2025, 1, 1) + timedelta(days=patient)
        own = 80 + 10 * random.normal()
        for hour in range(0, 24, 4):
            rate = own + 15 * dies * hour / 24 + 8 * random.normal()
            chart.append(f"{patient},{came + timedelta(hours=hour)},HR,{rate:.0f},bpm")
            chart.append(f"{patient},{came + timedelta(hours=hour + 1)},LACTATE,{2 + random.random():.1f},mmol/L")
        stays.append(f"{patient},{came},ADMISSION")
        stays.append(f"{patient},{came + timedelta(days=6 if dies else 42)},{'DEATH' if dies else 'LAST_SEEN'}")
    folder.mkdir()
    (folder / "chart.csv").write_text("\n".join(chart) + "\n", encoding="ascii")
    (folder / "stays.csv").write_text("\n".join(stays) + "\n", encoding="ascii")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the records, the mapping and the study of the README, where its commands are given."""
    write_records(tmp_path / "records")
    mapping, study = blocks("toml")
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    (tmp_path / "risk.toml").write_text(study, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_of_the_readme_runs(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = commands("Your own data")
    assert [words[1] for words in given] == ["import", "check", "run", "predict"]
    for words in given:
        assert main([*words[1:], *(QUICK if words[1] == "run" else [])]) == 0, capsys.readouterr().err
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    assert len(said) == 80 and all(0 < next(iter(row["probabilities"].values())) < 1 for row in said)
    assert {"report.html", "metrics.json", "predictions.parquet", "flow.json", "model.sequela"} <= {
        path.name for path in (place / "runs" / "risk").iterdir()
    }
    assert open_store(place / "my.store").flow.refused_count == 0


@pytest.mark.slow
def test_the_commands_for_hospital_records_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Callable[..., Path]
) -> None:
    (tmp_path / "mimic-iii").symlink_to(real_data("mimic3_demo"))
    (tmp_path / "studies").symlink_to(Path(__file__).resolve().parents[2] / "studies")
    monkeypatch.chdir(tmp_path)
    given = commands("Hospital records")
    assert [words[1] for words in given] == ["import", "check", "run"]
    assert [main(words[1:]) for words in given[:2]] == [0, 0]
    assert open_store(tmp_path / "mimic.store").flow.refused_share < 0.001


def test_the_lines_of_python_in_the_readme_run(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (code,) = blocks("python")
    study = (place / "risk.toml").read_text(encoding="utf-8")
    (place / "risk.toml").write_text(f'{study}[train]\nepochs = 1\n[baselines]\nnames = ["mean"]\n', encoding="utf-8")
    names = {"mapping": tomllib.loads((place / "mapping.toml").read_text(encoding="utf-8"))}
    exec(code, names)
    (answer,) = names["answer"]  # type: ignore[misc]
    assert answer.source_id == "7" and isinstance(names["store"], type(open_store(place / "my.store")))


def test_a_mapping_that_is_not_toml_is_refused_by_name(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "mapping.toml").write_text("subject: patient", encoding="utf-8")
    assert main(["import", "csv", "records", "my.store", "--mapping", "mapping.toml"]) == 2
    assert "mapping.toml is not TOML" in capsys.readouterr().err


def test_a_mapping_may_also_lie_with_the_tables(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "mapping.toml").rename(place / "records" / "columns.toml")
    assert main(["import", "csv", "records", "my.store", "--mapping", "columns.toml"]) == 0, capsys.readouterr().err
    assert len(sequela.open_store(place / "my.store").subjects) == 80
