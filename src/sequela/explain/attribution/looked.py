"""What networks tell of themselves: where they looked, what their sums are made of, where their last convolution sees something.

attention   the weights of the steps in the attention of an encoder, shown as attention. They say where vectors were taken from,
            not what they did to the answer, nor in which direction (Jain and Wallace 2019): this is no explanation
retain      the exact terms of RETAIN under a head of one layer (Choi 2016, equation 5)
grad_cam    the heat of a picture (explain/grad_cam.py): between 0 and 1, without a sign, shared by its channels
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from sequela.encoders.retain import RETAIN, contributions
from sequela.errors import UsageError
from sequela.explain import grad_cam as pictures
from sequela.explain.attribution.cells import Cells
from sequela.explain.attribution.compared import Compared
from sequela.explain.attribution.found import Found
from sequela.explain.attribution.options import Options
from sequela.explain.question import Asked
from sequela.model import Model
from sequela.nn.attention import Attention
from sequela.nn.head import Head


def attention(rows: Compared, options: Options) -> Found:
    """Of each step its weight, the mean over networks, shared evenly by what was seen in it; 0 of inputs without attention."""
    cells = rows.cells
    parts = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    for number, key in enumerate(cells.keys):
        if key.part == "values":
            there = cells.there[number]
            each = there.flatten(2).sum(2).clamp(min=1) if there.dim() > 2 else torch.ones_like(there, dtype=torch.int64)
            share = _weights(cells, key.name) / each
            parts[number] = there * share.view(*share.shape, *[1] * (there.dim() - 2))
    return Found(parts, 0)


def _weights(cells: Cells, name: str) -> Tensor:
    """The weight of each step of an input, float64 "B T"."""
    seq = cells.inputs[name]
    total = torch.zeros(seq.mask.shape, dtype=torch.float64, device=seq.mask.device)
    looks = 0
    for member in cells.question.members:
        with _seen(member.encoders[f"input_{name}"], seq.mask.shape) as weights, torch.no_grad():
            member.encode(name, seq)
        total += sum(weights, torch.zeros_like(total))
        looks += len(weights)
    return total / max(looks, 1)


@contextmanager
def _seen(encoder: nn.Module, shape: torch.Size) -> Iterator[list[Tensor]]:
    """The weights over steps of this shape that an encoder's attentions give while it reads."""
    found: list[Tensor] = []

    def look(module: nn.Module, given: tuple[Tensor, Tensor], _made: object) -> None:
        assert isinstance(module, Attention)
        if given[1].shape == shape:
            found.append(module.weights(*given).detach().double())

    hooks = [module.register_forward_hook(look) for module in attentions(encoder)]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def attentions(encoder: nn.Module) -> list[nn.Module]:
    """The parts of an encoder that weigh steps."""
    return [module for module in encoder.modules() if isinstance(module, Attention)]


def retain(rows: Compared, options: Options) -> Found:
    """Each code's, number's and visit's own term; `rest` is the bias, and what stands for nothing seen."""
    cells = rows.cells
    parts = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    for member in cells.question.members:
        for part, terms in zip(parts, _terms(cells, member), strict=True):
            part.add_(terms, alpha=1 / len(cells.question.members))
    sums = torch.stack([(part * there).flatten(1).sum(1) for part, there in zip(parts, cells.there, strict=True)]).sum(0)
    return Found(
        [part * there for part, there in zip(parts, cells.there, strict=True)], 0, cells.asked(*cells.tensors, cells.row) - sums
    )


def _terms(cells: Cells, member: Model) -> list[Tensor]:
    """The terms of one network, like the tensors."""
    (seq,), (encoder,), head = cells.inputs.values(), member.encoders.values(), member.head
    assert isinstance(encoder, RETAIN) and isinstance(head, Head)
    found = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    for column in set(cells.column.tolist()):
        mine = cells.column == column
        of = contributions(encoder, seq, head.out.weight[column])
        for number, key in enumerate(cells.keys):
            found[number][mine] = getattr(of, key.part)[mine].double()
    return found


def grad_cam(rows: Compared, options: Options) -> Found:
    """Of each picture its heat, the mean over networks; 0 of inputs that are no pictures."""
    cells = rows.cells
    parts = [torch.zeros_like(tensor, dtype=torch.float64) for tensor in cells.tensors]
    for number, key in enumerate(cells.keys):
        if key.part == "values" and len(cells.specs[key.name].shape) > 2:
            for member in cells.question.members:
                asked = Asked(member, key.name, dict(cells.inputs))
                heat = pictures.heat(asked, member.encoders[f"input_{key.name}"], cells.column)
                share = torch.as_tensor(heat, device=parts[number].device).unsqueeze(2) / parts[number].shape[2]
                parts[number] += share.expand(parts[number].shape) / len(cells.question.members)
    if not any(bool(part.any()) for part in parts) and not any(len(spec.shape) > 2 for spec in cells.specs.values()):
        raise UsageError("no input is of pictures", hint="take occlusion")
    return Found(parts, 0)
