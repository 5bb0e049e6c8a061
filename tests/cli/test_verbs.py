"""The command line: data on stdout, everything else on stderr, and an exit code that says what went wrong."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from sequela import __version__, errors, registry
from sequela.cli import VERBS, main
from sequela.pipeline import schema
from sequela.pipeline.experiment import Run
from sequela.store.store import Store

STUDIES = sorted(Path(__file__).resolve().parents[2].glob("studies/**/*.toml"))


def called(capsys: pytest.CaptureFixture[str], *argv: object) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of one command."""
    capsys.readouterr()
    try:
        code = main([str(word) for word in argv])
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    said = capsys.readouterr()
    return code, said.out, said.err


def refused(capsys: pytest.CaptureFixture[str], code: int, *argv: object) -> str:
    """What is said on stderr of a command that must end with this code."""
    found, out, complaint = called(capsys, *argv)
    assert found == code, complaint
    assert out == ""
    assert complaint.splitlines()[0].startswith("error: ") and "Traceback" not in complaint
    return complaint


def flags(given: tuple[str, ...]) -> list[str]:
    return [word for one in given for word in ("--set", one)]


@pytest.fixture(scope="session")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Another ward: other patients, from another seed."""
    from sequela import simulate
    from sequela.pipeline import import_data

    folder = tmp_path_factory.mktemp("elsewhere")
    return import_data("physionet2012", simulate.write("ward", folder / "raw", 150, seed=5), folder / "ward.store")


# -------------------------------------------------------------------------------------------------------------------- help


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_explains_itself_with_an_example(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, complaint = called(capsys, verb, "--help")
    assert code == 0 and complaint == ""
    example = importlib.import_module(f"sequela.cli.{VERBS[verb]}").EXAMPLE
    assert f"example: {example}" in out and example.startswith(f"sequela {verb}")


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_is_a_command_that_is_understood(verb: str) -> None:
    from sequela.cli import parser

    words = importlib.import_module(f"sequela.cli.{VERBS[verb]}").EXAMPLE.partition(" > ")[0].split()
    assert parser().parse_args(words[1:]).verb == verb


def test_the_version_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert called(capsys, "--version") == (0, f"sequela {__version__}\n", "")


def test_importing_sequela_or_asking_for_help_loads_nothing_heavy() -> None:
    heavy = {"torch", "polars", "sklearn", "lightning", "scipy", "pyarrow", "wfdb", "PIL", "meds", "numpy"}
    script = (
        "import sys, time, sequela\n"
        "first = set(sys.modules)\n"
        "from sequela.cli import main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted(first), sorted(sys.modules), time.process_time(), sep='\\n', file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, second, seconds = done.stderr.splitlines()
    for modules in (first, second):
        assert not heavy & set(eval(modules))
    assert float(seconds) < 0.3


# -------------------------------------------------------------------------------------------------------------------- exit codes


def test_a_command_that_is_not_understood_ends_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert "hint: sequela --help" in refused(capsys, 2, "rum")
    assert "hint: sequela run --help" in refused(capsys, 2, "run")
    assert "hint: sequela compare --help" in refused(capsys, 2, "compare", "a", "b", "--part", "train")


def test_one_run_cannot_be_compared(capsys: pytest.CaptureFixture[str], ward_run: Run) -> None:
    assert "two runs or more" in refused(capsys, 2, "compare", ward_run.folder)


def test_a_study_that_says_what_it_may_not_ends_with_2(capsys: pytest.CaptureFixture[str], ward: Store, demo: Path) -> None:
    said = refused(capsys, 2, "check", demo, "--data", ward.path, "--set", "train.epoch=3")
    assert "train has an unknown key 'epoch'" in said and "hint: did you mean 'epochs'?" in said
    said = refused(capsys, 2, "check", demo, "--data", ward.path, "--set", "split.by=subjects")
    assert "split.by is 'subjects'" in said and "hint: did you mean 'subject'? (known: folds, list," in said
    said = refused(capsys, 2, "import", "survival", demo, "new.store")
    assert "the options of survival without 'unit'" in said and "hint: one of days, hours, months" in said
    said = refused(capsys, 2, "check", demo, "--data", ward.path, "--set", "inputs.chart.encoder=gru_b")
    assert "no encoder is called 'gru_b'" in said and "did you mean 'gru_d'" in said
    said = refused(capsys, 2, "check", demo, "--data", ward.path, "--set", "inputs.chart.encoder.widht=3")
    assert "unknown key 'widht'" in said and "did you mean 'width'" in said
    assert "there is no study at" in refused(capsys, 2, "check", "nothing.toml")


def test_data_that_cannot_be_used_ends_with_3(capsys: pytest.CaptureFixture[str], demo: Path, tmp_path: Path) -> None:
    assert "there is nothing at" in refused(capsys, 3, "check", demo, "--data", tmp_path / "none")
    assert "there is nothing at" in refused(capsys, 3, "inspect", tmp_path / "none")
    assert "is not a finished run" in refused(capsys, 3, "report", tmp_path)


def test_a_leak_ends_with_4(capsys: pytest.CaptureFixture[str], ward: Store, demo: Path) -> None:
    planted = 'inputs.chart.modality.context=["AGE", "DEATH//IN_HOSPITAL"]'
    code, out, complaint = called(capsys, "check", demo, "--data", ward.path, "--set", planted)
    assert code == 4 and "outcome_as_input" in complaint and "hint:" in complaint
    assert "outcome_as_input" in out  # the table is shown before it is refused


def test_a_bundle_that_cannot_be_trusted_ends_with_5(
    capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store, tmp_path: Path
) -> None:
    path = tmp_path / "model.sequela"
    path.write_bytes(ward_run.bundle.read_bytes()[:-100])
    assert "is not a bundle" in refused(capsys, 5, "predict", path, ward.path)
    assert "there is no bundle" in refused(capsys, 5, "predict", tmp_path / "none.sequela", ward.path)


def test_training_that_cannot_go_on_ends_with_6(
    capsys: pytest.CaptureFixture[str], ward: Store, demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    wild = (*small, "train.optimizer={ name = 'sgd', lr = 1e30 }", "train.schedule.name=constant", "train.clip=1e30")
    said = refused(capsys, 6, "run", demo, "--data", ward.path, "--out", tmp_path / "run", *flags(wild))
    assert "hint:" in said
    assert not (tmp_path / "run" / "metrics.json").exists()


def test_a_missing_extra_ends_with_7_and_the_line_that_installs_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sequela import simulate

    simulate.write("ecg", tmp_path / "raw", 1)
    monkeypatch.setitem(sys.modules, "wfdb", None)
    said = refused(capsys, 7, "import", "wfdb", tmp_path / "raw", tmp_path / "ecg.store")
    assert "hint: pip install 'sequela[wfdb]'" in said
    assert not (tmp_path / "ecg.store").exists()


def test_an_interruption_anywhere_ends_with_130(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from sequela.pipeline import description

    def stop(path: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(description, "describe", stop)
    assert "interrupted" in refused_softly(capsys, 130, "inspect", "somewhere")


def refused_softly(capsys: pytest.CaptureFixture[str], code: int, *argv: object) -> str:
    found, _, complaint = called(capsys, *argv)
    assert found == code
    return complaint


def test_every_error_has_an_exit_code_of_the_contract() -> None:
    found = {one.__name__: one.exit_code for one in vars(errors).values() if isinstance(one, type)}
    assert found == {
        "SequelaError": 1, "UsageError": 2, "ConfigError": 2, "DataError": 3, "LeakError": 4, "BundleError": 5,
        "TrainingError": 6, "MissingExtra": 7, "Interrupted": 130,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------------------------------------ verbs


def test_a_ward_goes_from_simulation_to_an_explained_prediction(
    capsys: pytest.CaptureFixture[str], demo: Path, small: tuple[str, ...], tmp_path: Path
) -> None:
    raw, store, out = tmp_path / "ward", tmp_path / "ward.store", tmp_path / "run"
    assert called(capsys, "simulate", "ward", raw, "--subjects", 60)[:2] == (0, f"{raw}\n")
    code, said, _ = called(capsys, "import", "physionet2012", raw, store, "--json")
    assert code == 0 and json.loads(said)["subjects"] == 60
    given = (*small, "train.epochs=1", "cohort.groups=[]", "ensemble.members=[]", 'baselines={ names = ["logistic"] }')
    code, said, complaint = called(capsys, "run", demo, "--data", store, "--out", out, "--json", *flags(given))
    assert code == 0, complaint
    assert {row["model"] for row in json.loads(said)} == {"model", "baseline:logistic"}
    code, said, _ = called(capsys, "predict", out / "model.sequela", store, "--subject", "100003", "--explain", "--json")
    (line,) = said.splitlines()
    one = json.loads(line)
    assert code == 0 and one["source_id"] == "100003" and one["explanation"][0].keys() == {"code", "change", "scale"}
    code, said, _ = called(capsys, "report", out)
    assert code == 0 and said == f"{out / 'report.html'}\n"


def test_check_tells_flow_split_inputs_and_audit(capsys: pytest.CaptureFixture[str], ward: Store, demo: Path) -> None:
    code, said, complaint = called(capsys, "check", demo, "--data", ward.path)
    assert code == 0 and complaint == ""
    assert [line for line in said.splitlines() if line.endswith(":") and not line.startswith(" ")] == [
        "rows:", "split:", "inputs:", "audit:", "size:",
    ] + ["looks:"] * ("looks:" in said)  # fmt: skip
    code, said, _ = called(capsys, "check", demo, "--data", ward.path, "--json")
    found = json.loads(said)
    assert code == 0 and found["splits"][0]["train"] + found["splits"][0]["tune"] + found["splits"][0]["test"] == 150


@pytest.mark.parametrize("kind", [*registry.KINDS, "metrics"])
def test_list_names_everything_registered(kind: Any, capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = called(capsys, "list", kind)
    names = [line.split()[0] for line in said.splitlines()]
    rows = json.loads(called(capsys, "list", kind, "--json")[1])
    assert code == 0 and names == [row["name"] for row in rows] and all(row["summary"] for row in rows)
    assert kind == "metrics" or names == list(registry.names(kind))


def test_inspect_tells_a_store_a_run_and_a_bundle_apart(capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store) -> None:
    for path, key in ((ward.path, "store"), (ward_run.folder, "run"), (ward_run.bundle, "bundle")):
        code, said, _ = called(capsys, "inspect", path, "--json")
        assert code == 0 and json.loads(said)[key] == str(path)
        code, said, _ = called(capsys, "inspect", path)
        assert code == 0 and said.startswith(f"{key}: {path}\n")


def test_doctor_tells_versions_and_threads(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = called(capsys, "doctor", "--json")
    facts = json.loads(said)
    assert code == 0 and facts["sequela"] == __version__ and facts["threads"]["threads"] >= 1
    assert {"images", "wfdb", "meds"} <= facts["extras"].keys()


@pytest.mark.parametrize("method", ["auto", "gradient_shap", "left_out"])
def test_explain_ranks_the_codes_of_a_run_and_of_a_bundle(
    method: str, capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store
) -> None:
    of_run, of_bundle = ([ward_run.folder], [ward_run.bundle, "--data", ward.path])
    for asked in (of_run, of_bundle):
        code, said, _ = called(capsys, "explain", *asked, "--rows", 20, "--method", method, "--json")
        rows = json.loads(said)
        moved = [row["mean_absolute"] for row in rows]
        assert code == 0 and moved == sorted(moved, reverse=True) and moved[0] > 0
        assert {row["code"] for row in rows} >= {"Lactate", "AGE"}
    assert "give data with --data PATH" in refused(capsys, 2, "explain", ward_run.bundle)


def test_a_row_of_a_run_is_explained_by_its_like_and_by_what_would_flip_it(
    capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store
) -> None:
    _, alike, _ = called(capsys, "explain", ward_run.folder, "--rows", 2, "--method", "prototypes", "--json")
    _, changed, _ = called(capsys, "explain", ward_run.folder, "--rows", 2, "--method", "counterfactual", "--json")
    like, flipped = json.loads(alike), json.loads(changed)
    assert [row["row_id"] for row in like] == [row["row_id"] for row in flipped]
    assert all(len(row["cases"]) == 3 for row in like) and all(row["changes"] or row["reason"] for row in flipped)
    of_bundle = ["explain", ward_run.bundle, "--data", ward.path, "--method", "prototypes"]
    assert "a bundle holds no patient" in refused(capsys, 2, *of_bundle)
    assert "there is no method 'shapp'" in refused(capsys, 2, "explain", ward_run.folder, "--method", "shapp")


def test_a_prediction_is_explained_by_the_method_asked_for(
    capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store
) -> None:
    asked = ["predict", ward_run.bundle, ward.path, "--subject", "100003", "--explain", "--json", "--method"]
    _, said, _ = called(capsys, *asked, "integrated_gradients")
    told = json.loads(said)["explanation"]
    assert [abs(term["change"]) for term in told] == sorted((abs(term["change"]) for term in told), reverse=True)
    _, said, _ = called(capsys, *asked, "counterfactual")
    (flip,) = json.loads(said)["explanation"]
    assert flip["row_id"] == "100003" and flip["sentence"]
    assert "DeepLift has no rule for the gates of recurrent networks" in refused(capsys, 2, *asked, "deep_lift")


def test_a_run_compared_with_itself_differs_by_nothing(capsys: pytest.CaptureFixture[str], ward_run: Run, tmp_path: Path) -> None:
    import shutil

    other = tmp_path / "other"
    shutil.copytree(ward_run.folder, other)
    code, said, _ = called(capsys, "compare", ward_run.folder, other, "--json")
    rows = json.loads(said)
    differences = [row for row in rows if row["against"]]
    assert code == 0 and differences and all(row["value"] == 0 for row in differences)
    (shown,) = [row for row in rows if row["run"] == "ward" and row["metric"] == "auroc"]
    assert shown["value"] == pytest.approx(ward_run.metric("auroc", "ensemble"))
    code, said, _ = called(capsys, "compare", ward_run.folder, other)
    assert code == 0 and "other − ward" in said


def test_predictions_of_all_rows_are_one_json_object_a_line(
    capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store
) -> None:
    code, said, _ = called(capsys, "predict", ward_run.bundle, ward.path, "--json")
    lines = [json.loads(line) for line in said.splitlines()]
    assert code == 0 and len(lines) == 150 and all(line["probabilities"] for line in lines)
    code, said, _ = called(capsys, "predict", ward_run.bundle, ward.path, "--subject", "nobody", "--json")
    (line,) = map(json.loads, said.splitlines())
    assert code == 0 and line["refused"] == "not in the data" and line["probabilities"] is None


# ------------------------------------------------------------------------------------------------------- evaluation elsewhere


def test_a_bundle_is_judged_on_another_ward(
    capsys: pytest.CaptureFixture[str], ward_run: Run, elsewhere: Store, tmp_path: Path
) -> None:
    out = tmp_path / "external"
    code, said, complaint = called(capsys, "evaluate", ward_run.bundle, elsewhere.path, "--out", out, "--json")
    rows = json.loads(said)
    assert code == 0, complaint
    assert {row["split"] for row in rows} == {"external"} and {row["model"] for row in rows} == {"model", "ensemble"}
    (auroc,) = [r for r in rows if r["metric"] == "auroc" and r["model"] == "ensemble" and not r["group"] and not r["against"]]
    assert auroc["n"] == 150 and auroc["low"] < auroc["value"] < auroc["high"]
    assert (out / "report.html").exists() and json.loads((out / "run.json").read_text())["splits"][0]["looks"] == 1
    assert "already holds results" in refused(capsys, 2, "evaluate", ward_run.bundle, elsewhere.path, "--out", out)


def test_recalibration_is_judged_by_its_paired_change(
    capsys: pytest.CaptureFixture[str], ward_run: Run, elsewhere: Store, tmp_path: Path
) -> None:
    out = tmp_path / "external"
    code, said, complaint = called(capsys, "evaluate", ward_run.bundle, elsewhere.path, "--recalibrate", "--out", out, "--json")
    assert code == 0, complaint
    rows = [row for row in json.loads(said) if not row["group"]]
    value = {(row["model"], row["against"]): row["value"] for row in rows if row["metric"] == "brier"}
    change = value["recalibrated", "ensemble"]
    assert change == pytest.approx(value["recalibrated", ""] - value["ensemble", ""])
    slope = {row["model"]: row["value"] for row in rows if row["metric"] == "calibration_slope" and not row["against"]}
    assert abs(slope["recalibrated"] - 1) < abs(slope["ensemble"] - 1) or abs(slope["ensemble"] - 1) < 0.3
    assert "Recalibrated here − Ensemble" in (out / "report.html").read_text()


def test_a_bundle_is_not_judged_on_the_data_it_was_trained_on(
    capsys: pytest.CaptureFixture[str], ward_run: Run, ward: Store, tmp_path: Path
) -> None:
    said = refused(capsys, 4, "evaluate", ward_run.bundle, ward.path, "--out", tmp_path / "external")
    assert "trained on these very records" in said and "hint:" in said
    assert not (tmp_path / "external").exists()


# ----------------------------------------------------------------------------------------------------------------------- schema


@pytest.fixture(scope="module")
def validator() -> Any:
    jsonschema = pytest.importorskip("jsonschema")
    found = schema()
    kind = jsonschema.validators.validator_for(found)
    kind.check_schema(found)
    return kind(found)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_schema_accepts_every_study(path: Path, validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(tomllib.loads(path.read_text()))] == []


@pytest.mark.parametrize(
    ("where", "value"),
    [
        (("train", "epoch"), 3),
        (("train", "epochs"), "many"),
        (("inputs", "chart", "encoder"), "gru_b"),
        (("inputs", "chart", "encoder"), {"name": "gru_d", "widht": 3}),
        (("inputs", "chart", "encoder"), {"width": 3}),
        (("inputs", "chart", "modality"), "gru_d"),
        (("inputs", "chart", "augment"), ["rotat"]),
        (("task",), {"name": "binary", "k": 1}),
        (("fuse",), "concatenate"),
        (("baselines", "names"), ["score"]),  # lacks its code
        (("baselines", "names"), [{"name": "boosting", "round": 1}]),
        (("data", "reader"), "physionet"),
        (("data", "options"), {"subject": "id"}),
    ],
)
def test_the_schema_refuses_what_the_study_may_not_say(where: tuple[str, ...], value: Any, validator: Any, demo: Path) -> None:
    study = tomllib.loads(demo.read_text())
    assert validator.is_valid(study)
    here = study
    for key in where[:-1]:
        here = here.setdefault(key, {})
    here[where[-1]] = value
    assert not validator.is_valid(study)


def test_the_schema_offers_the_options_of_each_registered_name(capsys: pytest.CaptureFixture[str]) -> None:
    code, said, _ = called(capsys, "schema")
    definitions = json.loads(said)["$defs"]
    assert code == 0
    for kind in registry.KINDS:
        for row in registry.described(kind):
            assert definitions[f"{kind}.{row['name']}"]["properties"].keys() == row["options"].keys()


@pytest.mark.slow
def test_the_command_line_sets_up_threads_before_torch_is_loaded() -> None:
    """Idle workers sleep and one thread computes, unless the user says otherwise."""
    script = "import sys; sys.argv[1:] = ['list', 'readers']\nfrom sequela.cli import main\nmain()\nimport os\n"
    script += "print(os.environ['OMP_WAIT_POLICY'], os.environ['OMP_NUM_THREADS'], 'torch' in sys.modules, file=sys.stderr)"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("OMP_")}
    for given, expected in (({}, "PASSIVE 1 False"), ({"OMP_NUM_THREADS": "2"}, "PASSIVE 2 False")):
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=bare | given)
        assert done.stderr.strip() == expected
