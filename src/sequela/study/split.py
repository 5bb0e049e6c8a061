"""Which rows are for training, for choosing and for the test: a unit is in one part only."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import polars as pl

from sequela import config, seed
from sequela.errors import ConfigError, DataError, LeakError
from sequela.registry import nearest
from sequela.study import homology
from sequela.study.records import Records
from sequela.types import PARTS, Array, Cohort, Pairs, Part

SYNONYMS: Mapping[str, Part] = {
    "train": "train", "training": "train", "development": "train",
    "tune": "tune", "tuning": "tune", "val": "tune", "valid": "tune", "validation": "tune",
    "test": "test", "testing": "test", "held_out": "test", "holdout": "test",
}  # fmt: skip
_PART_COLUMNS = ("part", "split", "set", "fold")


@dataclass(frozen=True, slots=True)
class Plan:
    """One way to share the rows out."""

    name: str  # split-1, split-2, …
    part: Array  # str "N": train, tune, test, or "" for a row in none
    notes: Mapping[str, int] = field(default_factory=dict)  # what a reader of the report should know -> how many times
    left: Array | None = None  # str "N": why a row left its part, "" for none; None: none did

    def applied(self, cohort: Cohort) -> Cohort:
        """The cohort with these parts."""
        return replace(cohort, part=self.part)


def plans(cohort: Cohort, study: config.Study, store: Records, base: Path) -> list[Plan]:
    """The plans of a study, each with a train, a tune and a test part; `base` is the folder that list files are looked for in.

    Where a plan names no tune part it is drawn from the training units, of each class in proportion.

    Raises LeakError where a unit would be in two parts and the study gives no reason for it; DataError where the units do not
    suffice; ConfigError for a split that does not fit the data.
    """
    split = study.split
    unit = units(cohort, split.unit)
    drawn = _drawn(cohort, split, store, base, unit)
    finished = [replace(plan, part=_with_tune(plan.part, cohort, split, unit)) for plan in drawn]
    if split.apart is not None:
        sequences = homology.texts(store, cohort, split.apart.sequence)
        finished = [_kept_apart(plan, sequences, split.apart) for plan in finished]
    for plan in finished:
        _check_units(plan, unit, split)
        _check_parts(plan, cohort, ("train", "tune") if _leaves_one_out(split, unit) else PARTS)
    return [replace(plan, notes=_noted(plan, unit)) for plan in finished]


def units(cohort: Cohort, column: str) -> Array:
    """The number of the unit that each row belongs to, int64 "N": its subject, or its group of that name.

    A row whose group is unknown is a unit with the other rows of its subject.
    """
    subject = np.unique(cohort.subject_id, return_inverse=True)[1]
    if not column:
        return subject
    group = _group(cohort, column)
    names = np.where(group == "", np.char.add("\0", subject.astype(str)), group)
    return np.unique(names, return_inverse=True)[1]


def _kept_apart(plan: Plan, sequences: Sequence[str], apart: config.Apart) -> Plan:
    """The plan without the rows of train and tune whose sequence is too like one of test."""
    left = homology.too_like(plan.part, sequences, apart)
    notes = {f"rows of train and tune left out: {why}": int((left == why).sum()) for why in set(left.tolist()) - {""}}
    return replace(plan, part=np.where(left != "", "", plan.part), notes={**plan.notes, **notes}, left=left)


def _drawn(cohort: Cohort, split: config.Split, store: Records, base: Path, unit: Array) -> list[Plan]:
    if split.order and split.by != "subject":
        raise ConfigError(f'split.order = "{split.order}" is of a split by subject, not by {split.by}', hint="leave it out")
    if split.order and not split.unit:
        raise ConfigError(
            f'split.order = "{split.order}" needs a split.unit: subjects of one row each would be dealt as the data lists them',
            hint='unit = a group of several subjects, as { name = "scaffold", sequence = "smiles", by = "scaffold" }',
        )
    if split.by == "subject":
        return [Plan("split-1", _by_size(split, unit) if split.order else _by_unit(cohort, split, unit))]
    if split.by == "site":
        return [Plan("split-1", _by_site(cohort, split))]
    if split.by == "time":
        return [Plan("split-1", _by_time(cohort, split))]
    if split.by == "folds":
        return [Plan(f"split-{fold + 1}", part) for fold, part in enumerate(_by_fold(cohort, split, unit))]
    lists = _lists(cohort, split, store, base)
    return [Plan(f"split-{number + 1}", *_by_list(cohort, listed)) for number, listed in enumerate(lists)]


# ---------------------------------------------------------------------------------------------------------------------- drawing


def _by_unit(cohort: Cohort, split: config.Split, unit: Array) -> Array:
    shares = _shares(split)
    _check_enough(cohort, unit, sum(share > 0 for share in shares), "a part")
    order = _stratified(cohort, split, unit, "split")
    chosen = np.empty(len(order), "<U5")
    chosen[order] = np.array(PARTS)[dealt(shares, len(order))]
    return chosen[unit]


def _by_size(split: config.Split, unit: Array) -> Array:
    """Units by falling size: to train while they fit into its share, else to tune, else to test (Wu 2018, the scaffold split).

    Of units of one size the one whose first row comes last goes first, as DeepChem has it; nothing is drawn.
    """
    train, tune, _ = _shares(split)
    count = np.bincount(unit)
    first = np.unique(unit, return_index=True)[1]
    chosen, taken = np.empty(len(count), "<U5"), {"train": 0, "tune": 0}
    for one in np.lexsort((-first, -count)):
        within = taken["train"] + count[one]
        part = "train" if within <= train * len(unit) else "test"
        if part == "test" and within + taken["tune"] <= (train + tune) * len(unit):
            part = "tune"
        taken[part] = taken.get(part, 0) + count[one]
        chosen[one] = part
    return chosen[unit]


def _by_fold(cohort: Cohort, split: config.Split, unit: Array) -> list[Array]:
    """A part for each row of each fold; where every unit is left out once, no fold needs a unit of each class."""
    if not _leaves_one_out(split, unit):
        _check_enough(cohort, unit, split.folds, "a fold")
    order = _stratified(cohort, split, unit, "folds")
    fold = np.empty(len(order), np.int64)
    fold[order] = np.arange(len(order)) % split.folds
    return [np.where(fold[unit] == k, "test", "train") for k in range(split.folds)]


def _with_tune(part: Array, cohort: Cohort, split: config.Split, unit: Array) -> Array:
    """The parts with a tune part drawn from the training units where there is none; in time, it is the last of the training."""
    if (part == "tune").any() or not (part == "train").any():
        return part
    rows = np.flatnonzero(part == "train")
    part = part.astype("<U5")
    if split.by == "time":
        part[rows] = _in_time(cohort.time[rows], (1 - split.tune, split.tune, 0.0))
        return part
    inner = cohort.take(rows)
    own = np.unique(unit[rows], return_inverse=True)[1]
    _check_count(own, 2, "the train and the tune part")
    order = _stratified(inner, split, own, "tune")
    chosen = np.empty(len(order), "<U5")
    chosen[order] = np.array(PARTS)[dealt((1 - split.tune, split.tune, 0.0), len(order))]
    part[rows] = chosen[own]
    return part


def dealt(shares: Sequence[float], count: int) -> Array:
    """Places 0, 1, … of the shares for `count` units in a row, so evenly dealt that any run of them holds about the shares.

    Every share above 0 gets at least one where there are enough.

    >>> dealt((0.5, 0.25, 0.25), 8).tolist()
    [0, 1, 2, 0, 0, 1, 2, 0]
    """
    exact = np.array(shares) * count
    sizes = np.floor(exact).astype(int)
    sizes[np.argsort(sizes - exact, kind="stable")[: count - sizes.sum()]] += 1
    for place in np.flatnonzero((sizes == 0) & (exact > 0)):
        sizes[np.argmax(sizes)] -= 1
        sizes[place] = 1
    due = np.concatenate([(np.arange(size) + 0.5) / size for size in sizes])
    return np.repeat(np.arange(len(sizes)), sizes)[np.argsort(due, kind="stable")]


def _stratified(cohort: Cohort, split: config.Split, unit: Array, stream: str) -> Array:
    """Units in random order within their stratum, stratum after stratum: dealt in turn, each part gets its share of each."""
    label = np.unique(_group(cohort, split.stratify), return_inverse=True)[1] if split.stratify else _row_label(cohort)
    stratum = _strata(label, unit)
    return np.lexsort((seed.generator(split.seed, stream).permutation(len(stratum)), stratum))


def _strata(label: Array, unit: Array) -> Array:
    """A stratum for each unit: its rarest class or level, -1 where nothing is known (a label below 0)."""
    count = int(unit.max(initial=-1)) + 1
    held = label >= 0
    _, place, size = np.unique(label[held], return_inverse=True, return_counts=True)
    rarity = np.full(len(label), -1)
    rarity[held] = np.argsort(np.argsort(-size, kind="stable"), kind="stable")[place]
    stratum = np.full(count, -1)
    np.maximum.at(stratum, unit, rarity)
    return stratum


def _row_label(cohort: Cohort) -> Array:
    """A whole number for each row's label, -1 where unknown; of a number, or count of pairs, its fifth, of labels their sum."""
    target = cohort.target
    if not target.values.shape[1]:
        return np.full(len(cohort), -1)
    known = target.known.any(1)
    value = np.where(target.known, target.values, 0).sum(1)
    if isinstance(target.dense, Pairs) or not (value == np.floor(value)).all() or len(np.unique(value[known])) > 50:
        edges = np.quantile(value[known], [0.2, 0.4, 0.6, 0.8]) if known.any() else []
        value = np.searchsorted(edges, value)
    _, label = np.unique(value, return_inverse=True)
    return np.where(known, label, -1)


