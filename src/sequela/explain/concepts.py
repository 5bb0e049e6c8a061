"""What inputs are gathered into where people read an explanation: organ systems, panels of a laboratory, parts of a heartbeat.

A set of concepts gives each cell of each input to one concept or to none; what belongs to none is "other", so that the sums of a
row are the sum of its cells: nothing is lost. Codes go by their name, without the quantile of a value beside them; what else has
names goes by those; samples and points go by their place.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

import numpy as np

from sequela import registry
from sequela.codes import atc, hierarchy
from sequela.errors import ConfigError, DataError
from sequela.study.records import fits
from sequela.types import Array, Attribution, Ragged, Spec

OTHER = "other"
NAMED = ("icd_chapters", "atc", "loinc_panels", "ecg_segments", "body_regions")  # besides a TOML file
ATC_LEVEL = 2  # the therapeutic group: C03 are diuretics
SEGMENTS = {
    "P wave": (-0.25, -0.08),
    "QRS": (-0.05, 0.06),
    "ST segment": (0.06, 0.16),
    "T wave": (0.16, 0.45),
}  # s from the R peak
_QUANTILE = re.compile(r"//Q\d+$")

Naming = Callable[[str], str]  # of a name its concept; "" for none


@dataclass(frozen=True, slots=True)
class Concepts:
    """A set of concepts, and which of them each cell belongs to."""

    title: str
    names: tuple[str, ...]  # C, the last is OTHER
    of: Mapping[str, Array]  # input -> int64: of each code of its vocabulary "V", else of each cell of a step "*F"


@dataclass(frozen=True, slots=True)
class Gathered:
    """An attribution by concept."""

    title: str
    names: tuple[str, ...]  # C
    sums: Array  # float64 "N C": of each row they sum to all that its cells add


def gathered(found: Attribution, inputs: Mapping[str, Ragged], concepts: Concepts) -> Gathered:
    """What each concept adds to the answer about each row; numbers beside a step or a row belong to no concept."""
    rows, other = len(found.told), len(concepts.names) - 1
    sums = np.zeros((rows, other + 1))
    for name, cells in found.cells.items():
        ragged = inputs[name]
        row = np.repeat(np.arange(rows), ragged.lengths)
        place = _concept_of(ragged, cells, concepts.of.get(name), other)
        each = np.broadcast_to(row.reshape(-1, *[1] * (cells.ndim - 1)), cells.shape)
        np.add.at(sums, (each.ravel(), place.ravel()), cells.ravel())
        if name in found.side:
            np.add.at(sums[:, other], row, found.side[name].sum(1))
        if name in found.context:
            sums[:, other] += found.context[name].sum(1)
    return Gathered(concepts.title, concepts.names, sums)


def _concept_of(ragged: Ragged, cells: Array, of: Array | None, other: int) -> Array:
    """The concept of each cell, int64 like cells."""
    if of is None:
        return np.full(cells.shape, other)
    if of.ndim == 1 and ragged.values.dtype.kind in "iu":
        steps = np.arange(len(cells)) if ragged.take is None else ragged.take
        said = np.asarray(ragged.values[steps]).astype(np.int64)
        found: Array = of[said if said.ndim == cells.ndim else said[..., 0]]  # of a word, its number stands first
        return found
    return np.broadcast_to(of, cells.shape)


# ---------------------------------------------------------------------------------------------------------------- by their names


def named(title: str, specs: Mapping[str, Spec]) -> Concepts:
    """One of the sets that come along and go by names: icd_chapters, atc (or atc_1 to atc_5), loinc_panels.

    Raises ConfigError for another name, and where nothing of any input belongs to it.
    """
    return _refuse_empty(_by_name(title, specs, _naming(title)))


def _naming(title: str) -> Naming:
    if title == "icd_chapters":
        return chapter
    if title == "loinc_panels":
        return panel
    level = re.fullmatch(r"atc(?:_([1-5]))?", title)
    if level is None:
        raise ConfigError(
            f"there are no concepts called {title!r}", hint=f"{registry.nearest(title, NAMED)}; or the path of a TOML file"
        )
    return lambda code: group(code, int(level[1] or ATC_LEVEL))


def chapter(code: str) -> str:
    """The chapter of a code of ICD-9 or ICD-10; "" where it has none.

    >>> chapter("ICD9CM//038.9"), chapter("ICD10CM//C50.911"), chapter("LOINC//2160-0")
    ('ICD9CM 001-139', 'ICD10CM C00-D49', '')
    """
    broader = (code, *hierarchy.ancestors(code))
    found = next((one for one in broader if "//CHAPTER//" in one), "")
    return found.replace("//CHAPTER//", " ")


def group(code: str, level: int) -> str:
    """The group of a drug at a level of the ATC, 1 (anatomical) to 5 (the substance); "" of what is no such code, or is broader.

    >>> group("ATC//C03CA01", 2), group("ATC//C", 2), group("ICD9CM//038.9", 2)
    ('ATC C03', '', '')
    """
    system, _, rest = code.partition("//")
    try:
        found = atc.code(rest) if system == "ATC" else ""
    except DataError:
        return ""
    return f"ATC {found[: atc.LENGTHS[level - 1]]}" if len(found) >= atc.LENGTHS[level - 1] else ""


def panel(code: str) -> str:
    """The laboratory's or ward's panel of a measurement, by its LOINC code or by its name; "" where it is in none.

    >>> panel("LOINC//2160-0"), panel("Creatinine"), panel("LAB//creatinine"), panel("LACTATE DEHYDROGENASE")
    ('renal', 'renal', 'renal', '')
    """
    parts = code.split("//")
    keys = [part.casefold() for part in (code, *parts)]
    return next((_panels()[key] for key in keys if key in _panels()), "")


@cache
def _panels() -> Mapping[str, str]:
    """LOINC code or name in small letters -> panel."""
    text = resources.files("sequela.explain").joinpath("data/panels.toml").read_text(encoding="utf-8")
    return {
        name.casefold(): panel for panel, held in tomllib.loads(text).items() for name in (*held["loinc"].split(), *held["names"])
    }


def _by_name(title: str, specs: Mapping[str, Spec], naming: Naming) -> Concepts:
    """Each named feature or code of each input to its concept."""
    said = {name: [naming(_QUANTILE.sub("", one)) for one in spec.names] for name, spec in specs.items() if spec.names}
    names = (*sorted({one for each in said.values() for one in each if one}), OTHER)
    number = {one: k for k, one in enumerate(names)} | {"": len(names) - 1}
    of = {name: _shaped(np.array([number[one] for one in each]), specs[name]) for name, each in said.items()}
    return Concepts(title, names, of)


def _shaped(concept: Array, spec: Spec) -> Array:
    """Of each cell of a step: the names are of codes, of features, or of the channels that samples or points belong to."""
    if spec.vocabulary or len(spec.shape) < 2:
        return concept
    return np.broadcast_to(concept.reshape(-1, *[1] * (len(spec.shape) - 1)), spec.shape)


def _refuse_empty(concepts: Concepts) -> Concepts:
    if len(concepts.names) == 1:
        raise ConfigError(
            f"explain.concepts: nothing of any input belongs to one of {concepts.title}",
            hint="icd_chapters and atc are for codes of those systems, loinc_panels for measurements; or write a TOML file",
        )
    return concepts


# -------------------------------------------------------------------------------------------------------------- of a user's file


def written(path: Path, specs: Mapping[str, Spec]) -> Concepts:
    """The concepts of a TOML file: `[concepts] kidney = ["Creatinine", "BUN", "LOINC//2160*"]`.

    What stands under [concepts] must be there; what stands under [optional] may be missing from these inputs. Raises ConfigError
    for a file that says something else, a name that no input has (with the nearest that one has), and a name in two concepts.
    """
    must, may = _tables(path)
    known = sorted({_QUANTILE.sub("", name) for spec in specs.values() for name in spec.names})
    _refuse_unknown(path, must, known)
    patterns = {concept: (*must.get(concept, ()), *may.get(concept, ())) for concept in (*must, *may)}
    _refuse_twice(path, patterns, known)
    return _refuse_empty(_by_name(path.stem, specs, lambda name: _fitting(name, patterns)))


def _fitting(name: str, patterns: Mapping[str, Sequence[str]]) -> str:
    return next((concept for concept, each in patterns.items() if any(fits(name, one) for one in each)), "")


def _tables(path: Path) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    try:
        held = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{path.name} cannot be read as concepts: {error}", hint=EXAMPLE) from error
    if other := sorted(set(held) - {"concepts", "optional"}):
        raise ConfigError(f"{path.name} has an unknown table {other[0]!r}", hint=EXAMPLE)
    found = tuple(held.get(table, {}) for table in ("concepts", "optional"))
    if not any(found) or not all(_is_lists(table) for table in found):
        raise ConfigError(f"{path.name} does not name concepts, each with a list of names", hint=EXAMPLE)
    return found


EXAMPLE = 'a file of concepts reads: [concepts] kidney = ["Creatinine", "BUN"]'


def _is_lists(table: object) -> bool:
    return isinstance(table, dict) and all(
        isinstance(each, list) and each and all(isinstance(one, str) and one for one in each) and concept != OTHER
        for concept, each in table.items()
    )


def _refuse_unknown(path: Path, must: Mapping[str, Sequence[str]], known: Sequence[str]) -> None:
    missing = [(concept, one) for concept, each in must.items() for one in each if not any(fits(name, one) for name in known)]
    if missing:
        shown = ", ".join(f"{one!r} of {concept}" for concept, one in missing[:5]) + (", …" if len(missing) > 5 else "")
        nearest = registry.nearest(missing[0][1].strip("*"), list(known))
        raise ConfigError(
            f"{path.name} names {len(missing)} that no input has: {shown}",
            hint=f"{missing[0][1]!r}: {nearest}. What may be missing stands under [optional]",
        )


def _refuse_twice(path: Path, patterns: Mapping[str, Sequence[str]], known: Sequence[str]) -> None:
    for name in known:
        holding = [concept for concept, each in patterns.items() if any(fits(name, one) for one in each)]
        if len(holding) > 1:
            raise ConfigError(
                f"{path.name} puts {name!r} into several concepts: {', '.join(holding)}", hint="each is counted once: keep one"
            )


# --------------------------------------------------------------------------------------------------------------- by their places


def segments(specs: Mapping[str, Spec], before: Mapping[str, tuple[float, float]]) -> Concepts:
    """The parts of a heartbeat of each input of windows around beats, by fixed times from its R peak: nothing is delineated.

    `before`: of each such input seconds from the window's begin to the R peak, and samples a second.
    """
    names = (*SEGMENTS, OTHER)
    of = {}
    for name, (seconds, rate_hz) in before.items():
        at = np.arange(specs[name].shape[-1]) / rate_hz - seconds
        part = np.full(len(at), len(SEGMENTS))
        for number, (first, last) in enumerate(SEGMENTS.values()):
            part[(at >= first) & (at < last)] = number
        of[name] = np.broadcast_to(part, specs[name].shape)
    return Concepts("ecg_segments", names, of)


def regions(specs: Mapping[str, Spec]) -> Concepts:
    """The ninths of each picture (its thirds from top to bottom, and from left to right as it is looked at).

    Raises ConfigError where no input is a picture of one size.
    """
    of = {name: _ninths(spec) for name, spec in specs.items() if spec.kind in ("image", "slices") and len(spec.shape) == 3}
    if not of:
        raise ConfigError("explain.concepts: body_regions are of pictures of one size, and no input is one")
    names = tuple(f"{row} {column}" for row in ("upper", "middle", "lower") for column in ("left", "centre", "right"))
    return Concepts("body_regions", (*names, OTHER), of)


def _ninths(spec: Spec) -> Array:
    _, height, width = spec.shape
    row, column = np.arange(height) * 3 // height, np.arange(width) * 3 // width
    return np.broadcast_to(row[:, None] * 3 + column, spec.shape)


def masked(name: str, spec: Spec, masks: Mapping[str, Array]) -> Concepts:
    """Regions of the pictures of one input by masks, bool "H W" as the model sees them; a point of several is of the first."""
    part = np.full(spec.shape[1:], len(masks))
    for number, mask in reversed(list(enumerate(masks.values()))):
        if mask.shape != spec.shape[1:]:
            raise ConfigError(f"a mask of {'×'.join(map(str, mask.shape))} does not fit pictures of {spec.shape[1:]}")
        part[mask] = number
    return Concepts("masks", (*masks, OTHER), {name: np.broadcast_to(part, spec.shape)})
