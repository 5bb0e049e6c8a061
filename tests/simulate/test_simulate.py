"""Simulated sets: the same for the same seed, readable as the real formats are, and true to what was planted."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from sequela import simulate
from sequela.errors import ConfigError, DataError, UsageError
from sequela.simulate import ecg, ward, xray


def digest(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("name", simulate.names())
def test_the_same_seed_writes_the_same_bytes(name: str, tmp_path: Path) -> None:
    first, second, other = (simulate.write(name, tmp_path / str(k), 4, seed) for k, seed in enumerate((0, 0, 1)))
    assert digest(first) == digest(second)
    assert digest(first)["truth.csv"] != digest(other)["truth.csv"]


@pytest.mark.parametrize("name", simulate.names())
def test_progress_ends_at_the_number_of_subjects(name: str, tmp_path: Path) -> None:
    shown: list[tuple[int, int]] = []
    simulate.write(name, tmp_path / "set", 3, progress=lambda what, done, total: shown.append((done, total)))
    assert shown == [(1, 3), (2, 3), (3, 3)]


def test_an_unknown_name_names_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean 'ward'"):
        simulate.write("wards", tmp_path / "set")


def test_no_subjects_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least 1"):
        simulate.write("ward", tmp_path / "set", 0)


def test_a_folder_that_holds_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(DataError, match="already holds files"):
        simulate.write("ward", tmp_path, 2)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_certain_truth_has_no_ceiling(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="certain"):
        simulate.ceiling(simulate.write("ecg", tmp_path / "set", 1))


def test_the_ward_s_true_risks_tell_the_dead_from_the_living(tmp_path: Path) -> None:
    patients = ward.drawn(3000, seed=0)
    assert 0.08 < patients.died.mean() < 0.15
    assert abs(patients.risk.mean() - patients.died.mean()) < 0.02
    calm = (patients.rise > 0) ^ (patients.fall > 0)
    both = (patients.rise > 0) & (patients.fall > 0)
    assert patients.died[both].mean() > 4 * patients.died[calm].mean()


def test_the_first_patients_are_the_same_however_many_are_drawn() -> None:
    few, many = ward.drawn(5, seed=3), ward.drawn(50, seed=3)
    np.testing.assert_array_equal(few.risk, many.risk[:5])


def test_the_ward_shows_the_planted_course_in_its_files(tmp_path: Path) -> None:
    patients, folder = ward.drawn(60, seed=0), simulate.write("ward", tmp_path / "ward", 60)
    change = np.array([_change(folder / "set-a" / f"{ward.FIRST + i}.txt", "MAP") for i in range(60)])
    assert change[patients.fall > 0].mean() < -8 and abs(change[patients.fall == 0].mean()) < 4


def _change(path: Path, parameter: str) -> float:
    """The mean of the last 4 hours less the mean of the first 36."""
    lines = [line.split(",") for line in path.read_text().splitlines()[1:]]
    points = np.array([(int(t[:2]) + int(t[3:]) / 60, float(v)) for t, name, v in lines if name == parameter])
    return float(points[points[:, 0] >= 44, 1].mean() - points[points[:, 0] < 36, 1].mean())


def test_nothing_in_the_ward_is_recorded_after_48_hours(tmp_path: Path) -> None:
    folder = simulate.write("ward", tmp_path / "ward", 20)
    times = [line[:5] for path in (folder / "set-a").iterdir() for line in path.read_text().splitlines()[1:]]
    assert max(times) < "48:00" and min(times) == "00:00"


def test_the_ward_s_truth_agrees_with_its_outcomes(tmp_path: Path) -> None:
    folder = simulate.write("ward", tmp_path / "ward", 200)
    truth, outcomes = pl.read_csv(folder / "truth.csv"), pl.read_csv(folder / "Outcomes-a.txt")
    assert truth["outcome"].to_list() == outcomes["In-hospital_death"].to_list()
    assert (outcomes["Length_of_stay"] >= 3).all()
    assert 0.75 < simulate.ceiling(folder) < 1


def test_the_reader_of_the_real_challenge_takes_every_stay(tmp_path: Path) -> None:
    import sequela

    folder = simulate.write("ward", tmp_path / "ward", 12)
    store = sequela.import_data("physionet2012", str(folder), str(tmp_path / "ward.store"))
    subjects = pl.read_parquet(tmp_path / "ward.store" / "metadata" / "subjects.parquet")
    assert store is not None and len(subjects) == 12


@pytest.mark.filterwarnings("ignore:The inplace keyword:DeprecationWarning")  # of pandas, by wfdb 4.3
def test_wfdb_reads_the_electrocardiograms_as_they_were_drawn(tmp_path: Path) -> None:
    wfdb = pytest.importorskip("wfdb")
    folder = simulate.write("ecg", tmp_path / "ecg", 2, seed=5)
    truth = pl.read_csv(folder / "truth.csv").filter(pl.col("record") == 101)
    record, marks = wfdb.rdrecord(str(folder / "101")), wfdb.rdann(str(folder / "101"), "atr")
    assert record.fs == ecg.RATE_HZ and record.sig_name == ["MLII", "V1"] and record.p_signal.shape == (15000, 2)
    assert marks.sample.tolist() == truth["sample"].to_list() and marks.symbol == truth["kind"].to_list()
    tall = record.p_signal[marks.sample, 0]
    assert (tall > 0.6).all()


def test_early_beats_come_early() -> None:
    from sequela import seed as streams

    beats = ecg.rhythm(streams.generator(0, "test"))
    gaps = np.diff(beats.sample)
    normal = gaps[(beats.kind[1:] == "N") & (beats.kind[:-1] != "V")]
    assert (gaps[beats.kind[1:] != "N"] < 0.85 * normal.mean()).all()


def test_the_x_rays_have_the_layout_of_medmnist(tmp_path: Path) -> None:
    folder = simulate.write("xray", tmp_path / "xray", 100)
    with np.load(folder / "xray.npz", allow_pickle=False) as archive:
        shapes = {name: (archive[name].shape, archive[name].dtype.name) for name in archive.files}
    assert shapes["train_images"] == ((70, 28, 28), "uint8") and shapes["test_labels"] == ((15, 1), "uint8")
    assert len(pl.read_csv(folder / "truth.csv")) == 100


def test_a_denser_opacity_is_brighter() -> None:
    from sequela import seed as streams

    drawn = [xray.drawn(streams.generator(0, "test", k)) for k in range(300)]
    density = np.array([density for _, density in drawn])
    mean = np.array([image.mean() for image, _ in drawn])
    assert np.corrcoef(density, mean)[0, 1] > 0.3
