"""Which drugs may not be recommended to whom: a table of constraints, held against what is known of each row.

    drug,when,reason,source
    ATC//A10BA02,egfr < 30,lactic acidosis,"metformin, prescribing information, section 4"
    ATC//J01CA04,allergy,hypersensitivity,"amoxicillin, prescribing information, section 4"

`when` is a fact, or a fact compared with a number. What a fact is in the records, the study says:

    facts.egfr     = { codes = ["LOINC//98979-8"] }                      # the latest number known
    facts.allergy  = { codes = ["ALLERGY//{drug}"] }                     # {drug}: the code of the drug that the rule is about
    facts.pregnant = { codes = ["ICD10CM//Z33.1"], within = "280d" }     # only so long before the prediction

A fact without a comparison holds where an event with one of its codes is known. A number that is not known rules nothing out:
`unchecked` names it, so that a reader is told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import numpy as np
import polars as pl

from sequela.config import Duration, Strict, microseconds
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import knowledge
from sequela.study.cut import DAY
from sequela.types import Array, Known

COLUMNS = ("drug", "when", "reason", "source")
DRUG = "{drug}"
_WHEN = re.compile(r"^(?P<fact>[A-Za-z_]\w*)\s*(?:(?P<sign><=|>=|<|>)\s*(?P<number>-?\d+(?:\.\d+)?))?$")
_SIGNS: Mapping[str, Callable[[Array, float], Array]] = {
    "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal,
}  # fmt: skip


class Fact(Strict, frozen=True):
    """What tells a fact about a patient in the records."""

    codes: list[str]  # with a trailing *, all that begin so; {drug} stands for the code of the drug
    within: Duration | None = None  # before the prediction; left out: ever
    optional: bool = False  # the data may have none of these codes


class Constraint(Strict, frozen=True):
    """One drug that may not be recommended where something holds."""

    drug: str
    when: str
    reason: str
    source: str


class Constraints(Strict, frozen=True):
    """A table with where it came from."""

    file: str
    sha256: str
    rules: list[Constraint]


def read(path: Path) -> Constraints:
    """The table in a CSV file. Raises DataError, with the line, for a condition that is not understood."""
    rows, digest = knowledge.rows(path, COLUMNS)
    for line, row in rows:
        if not _WHEN.match(row["when"]):
            raise DataError(
                f"{path.name}, line {line}: the condition {row['when']!r} is not understood",
                hint='a fact such as "allergy", or a comparison such as "egfr < 30"',
            )
    return Constraints(file=path.name, sha256=digest, rules=[Constraint(**row) for _, row in rows])


# ------------------------------------------------------------------------------------------------------------------------ rules


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint on one column of the answer."""

    column: int
    fact: Fact  # its codes without {drug}
    name: str  # of the fact
    said: Constraint
    sign: str = ""
    number: float = 0.0

    def holds(self, events: pl.DataFrame, count: int) -> Array:
        """The rows in which the drug is ruled out, bool "N"."""
        if self.sign:
            value = _latest(_of(events, self.fact), count)
            return np.asarray(_SIGNS[self.sign](value, self.number)) & ~np.isnan(value)
        held = np.zeros(count, bool)
        held[_of(events, self.fact)["row"].to_numpy()] = True
        return held


