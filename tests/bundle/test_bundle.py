"""A bundle answers as its run did, holds no patient, refuses whom the study leaves out, and is refused where it was changed."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest
from safetensors.numpy import load as decode
from safetensors.numpy import save as encode

from sequela import config
from sequela.bundle import archive, load
from sequela.bundle.prediction import Prediction
from sequela.errors import BundleError, DataError, UsageError
from sequela.pipeline import import_data, predict, run
from sequela.pipeline.experiment import Run
from sequela.store.store import Store


def held_by(run: Run, model: str, part: str = "test") -> dict[str, float]:
    """row_id -> the risk in predictions.parquet."""
    frame = pl.read_parquet(run.folder / "predictions.parquet").filter((pl.col("model") == model) & (pl.col("part") == part))
    return dict(zip(frame["row_id"], frame[next(name for name in frame.columns if name.startswith("p_"))], strict=True))


def risk(one: Prediction) -> float:
    assert one.probabilities is not None
    return next(iter(one.probabilities.values()))


def changed(run: Run, dest: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """The bundle of a run, altered by someone who knows its format: written anew, with the right hashes and seal."""
    index, parts = archive.read(run.bundle)
    change(index, parts)
    archive.write(dest / "changed.sequela", index, parts)
    return dest / "changed.sequela"


# ------------------------------------------------------------------------------------------------------------------- answers


@pytest.mark.parametrize("part", ["tune", "test"])
def test_a_bundle_says_of_every_row_what_the_run_said(ward_run: Run, ward: Store, part: str) -> None:
    expected = held_by(ward_run, "ensemble", part)
    said = {one.row_id: risk(one) for one in load(ward_run.bundle).predict(ward)}
    assert expected and all(said[row] == pytest.approx(value, abs=1e-6) for row, value in expected.items())


def test_one_subject_and_all_are_told_the_same(ward_run: Run, ward: Store) -> None:
    bundle = load(ward_run.bundle)
    everybody = {one.source_id: one for one in bundle.predict(ward)}
    for subject in list(everybody)[::25]:
        (alone,) = bundle.predict(ward, subject=subject)
        assert risk(alone) == pytest.approx(risk(everybody[subject]), abs=1e-6)
        assert alone.decision == everybody[subject].decision


def test_a_subject_is_named_by_number_or_by_text(ward_run: Run, ward: Store) -> None:
    bundle, name = load(ward_run.bundle), ward.subjects["source_id"][0]
    assert bundle.predict(ward, subject=int(name)) == bundle.predict(ward, subject=name) == bundle.predict(ward, subject=[name])


def test_decisions_and_thresholds_agree(ward_run: Run, ward: Store) -> None:
    said = load(ward_run.bundle).predict(ward)
    assert {one.decision for one in said} == {True, False}
    assert all(one.threshold is not None and one.decision == (risk(one) >= one.threshold) for one in said)


def test_a_bundle_whose_classes_lie_between_cuts_answers(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    frame = pl.DataFrame({"id": [f"s{k}" for k in range(40)], "a": random.normal(size=40)})
    frame.with_columns(days=pl.col("a").abs() * 5).write_csv(tmp_path / "stays.csv")
    store = import_data(
        "csv", tmp_path / "stays.csv", tmp_path / "s.store", options={"subject": "id", "values": ["a"], "label": "days"}
    )
    given = {
        "name": "stays",
        "question": "How long?",
        "data": {"source": str(store.path)},
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "days", "cuts": [2, 5]},
        "inputs": {"person": {"modality": "static", "encoder": {"name": "mlp", "width": 4}}},
        "task": "multiclass",
        "train": {"epochs": 1},
        "baselines": {"names": ["mean"]},
        "evaluate": {"bootstrap": 0},
    }
    done = run(config.convert(given, config.Study), data=store, out=tmp_path / "run")
    said = load(done.bundle).predict(store)
    assert len(said) == 40 and all(list(one.probabilities or ()) == ["<2", "2-5", ">=5"] for one in said)


def test_loading_twice_gives_the_same_model(ward_run: Run, ward: Store) -> None:
    first, second = load(ward_run.bundle), load(ward_run.bundle)
    assert first.digest == second.digest
    assert first.predict(ward) == second.predict(ward)


def test_a_row_as_json_has_the_fields_of_the_contract(ward_run: Run, ward: Store) -> None:
    (one,) = predict(ward_run.bundle, ward, subject=ward.subjects["source_id"][0])
    wanted = {"row_id", "source_id", "time", "probabilities", "value", "interval", "threshold", "decision", "refused"}
    assert json.loads(one.json()).keys() >= wanted


# ---------------------------------------------------------------------------------------------------------------- no patient


def test_no_subject_and_no_rare_text_is_in_any_part_of_a_bundle(named: tuple[Store, Run]) -> None:
    _, parts = archive.read(named[1].bundle)
    index, _ = archive.read(named[1].bundle)
    for name, data in {**parts, "bundle.json": msgspec.json.encode(index)}.items():
        assert b"Zanzibar" not in data, name
        assert b"Samarkand" not in data, name


def test_the_run_itself_does_tell_what_the_bundle_leaves_out(named: tuple[Store, Run]) -> None:
    groups = {row["group"] for row in named[1].metrics}
    assert "town=Samarkand" in groups and any("Zanzibar" in group for group in groups)


def test_no_subject_of_the_ward_is_in_its_bundle(ward_run: Run, ward: Store) -> None:
    whole = ward_run.bundle.read_bytes()
    assert not [one for one in ward.subjects["source_id"] if f'"{one}"'.encode() in whole]


def test_no_value_of_a_patient_is_in_a_bundle(named: tuple[Store, Run]) -> None:
    """But for the one in the middle: quantiles are between patients' values, and the median may be one of them."""
    store, run = named
    values = store.events(["a"])["numeric_value"].to_numpy()
    whole = run.bundle.read_bytes()
    wide, narrow = values.astype(np.float64), values.astype(np.float32)
    found = [value for value in wide if repr(float(value)).encode() in whole]
    found += [value for value in narrow if repr(float(value)).encode() in whole]
    found += [value for value in wide if value.tobytes() in whole]
    found += [value for value in narrow if value.tobytes() in whole]
    assert len({np.float32(value) for value in found}) <= 1