def _shares(split: config.Split) -> tuple[float, float, float]:
    if min(split.shares) < 0 or abs(sum(split.shares) - 1) > 1e-6 or split.shares[0] == 0:
        raise ConfigError(f"split.shares {split.shares} are not three shares that sum to 1, the first above 0")
    return split.shares


# ------------------------------------------------------------------------------------------------------------------ site and time


def _group(cohort: Cohort, column: str) -> Array:
    known = {**cohort.groups, **cohort.units}
    if column not in known:
        hint = nearest(column, tuple(known)) if known else f'name it there: cohort.groups = ["{column}"]'
        raise ConfigError(f"the split needs the group {column!r}, which cohort.groups does not list", hint=hint)
    return known[column]


def _by_site(cohort: Cohort, split: config.Split) -> Array:
    if not split.column or not split.test:
        raise ConfigError("a split by site needs its column and the test sites", hint='column = "site", test = ["B"]')
    site = _group(cohort, split.column)
    for name in split.test:
        if name not in site:
            raise ConfigError(f"no row has the test site {name!r}", hint=nearest(name, sorted(set(site.tolist()))))
    return np.select([np.isin(site, split.test), site != ""], ["test", "train"], "")


def _by_time(cohort: Cohort, split: config.Split) -> Array:
    if np.isnat(cohort.time).any():
        raise ConfigError("a split by time needs rows with a time", hint='by = "subject"')
    return _in_time(cohort.time, _shares(split))


