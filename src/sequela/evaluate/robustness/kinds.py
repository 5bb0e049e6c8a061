"""The kinds of spoiling: what each is of, its levels, and what a level counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeAlias

from sequela.errors import ConfigError
from sequela.registry import nearest
from sequela.types import Spec

Material: TypeAlias = Literal["numbers", "codes", "signals", "pictures", "texts", "sequences"]
JUDGED = ("binary", "multiclass", "multilabel", "regression", "survival")  # kinds of task
MATERIALS: Mapping[str, Material] = MappingProxyType(
    {
        "measurements": "numbers",
        "static": "numbers",
        "codes": "codes",
        "waveform": "signals",
        "heart_rate": "signals",
        "image": "pictures",
        "slices": "pictures",
        "tiles": "pictures",
        "text": "texts",
        "residues": "sequences",
        "composition": "sequences",
        "descriptors": "sequences",
    }
)  # by modality: of another nothing is known


@dataclass(frozen=True, slots=True)
class Kind:
    """One way to spoil. Tables of single channels have no levels."""

    name: str
    of: tuple[Material, ...]
    levels: tuple[float, ...]
    unit: str  # of a level, as it stands under a plot


_ALL = (
    Kind("missing", ("numbers", "codes", "signals", "pictures", "texts"), (0.1, 0.25, 0.5, 0.75), "share left out"),
    Kind("noise", ("numbers", "signals", "pictures"), (0.1, 0.25, 0.5, 1.0), "noise, in spreads"),
    Kind("rate", ("numbers", "signals", "pictures"), (2, 4, 8), "times as coarse"),
    Kind("first", ("numbers", "codes", "texts", "sequences"), (0.75, 0.5, 0.25), "share kept, from the beginning"),
    Kind("last", ("numbers", "codes", "texts", "sequences"), (0.75, 0.5, 0.25), "share kept, up to the end"),
    Kind("corrupt", ("numbers", "codes", "signals", "pictures", "texts", "sequences"), (0.01, 0.05, 0.2), "share garbled"),
    Kind("swapped", ("codes", "texts", "sequences"), (1, 3, 5), "tokens put for others, the worst of several draws"),
    Kind("gradient", ("numbers", "signals", "pictures"), (0.01, 0.03, 0.1, 0.3), "step, in spreads"),
    Kind("channels", ("numbers", "codes", "signals"), (), "absent alone"),
    Kind("units", ("numbers", "signals"), (), "in another unit"),
)
KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in _ALL})
WHOLE = ("first", "last")  # levels are of what is kept: 1 is the rows as they are


def unspoilt(kind: str) -> float:
    """The level that leaves everything as it is."""
    return 1.0 if kind in WHOLE or kind == "rate" else 0.0


def materials(specs: Mapping[str, Spec]) -> set[Material]:
    """What the inputs are made of."""
    return {MATERIALS[spec.kind] for spec in specs.values() if spec.kind in MATERIALS}


def suited(specs: Mapping[str, Spec]) -> list[Kind]:
    """The kinds that have something to spoil in these inputs."""
    held = materials(specs)
    return [kind for kind in _ALL if held & set(kind.of)]


def check_task(kind: str) -> None:
    """Raises ConfigError for a kind of task whose answers to spoilt rows are not judged."""
    if kind not in JUDGED:
        raise ConfigError(
            f"[robustness] is of tasks with one answer a row, and spoilt answers of {kind} are not judged",
            hint=f"leave it out; those of {', '.join(JUDGED)} are",
        )


def check(asked: Sequence[str]) -> None:
    """Raises ConfigError, with the nearest, for a kind that is none."""
    for name in asked:
        if name not in KINDS:
            raise ConfigError(f"there is no kind of spoiling {name!r}", hint=nearest(name, sorted(KINDS)))


def chosen(asked: Sequence[str], specs: Mapping[str, Spec]) -> tuple[list[Kind], dict[str, str]]:
    """The kinds to be done, and of those that were asked for and are not, why. Raises ConfigError for a kind that is none."""
    check(asked)
    suit = suited(specs)
    names = [kind.name for kind in suit]
    inputs = ", ".join(dict.fromkeys(spec.kind for spec in specs.values()))
    skipped = {name: f"it does not suit the inputs ({inputs})" for name in asked if name not in names}
    return [kind for kind in suit if not asked or kind.name in asked], skipped