def test_the_study_in_a_bundle_names_no_subject_and_no_place_of_this_machine(named: tuple[Store, Run]) -> None:
    store, run = named
    study = load(run.bundle).study
    assert study.evaluate.without == [] and study.cohort.include == []
    assert [one.reason for one in study.cohort.exclude] == ["a child"]
    assert str(store.path.parent).encode() not in run.bundle.read_bytes()


# ---------------------------------------------------------------------------------------------------------------- refusals


def test_a_subject_outside_eligibility_is_refused_with_the_reason_and_no_risk(named: tuple[Store, Run]) -> None:
    store, run = named
    ages = store.events(["age"])
    child = ages.filter(pl.col("numeric_value") < 18)["subject_id"][0]
    name = store.subjects.filter(pl.col("subject_id") == child)["source_id"][0]
    (one,) = load(run.bundle).predict(store, subject=name)
    assert one.refused == "a child"
    assert one.probabilities is None and one.decision is None and one.threshold is None and one.value is None


def test_an_unknown_subject_is_refused_by_name(ward_run: Run, ward: Store) -> None:
    (one,) = load(ward_run.bundle).predict(ward, subject="nobody")
    assert one.refused == "not in the data" and one.source_id == "nobody" and one.probabilities is None


def test_a_subject_without_any_input_is_refused(named: tuple[Store, Run], tmp_path: Path) -> None:
    from sequela.pipeline import import_data

    path = tmp_path / "people.csv"
    path.write_text("id,a,b,age,town,ill\nknown,0.5,0.5,40,Oslo,1\nunknown,,,,,1\n")
    options = {"subject": "id", "values": ["a", "b", "age"], "static": ["town"], "label": "ill"}
    store = import_data("csv", path, tmp_path / "people.store", options=options)
    said = {one.source_id: one for one in load(named[1].bundle).predict(store)}
    assert said["known"].refused is None and risk(said["known"]) > 0
    assert said["unknown"].refused and said["unknown"].probabilities is None and said["unknown"].decision is None


def test_a_time_without_zone_is_refused(ward_run: Run, ward: Store) -> None:
    with pytest.raises(UsageError, match="no time zone"):
        load(ward_run.bundle).predict(ward, subject=ward.subjects["source_id"][0], at="2026-01-31T08:00:00")


def test_a_text_that_is_no_time_is_refused(ward_run: Run, ward: Store) -> None:
    with pytest.raises(UsageError, match="is not a time"):
        load(ward_run.bundle).predict(ward, at="tomorrow")


def test_data_that_is_no_store_is_refused(ward_run: Run, tmp_path: Path) -> None:
    with pytest.raises(DataError):
        load(ward_run.bundle).predict(tmp_path)


# ------------------------------------------------------------------------------------------------------------- changed bundles


def test_a_changed_weight_is_caught_though_every_hash_is_right(ward_run: Run, tmp_path: Path) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        arrays = dict(decode(parts["weights.safetensors"]))
        arrays["member-0/head.out.bias"] = arrays["member-0/head.out.bias"] + 0.01
        parts["weights.safetensors"] = encode(arrays)

    with pytest.raises(BundleError, match="answers its golden example differently"):
        load(changed(ward_run, tmp_path, change))


def test_a_changed_scale_is_caught_though_every_hash_is_right(ward_run: Run, tmp_path: Path) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        state = json.loads(parts["states/chart.json"])
        for feature in state["features"]:
            feature["scale"]["quantiles"] = [value + 5 for value in feature["scale"]["quantiles"]]
        parts["states/chart.json"] = json.dumps(state).encode()

    with pytest.raises(BundleError, match="answers its golden example differently"):
        load(changed(ward_run, tmp_path, change))


