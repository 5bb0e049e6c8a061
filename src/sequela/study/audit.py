"""Whether anything gives the answer away: the split, the inputs, or the order of things. One small function a check."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import polars as pl
from scipy.stats import rankdata

from sequela import config
from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.study import censored, continued, likeness, similar
from sequela.study import copied_text as copied
from sequela.study.labels import TargetKind
from sequela.study.records import HIDDEN
from sequela.study.split import overlapping, units
from sequela.types import PARTS, Along, Array, Boxes, Cohort, Known, Paired, Pairs, Plain, Spanned, Target

Severity: TypeAlias = Literal["ok", "note", "warning", "leak"]
EVERY_CAUSE = "every part has events of every cause"
NAMED = 10  # rows named in an alarm
FEWEST = 10  # rows of each class below which one column's foresight is chance
SEEN = 0.05  # share of the training rows that a column needs, likewise
MANY = 0.005  # share of the held-out rows from which copies are a leak, not a blemish
SAME = 0.9999  # rank correlation from which a column is the number asked for


@dataclass(frozen=True, slots=True)
class Alarm:
    """What one check found; severity "ok" where that is nothing. Warnings and leaks are alarms, unless the study answers them."""

    check: str
    severity: Severity
    text: str
    count: int = 0
    rows: tuple[str, ...] = ()  # row_id of the first few
    allowed: str = ""  # the reason that the study gives for letting it stand


@dataclass(frozen=True, slots=True)
class Material:
    """What the checks look at; `plain` has the rows of `cohort`, `known` those of `rows`, in their order."""

    cohort: Cohort
    plain: Plain
    known: Known
    study: config.Study
    kind: TargetKind
    rows: Cohort

    @property
    def train(self) -> Array:
        return np.asarray(self.cohort.part == "train")

    @property
    def held_out(self) -> Array:
        return np.isin(self.cohort.part, ("tune", "test"))

    def found(
        self, check: str, severity: Severity, text: str, rows: Array | Sequence[int] = (), of: Cohort | None = None
    ) -> Alarm:
        """An alarm that names the first of these rows."""
        names = (of or self.cohort).row_id
        return Alarm(check, severity, text, len(rows), tuple(str(names[row]) for row in rows[:NAMED]))


def audit(
    cohort: Cohort, plain: Plain, known: Known, study: config.Study, kind: TargetKind, rows: Cohort | None = None
) -> list[Alarm]:
    """What each check found, in the order of CHECKS; an alarm that the study answers is a note with the reason.

    cohort: with its parts. plain: all inputs' columns. known: what the inputs are made of; `rows` are its rows where they are
    not those of the cohort (whose rows may be steps of theirs). Labels are looked at in the training part alone, but for whether
    a part's labels are all equal.

    Raises ConfigError where the study answers a check that does not exist.
    """
    material = Material(cohort, plain, known, study, "regression" if kind == "forecast" else kind, rows or cohort)
    for name in study.audit.allow:
        if name not in CHECKS:
            raise ConfigError(f"audit.allow answers {name!r}, which is no check", hint=nearest(name, tuple(CHECKS)))
    return [_answered(_checked(name, material), study) for name in CHECKS]


def _checked(name: str, material: Material) -> Alarm:
    """What a check found; those of labels have nothing to look at where the inputs foresee themselves."""
    if material.kind in ASKED and name in OF_LABELS:
        return Alarm(name, "ok", f"there are no labels of rows: what is asked for are {ASKED[material.kind]}")
    return CHECKS[name](material)


def alarms(found: Sequence[Alarm]) -> list[Alarm]:
    """The warnings and leaks that the study does not answer."""
    return [alarm for alarm in found if alarm.severity in ("warning", "leak")]


def _answered(alarm: Alarm, study: config.Study) -> Alarm:
    reason = study.audit.allow.get(alarm.check, "")
    return replace(alarm, severity="note", allowed=reason) if reason and alarm.severity in ("warning", "leak") else alarm


# ------------------------------------------------------------------------------------------------------------------- the split


def subject_overlap(material: Material) -> Alarm:
    """A subject (or the unit that the split names) whose rows are in several parts."""
    unit = units(material.cohort, material.study.split.unit)
    torn = overlapping(material.cohort.part, unit)
    if not len(torn):
        return Alarm("subject_overlap", "ok", "every unit is in one part only")
    rows = np.flatnonzero(np.isin(unit, torn) & (material.cohort.part != ""))
    found = material.found("subject_overlap", "leak", f"{len(torn)} units have rows in more than one part", rows)
    reason = material.study.split.allow_overlap
    return replace(found, severity="note", allowed=reason) if reason else found


def time_order(material: Material) -> Alarm:
    """In a split by time, training rows later than rows held out."""
    time, part = material.cohort.time, material.cohort.part
    if material.study.split.by != "time" or not material.train.any() or not (part == "test").any():
        return Alarm("time_order", "ok", "the split is not by time")
    late = np.flatnonzero(material.train & (time >= time[part == "test"].min()))
    if not len(late):
        return Alarm("time_order", "ok", "all training rows come before the test")
    return material.found("time_order", "leak", f"{len(late)} training rows are no earlier than the first test row", late)


def exact_duplicates(material: Material) -> Alarm:
    """Rows held out that are copies of training rows under another subject."""
    pairs = likeness.copies(material.plain.values, material.held_out, material.cohort.subject_id)
    return _copied(material, "exact_duplicates", "equal a training row of another subject in every input", pairs)


def near_duplicates(material: Material) -> Alarm:
    """Rows held out that are all but copies of training rows under another subject."""
    seed = material.study.split.seed
    pairs = likeness.near_copies(material.plain.values, material.held_out, material.cohort.subject_id, seed)
    return _copied(material, "near_duplicates", "are far closer to one training row of another subject than chance allows", pairs)


def copied_text(material: Material) -> Alarm:
    """Rows held out that know a document of which half or more stands in a training document of another subject."""
    pairs = copied.copies(material.known, material.rows)
    what = "know a document of which half or more stands in a training document of another subject"
    return _copied(material, "copied_text", what, pairs, material.rows)


def similar_sequences(material: Material) -> Alarm:
    """Rows held out with the sequences of a training row; where there are none, how near the nearest come."""
    held = similar.sequences(material.known)
    if not held:
        return Alarm("similar_sequences", "ok", "there are no sequences of letters")
    told = "; ".join(one.told() for one in similar.similarities(held, material.rows, material.study.split.seed))
    rows = similar.copies(held, material.rows)
    what = "have the sequence of a training row of another subject"
    pairs = [likeness.Pair(row, row) for row in rows]
    found = _copied(material, "similar_sequences", what, pairs, material.rows)
    return replace(found, severity="note" if found.severity == "ok" else found.severity, text=f"{found.text}; {told}")


def continued_signal(material: Material) -> Alarm:
    """One recording whose samples rows of several parts know, or recordings that go on in another part where the one before ends.

    A signal cut into pieces before the split leaks, whoever it is of: neighbouring pieces share slow waves, noise and electrodes.
    """
    found = continued.stretches(material.known, material.rows)
    uris, count = np.unique([one.uri for one in found], return_counts=True)
    torn = set(uris[count > 1].tolist())
    rows = np.array([one.row for one in found if one.uri in torn and one.part != "train"], np.int64)
    if torn:
        text = (
            f"the samples of {len(torn)} recordings are known to rows of more than one part: split recordings, not their pieces"
        )
        return material.found("continued_signal", "leak", text, rows, of=material.rows)
    joins = continued.joins(found, material.known.payloads)
    if not joins.beyond_chance:
        return Alarm("continued_signal", "ok", "no recording goes on in another part where the one before it ends")
    text = (
        f"{len(joins.rows)} recordings go on where the one before, in another part, ends (by chance {joins.chance:.0f} would): "
        "pieces of one signal lie in several parts; keep them together with split.unit"
    )
    return material.found("continued_signal", "leak", text, joins.rows, of=material.rows)


def _copied(material: Material, check: str, what: str, pairs: Sequence[likeness.Pair], of: Cohort | None = None) -> Alarm:
    """`of`: the cohort whose rows the pairs name; left out: the rows that are judged."""
    if not pairs:
        return Alarm(check, "ok", f"no rows held out {what}")
    part = material.cohort.part if of is None else of.part
    share = len(pairs) / int(np.isin(part, ("tune", "test")).sum())
    severity: Severity = "leak" if share >= MANY else "warning"
    return material.found(check, severity, f"{len(pairs)} rows held out {what}", [p.row for p in pairs], of)


# ------------------------------------------------------------------------------------------------------------------ the inputs


def future_events(material: Material) -> Alarm:
    """Events stamped after the prediction among those known: there must be none."""
    late = _after_prediction(material.known)
    if not len(late):
        return Alarm("future_events", "ok", "no input event comes after its prediction")
    rows = np.unique(late)
    return material.found("future_events", "leak", f"{len(late)} input events come after the prediction", rows, material.rows)


def _after_prediction(known: Known) -> Array:
    """The row of each event known that is stamped after it."""
    shared = known.shared
    if shared is not None:
        return shared.row[shared.position > 0]
    return known.events.filter(pl.col("position").is_not_nan() & (pl.col("position") > 0))["row"].to_numpy()


def _present(known: Known) -> set[str]:
    """The codes of all events known."""
    shared = known.shared
    codes = known.events["code"] if shared is None else shared.events["code"][np.unique(shared.place)]
    return set(codes.unique())


def outcome_as_input(material: Material) -> Alarm:
    """Codes that are outcomes, labels or scores among the inputs."""
    kinds = material.known.kinds
    present = {code for code in _present(material.known) if kinds.get(code) in HIDDEN}
    named = {code for code in _named(material.study) if kinds.get(code) in HIDDEN}
    found = sorted(present | named)
    if not found:
        return Alarm("outcome_as_input", "ok", "no outcome, label or score is an input")
    grave: Severity = "leak" if any(kinds[code] != "score" for code in found) else "warning"
    return Alarm("outcome_as_input", grave, f"inputs that are outcomes, labels or scores: {', '.join(found[:NAMED])}", len(found))


def _named(study: config.Study) -> Iterator[str]:
    """The codes that the options of the inputs name."""
    for given in study.inputs.values():
        for value in config.choice(given.modality, "modality").options.values():
            yield from (
                [value] if isinstance(value, str) else [v for v in value if isinstance(v, str)] if isinstance(value, list) else []
            )


def suspicious_input(material: Material) -> Alarm:
    """A column, or its being missing, that alone tells the label of training rows all but perfectly."""
    limit = material.study.audit.suspicious_auroc
    rows = np.flatnonzero(material.train)
    scores = {
        name: score for name, score in _foresight(material, rows) if score >= (SAME if material.kind == "regression" else limit)
    }
    if not scores:
        return Alarm("suspicious_input", "ok", "no column alone tells the label")
    best = sorted(scores, key=lambda name: -scores[name])
    grave: Severity = "leak" if scores[best[0]] >= (1 + limit) / 2 else "warning"
    told = ", ".join(f"{name} {scores[name]:.3f}" for name in best[:NAMED])
    return Alarm(
        "suspicious_input",
        grave,
        f"columns that alone tell the label (AUROC, or rank correlation of a number): {told}",
        len(best),
    )


def _foresight(material: Material, rows: Array) -> Iterator[tuple[str, float]]:
    """Each column's name with how well it tells the label alone: the best over classes, in [0.5, 1], or in [0, 1] of a number."""
    questions = list(_questions(material, rows))
    for number, name in enumerate(material.plain.names):
        column = material.plain.values[rows, number].astype(np.float64)
        missing = np.isnan(column)
        if missing.any() and not missing.all() and material.kind != "regression":
            yield f"{name} being missing", _best(missing.astype(float), np.ones(len(rows), bool), questions, material.kind)
        if (~missing).sum() >= SEEN * len(rows):
            yield name, _best(column, ~missing, questions, material.kind)
    if material.kind != "regression":
        for block in material.plain.counts:
            yield from zip(block.names, _told_by_presence(block.values[rows], questions).tolist(), strict=True)