@dataclass(frozen=True, slots=True)
class Rules:
    """The constraints on answers about these drugs."""

    names: tuple[str, ...]
    rules: Sequence[Rule] = field(default=())

    def barred(self, known: Known) -> Array:
        """Which drug is ruled out in which row, bool "N K"."""
        found = np.zeros((known.count, len(self.names)), bool)
        for rule, held in self._each(known):
            found[:, rule.column] |= held
        return found

    def reasons(self, known: Known) -> list[dict[str, str]]:
        """Of each row: drug -> why it is ruled out, with the source."""
        found: list[dict[str, str]] = [{} for _ in range(known.count)]
        for rule, held in self._each(known):
            for row in np.flatnonzero(held).tolist():
                found[row].setdefault(self.names[rule.column], f"{rule.said.when}: {rule.said.reason} ({rule.said.source})")
        return found

    def unchecked(self, known: Known) -> list[list[str]]:
        """Of each row: the numbers that a constraint asks for and nobody knows."""
        asked = {rule.name: rule.fact for rule in self.rules if rule.sign}
        missing = {name: np.isnan(_latest(_of(known.events, fact), known.count)) for name, fact in asked.items()}
        return [[name for name, absent in missing.items() if absent[row]] for row in range(known.count)]

    @property
    def asked(self) -> dict[str, list[str]]:
        """Fact -> the codes of which the data must have one, since a rule that can never hold is none; not of optional facts."""
        found: dict[str, list[str]] = {}
        for rule in self.rules:
            if not rule.fact.optional:
                found.setdefault(rule.name, []).extend(rule.fact.codes)
        return found

    def _each(self, known: Known) -> Iterator[tuple[Rule, Array]]:
        events = known.events.filter(_any_of([code for rule in self.rules for code in rule.fact.codes])) if self.rules else None
        for rule in self.rules:
            assert events is not None
            yield rule, rule.holds(events, known.count)


def compiled(table: Constraints, facts: Mapping[str, Fact], names: Sequence[str], *, others: bool = False) -> Rules:
    """The constraints made ready for answers with these names.

    Raises ConfigError for a fact that the study does not say, DataError for a drug that the outcome does not name (unless
    `others` are let pass).
    """
    rules = []
    for said in table.rules:
        match = _WHEN.match(said.when)
        if match is None:
            raise ConfigError(f"constraints of {table.file}: the condition {said.when!r} is not understood")
        fact = _fact(match["fact"], facts, table.file)
        for column in knowledge.known_columns(said.drug, names, f"constraints of {table.file}", others=others):
            own = msgspec.structs.replace(fact, codes=[code.replace(DRUG, names[column]) for code in fact.codes])
            rules.append(Rule(column, own, match["fact"], said, match["sign"] or "", float(match["number"] or 0)))
    return Rules(tuple(names), tuple(rules))


def _fact(name: str, facts: Mapping[str, Fact], file: str) -> Fact:
    if name not in facts:
        raise ConfigError(
            f"constraints of {file} ask for {name!r}, and the study does not say what that is in the records",
            hint=f'{nearest(name, list(facts))}; write task.facts.{name} = {{ codes = ["…"] }}',
        )
    return facts[name]


# ----------------------------------------------------------------------------------------------------------------------- events


def _any_of(codes: Sequence[str]) -> pl.Expr:
    exact = pl.col("code").is_in([code for code in codes if not code.endswith("*")])
    begun = [pl.col("code").str.starts_with(code[:-1]) for code in codes if code.endswith("*")]
    return pl.any_horizontal(exact, *begun)


def _of(events: pl.DataFrame, fact: Fact) -> pl.DataFrame:
    """The events that tell the fact; one without time always counts."""
    wanted = _any_of(fact.codes)
    if fact.within is not None:
        recent = pl.col("position") >= -microseconds(fact.within) / DAY
        wanted = wanted & (recent | pl.col("position").is_nan())
    return events.filter(wanted)


def _latest(events: pl.DataFrame, count: int) -> Array:
    """The latest number of each row, NaN where there is none; of one without time and one with, the latter."""
    numbers = events.filter(pl.col("numeric_value").is_finite()).select(
        "row", pl.col("numeric_value").cast(pl.Float64), "position"
    )
    last = numbers.sort("row", pl.col("position").fill_nan(None), nulls_last=False, maintain_order=True)
    last = last.group_by("row", maintain_order=True).last()
    value = np.full(count, np.nan)
    value[last["row"].to_numpy()] = last["numeric_value"].to_numpy()
    return value