def test_a_bundle_that_names_an_encoder_which_is_not_here_says_so(ward_run: Run, tmp_path: Path) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        index["study"]["inputs"]["chart"]["encoder"] = {"name": "their_net"}

    with pytest.raises(BundleError, match="not installed here: no encoder is called 'their_net'"):
        load(changed(ward_run, tmp_path, change))


@pytest.mark.parametrize("name", ["os", "antigravity", "sequela.encoders.gru_d", "../gru_d", "json:loads"])
def test_no_module_that_a_bundle_names_is_imported(ward_run: Run, tmp_path: Path, name: str) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        for kind in ("modality", "encoder"):
            index["study"]["inputs"]["chart"][kind] = {"name": name}

    before = set(sys.modules)
    with pytest.raises(BundleError):
        load(changed(ward_run, tmp_path, change))
    assert not {module for module in set(sys.modules) - before if module.partition(".")[0] == name.partition(".")[0]}


@pytest.mark.parametrize(
    ("part", "content"),
    [
        ("thresholds.json", b"[]"),
        ("calibration.json", b"7"),
        ("golden.json", b"{}"),
        ("states/chart.json", b"{}"),
        ("metrics.json", b"{"),
        ("weights.safetensors", b"\x00" * 40),
    ],
)
def test_a_part_of_another_form_is_a_bundle_error(ward_run: Run, tmp_path: Path, part: str, content: bytes) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        parts[part] = content

    with pytest.raises(BundleError):
        load(changed(ward_run, tmp_path, change))


@pytest.mark.parametrize("key", ["study", "names", "members", "partners", "columns"])
def test_an_index_without_what_is_needed_is_a_bundle_error(ward_run: Run, tmp_path: Path, key: str) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        del index[key]

    with pytest.raises(BundleError):
        load(changed(ward_run, tmp_path, change))


def test_a_weight_of_another_shape_is_a_bundle_error(ward_run: Run, tmp_path: Path) -> None:
    def change(index: dict[str, Any], parts: dict[str, bytes]) -> None:
        arrays = dict(decode(parts["weights.safetensors"]))
        arrays["member-0/head.out.bias"] = np.zeros(7, np.float32)
        parts["weights.safetensors"] = encode(arrays)

    with pytest.raises(BundleError, match="do not fit together"):
        load(changed(ward_run, tmp_path, change))


def test_the_card_says_what_was_measured_and_what_nobody_stated(ward_run: Run) -> None:
    _, parts = archive.read(ward_run.bundle)
    card = parts["card.md"].decode()
    assert f"{ward_run.metric('auroc', 'ensemble'):.3f}" in card
    assert "not stated" in card and "Will this patient die" in card


COUNT = 60


def odd(value: Any) -> list[Any]:
    """What somebody might put in a value's place."""
    return [one for one in (None, -1, 1e300, "x", [], {}, [[1]], {"name": 3}) if one != value]


def places(value: Any, depth: int = 3) -> list[tuple[Any, ...]]:
    """Paths to everything in a JSON document, down to a depth; of a list, its first entry."""
    if not depth or not isinstance(value, dict | list) or not value:
        return [()]
    keys = list(value) if isinstance(value, dict) else [0]
    return [(), *((key, *path) for key in keys for path in places(value[key], depth - 1))]


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    if not path:
        return by
    copy = value.copy()
    copy[path[0]] = replaced(value[path[0]], path[1:], by)
    return copy


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # 1e300 overflows: that is not the matter here
def test_any_value_of_another_form_is_harmless_or_a_bundle_error(ward_run: Run, tmp_path: Path) -> None:
    """So many of all such changes, drawn by a fixed seed, each with the right hashes."""
    index, parts = archive.read(ward_run.bundle)
    names = ["bundle.json", "thresholds.json", "calibration.json", "golden.json", "states/chart.json"]
    documents = {name: json.loads(parts[name]) if name in parts else dict(index) for name in names}
    changes = [
        (name, path, other) for name in names for path in places(documents[name])[1:] for other in odd(_at(documents[name], path))
    ]
    random = np.random.default_rng(0)
    refused = 0
    for k in random.permutation(len(changes))[:COUNT]:
        name, path, other = changes[k]
        document = replaced(documents[name], path, other)
        held = parts if name == "bundle.json" else parts | {name: json.dumps(document).encode()}
        archive.write(tmp_path / "odd.sequela", document if name == "bundle.json" else index, held)
        try:
            load(tmp_path / "odd.sequela")
        except BundleError:
            refused += 1
    assert refused > COUNT / 3


def _at(value: Any, path: tuple[Any, ...]) -> Any:
    return _at(value[path[0]], path[1:]) if path else value
