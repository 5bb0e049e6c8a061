"""Rules that hold for every registered modality, over simulated patients."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
import pytest

from sequela import config, registry
from sequela.batch import pad
from sequela.contracts import Itemised, Modality
from sequela.modalities._synthetic import events
from sequela.pipeline import trial
from sequela.pipeline.prepared import Prepared, prepare
from sequela.pipeline.progress import silent
from sequela.store.store import Store
from sequela.study import cut
from sequela.types import Array, Cohort, Known, Payload, Payloads, Ragged, Seq, Spec

Stores = Callable[[str], Store]


@dataclass(frozen=True)
class Case:
    """A modality with options, and what it is tried on."""

    name: str
    data: str  # a simulated set
    encoder: str
    options: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.name, *(f"{key}={value}" for key, value in self.options.items())])

    @property
    def modality(self) -> Modality:
        module = registry.module("modalities", self.name)
        built: Modality = module.build(config.convert(self.options, module.Config))
        return built


CASES = [
    Case("measurements", "ward", "lstm"),
    Case("measurements", "ward", "gru_d", {"grid": "2h", "steps": 24, "context": ["AGE", "SEX"]}),
    Case("measurements", "ward", "lstm", {"grid": "6h", "scale": "standard", "elapsed": "log_hours", "aggregate": "last"}),
    Case("static", "ward", "mlp"),
    Case("descriptors", "molecules", "mlp", {"bits": 64}),
    Case("waveform", "ecg", "resnet1d"),
    Case("waveform", "ecg", "cnn_rnn", {"beats": "all", "most": 4, "scale": "local"}),
    Case("waveform", "ecg", "cnn_rnn", {"beats": "all", "reference": "beside", "scale": "local"}),
    Case("waveform", "ecg", "resnet1d", {"reference": "removed"}),
    Case("waveform", "ecg", "resnet1d", {"window": "fixed", "length": "2s", "rate_hz": 100.0}),
    Case("waveform", "ecg", "resnet1d", {"notch": 50.0, "bandpass": [0.5, 40.0], "scale": "robust", "least_quality": 0.3}),
    Case("heart_rate", "ecg", "lstm", {"window": "5s", "least": 3}),
    Case("codes", "ward", "gru"),
    Case("codes", "ward", "gru", {"form": "events", "values": "side", "context": ["SEX"], "side": ["age", "ago"]}),
    Case("codes", "ward", "mlp", {"values": "none", "max_steps": 5, "max_vocabulary": 9, "side": []}),
    Case("image", "xray", "cnn"),
    Case("image", "xray", "lstm", {"as_rows": True, "size": 14}),
    Case("image", "xray", "cnn", {"patch": [20, 12], "scale": "each"}),
    Case("slices", "scans", "resnet"),
    Case("slices", "scans", "cnn", {"axis": "coronal", "slab": 3, "step": 2, "spacing": [3.0, 2.0, 2.0], "scale": "each"}),
    Case("text", "notes", "gru"),
    Case("text", "notes", "lstm", {"characters": 5, "digits": True, "side": ["negated", "family"]}),
    Case("text", "notes", "han", {"form": "sentences", "max_words": 8, "side": ["past"], "stop_words": "dropped"}),
    Case("text", "notes", "mlp", {"form": "chunks", "max_words": 6, "max_steps": 2, "keep": "last", "documents": "last"}),
    Case("text", "notes", "gru", {"form": "subwords", "size": 80, "side": ["negated"], "ngrams": 1}),
    Case("composition", "sequences", "mlp", {"sequence": "dna", "alphabet": "dna"}),
    Case("residues", "sequences", "gru", {"sequence": "protein"}),
    Case("residues", "sequences", "cnn_text", {"sequence": "protein", "form": "kmers", "k": 4, "max_steps": 9, "keep": "ends"}),
    Case("residues", "sequences", "lstm", {"sequence": "dna", "form": "kmers", "stride": 2, "illegal": "unknown", "window": 1}),
    Case("residues", "sequences", "mlp", {"sequence": "drug", "alphabet": "smiles", "illegal": "unknown", "ngrams": 2}),
    Case("tiles", "xray", "cnn", {"tile": 12, "step": 8, "most": 5, "position": "distance"}),
]
cases = pytest.mark.parametrize("case", CASES, ids=str)

STUDIES: Mapping[str, Mapping[str, Any]] = {
    "ward": {
        "cohort": {"index": "ICU//ADMISSION", "predict_at": "30h", "history": "24h"},
        "outcome": {"code": "DEATH//IN_HOSPITAL", "within": "stay"},
        "task": "binary",
        "split": {"shares": [0.6, 0.2, 0.2]},
    },
    "ecg": {
        "cohort": {"index": "EACH//BEAT", "predict_at": "1s", "history": "10s", "max_rows_per_subject": 30},
        "outcome": {"column": "beat", "classes": ["N", "S", "V"]},
        "task": "multiclass",
        "split": {"by": "list", "parts": {"train": ["100", "101"], "tune": ["102"], "test": ["103"]}},
    },
    "notes": {
        "cohort": {"index": "ADMISSION", "predict_at": "30h", "history": "48h"},
        "outcome": {"column": "ill"},
        "task": "binary",
        "split": {"shares": [0.6, 0.2, 0.2]},
    },
    "molecules": {
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "binds"},
        "task": "binary",
        "split": {"shares": [0.6, 0.2, 0.2]},
    },
    "sequences": {
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "binds"},
        "task": "binary",
        "split": {"shares": [0.6, 0.2, 0.2]},
    },
    "xray": {"cohort": {"index": "SAMPLE"}, "outcome": {"column": "label"}, "task": "binary", "split": {"by": "list"}},
    "scans": {
        "cohort": {"index": "SAMPLE"},
        "outcome": {"column": "volume", "cuts": [0.9]},
        "task": "binary",
        "split": {"shares": [0.6, 0.2, 0.2]},
    },
}
UNTIMED = ("molecules", "scans", "sequences", "xray")  # whose rows have no time


def study(case: Case) -> config.Study:
    inputs = {"input": {"modality": {"name": case.name, **case.options}, "encoder": case.encoder}}
    head = {"name": "contract", "question": "?", "data": {"source": "given"}, "inputs": inputs}
    return config.convert({**head, **STUDIES[case.data]}, config.Study)


_PREPARED: dict[str, Prepared] = {}


@pytest.fixture
def ready(simulated: Stores) -> Callable[[Case], Prepared]:
    """The rows of a case's study with what is known of each; made once for each case."""

    def of(case: Case) -> Prepared:
        if str(case) not in _PREPARED:
            prepared = prepare(study(case), Path(), simulated(case.data), silent)
            _PREPARED[str(case)] = prepared.split(prepared.plans[0])
        return _PREPARED[str(case)]

    return of