def _told_by_presence(counts: Any, questions: Sequence[_Asked]) -> Array:
    """`foresight` of whether each sparse count is above 0, the best over the questions, float64 "Q"."""
    best = np.full(counts.shape[1], 0.5)
    present = (counts > 0).astype(np.float64)
    for question in questions:
        event, other = question.known & (question.label == 1), question.known & (question.label != 1)
        if min(event.sum(), other.sum()) >= FEWEST:
            apart = np.abs(present[event].mean(axis=0) - present[other].mean(axis=0))
            best = np.maximum(best, 0.5 + apart / 2)
    return best


@dataclass(frozen=True, slots=True)
class _Asked:
    """A label of the training rows; where people have several rows, one of each label stands for each of them.

    An hour of a stay is like the hour before: rows of few people tell little, however many they are.
    """

    label: Array  # float64 "n"
    known: Array  # bool "n"
    person: Array | None  # int64 "n": equal for the rows of one subject and label; None: everybody has one row

    def of(self, column: Array, here: Array) -> tuple[Array, Array]:
        """The column where it is known, and the labels: as they are, or the mean of each person's rows of one label."""
        rows = here & self.known
        if self.person is None:
            return column[rows], self.label[rows]
        person, first = np.unique(self.person[rows], return_index=True)
        place = np.searchsorted(person, self.person[rows])
        mean = np.bincount(place, column[rows], len(person)) / np.bincount(place, minlength=len(person))
        return mean, self.label[rows][first]


