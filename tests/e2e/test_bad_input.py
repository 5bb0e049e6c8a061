"""What cannot be used is refused with what was found and where, and leaves nothing half-written under a final name."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from sequela import config, simulate
from sequela.cli import main
from sequela.errors import ConfigError, DataError, LeakError
from sequela.pipeline import check, files, import_data, run
from sequela.pipeline.data import records
from sequela.pipeline.experiment import Run
from sequela.pipeline.progress import silent
from sequela.store.store import Store

COUNT = 60


def people(path: Path, **columns: Any) -> Path:
    """A table of samples with the number a, and ill for every other one, unless the columns say otherwise."""
    held = {
        "id": [f"p{k:02d}" for k in range(COUNT)],
        "a": [(k * 37 % 60) / 10 for k in range(COUNT)],
        "ill": [k % 2 for k in range(COUNT)],
    }
    pl.DataFrame(held | columns).write_csv(path)
    return path


def study(source: Path, **sections: Any) -> config.Study:
    given = {
        "name": "people",
        "question": "Is this person ill?",
        "data": {"source": str(source), "reader": "csv", "options": {"subject": "id", "values": ["a"], "label": "ill"}},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "ill"},
        "inputs": {"person": {"modality": "static", "encoder": {"name": "mlp", "width": 4}}},
        "task": "binary",
        "train": {"epochs": 1},
        "baselines": {"names": ["mean"]},
        "evaluate": {"bootstrap": 20},
    }
    return config.convert(given | sections, config.Study)


def refused(asked: config.Study, out: Path, error: type[Exception], said: str) -> None:
    """The run is refused in these words, before anything of it can be taken for a result."""
    with pytest.raises(error, match=said):
        run(asked, out=out)
    assert not [path for path in out.rglob("*") if path.name in (files.METRICS, files.REPORT, files.BUNDLE, files.PREDICTIONS)]


# ----------------------------------------------------------------------------------------------------------------- the source


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("people.csv", b""),
        ("people.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"),
        ("people.csv", b"id,a,ill\n"),
        ("people.zip", b"PK\x03\x04 and then nothing"),
        ("people.tar.xz", b"\xfd7zXZ\x00 cut short"),
    ],
    ids=["empty", "another kind of file", "no rows", "broken zip", "broken tar.xz"],
)
def test_a_source_that_is_not_what_it_should_be_is_refused(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises((DataError, ConfigError)) as caught:
        run(study(tmp_path / name), out=tmp_path / "run")
    assert caught.value.message and not (tmp_path / "run").exists()


def test_raw_files_given_to_a_study_without_a_reader_are_to_be_imported_first(tmp_path: Path) -> None:
    data = config.convert({"source": "people.store"}, config.Data)
    with pytest.raises(DataError, match="is not a store") as caught:
        records(data, tmp_path, people(tmp_path / "people.csv"), silent)
    assert caught.value.hint.startswith("a store is expected: `sequela import")


@pytest.mark.parametrize(("modality", "said"), [("image", "called 'flipp'"), ("static", "cannot be augmented")])
def test_an_augmentation_that_is_none_is_refused_before_any_data_is_read(modality: str, said: str, tmp_path: Path) -> None:
    inputs = {"person": {"modality": modality, "encoder": "cnn", "augment": ["flipp"]}}
    with pytest.raises(ConfigError, match=said):
        check(study(tmp_path / "nowhere.csv", inputs=inputs))


def test_a_run_refused_for_its_data_can_be_asked_again_in_the_same_place(tmp_path: Path) -> None:
    asked, out = study(people(tmp_path / "people.csv", ill=[0] * COUNT)), tmp_path / "run"
    with pytest.raises(DataError):
        run(asked, out=out)
    assert not out.exists()
    people(tmp_path / "people.csv")
    assert run(asked, out=out).report.is_file()


def test_a_refused_run_takes_nothing_away_that_it_did_not_begin(tmp_path: Path) -> None:
    asked, out = study(people(tmp_path / "people.csv", ill=[0] * COUNT)), tmp_path / "run"
    (out / "checkpoints").mkdir(parents=True)
    (out / "checkpoints" / "kept").write_text("of somebody")
    with pytest.raises(DataError):
        run(asked, out=out)
    assert (out / "checkpoints" / "kept").is_file()


def test_a_file_of_another_format_is_refused_by_the_reader(ward: Store, demo: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        check(demo, data=people(tmp_path / "people.csv"))


def test_a_study_without_data_names_every_place_it_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEQUELA_DATA", str(tmp_path / "data"))
    with pytest.raises(DataError) as caught:
        run(study(Path("none.csv")), out=tmp_path / "run")
    assert "none.csv" in caught.value.message and str(tmp_path / "data") in caught.value.message
    assert "--data" in caught.value.hint


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    source = people(tmp_path / "people.csv")
    options = {"subject": "id", "values": ["aa"], "label": "ill"}
    asked = study(source, data={"source": str(source), "reader": "csv", "options": options})
    with pytest.raises((DataError, ConfigError), match="'aa'"):
        run(asked, out=tmp_path / "run")


# ----------------------------------------------------------------------------------------------------------------- the cohort


@pytest.mark.parametrize("answer", [0, 1])
def test_an_outcome_that_never_varies_is_refused(answer: int, tmp_path: Path) -> None:
    source = people(tmp_path / "people.csv", ill=[answer] * COUNT)
    refused(study(source), tmp_path / "run", DataError, f"labels of 'ill' are {answer}")


def test_a_single_class_is_refused(tmp_path: Path) -> None:
    source = people(tmp_path / "people.csv", ill=["sick"] * COUNT)
    refused(study(source, task="multiclass"), tmp_path / "run", ConfigError, "two classes or more, the outcome has 1")


def test_one_patient_cannot_be_split(tmp_path: Path) -> None:
    source = tmp_path / "people.csv"
    source.write_text("id,a,ill\np1,1.0,1\n")
    refused(study(source), tmp_path / "run", DataError, "3 parts need 3 units, one for a part; the cohort has 1")


def test_an_empty_cohort_names_the_step_that_emptied_it(tmp_path: Path) -> None:
    asked = study(
        people(tmp_path / "people.csv"), cohort={"index": "SAMPLE", "exclude": [{"when": "a >= 0", "reason": "has a number"}]}
    )
    refused(asked, tmp_path / "run", DataError, r"exclude left out the last 60 rows \(has a number\)")


def test_a_part_without_rows_is_named(tmp_path: Path) -> None:
    parts = {"train": [f"p{k:02d}" for k in range(40)], "test": ["nobody"]}
    refused(
        study(people(tmp_path / "people.csv"), split={"by": "list", "parts": parts}),
        tmp_path / "run",
        DataError,
        "the test part has no rows",
    )


# ------------------------------------------------------------------------------------------------------------------ the study


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.epohs=3", "did you mean 'epochs'"),
        ("cohrt.index=SAMPLE", "did you mean 'cohort'"),
        ("inputs.chart.encoder=lsmt", "did you mean 'lstm'"),
        ("inputs.chart.modality=measurement", "did you mean 'measurements'"),
        ("inputs.chart.encoder.dropuot=0.1", "did you mean 'dropout'"),
        ('baselines.names=["boostin"]', "did you mean 'boosting'"),
        ("task=binery", "did you mean 'binary'"),
        ("fuse=concta", "did you mean 'concat'"),
        ("cohort.index=ICU//ADMISION", "did you mean 'ICU//ADMISSION'"),
        ("outcome.code=DEATH//IN_HOSPITL", "did you mean 'DEATH//IN_HOSPITAL'"),
        ("data.reader=physionet", "did you mean 'physionet2012'"),
        ('ensemble.members=["model", "baseline:boostin"]', "did you mean 'baseline:boosting'"),
        ('audit.allow={ suspicous_input = "x" }', "did you mean 'suspicious_input'"),
        ('cohort.groups=["sexx"]', "did you mean 'SEX'"),
    ],
)
def test_a_misspelt_name_is_answered_with_the_nearest(override: str, said: str, ward: Store, demo: Path, tmp_path: Path) -> None:
    with pytest.raises((ConfigError, DataError)) as caught:
        run(demo, data=ward, out=tmp_path / "run", overrides=(override,))
    assert said in str(caught.value)


def test_a_planted_answer_is_a_leak_that_is_named(tmp_path: Path) -> None:
    """A column that is the label under another name."""
    source = people(tmp_path / "people.csv", a=[k % 2 + (k % 7) / 100 for k in range(COUNT)])
    refused(study(source), tmp_path / "run", LeakError, "suspicious_input")


# ------------------------------------------------------------------------------------------------------------------- the disk


LIMIT = """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
from sequela.pipeline import files
write = files.write
def limited(path, data):
    if path.name == sys.argv[1]:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, resource.RLIM_INFINITY))
    write(path, data)
    if path.name == sys.argv[1]:
        sys.exit("written all the same")
