"""The parts of one row as maps that can be drawn: features, codes or channels by steps, or a picture's points."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from sequela.contracts import Evidence
from sequela.evaluate.report.heat import Heat
from sequela.explain.checks import cells
from sequela.types import Array, Attribution, Spec

LINES = 10  # of a map, those with the largest parts
COLUMNS = 60  # of steps or samples
POINTS = 28  # along the longer side of a picture
UNITS = {"days": "d", "hours": "h", "seconds": "s"}


def heats(said: Attribution, rows: Evidence, row: int) -> list[Heat]:
    """A map of each input of a row, which was laid out, that has steps."""
    return [one for name in rows.inputs for one in _of_input(said, rows, name, row)]


def _of_input(said: Attribution, rows: Evidence, name: str, row: int) -> Iterator[Heat]:
    ragged, spec = rows.inputs[name], rows.specs[name]
    own = slice(int(ragged.offsets[row]), int(ragged.offsets[row + 1]))
    if own.stop == own.start:
        return
    seen = cells.cells_seen(ragged, spec)[own]
    parts = np.where(seen, said.cells[name][own], np.nan)
    ends = _ends(ragged.position[own], spec)
    if spec.vocabulary:
        yield _of_codes(name, parts, np.asarray(ragged.values)[own], spec, ends)
    elif parts.ndim <= 2:
        names = spec.names if len(spec.names) == parts.reshape(len(parts), -1).shape[1] else ()
        yield _of_lines(name, parts.reshape(len(parts), -1).T, names, ends)
    elif parts.ndim == 3:
        yield _of_wave(name, parts, spec)
    else:
        yield Heat(name, [""] * len(_of_picture(parts)), _of_picture(parts))


def _ends(position: Array, spec: Spec) -> tuple[str, str]:
    """When the first and the last step were, where places are times."""
    if spec.single or spec.unit not in UNITS or not np.isfinite(position).all():
        return "", ""
    hours = spec.unit == "days" and abs(float(position[0])) < 4
    scale, unit = (24.0, "h") if hours else (1.0, UNITS[spec.unit])
    first, last = (f"{scale * float(at):.0f} {unit}".replace("-", "−") for at in (position[0], position[-1]))
    return first, last


def _of_lines(name: str, parts: Array, names: Sequence[str], ends: tuple[str, str]) -> Heat:
    """Features "F T", those with the largest sums of parts first."""
    size = np.nansum(np.abs(parts), 1)
    order = [one for one in np.argsort(-size, kind="stable")[:LINES].tolist() if size[one] > 0] or [0]
    said = [names[one] if names else f"{name} {one + 1}" for one in order]
    return Heat(name, said, _binned(parts[order], COLUMNS), ends)


def _of_codes(name: str, parts: Array, values: Array, spec: Spec, ends: tuple[str, str]) -> Heat:
    """A line for each of the codes or words with the largest sums of parts."""
    number = values[..., 0] if spec.words is not None else values
    step = np.broadcast_to(np.arange(len(parts)).reshape(-1, *[1] * (parts.ndim - 1)), parts.shape)
    here = np.isfinite(parts)
    codes, line = np.unique(number[here], return_inverse=True)
    laid, there = np.zeros((len(codes), len(parts))), np.zeros((len(codes), len(parts)), bool)
    np.add.at(laid, (line, step[here]), parts[here])
    there[line, step[here]] = True
    names = [spec.names[one] if one < len(spec.names) else str(one) for one in codes.tolist()]
    return _of_lines(name, np.where(there, laid, np.nan), names, ends)


def _of_wave(name: str, parts: Array, spec: Spec) -> Heat:
    """The channels of the window with the largest parts, by samples."""
    window = parts[int(np.argmax(np.nansum(np.abs(parts), (1, 2))))]
    return _of_lines(name, window, spec.names if len(spec.names) == len(window) else (), ("", ""))


def _of_picture(parts: Array) -> Array:
    """The picture with the largest parts "T C *S", of a volume its slice with the largest, in few points."""
    summed = np.nansum(parts[int(np.argmax(np.nansum(np.abs(parts), tuple(range(1, parts.ndim)))))], 0)
    if summed.ndim > 2:
        summed = summed[int(np.argmax(np.abs(summed).sum((1, 2))))]
    height, width = summed.shape
    side = max(1, -(-max(height, width) // POINTS))
    return _binned(_binned(summed, -(-width // side)).T, -(-height // side)).T


def _binned(values: Array, columns: int) -> Array:
    """Lines "L P" with neighbouring columns added up until there are at most so many; NaN where all of them are."""
    each = -(-values.shape[1] // columns)
    if each <= 1:
        return values
    padded = np.pad(values, ((0, 0), (0, -values.shape[1] % each)), constant_values=np.nan)
    parts = padded.reshape(len(values), -1, each)
    return np.where(np.isfinite(parts).any(2), np.nansum(parts, 2), np.nan)