def _questions(material: Material, rows: Array) -> Iterator[_Asked]:
    """Each column of the target, each class against the rest, or each cause by each horizon."""
    target, subject = material.cohort.target.take(rows), material.cohort.subject_id[rows]
    alone = material.kind == "regression" or len(np.unique(subject)) == len(subject)
    for label, known in censored.labels(target) if material.kind == "survival" else _labels(target, material.kind):
        yield _Asked(label, known, None if alone else np.unique(subject, return_inverse=True)[1] * 2 + (label == 1))


def _labels(target: Target, kind: TargetKind) -> Iterator[tuple[Array, Array]]:
    for values, known in zip(target.values.T, target.known.T, strict=True):
        for wanted in range(len(target.names)) if kind == "multiclass" else [None]:
            yield values if wanted is None else (values == wanted).astype(float), known


def _best(column: Array, here: Array, questions: Sequence[_Asked], kind: TargetKind) -> float:
    measure = correlation if kind == "regression" else foresight
    return max((measure(*question.of(column, here)) for question in questions), default=0.0)


def foresight(column: Array, label: Array) -> float:
    """AUROC of a column, its direction free: 0.5 to 1; 0.5 where a class has too few rows to tell.

    >>> foresight(np.arange(40.0), (np.arange(40) < 20).astype(float))
    1.0
    """
    positive = label == 1
    events, others = int(positive.sum()), int((~positive).sum())
    if min(events, others) < FEWEST:
        return 0.5
    above = (rankdata(column)[positive].sum() - events * (events + 1) / 2) / (events * others)
    return float(max(above, 1 - above))