def _in_time(time: Array, shares: Sequence[float]) -> Array:
    """Parts in order of time; rows of one moment are not torn apart."""
    order = np.argsort(time, kind="stable")
    bounds = np.round(np.cumsum(shares)[:2] * len(time)).astype(int)
    edges = np.append(time[order], np.datetime64("9999-01-01"))[bounds]
    return np.array(PARTS)[np.searchsorted(edges, time, side="right")]


# ------------------------------------------------------------------------------------------------------------------------- lists


def _lists(cohort: Cohort, split: config.Split, store: Records, base: Path) -> list[Mapping[str, str]]:
    """One mapping source_id -> part for each plan."""
    if split.files and split.parts:
        raise ConfigError("a split by list has files or parts, not both")
    if split.files:
        return [_file(_found(file, base)) for file in split.files]
    if split.parts:
        return [_inline(split.parts)]
    if not store.parts:
        raise ConfigError(
            "the data assigns no subject to a part", hint='name split.files or split.parts, or split by = "subject"'
        )
    return [{source: store.parts[subject] for subject, source in _sources(cohort) if subject in store.parts}]


def _sources(cohort: Cohort) -> set[tuple[int, str]]:
    return set(zip(cohort.subject_id.tolist(), cohort.source_id.tolist(), strict=True))


def _found(file: str, base: Path) -> Path:
    places = [base / file, *([Path(os.environ["SEQUELA_DATA"]) / file] if os.environ.get("SEQUELA_DATA") else [])]
    for place in places:
        if place.is_file():
            return place
    raise ConfigError(
        f"there is no split file {file!r}", hint=f"looked for in {', '.join(str(place.parent) for place in places)}"
    )


def _file(path: Path) -> dict[str, str]:
    try:
        frame = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise DataError(f"the split file {path.name} is not a table of text: {error}") from error
    part = next((name for name in frame.columns if name.strip().lower() in _PART_COLUMNS), None)
    subject = next((name for name in frame.columns if name != part), None)
    if part is None or subject is None:
        raise DataError(
            f"the split file {path.name} has the columns {', '.join(frame.columns)}", hint="it needs a subject's id and part"
        )
    return _mapped(frame[subject].to_list(), frame[part].to_list(), f"the split file {path.name}")


