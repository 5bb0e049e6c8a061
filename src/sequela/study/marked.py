"""What somebody marked on pictures: a class for each point (masks), or boxes. The truth of the tasks segment and detect.

A row without a mark is not known; a picture that was marked and has nothing on it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sequela import config
from sequela.errors import ConfigError, DataError
from sequela.registry import nearest
from sequela.study.records import Records
from sequela.study.stamped import own
from sequela.types import Array, Boxes, Cohort, Payloads, Space, Target

BOXES = "BOXES"  # of every picture on which somebody marked boxes, with their number
LARGEST = 65_536  # values of a mask lie below


@dataclass(frozen=True, slots=True)
class StoredMasks:
    """Masks of N pictures in a store (types.Masks); "" is a picture without."""

    payloads: Payloads
    uris: Array  # str "N"
    place: Array | None  # int32 "65536": the class of each value of a mask, -2 for one that no class gathers; None: instances

    def __len__(self) -> int:
        return len(self.uris)

    @property
    def instances(self) -> bool:
        return self.place is None

    def take(self, rows: Array) -> StoredMasks:
        return replace(self, uris=self.uris[rows])

    def whole(self, row: int) -> Array:
        """Raises DataError where a value of the mask is of no class."""
        mask = self.payloads.open(str(self.uris[row]))
        values = np.asarray(mask.values[0])
        if self.place is None:
            return values.astype(np.int32)
        found: Array = self.place[values]
        if (found == -2).any():
            first = int(values[found == -2][0])
            raise DataError(
                f"the mask {mask.name or self.uris[row]} has the value {first}, which no class gathers",
                hint="outcome.classes names the values 1, 2, …, or gathers values: { tumour = ['1', '2'] }",
            )
        return found

    def space(self, row: int) -> Space | None:
        return self.payloads.open(str(self.uris[row])).space


def masks(store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool) -> Target:
    """The masks of these rows. Raises ConfigError for classes that are none, DataError where the data has no such mask."""
    names, place = _classes(outcome)
    if labelled:
        _there(store, outcome.mask, "mask")
    events = store.events([outcome.mask]).filter(pl.col("payload").is_not_null())
    found = own(events, rows).group_by("row", maintain_order=True).agg(pl.col("payload").last())
    uris = np.full(len(rows), "", object)
    uris[found["row"].to_numpy()] = found["payload"].to_list()
    return _marked(uris != "", names, StoredMasks(store.payloads, uris.astype(str), place))


def boxes(store: Records, outcome: config.Outcome, rows: Cohort, *, labelled: bool) -> Target:
    """The boxes of these rows. Raises ConfigError for classes that are none, DataError where the data has no such boxes."""
    prefix = f"{outcome.boxes}//"
    codes = sorted(code for code in store.kinds if code.startswith(prefix))
    if labelled:
        _there(store, BOXES, "boxes")
    gathered = _gathered(outcome.classes) or {code.removeprefix(prefix): [code.removeprefix(prefix)] for code in codes}
    place = {f"{prefix}{raw}": k for k, raws in enumerate(gathered.values()) for raw in raws}
    if not place and labelled:
        raise ConfigError(f"no box of {outcome.boxes!r} has a class", hint="name them in outcome.classes")
    found = own(store.events([code for code in codes if code in place]), rows)
    label = np.array([place[code] for code in found["code"].cast(pl.String)], np.int64)
    count = np.bincount(found["row"].to_numpy(), minlength=len(rows))
    offsets = np.concatenate([[0], np.cumsum(count)]).astype(np.int64)
    seen = np.isin(np.arange(len(rows)), own(store.events([BOXES]), rows)["row"].to_numpy())
    return _marked(seen, tuple(gathered), Boxes(offsets, _corners(found["text_value"]), label))


def _marked(known: Array, names: tuple[str, ...], dense: StoredMasks | Boxes) -> Target:
    return Target(np.zeros((len(known), 1)), known[:, None].astype(bool), names, dense)


def _there(store: Records, code: str, what: str) -> None:
    if code not in store.kinds:
        labels = [known for known, kind in store.kinds.items() if kind == "label"]
        none = "no picture has a mark or label: sequela inspect tells what its import found, and what it did not"
        raise DataError(f"the data has no {what} {code!r}", hint=nearest(code, labels) if labels else none)


def _classes(outcome: config.Outcome) -> tuple[tuple[str, ...], Array | None]:
    """The names, and the class of each value that a mask may have."""
    gathered = _gathered(outcome.classes)
    if not gathered:
        raise ConfigError("outcome.classes is missing: what do the values 1, 2, … of a mask mean?", hint='classes = ["vessel"]')
    if outcome.instances:
        if len(gathered) != 1:
            raise ConfigError(f"outcome.instances is of one kind of thing, outcome.classes names {len(gathered)}")
        return tuple(gathered), None
    place = np.full(LARGEST, -2, np.int32)
    place[0] = 0
    for k, (name, raws) in enumerate(gathered.items(), 1):
        for raw in [str(k)] if raws == [name] and not isinstance(outcome.classes, Mapping) else raws:
            place[_value(raw)] = k
    return tuple(gathered), place


def _value(raw: str) -> int:
    """Raises ConfigError for what is no value of a mask."""
    if not raw.isdecimal() or not 0 < int(raw) < LARGEST:
        raise ConfigError(f"outcome.classes gathers {raw!r}; the values of a mask are whole numbers from 1 to {LARGEST - 1}")
    return int(raw)


def _gathered(classes: Mapping[str, list[str]] | list[str]) -> dict[str, list[str]]:
    """class -> raw values, in the order of the classes."""
    if isinstance(classes, Mapping):
        return {name: list(raws) for name, raws in classes.items()}
    return {name: [name] for name in classes}


def _corners(texts: pl.Series) -> Array:
    """float32 "M 4". Raises DataError for a text that is not four numbers."""
    parts = texts.cast(pl.String).str.split(" ")
    numbers = parts.list.eval(pl.element().cast(pl.Float32, strict=False))
    if len(numbers) and (numbers.list.len().ne_missing(4).any() or numbers.list.eval(pl.element().is_null()).list.any().any()):
        raise DataError("the text of a box is not four numbers: top left bottom right")
    return np.array(numbers.to_list(), np.float32).reshape(-1, 4)