def correlation(column: Array, number: Array) -> float:
    """Spearman's rank correlation without its sign; 0 where there are too few rows, or one of the two is constant."""
    if len(column) < 2 * FEWEST or np.ptp(column) == 0 or np.ptp(number) == 0:
        return 0.0
    return float(abs(np.corrcoef(rankdata(column), rankdata(number))[0, 1]))


# ------------------------------------------------------------------------------------------------------------------ the labels


def constant_label(material: Material) -> Alarm:
    """Labels that are all equal, in all rows or in one part; of times to events, a cause that a part has no event of."""
    if material.kind == "survival":
        found = next(censored.lacking(material.cohort), None)
        return material.found("constant_label", "warning", *found) if found else Alarm("constant_label", "ok", EVERY_CAUSE)
    for column, name in enumerate(material.cohort.target.names if material.kind != "multiclass" else ("the label",)):
        known, value = material.cohort.target.known[:, column], material.cohort.target.values[:, column]
        if len(np.unique(value[known])) < 2:
            rows = np.flatnonzero(known)
            return material.found("constant_label", "warning", f"all {len(rows)} known labels of {name} are equal", rows)
        for part in PARTS:
            rows = np.flatnonzero(known & (material.cohort.part == part))
            if len(rows) and len(np.unique(value[rows])) < 2:
                text = f"all {len(rows)} known labels of {name} in the {part} part are equal"
                return material.found("constant_label", "warning", text, rows)
    return Alarm("constant_label", "ok", "labels differ in every part")


