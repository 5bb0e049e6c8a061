"""Raw labels as a source wrote them, made into numbers: understood or refused, never silently 0."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import polars as pl

from sequela.config import Outcome
from sequela.errors import ConfigError, DataError
from sequela.types import Array, Target

TargetKind: TypeAlias = Literal[
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "forecast",
    "next_event",
    "segment",
    "detect",
    "tagging",
    "entities",
    "survival",
    "contact",
]
Classes: TypeAlias = Mapping[str, Sequence[str]] | Sequence[str]
YES_NO: Mapping[str, float] = {"0": 0.0, "1": 1.0, "false": 0.0, "true": 1.0, "no": 0.0, "yes": 1.0}


@dataclass(frozen=True, slots=True)
class Read:
    """A Target, and how many of its raw labels no class gathers."""

    target: Target
    unlisted: int = 0


def raw(events: pl.DataFrame) -> pl.Series:
    """The label of each event as text: its text, or its number without a needless .0; null where it has neither."""
    number = pl.col("numeric_value").fill_nan(None).cast(pl.Float64)
    whole = (
        pl.when(number == number.floor())
        .then(number.cast(pl.Int64, strict=False).cast(pl.String))
        .otherwise(number.cast(pl.String))
    )
    text = pl.col("text_value").cast(pl.String).str.strip_chars()
    return events.select(pl.coalesce(pl.when(text != "").then(text), whole).alias("raw"))["raw"]


def read(columns: Mapping[str, Sequence[str | None]], kind: TargetKind, classes: Classes, *, soft: bool = False) -> Read:
    """The raw labels of N rows, a column each, as the Target of this kind of question; None is a missing label.

    `soft`: of yes-or-no questions they may lie between 0 and 1 (Target.soft).

    Raises DataError for labels that the kind cannot mean, ConfigError for classes that do not fit it.
    """
    if kind == "regression":
        return Read(_stack({name: _numbers(name, given) for name, given in columns.items()}))
    if kind == "multilabel":
        return Read(_split({name: _yes_or_no(name, given, soft) for name, given in columns.items()}))
    if len(columns) != 1:
        raise ConfigError(f"a {kind} outcome has one label, not {len(columns)}", hint='the task "multilabel" takes several')
    ((name, given),) = columns.items()
    if kind == "binary" and not classes:
        return Read(_split({name: _yes_or_no(name, given, soft)}))
    return _as_classes(given, classes, kind)


def several(given: Sequence[str | None], outcome: Outcome, subject: Array) -> dict[str, list[str | None]]:
    """One column of labels that stand together ("I10;E11.9") as a column of 0 and 1 for each label, by name.

    A separator alone says that there is none; None is a row of which nobody told. Without classes there is a column for each
    label that `min_subjects` subjects have, else for each class. Raises ConfigError where that is none.
    """
    sets = [None if raw is None else {one.strip() for one in raw.split(outcome.separator)} - {""} for raw in given]
    owners: dict[str, set[int]] = {}
    for owner, held in zip(subject.tolist(), sets, strict=True):
        for label in held or ():
            owners.setdefault(label, set()).add(owner)
    often = sorted(label for label, held in owners.items() if len(held) >= outcome.min_subjects)
    table = gathered(often, outcome.classes)
    if not table:
        raise ConfigError("outcome.separator: no row has a label", hint="is it what stands between the labels of a row?")
    return {name: [_among(held, raws) for held in sets] for name, raws in table.items()}


def _among(held: set[str] | None, raws: Sequence[str]) -> str | None:
    """Whether a set of labels has one that the class gathers: "1" or "0"."""
    return None if held is None else str(int(not held.isdisjoint(raws)))


def _stack(columns: Mapping[str, Array]) -> Target:
    values = np.stack(list(columns.values()), 1)
    known = ~np.isnan(values)
    return Target(np.where(known, values, 0.0), known, tuple(columns))


def _split(columns: Mapping[str, Array]) -> Target:
    """Labels of 0 and 1 as known, those between as soft."""
    found = _stack(columns)
    between = found.known & (found.values > 0) & (found.values < 1)
    if not between.any():
        return found
    soft = np.where(between, found.values, np.nan)
    return Target(np.where(between, 0.0, found.values), found.known & ~between, found.names, soft=soft)


def _yes_or_no(name: str, given: Sequence[str | None], soft: bool) -> Array:
    other = _share if soft else _nothing
    table = {raw: YES_NO.get(_plain(raw), other(raw)) for raw in set(given) if raw is not None}
    values = np.array([math.nan if raw is None else table[raw] for raw in given], float)
    expected = "a number from 0 to 1, or yes or no" if soft else "0 or 1, true or false, yes or no"
    _refuse(name, np.isinf(values), len({r for r, v in table.items() if math.isinf(v)}), expected)
    return values


def _nothing(raw: str) -> float:
    return math.inf


def _share(raw: str) -> float:
    """The number from 0 to 1 that a text is; infinity where it is none."""
    number = _number(raw)
    return number if 0 <= number <= 1 else math.inf


def _plain(raw: str) -> str:
    """Lower case, and 1.0 as 1."""
    return raw.lower().removesuffix(".0")


def _numbers(name: str, given: Sequence[str | None]) -> Array:
    values = np.array([math.nan if raw is None else _number(raw) for raw in given], float)
    refused = np.isinf(values)
    _refuse(name, refused, len({raw for raw, bad in zip(given, refused, strict=True) if bad}), "a finite number")
    return values


def _number(raw: str) -> float:
    """The number a text is; infinity where it is none."""
    try:
        number = float(raw)
    except ValueError:
        return math.inf
    return number if math.isfinite(number) else math.inf


def _refuse(name: str, refused: Array, distinct: int, expected: str) -> None:
    if refused.any():
        raise DataError(
            f"the label {name!r} of {int(refused.sum())} rows ({distinct} distinct values) is not {expected}",
            hint="outcome.classes says which raw labels each class gathers",
        )


def _as_classes(given: Sequence[str | None], classes: Classes, kind: TargetKind) -> Read:
    table = gathered(given, classes)
    names = tuple(table)
    place = {raw: float(index) for index, name in enumerate(names) for raw in table[name]}
    values = np.array([math.nan if raw is None else place.get(raw, math.nan) for raw in given], float)[:, None]
    unlisted = sum(raw is not None and raw not in place for raw in given)
    if kind == "binary":
        if len(names) != 2:
            raise ConfigError(
                f"a binary outcome has two classes, outcome.classes names {len(names)}", hint="first without, then with it"
            )
        names = names[1:]
    known = ~np.isnan(values)
    return Read(Target(np.where(known, values, 0.0), known, names), unlisted)


def gathered(given: Sequence[str | None], classes: Classes) -> dict[str, list[str]]:
    """class -> the raw labels it gathers, in the order of the classes."""
    if not classes:
        found = {raw for raw in given if raw is not None}
        numbers = all(math.isfinite(_number(raw)) for raw in found)
        return {raw: [raw] for raw in sorted(found, key=lambda raw: (_number(raw) if numbers else 0.0, raw))}
    table = (
        {name: list(raws) for name, raws in classes.items()}
        if isinstance(classes, Mapping)
        else {name: [name] for name in classes}
    )
    raws = [raw for gathers in table.values() for raw in gathers]
    if twice := {raw for raw in raws if raws.count(raw) > 1}:
        raise ConfigError(
            f"outcome.classes lists {len(twice)} raw labels more than once", hint="each raw label belongs to one class"
        )
    return table