@pytest.fixture
def prepared(case: Case, ready: Callable[[Case], Prepared]) -> Prepared:
    return ready(case)


@pytest.fixture
def known(prepared: Prepared) -> Known:
    return prepared.known


@pytest.fixture
def state(case: Case, prepared: Prepared) -> Any:
    """What the modality learns of the training rows."""
    return case.modality.fit(cut.take(prepared.known, prepared.cohort.of("train")))


def row(ragged: Ragged, number: int) -> Seq:
    return pad(ragged, np.array([number]))


def seen(sequence: Seq) -> Array:
    """Which entries of the steps are real: None says that all are."""
    if sequence.seen is not None:
        return np.asarray(sequence.seen)
    mask = np.asarray(sequence.mask)
    return np.broadcast_to(mask.reshape(*mask.shape, *[1] * (sequence.values.ndim - 2)), sequence.values.shape)


def sets(spec: Spec) -> bool:
    """Whether a step is a set of codes: it may be larger than any of the training part, and is as wide as its batch needs."""
    return spec.vocabulary > 0 and len(spec.shape) == 1 and spec.words is None


def bounds(spec: Spec) -> Array:
    """What the integers of a step stay below: of a word its number, its shape and each of its characters."""
    if spec.words is None:
        return np.array(spec.vocabulary)
    return np.array([spec.vocabulary, spec.words.shapes, *[spec.words.characters] * (spec.shape[0] - 2)])


def assert_same(one: Seq, other: Seq) -> None:
    """Equal, to the bit but for `side`, whose means are differences of sums over all rows."""
    for part in ("values", "mask", "position", "context"):
        np.testing.assert_array_equal(getattr(one, part), getattr(other, part), err_msg=part)
    assert (one.side is None) == (other.side is None)
    np.testing.assert_allclose(*(np.zeros(0) if a.side is None else a.side for a in (one, other)), rtol=0, atol=1e-6)
    np.testing.assert_array_equal(seen(one), seen(other), err_msg="seen")