def unseen_class(material: Material) -> Alarm:
    """Classes that no training picture or text is marked with: they can be neither learnt nor found."""
    target = material.cohort.target.take(np.flatnonzero(material.train & material.cohort.target.known[:, 0]))
    if target.dense is None or material.kind == "survival":
        return Alarm("unseen_class", "ok", "no picture or text is to be marked")
    missing = _unmarked(target)
    if not missing:
        return Alarm("unseen_class", "ok", "every class that is to be marked is in some training row")
    text = f"none of {len(target.known)} marked training rows has anything of {', '.join(missing)}: look at outcome.classes"
    return Alarm("unseen_class", "warning", text, len(missing))


def _unmarked(target: Target) -> list[str]:
    seen = _marked(target)
    return [name for k, name in enumerate(target.names) if k not in seen]


def _marked(target: Target) -> set[int]:
    """Which of the names the pictures are marked with; masks are opened until all were seen."""
    if isinstance(target.dense, Boxes):
        return set(target.dense.label.tolist())
    if isinstance(target.dense, Spanned):
        return set(target.dense.spans.label.tolist())
    if isinstance(target.dense, Pairs | Paired):
        return {0} if target.values.any() else set()
    if isinstance(target.dense, Along):
        return set(target.values[:, 0].astype(np.int64).tolist())
    seen: set[int] = set()
    for row in range(len(target.known)):
        mask = target.dense.whole(row)
        seen |= {0} if target.dense.instances and (mask > 0).any() else set((np.unique(mask[mask > 0]) - 1).tolist())
        if len(seen) == len(target.names):
            break
    return seen


def identity(material: Material) -> Alarm:
    """Subjects in several parts whose rows all have one label: to know the subject is to know the answer."""
    part, target = material.cohort.part, material.cohort.target
    subject = np.unique(material.cohort.subject_id, return_inverse=True)[1]
    torn = overlapping(part, subject)
    rows = np.flatnonzero(np.isin(subject, torn) & (part != "") & target.known.all(1))
    if material.kind == "regression" or not len(rows):
        return Alarm("identity", "ok", "no subject in several parts gives its label away")
    pairs = np.unique(np.column_stack([subject[rows], target.values[rows]]), axis=0)
    told = len(np.unique(pairs[:, 0]))
    if len(pairs) > told or told < 2:
        return Alarm("identity", "ok", "the labels of subjects in several parts differ")
    return material.found("identity", "leak", f"{told} subjects in several parts have one label each in all their rows", rows)


def sorted_ids(material: Material) -> Alarm:
    """The names of subjects told apart by label: harmless in itself, but whoever splits by order, or reads names, is misled."""
    rows = np.flatnonzero(material.train & material.cohort.target.known.any(1))
    place = _order(material.cohort.source_id[rows])
    every = np.ones(len(rows), bool)
    told = [asked.of(place.astype(np.float64), every) for asked in _questions(material, rows)]
    best = max((foresight(*one) for one in told), default=0.5) if material.kind != "regression" else 0.5
    if best < material.study.audit.suspicious_auroc:
        return Alarm("sorted_ids", "ok", "the order of subjects does not tell the label")
    return Alarm("sorted_ids", "note", f"subjects are named in the order of their labels (AUROC {best:.3f})", len(rows))


def _order(source_id: Array) -> Array:
    """Each row's place when subjects are sorted by name: by number where all are numbers."""
    names = np.unique(source_id)
    if all(name.isdecimal() for name in names.tolist()):
        return source_id.astype(float)
    return np.searchsorted(names, source_id).astype(float)


CHECKS: Mapping[str, Callable[[Material], Alarm]] = {
    check.__name__: check
    for check in (
        subject_overlap, time_order, exact_duplicates, near_duplicates, copied_text, similar_sequences, continued_signal,
        future_events, outcome_as_input,
        suspicious_input, constant_label, unseen_class, identity, sorted_ids,
    )
}  # fmt: skip
OF_LABELS = frozenset({"suspicious_input", "constant_label", "identity", "sorted_ids"})
ASKED: Mapping[str, str] = {  # of the kinds of question about no label of a row
    "next_event": "the input's own next codes",
    "segment": "the classes of the points of a picture",
    "detect": "the boxes on a picture",
    "entities": "the entities in a text",
    "contact": "the pairs of places of a sequence",
}