files.write = limited
from sequela.cli import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.slow
@pytest.mark.parametrize("name", ["predictions.parquet"])
def test_a_disk_that_fills_while_a_run_is_written_is_an_error_and_the_run_can_go_on(
    name: str, ward: Store, ward_run: Run, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    """In a process of its own, whose files may not grow past 100 bytes once this one is written."""
    out = tmp_path / "run"
    command = ["run", str(demo), "--data", str(ward.path), "--out", str(out)]
    command += [word for one in small for word in ("--set", one)]
    done = subprocess.run([sys.executable, "-c", LIMIT, name, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 3, done.stderr
    assert "cannot be written" in done.stderr and "hint: is there space" in done.stderr
    assert not (out / name).exists() and not (out / "metrics.json").exists()
    assert not [path for path in out.iterdir() if path.name.startswith(".")]
    assert main([*command, "--resume"]) == 0
    assert Run(out).metrics == ward_run.metrics


@pytest.mark.parametrize("written", ["bundle", "study"])
def test_a_full_disk_is_a_data_error_wherever_it_strikes(
    written: str, ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "run"

    def full(*given: object, **named: object) -> Any:
        raise OSError(28, "No space left on device")

    target: Callable[..., Any] | str = "os.fsync" if written == "bundle" else "pathlib.Path.write_bytes"
    from sequela.pipeline import experiment

    if written == "bundle":
        original = experiment.bundles.save

        def save(*given: Any) -> Any:
            with monkeypatch.context() as patched:
                patched.setattr(str(target), full)
                return original(*given)

        monkeypatch.setattr(experiment.bundles, "save", save)
    else:
        monkeypatch.setattr(str(target), full)
    with pytest.raises(DataError, match="cannot be written: No space left"):
        run(demo, data=ward, out=out, overrides=(*small, "split.seed=23"))
    assert not (out / "metrics.json").exists() and not (out / "model.sequela").exists()


def test_a_folder_that_may_not_be_written_is_said_so(ward: Store, demo: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(DataError, match="cannot be written"):
        run(demo, data=ward, out=tmp_path / "file" / "run")


def test_an_import_that_fails_leaves_no_store(tmp_path: Path) -> None:
    raw = simulate.write("ward", tmp_path / "raw", 10)
    for path in sorted((raw / "set-a").iterdir())[:5]:
        path.write_text("not a record")
    with pytest.raises(DataError, match="refused"):
        import_data("physionet2012", raw, tmp_path / "ward.store")
    assert not (tmp_path / "ward.store").exists()
    assert [path.name for path in tmp_path.iterdir() if path.name != "raw"] in ([], [".ward.store.lock"])


@pytest.mark.parametrize("name", ["mean", "minirocket"])
def test_an_ensemble_that_no_bundle_could_hold_is_refused_before_anything_runs(name: str, tmp_path: Path) -> None:
    asked = study(
        people(tmp_path / "people.csv"), baselines={"names": [name]}, ensemble={"members": ["model", f"baseline:{name}"]}
    )
    refused(asked, tmp_path / "run", ConfigError, f"'baseline:{name}', which a bundle cannot hold")


def test_two_baselines_of_one_name_are_refused_unless_one_is_held_to_columns(tmp_path: Path) -> None:
    table = people(tmp_path / "people.csv")
    refused(study(table, baselines={"names": ["mean", "mean"]}), tmp_path / "run", ConfigError, "2 of the name 'baseline:mean'")
    held = {"name": "logistic", "columns": ["*.last"]}
    asked = study(table, baselines={"names": ["logistic", held]}, ensemble={"members": ["model", "baseline:logistic:*.last"]})
    refused(asked, tmp_path / "run", ConfigError, "which a bundle cannot hold")