def assert_all_same(one: Ragged, other: Ragged) -> None:
    np.testing.assert_array_equal(one.offsets, other.offsets)
    for number in range(len(one)):
        assert_same(row(one, number), row(other, number))


def test_every_registered_modality_is_tried() -> None:
    assert {case.name for case in CASES} >= set(registry.names("modalities")), "a new modality needs a Case here"


# ---------------------------------------------------------------------------------------------------------------------- states


@cases
def test_the_state_survives_json(case: Case, state: Any, known: Known) -> None:
    again = msgspec.json.decode(msgspec.json.encode(state), type=registry.module("modalities", case.name).State)
    assert again == state
    assert case.modality.spec(again) == case.modality.spec(state)
    assert_all_same(case.modality.read(known, again), case.modality.read(known, state))


class Other:
    """Payloads that are not what they were (types.Payloads)."""

    def __init__(self, real: Payloads) -> None:
        self._real = real

    def open(self, uri: str) -> Payload:
        found = self._real.open(uri.removeprefix("other:"))
        return replace(found, values=255 - found.values[..., ::-1]) if uri.startswith("other:") else found


def altered(known: Known, rows: Array) -> Known:
    """The same with other numbers, texts, payloads and a faster heart in these rows."""
    hit = pl.col("row").is_in(rows.tolist())
    other = pl.when(pl.col("code").str.starts_with("SEQUENCE")).then("CC" + pl.col("text_value")).otherwise(pl.lit("changed"))
    changed = known.events.with_columns(
        numeric_value=pl.when(hit).then(1000 - 7 * pl.col("numeric_value")).otherwise("numeric_value"),
        text_value=pl.when(hit & pl.col("text_value").is_not_null()).then(other).otherwise("text_value"),
        payload=pl.when(hit & pl.col("payload").is_not_null()).then("other:" + pl.col("payload")).otherwise("payload"),
        position=pl.when(hit & (pl.col("code") == "BEAT")).then(0.9 * pl.col("position")).otherwise("position"),
    )
    return replace(known, source=changed, payloads=Other(known.payloads))


@cases
def test_only_training_rows_are_learnt_from(case: Case, prepared: Prepared, state: Any) -> None:
    held_out, train = np.flatnonzero(prepared.cohort.part != "train"), prepared.cohort.of("train")
    assert trial.read(replace(prepared, known=altered(prepared.known, held_out))).fitted["input"].state == state
    assert trial.read(replace(prepared, known=altered(prepared.known, train))).fitted["input"].state != state


# ------------------------------------------------------------------------------------------------------------------------ time


@dataclass(frozen=True)
class Changed:
    """A store with other events (study.records.Records)."""

    store: Store
    frame: pl.DataFrame
    payloads: Payloads

    @property
    def codes(self) -> pl.DataFrame:
        return self.store.codes

    @property
    def kinds(self) -> Mapping[str, str]:
        return self.store.kinds

    @property
    def parents(self) -> Mapping[str, tuple[str, ...]]:
        return self.store.parents

    @property
    def subjects(self) -> pl.DataFrame:
        return self.store.subjects

    @property
    def parts(self) -> Any:
        return self.store.parts

    def events(self, codes: Any = None, subjects: Any = None) -> pl.DataFrame:
        frame = self.frame if subjects is None else self.frame.filter(pl.col("subject_id").is_in(list(subjects)))
        return frame if codes is None else frame.filter(pl.col("code").is_in(list(codes)))


class Rewritten:
    """Payloads whose samples from number `end` on, of those with a time axis, are others (types.Payloads)."""

    def __init__(self, real: Payloads, ends: Mapping[str, int]) -> None:
        self._real, self._ends = real, ends

    def open(self, uri: str) -> Payload:
        found = self._real.open(uri)
        if found.rate_hz is None:
            return found
        values = np.array(found.values)
        values[..., self._ends.get(uri, 0) :] = 1e6
        return replace(found, values=values)


def with_another_future(store: Store, row: Cohort, known: Known) -> Changed:
    """The records with all that comes after this row's moment replaced: other numbers, twice as many events, other samples."""
    frame = store.events()
    later = pl.col("time") > pl.lit(row.time[0]).cast(pl.Datetime("us"))
    after = frame.filter(later).with_columns(numeric_value=-99 * pl.col("numeric_value"), text_value=pl.lit("later"))
    assert after["subject_id"].is_in(row.subject_id.tolist()).any(), "nothing comes after this row that could be changed"
    mine = known.events.drop_nulls(["payload", "end"])
    ends = dict(zip(mine["payload"], mine["end"], strict=True))
    changed = pl.concat([frame.filter(~later.fill_null(False)), after, after]).sort("subject_id", "time", maintain_order=True)
    return Changed(store, changed, Rewritten(store.payloads, ends))