def _inline(parts: Mapping[str, list[str]]) -> dict[str, str]:
    pairs = [(subject, part) for part, subjects in parts.items() for subject in subjects]
    return _mapped([subject for subject, _ in pairs], [part for _, part in pairs], "split.parts")


def _mapped(subjects: Sequence[str | None], parts: Sequence[str | None], where: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line, (subject, part) in enumerate(zip(subjects, parts, strict=True), start=1):
        name = (part or "").strip().lower()
        if subject is None or name not in SYNONYMS:
            raise DataError(f"{where}, entry {line}, assigns a subject to {part!r}", hint=f"known: {', '.join(SYNONYMS)}")
        if found.setdefault(subject.strip(), SYNONYMS[name]) != SYNONYMS[name]:
            raise LeakError(f"{where}, entry {line}, puts a subject into a second part", hint="a subject is in one part only")
    return found


def _by_list(cohort: Cohort, listed: Mapping[str, str]) -> tuple[Array, Mapping[str, int]]:
    names, place = np.unique(cohort.source_id, return_inverse=True)
    part = np.array([listed.get(name, "") for name in names.tolist()], "<U5")[place]
    if not (part != "").any():
        raise DataError(
            f"none of the {len(names)} subjects is among the {len(listed)} of the list",
            hint="does it name them as the source does?",
        )
    absent = len(set(listed) - set(names.tolist()))
    counts = {"subjects of the list that are not in the cohort": absent, "rows that are in no part": int((part == "").sum())}
    return part, {text: count for text, count in counts.items() if count}


# ------------------------------------------------------------------------------------------------------------------------ checks


def overlapping(part: Array, unit: Array) -> Array:
    """The units that have rows in more than one part."""
    pairs = np.unique(np.stack([unit[part != ""], np.unique(part[part != ""], return_inverse=True)[1]], 1), axis=0)
    found, count = np.unique(pairs[:, 0], return_counts=True)
    return found[count > 1]


def _check_units(plan: Plan, unit: Array, split: config.Split) -> None:
    torn = len(overlapping(plan.part, unit))
    if torn and not split.allow_overlap:
        raise LeakError(
            f"{plan.name}: {torn} of {int(unit.max()) + 1} {split.unit or 'subject'}s have rows in more than one part",
            hint='where that is meant (a single series, split in time), give the reason: split.allow_overlap = "…"',
        )


def _noted(plan: Plan, unit: Array) -> dict[str, int]:
    torn = len(overlapping(plan.part, unit))
    return {**plan.notes, **({"units in more than one part": torn} if torn else {})}


def _check_count(unit: Array, needed: int, each: str) -> int:
    """The number of units. Raises DataError where it is less than must share the rows."""
    count = int(unit.max(initial=-1)) + 1
    if count < needed:
        raise DataError(
            f"{needed} parts need {needed} units, one for {each}; the cohort has {count}", hint="more subjects, or another split"
        )
    return count


def _check_enough(cohort: Cohort, unit: Array, needed: int, each: str) -> None:
    """Raises DataError where there are fewer units, or fewer that have a class, than must share the rows."""
    count = _check_count(unit, needed, each)
    label = _row_label(cohort) if len(cohort.target.names) == 1 else np.full(len(cohort), -1)
    held = np.unique(label[label >= 0])
    for number in held if len(held) > 1 else []:
        few = len(np.unique(unit[label == number]))
        if few < needed:
            raise DataError(
                f"one of {len(held)} classes has rows in {few} of {count} units; one unit for {each} needs {needed}",
                hint="gather rare classes with outcome.classes, or name the parts in a list",
            )


def _leaves_one_out(split: config.Split, unit: Array) -> bool:
    """Whether each unit is a fold of its own: then what is found is told of all of them together (evaluate/pool.py)."""
    return split.by == "folds" and split.folds == len(np.unique(unit))


def _check_parts(plan: Plan, cohort: Cohort, of_all_classes: Sequence[Part]) -> None:
    """Raises DataError for a part without rows, or for one of these of one class only where the cohort has several."""
    single = len(cohort.target.names) == 1 and len(np.unique(_row_label(cohort)[cohort.target.known[:, 0]])) > 1
    for name in PARTS:
        rows = plan.part == name
        if not rows.any():
            raise DataError(f"{plan.name}: the {name} part has no rows", hint="more subjects, other shares, or another list")
        known = rows & cohort.target.known[:, 0] if single else rows
        if single and name in of_all_classes and len(np.unique(cohort.target.values[known, 0])) < 2:
            raise DataError(
                f"{plan.name}: the {known.sum()} labelled rows of the {name} part have one label only",
                hint="more subjects, or other shares",
            )
