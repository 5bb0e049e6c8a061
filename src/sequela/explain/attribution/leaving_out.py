"""How far the number falls when something is put aside: of numbers to the training mean, of codes and words to saying nothing.

ablation    each natural group alone (groups.py; feature ablation, as Captum's FeatureAblation with a mask of groups)
occlusion   a cover that slides: over some steps of a series, some samples of a window, a square of a picture (Zeiler 2014);
            a cell has the mean of its covers

The cells that are put aside together share the fall evenly, so that the parts of a feature sum to what it does. What several
groups tell alike does not show in any of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import torch
from torch import Tensor

from sequela.explain import occlusion as pictures
from sequela.explain import stretches
from sequela.explain.attribution.cells import Cells
from sequela.explain.attribution.compared import Compared
from sequela.explain.attribution.found import Found
from sequela.explain.attribution.groups import groups
from sequela.explain.attribution.options import Options

COVERED = 5  # steps of a series of numbers under a cover


def ablation(rows: Compared, options: Options) -> Found:
    """Each group put aside alone."""
    cells = rows.cells
    grouped = groups(cells, options.by)
    most = int(grouped.count.max()) if len(grouped.count) else 0
    keep = ~torch.eye(most, dtype=torch.bool, device=cells.column.device)
    whole = cells.asked(*cells.tensors, cells.row)
    fall = whole.new_zeros(len(whole), most)
    for group in range(most):
        having = cells.row[grouped.count > group]
        tensors = grouped.kept(cells, having, keep[group].expand(len(having), -1))
        fall[having, group] = whole[having] - cells.asked(*tensors, having)
    return Found(grouped.shared(fall), most)


def occlusion(rows: Compared, options: Options) -> Found:
    """Each cover in turn, over all rows at once."""
    cells = rows.cells
    whole = cells.asked(*cells.tensors, cells.row)
    sums = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    times = [torch.zeros_like(sum_) for sum_ in sums]
    asked = 0
    for cover in covers(cells):
        under = [there & seen for there, seen in zip(cells.there, cover, strict=True)]
        given = [torch.where(one, rest, tensor) for one, rest, tensor in zip(under, cells.rest, cells.tensors, strict=True)]
        fall = whole - cells.asked(*given, cells.row)
        share = fall / torch.stack([one.flatten(1).sum(1) for one in under]).sum(0).clamp(min=1)
        for sum_, time, one in zip(sums, times, under, strict=True):
            sum_.add_(one * share.view(-1, *[1] * (one.dim() - 1)))
            time.add_(one)
        asked += 1
    return Found([sum_ / time.clamp(min=1) for sum_, time in zip(sums, times, strict=True)], asked)


def covers(cells: Cells) -> Iterator[tuple[Tensor, ...]]:
    """What lies under each cover, bool, spread like the tensors from their second axis on."""
    for number, key in enumerate(cells.keys):
        tensor, spec = cells.tensors[number], cells.specs[key.name]
        if key.part == "context" or (spec.single and len(spec.shape) <= 1):
            parts: Iterator[tuple[slice | int, ...]] = product(*(range(size) for size in tensor.shape[1:]))
        elif key.part == "side":
            continue  # goes with the values of its steps
        else:
            parts = _along(tensor, 1 if spec.vocabulary else COVERED)
        for part in parts:
            yield _under(cells, number, part)


def _under(cells: Cells, number: int, part: tuple[slice | int, ...]) -> tuple[Tensor, ...]:
    """The cover over a part of one tensor, and over what stands beside whole steps that it covers."""
    found = [torch.zeros(tensor.shape[1:], dtype=torch.bool, device=tensor.device) for tensor in cells.tensors]
    found[number][part] = True
    own = cells.keys[number]
    for other, key in enumerate(cells.keys):
        if own.part == "values" and key.part == "side" and key.name == own.name and len(part) == 1:
            found[other][part] = True
    return tuple(found)


def _along(tensor: Tensor, covered: int) -> Iterator[tuple[slice | int, ...]]:
    """Parts of "T *F": some steps together, or of each step some samples or a square."""
    steps, space = tensor.shape[1], tensor.shape[3:]
    if not space:
        last = max(steps - covered, 0)
        yield from ((slice(begin, begin + covered),) for begin in range(last + 1))
        return
    parts = (
        ((one,) for one in stretches.parts(space[0], stretches.COVERS))
        if len(space) == 1
        else pictures.parts(space, pictures.COVERS)
    )
    for part, step in product(list(parts), range(steps)):
        yield (step, slice(None), *part)