@pytest.mark.parametrize("case", [case for case in CASES if case.data not in UNTIMED], ids=str)
@pytest.mark.parametrize("number", [0, 17, -1])
def test_what_comes_after_the_prediction_changes_nothing(
    case: Case, number: int, prepared: Prepared, state: Any, simulated: Stores
) -> None:
    number %= len(prepared.cohort)
    one, store = prepared.cohort.take(np.array([number])), simulated(case.data)
    records = with_another_future(store, one, cut.take(prepared.known, np.array([number])))
    history = config.microseconds(str(prepared.study.cohort.history))
    again = cut.known(records, one, history)
    assert_same(row(case.modality.read(again, state), 0), row(case.modality.read(prepared.known, state), number))
    np.testing.assert_array_equal(
        case.modality.plain(again, state).values[0], case.modality.plain(prepared.known, state).values[number]
    )


# ------------------------------------------------------------------------------------------------------------------------ rows


@cases
def test_order_and_neighbours_of_rows_change_nothing(case: Case, known: Known, state: Any) -> None:
    all_rows, plain = case.modality.read(known, state), case.modality.plain(known, state).values
    order = np.random.default_rng(0).permutation(known.count)
    for rows in (order, order[:7], order[:1]):
        some = cut.take(known, rows)
        read = case.modality.read(some, state)
        for place, number in enumerate(rows):
            assert_same(row(read, place), row(all_rows, number))
        np.testing.assert_allclose(case.modality.plain(some, state).values, plain[rows], rtol=1e-6, atol=1e-6)


@cases
def test_a_row_of_which_nothing_is_known_has_no_step_and_troubles_no_other(case: Case, known: Known, state: Any) -> None:
    emptied = replace(known, count=known.count + 2, start=None if known.start is None else np.append(known.start, [0.0, 0.0]))
    read = case.modality.read(emptied, state)
    assert len(read) == known.count + 2 and read.lengths[-2:].tolist() == [0, 0]
    assert_same(row(read, 3), row(case.modality.read(known, state), 3))
    plain = case.modality.plain(emptied, state)
    counts = np.array([name.endswith(".count") for name in plain.names])
    assert np.isnan(plain.values[-1, ~counts]).all() and (plain.values[-1, counts] == 0).all()


@cases
def test_nothing_known_of_anybody_is_read(case: Case, known: Known, state: Any) -> None:
    nobody = replace(known, count=3, source=known.events.clear(), start=None)
    read = case.modality.read(nobody, state)
    assert read.lengths.tolist() == [0, 0, 0]
    sequence = pad(read, np.arange(3))
    spec = case.modality.spec(state)
    assert sequence.values.shape == (3, 1, *((1,) if sets(spec) else spec.shape)) and not sequence.mask.any()
    assert case.modality.plain(nobody, state).values.shape[0] == 3


@cases
def test_rows_of_one_event_are_read(case: Case, known: Known, state: Any) -> None:
    single = known.events.group_by("row", maintain_order=True).last().select(known.events.columns)
    read = case.modality.read(replace(known, source=single), state)
    assert len(read) == known.count and read.lengths.max() <= max(1, case.modality.read(known, state).lengths.max())
    assert np.isfinite(pad(read, np.arange(known.count)).values).all()


# ------------------------------------------------------------------------------------------------------------------------ form


@cases
def test_what_is_read_is_what_the_spec_says(case: Case, known: Known, state: Any) -> None:
    spec, read = case.modality.spec(state), case.modality.read(known, state)
    sequence = pad(read, np.arange(known.count))
    assert spec.kind == case.name and spec.unit in {"days", "seconds", "millimetres", "index"}
    shapes = [tuple(read.values.shape[1:]), spec.shape, sequence.values.shape[2:]]
    assert len({len(shape) for shape in shapes} if sets(spec) else set(shapes)) == 1
    assert (sequence.values.dtype.kind == "i") if spec.vocabulary else (sequence.values.dtype == np.float32)
    assert not spec.vocabulary or (sequence.values.min() >= 0 and (sequence.values < bounds(spec)).all())
    assert sequence.seen is None or (sequence.seen.shape == sequence.values.shape and sequence.seen.dtype == bool)
    assert (0 if sequence.side is None else sequence.side.shape[2]) == spec.side
    assert (0 if sequence.context is None else sequence.context.shape[1]) == spec.context
    assert not spec.single or read.lengths.max() <= 1
    assert read.lengths.max() > 0 and np.isfinite(sequence.values).all()


