"""A clean ward raises no alarm; each leak planted in it is named, and nothing else is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy.sparse import csr_array

from sequela import config
from sequela.errors import ConfigError
from sequela.study import audit, likeness
from sequela.study.audit import of_inputs, of_labels, of_values
from sequela.study.cut import SCHEMA
from sequela.types import Boxes, Cohort, Counts, Known, Plain, Target

STUDY = {
    "name": "t", "question": "?", "data": {"source": "x"}, "cohort": {"index": "ICU//ADMISSION"},
    "outcome": {"code": "DEATH", "within": "stay"},
    "inputs": {"chart": {"modality": "measurements", "encoder": "gru"}}, "task": "binary",
}  # fmt: skip


class NoPayloads:
    def open(self, uri: str) -> None:
        raise AssertionError(uri)


def ward(seed: int, rows: int = 600, columns: int = 20, missing: float = 0.2) -> audit.Material:
    """Patients whose columns come from a few hidden directions, one of which also drives the label."""
    random = np.random.default_rng(seed)
    hidden = random.normal(size=(rows, 6))
    values = hidden @ random.normal(size=(6, columns)) + random.normal(size=(rows, columns))
    values[random.random(values.shape) < missing] = np.nan
    label = (hidden[:, 0] + random.normal(size=rows) > 1).astype(float)
    names = np.array([f"{n}" for n in random.permutation(rows)])
    at = np.datetime64("2020-01-01", "us") + np.arange(rows) * np.timedelta64(1, "h")
    part = np.array(["train"] * 6 + ["tune", "test"] * 2)[np.arange(rows) % 10]
    target = Target(label[:, None], np.ones((rows, 1), bool), ("DEATH",))
    cohort = Cohort(np.arange(rows), names, names, at, at, part, target)
    events = pl.DataFrame(
        {"row": np.arange(rows), "position": -random.random(rows), "code": "HR", "numeric_value": values[:, 0]},
        schema_overrides={name: SCHEMA[name] for name in ("row", "position", "code", "numeric_value")},
    ).with_columns(pl.lit(None, SCHEMA[name]).alias(name) for name in ("text_value", "payload", "begin", "end"))
    known = Known(rows, events, NoPayloads(), {"HR": "measurement", "DEATH": "outcome", "SAPS": "score"})
    plain = Plain(values.astype(np.float32), tuple(f"c{n}" for n in range(columns)))
    return audit.Material(cohort, plain, known, config.convert(STUDY, config.Study), "binary", cohort)


def told(material: audit.Material) -> set[str]:
    found = audit.audit(material.cohort, material.plain, material.known, material.study, material.kind)
    assert [alarm.check for alarm in found] == list(audit.CHECKS)
    return {alarm.check for alarm in audit.alarms(found)}


def test_many_rows_of_few_people_are_not_taken_for_many_people() -> None:
    """Whoever dies has a heart rate of their own in all of a hundred hours: twelve people, twelve facts."""
    clean = ward(3, rows=1200)
    subject = np.arange(1200) // 100
    rate = np.random.default_rng(0).permutation(12)[subject] + 0.001 * np.arange(1200)
    dies = (rate >= 4).astype(float)[:, None]
    target = replace(clean.cohort.target, values=dies)
    cohort = replace(clean.cohort, subject_id=subject, target=target, part=np.full(1200, "train"))
    few = replace(with_values(clean, np.tile(rate[:, None], (1, 20))), cohort=cohort)
    assert of_inputs.suspicious_input(few).severity == "ok"
    everybody = replace(few, cohort=replace(cohort, subject_id=np.arange(1200)))
    assert of_inputs.suspicious_input(everybody).severity == "leak"


def with_values(material: audit.Material, values: np.ndarray) -> audit.Material:
    return replace(material, plain=Plain(values.astype(np.float32), material.plain.names))


def with_events(material: audit.Material, **columns: object) -> audit.Material:
    events = material.known.events.with_columns(**{name: pl.lit(value) for name, value in columns.items()})
    return replace(material, known=replace(material.known, source=events))


def with_study(material: audit.Material, **sections: object) -> audit.Material:
    return replace(material, study=config.convert({**STUDY, **sections}, config.Study))


@pytest.mark.parametrize("seed", range(12))
def test_a_clean_ward_raises_no_alarm(seed):
    assert told(ward(seed)) == set()


@pytest.mark.parametrize("kind", ["empty", "constant", "tiny", "two categories", "mostly missing"])
def test_rows_that_say_little_are_no_duplicates(kind):
    clean = ward(0)
    values = clean.plain.values.copy()
    if kind == "empty":
        values[::3] = np.nan
    elif kind == "constant":
        values[::3] = 1.0
    elif kind == "tiny":
        values[:, 1:] = 0
    elif kind == "two categories":
        values = np.where(values > 0, 1.0, 0.0)
    else:
        values[:, 5:] = np.nan
    assert told(with_values(clean, values)) == set()


def test_a_subject_in_two_parts_is_named():
    clean = ward(0)
    subject = clean.cohort.subject_id.copy()
    subject[clean.cohort.part == "test"][:1] = 0
    subject[np.flatnonzero(clean.cohort.part == "test")[:3]] = np.flatnonzero(clean.cohort.part == "train")[:3]
    planted = replace(clean, cohort=replace(clean.cohort, subject_id=subject))
    assert told(planted) == {"subject_overlap"}
    answered = with_study(planted, split={"allow_overlap": "a single series"})
    (found, *_) = audit.audit(answered.cohort, answered.plain, answered.known, answered.study, "binary")
    assert (found.severity, found.allowed, found.count) == ("note", "a single series", 6)


def test_subjects_in_two_parts_whose_label_never_changes_are_named():
    clean = ward(0)
    subject = np.arange(len(clean.cohort)) // 20  # twenty rows each, in all parts
    label = (subject % 2).astype(float)[:, None]
    cohort = replace(clean.cohort, subject_id=subject, target=replace(clean.cohort.target, values=label))
    planted = with_study(replace(clean, cohort=cohort), split={"allow_overlap": "beats"})
    assert told(planted) == {"identity"}


@pytest.mark.parametrize(("noise", "check"), [(0.0, "exact_duplicates"), (1e-3, "near_duplicates")])
@pytest.mark.parametrize("seed", range(4))
def test_copies_across_parts_are_named_row_by_row(seed, noise, check):
    clean = ward(seed)
    values = clean.plain.values.copy()
    copied, original = (np.flatnonzero(clean.cohort.part == part)[:4] for part in ("test", "train"))
    values[copied] = values[original] + noise * np.random.default_rng(seed).normal(size=values[original].shape)
    planted = with_values(clean, values)
    assert told(planted) == {check}
    found = next(
        a for a in audit.audit(planted.cohort, planted.plain, planted.known, planted.study, "binary") if a.check == check
    )
    assert found.rows == tuple(clean.cohort.row_id[copied])
    assert found.severity == "leak"


def test_copies_within_a_part_are_nobodys_business():
    clean = ward(0)
    values = clean.plain.values.copy()
    train = np.flatnonzero(clean.cohort.part == "train")
    values[train[:5]] = values[train[5:10]]
    assert told(with_values(clean, values)) == set()


def test_an_event_after_the_prediction_is_named():
    assert told(with_events(ward(0), position=0.5)) == {"future_events"}


def test_an_event_without_time_is_not_after_the_prediction():
    assert told(with_events(ward(0), position=float("nan"))) == set()


@pytest.mark.parametrize("code", ["DEATH", "SAPS"])
def test_an_outcome_or_a_score_among_the_events_is_named(code):
    assert told(with_events(ward(0), code=code)) == {"outcome_as_input"}


def test_an_outcome_named_in_an_input_is_named():
    chart = {"modality": {"name": "measurements", "codes": ["HR", "DEATH"]}, "encoder": "gru"}
    assert told(with_study(ward(0), inputs={"chart": chart})) == {"outcome_as_input"}


@pytest.mark.parametrize("sign", [1, -1])
def test_a_column_that_is_the_label_in_disguise_is_named(sign):
    clean = ward(0)
    values = clean.plain.values.copy()
    values[:, 7] = sign * clean.cohort.target.values[:, 0] + 0.1 * np.random.default_rng(0).normal(size=len(values))
    assert told(with_values(clean, values)) == {"suspicious_input"}


def test_a_column_that_is_missing_where_the_label_is_positive_is_named():
    clean = ward(0)
    values = clean.plain.values.copy()
    values[:, 7] = np.where(clean.cohort.target.values[:, 0] == 1, np.nan, 1.0)
    planted = with_values(clean, values)
    assert told(planted) == {"suspicious_input"}
    assert "c7 being missing 1.000" in of_inputs.suspicious_input(planted).text


def test_a_code_that_alone_tells_the_label_is_found_among_thousands() -> None:
    clean = ward(0)
    label = clean.cohort.target.values[:, 0]
    chance = np.random.default_rng(0).random((len(label), 50)) < 0.2
    counts = np.column_stack([chance, label]).astype(np.float32)
    blocks = Counts(csr_array(counts), tuple(f"last.{n}" for n in range(51)), "last")
    planted = replace(clean, plain=replace(clean.plain, counts=(blocks,)))
    assert told(planted) == {"suspicious_input"} and "last.50 1.000" in of_inputs.suspicious_input(planted).text
    harmless = replace(clean, plain=replace(clean.plain, counts=(Counts(csr_array(counts[:, :50]), blocks.names[:50], "last"),)))
    assert told(harmless) == set()


def test_one_class_given_away_is_enough():
    clean = ward(0)
    label = np.arange(len(clean.cohort)) % 3
    shuffled = np.random.default_rng(1).permutation(label).astype(float)
    cohort = replace(clean.cohort, target=Target(shuffled[:, None], np.ones((len(label), 1), bool), ("a", "b", "c")))
    multiclass = replace(clean, cohort=cohort, kind="multiclass")
    assert told(multiclass) == set()
    values = clean.plain.values.copy()
    values[:, 3] = shuffled == 1
    assert told(with_values(multiclass, values)) == {"suspicious_input"}


def test_a_column_that_is_the_number_asked_for_is_named():
    clean = ward(0)
    number = np.random.default_rng(2).normal(size=(len(clean.cohort), 1))
    cohort = replace(clean.cohort, target=Target(number, np.ones(number.shape, bool), ("days",)))
    regression = replace(clean, cohort=cohort, kind="regression")
    assert told(regression) == set()
    values = clean.plain.values.copy()
    values[:, 3] = 24 * number[:, 0]
    assert told(with_values(regression, values)) == {"suspicious_input"}


def test_the_labels_of_the_test_part_are_not_scored():
    clean = ward(0)
    values = clean.plain.values.copy()
    held_out = clean.held_out
    values[held_out, 7] = clean.cohort.target.values[held_out, 0]
    assert "suspicious_input" not in told(with_values(clean, values))


class Marked:
    """Masks in memory (types.Masks), each of one value."""

    def __init__(self, values: np.ndarray, instances: bool = False) -> None:
        self.values, self.instances = values, instances

    def take(self, rows: np.ndarray) -> Marked:
        return Marked(self.values[rows], self.instances)

    def whole(self, row: int) -> np.ndarray:
        return np.array([[0, self.values[row]]], np.int32)


def marked(kind: str, dense: object, names: tuple[str, ...]) -> audit.Material:
    clean = ward(0)
    return replace(clean, kind=kind, cohort=replace(clean.cohort, target=replace(clean.cohort.target, names=names, dense=dense)))


def test_a_class_that_no_training_mask_or_box_has_is_named() -> None:
    names, part = ("liver", "tumour", "vein"), ward(0).cohort.part
    value = np.where(part == "train", np.arange(600) % 2, 2)  # the second only in rows held out, the third nowhere
    boxes = Boxes(np.arange(601), np.zeros((600, 4), np.float32), np.where(part == "train", 0, 1))
    for planted in (marked("segment", Marked(value), names), marked("detect", boxes, names)):
        (found,) = audit.alarms(audit.audit(planted.cohort, planted.plain, planted.known, planted.study, planted.kind))
        assert (found.check, found.severity) == ("unseen_class", "warning")
        assert "tumour, vein" in found.text and "liver" not in found.text


def test_a_class_of_no_training_row_is_named() -> None:
    clean = ward(0)
    target = Target((np.arange(600) % 2)[:, None].astype(float), np.ones((600, 1), bool), ("a", "b", "c"))
    found = of_labels.unseen_class(replace(clean, cohort=replace(clean.cohort, target=target), kind="multiclass"))
    assert (found.severity, found.count) == ("warning", 1) and "training rows is of c: look at outcome.classes" in found.text
    three = replace(target, values=(np.arange(600) % 3)[:, None].astype(float))
    seen = of_labels.unseen_class(replace(clean, cohort=replace(clean.cohort, target=three), kind="multiclass"))
    assert seen.severity == "ok"


def test_where_nothing_is_to_be_marked_no_picture_is_spoken_of_as_marked() -> None:
    told = of_labels.unseen_class(ward(0))
    assert (told.severity, told.text) == ("ok", "no picture or text is to be marked")


def test_numbers_of_instances_are_no_classes() -> None:
    assert told(marked("segment", Marked(np.arange(600) % 9, instances=True), ("nucleus",))) == set()


@pytest.mark.parametrize("part", ["train", "tune", "test", ""])
def test_labels_that_are_all_equal_are_named(part):
    clean = ward(0)
    label = clean.cohort.target.values.copy()
    label[(clean.cohort.part == part) | (part == "")] = 0
    planted = replace(clean, cohort=replace(clean.cohort, target=replace(clean.cohort.target, values=label)))
    assert told(planted) == {"constant_label"}


def test_training_after_the_test_is_named_in_a_split_by_time():
    mixed = with_study(ward(0), split={"by": "time"})
    assert told(mixed) == {"time_order"}
    order = np.array(["train"] * 400 + ["tune"] * 100 + ["test"] * 100)
    assert told(replace(mixed, cohort=replace(mixed.cohort, part=order))) == set()


@pytest.mark.parametrize("named", [lambda n: f"{n}", lambda n: f"p{n:04d}"])
def test_subjects_named_in_the_order_of_their_labels_are_noted(named):
    clean = ward(0)
    order = np.argsort(np.argsort(clean.cohort.target.values[:, 0], kind="stable"))
    planted = replace(clean, cohort=replace(clean.cohort, source_id=np.array([named(n) for n in order])))
    assert of_labels.sorted_ids(planted).severity == "note"
    assert of_labels.sorted_ids(clean).severity == "ok"


def test_an_alarm_that_is_answered_is_a_note_with_the_reason():
    planted = with_study(with_events(ward(0), position=0.5), audit={"allow": {"future_events": "the clock of the device"}})
    assert told(planted) == set()
    found = audit.audit(planted.cohort, planted.plain, planted.known, planted.study, "binary")
    assert [alarm.allowed for alarm in found if alarm.severity == "note"] == ["the clock of the device"]


def test_an_answer_to_no_check_is_refused():
    with pytest.raises(ConfigError, match="did you mean 'future_events'"):
        told(with_study(ward(0), audit={"allow": {"future_event": "x"}}))


def test_copies_are_sought_whatever_the_scale_and_the_sign_of_zero():
    values = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32) * np.float32(1e-6)
    values[0, 0], values[20] = -0.0, values[0]
    values[20, 0] = 0.0
    assert likeness.copies(values, np.arange(40) >= 20, np.arange(40)) == [likeness.Pair(20, 0)]


def test_a_value_with_which_everybody_dies_is_named_though_few_have_it() -> None:
    """Who died in hospital is a fifth of those who die: the AUROC of the column is far from telling all."""
    clean = ward(4)
    dies = np.random.default_rng(0).random(600) < 0.5
    target = replace(clean.cohort.target, values=dies[:, None].astype(float))
    hospital = dies & (np.random.default_rng(1).random(600) < 0.4)
    values = np.column_stack([clean.plain.values, hospital])
    material = replace(
        clean,
        cohort=replace(clean.cohort, target=target),
        plain=Plain(values.astype(np.float32), (*clean.plain.names, "hospdead")),
    )
    found = of_inputs.suspicious_input(material)
    assert found.severity == "warning" and found.count == 1 and "hospdead = 1 (" in found.text
    beside = np.random.default_rng(2).permutation(hospital)
    chance = replace(
        material, plain=Plain(np.column_stack([clean.plain.values, beside]).astype(np.float32), material.plain.names)
    )
    assert of_inputs.suspicious_input(chance).severity == "ok"
    one = replace(material, cohort=replace(material.cohort, subject_id=np.arange(600) // 30))
    assert of_values.certain(material) and not of_values.certain(one)


def test_a_code_whose_presence_settles_the_answer_is_named() -> None:
    clean = ward(5)
    dies = clean.cohort.target.values[:, 0] == 1
    seen = (dies & (np.arange(600) % 3 > 0)).astype(np.float32)[:, None]
    found = of_inputs.suspicious_input(
        replace(clean, plain=replace(clean.plain, counts=(Counts(csr_array(seen), ("morgue",), "codes"),)))
    )
    assert found.severity == "warning" and "morgue present" in found.text
