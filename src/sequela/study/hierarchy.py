"""Labels of which some stand above others, such as the functions of a gene: what is true of one is true of all above it.

A file tells which: an ontology (`.obo`, codes/obo.py), or a CSV of child and parent. The truth of a row is carried up to all that
stands above a label that holds (the true-path rule of the Gene Ontology, Ashburner 2000); what nobody told stays unknown.
Answers are made to agree: a label is at least as likely as any below it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from sequela import config
from sequela.codes import obo
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study import knowledge
from sequela.types import Answer, Array, Target

Parents: TypeAlias = Mapping[str, Sequence[str]]
COLUMNS = ("child", "parent")


def gathered(outcome: config.Outcome, find: Callable[[str], Path]) -> config.Outcome:
    """The outcome with what its file says in place of the file's name: of named labels those alone, and what stands above them.

    `find` gives the path of a file that the study names. Raises DataError for a file that is not understood.
    """
    given = outcome.hierarchy
    if not isinstance(given, str) or not given:
        return outcome
    found = read(find(given))
    return msgspec.structs.replace(outcome, hierarchy={name: found[name] for name in _needed(outcome, found)})


def _needed(outcome: config.Outcome, parents: Parents) -> list[str]:
    named = outcome.column or outcome.code or outcome.label
    if outcome.separator or outcome.codes or outcome.classes or isinstance(named, str):
        return list(parents)
    kept = {one for name in named if name in parents for one in (name, *ancestors(name, parents))}
    return [name for name in parents if name in kept]


def read(path: Path) -> dict[str, list[str]]:
    """Each label's next broader ones.

    Raises DataError for a file that cannot be read or understood, and where a label stands above itself.
    """
    found = _ontology(path) if path.suffix == ".obo" else _table(path)
    for name in found:
        ancestors(name, found)
    return found


def _ontology(path: Path) -> dict[str, list[str]]:
    try:
        with path.open(encoding="utf-8") as lines:
            found = obo.parents(lines)
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} cannot be read as text") from error
    except DataError as error:
        raise DataError(f"{path.name}, {error.message}", hint=error.hint) from error
    if not found:
        raise DataError(f"{path.name} has no term that is in use", hint="is it an ontology in OBO format?")
    return found


def _table(path: Path) -> dict[str, list[str]]:
    rows, _ = knowledge.rows(path, COLUMNS)
    found: dict[str, list[str]] = {}
    for _, row in rows:
        found.setdefault(row["parent"], [])
        above = found.setdefault(row["child"], [])
        if row["parent"] not in above:
            above.append(row["parent"])
    return found


def ancestors(name: str, parents: Parents) -> list[str]:
    """All that stands above a label, each once. Raises DataError where the label itself does."""
    found: dict[str, None] = {}
    waiting = list(parents[name])
    while waiting:
        one = waiting.pop()
        if one == name:
            raise DataError(f"{name} stands above itself in the hierarchy", hint="a hierarchy has no circle")
        if one not in found:
            found[one] = None
            waiting += parents[one]
    return list(found)


def widened(given: Sequence[str | None], outcome: config.Outcome) -> list[str | None]:
    """Raw labels that stand together ("GO:1;GO:2"), with all that stands above each but the topmost, which tell nothing.

    Raises DataError for labels that are not in the hierarchy.
    """
    parents = _read(outcome)
    if not parents:
        return list(given)
    above: dict[str, list[str]] = {}

    def wide(raw: str) -> str:
        held = [one.strip() for one in raw.split(outcome.separator) if one.strip()]
        for one in held:
            if one not in above:
                _check([one], parents)
                above[one] = [name for name in (one, *ancestors(one, parents)) if parents[name]]
        return outcome.separator.join(sorted({name for one in held for name in above[one]})) or outcome.separator

    return [None if raw is None else wide(raw) for raw in given]


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """K labels in the order of their names."""

    above: Array  # bool "K K": whether the second stands above the first

    @property
    def edges(self) -> Iterator[tuple[int, int]]:
        """Labels with each that stands next above them: the narrowest first, so that what goes up goes all the way."""
        wide = self.above.astype(np.float32)
        direct = self.above & ~((wide @ wide) > 0)
        for label in np.argsort(-self.above.sum(1), kind="stable").tolist():
            for parent in np.flatnonzero(direct[label]).tolist():
                yield label, parent

    def risen(self, values: Array) -> Array:
        """Of each label the greatest value "N K" of itself and of all below it."""
        found = values.copy()
        for label, parent in self.edges:
            np.maximum(found[:, parent], found[:, label], out=found[:, parent])
        return found

    def propagated(self, target: Target) -> Target:
        """The truth with all that stands above what holds; whatever else was unknown stays so."""
        holds = self.risen((target.values > 0) & target.known)
        return replace(target, values=np.where(holds, 1.0, target.values), known=target.known | holds)

    def consistent(self, answer: Answer) -> Answer:
        """The answer in which no label is likelier than one above it."""
        return replace(answer, values=self.risen(answer.values))

    def information(self, target: Target) -> Array:
        """What each label tells that those next above it do not, float64 "K", in bits.

        -log2 of how often it holds where all next above it do, in rows that know it (Clark and Radivojac 2013, Bioinformatics 29,
        i53); of a label that no row has, as if one had.
        """
        holds, eligible = (target.values > 0) & target.known, target.known.copy()
        for label, parent in self.edges:
            eligible[:, label] &= holds[:, parent]
        bits: Array = np.log2(np.maximum(eligible.sum(0), 1) / np.maximum((holds & eligible).sum(0), 1))
        return bits


def of(outcome: config.Outcome, names: Sequence[str]) -> Hierarchy | None:
    """The hierarchy of these labels; None where the outcome has none. Labels between them that are not asked are passed through.

    Raises DataError for labels that are not in it.
    """
    parents = _read(outcome)
    if not parents:
        return None
    _check(names, parents)
    place = {name: k for k, name in enumerate(names)}
    above = np.zeros((len(names), len(names)), bool)
    for name, k in place.items():
        above[k, [place[one] for one in ancestors(name, parents) if one in place]] = True
    return Hierarchy(above)


def propagated(outcome: config.Outcome, kind: str, target: Target) -> Target:
    """The truth of rows, carried up where the outcome has a hierarchy. Raises ConfigError for any kind but several labels."""
    if not outcome.hierarchy:
        return target
    if kind != "multilabel" or outcome.soft:
        raise ConfigError(
            "outcome.hierarchy is of several labels that hold or do not", hint='task = "multilabel", without outcome.soft'
        )
    found = of(outcome, target.names)
    assert found is not None
    return found.propagated(target)


def _read(outcome: config.Outcome) -> Parents:
    if isinstance(outcome.hierarchy, str):
        if outcome.hierarchy:
            raise ConfigError(
                f"outcome.hierarchy names the file {outcome.hierarchy!r}, which has not been read",
                hint="study.hierarchy.gathered reads it, as a run does",
            )
        return {}
    return outcome.hierarchy


def _check(names: Sequence[str], parents: Parents) -> None:
    unknown = [name for name in names if name not in parents]
    if unknown:
        raise DataError(
            f"{len(unknown)} of {len(names)} labels are not in the hierarchy, the first {unknown[0]!r}",
            hint=f"{nearest(unknown[0], list(parents))}; terms that are obsolete have no place in an ontology",
        )