@cases
def test_steps_rise_in_time_and_none_lies_after_the_prediction(case: Case, known: Known, state: Any) -> None:
    read, unit = case.modality.read(known, state), case.modality.spec(state).unit
    inner = np.ones(len(read.position), bool)
    inner[read.offsets[:-1][read.lengths > 0]] = False  # all but the first steps of rows
    assert read.position.dtype == np.float64 and (np.diff(read.position, prepend=0.0)[inner] >= 0).all()
    assert unit in ("index", "millimetres") or (read.position <= 0).all()


def test_series_and_signals_can_tell_their_steps_to_baselines() -> None:
    told = {case.name for case in CASES if isinstance(case.modality, Itemised)}
    assert told >= {"measurements", "waveform", "heart_rate", "text", "residues"}


@cases
def test_plain_columns_are_numbers_with_names_of_their_own(case: Case, known: Known, state: Any) -> None:
    plain = case.modality.plain(known, state)
    assert plain.values.shape == (known.count, len(plain.names)) and plain.values.dtype == np.float32
    assert len(set(plain.names)) == len(plain.names) and all(plain.names)
    assert not np.isinf(plain.values).any() and (~np.isnan(plain.values)).any()


# --------------------------------------------------------------------------------------------------------------------- examples


@pytest.mark.parametrize("case", [case for case in CASES if isinstance(case.modality, Itemised)], ids=str)
def test_each_step_is_told_in_plain_columns(case: Case, known: Known, state: Any) -> None:
    modality = case.modality
    assert isinstance(modality, Itemised)
    steps, told = modality.read(known, state), modality.plain_steps(known, state)
    assert told.values.shape == (int(steps.offsets[-1]), len(told.names)) and len(set(told.names)) == len(told.names)
    assert told.values.dtype == np.float32 and not np.isinf(told.values).any() and (~np.isnan(told.values)).any()


def assert_same_events(one: Known, other: Known) -> None:
    assert one.events.equals(other.events)
    for uri in one.events["payload"].drop_nulls().unique():
        np.testing.assert_array_equal(one.payloads.open(uri).values, other.payloads.open(uri).values)


@cases
def test_the_same_seed_gives_the_same_example_and_another_seed_another(case: Case, state: Any) -> None:
    first, second, other = (case.modality.example(state, 5, seed) for seed in (1, 1, 2))
    assert_same_events(first, second)
    with pytest.raises(AssertionError):
        assert_same_events(first, other)


@cases
def test_an_example_says_nothing_that_the_state_and_the_options_do_not(case: Case, state: Any, known: Known) -> None:
    example = case.modality.example(state, 40, 0)
    options = registry.module("modalities", case.name).Config(**{k: v for k, v in case.options.items() if k == "code"})
    told = msgspec.json.encode(state).decode() + msgspec.json.encode(options).decode() + '"other"'
    sequences = pl.col("code").str.starts_with("SEQUENCE")  # letters drawn at random, or what everybody knows: nobody's own
    assert not set(example.events.filter(sequences)["text_value"]) & set(known.events.filter(sequences)["text_value"])
    texts = example.events.filter(~sequences)["text_value"].drop_nulls()
    said = set(example.events["code"]) | {word for text in texts for word in text.split()}
    assert said and all(f'"{text}"' in told for text in said)
    payloads = set(example.events["payload"].drop_nulls())
    assert all(uri.startswith("example-") for uri in payloads) and not payloads & set(known.events["payload"].drop_nulls())
    assert list(example.events.schema.items()) == list(events({}).schema.items())


@cases
def test_an_example_reads_back(case: Case, state: Any) -> None:
    example = case.modality.example(state, 20, 0)
    read, plain = case.modality.read(example, state), case.modality.plain(example, state)
    assert len(read) == len(plain.values) == example.count == 20
    assert (read.lengths > 0).mean() > 0.5
    assert np.isfinite(pad(read, np.arange(20)).values).all()
    assert not (example.events["position"].fill_nan(None).drop_nulls() > 0).any()
