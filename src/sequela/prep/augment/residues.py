"""Changes of sequences of residues, as integers "B T": the other strand, another SMILES of the same molecule, wrong letters."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, TypeAlias

import torch
from msgspec import Meta
from torch import Generator, Tensor

from sequela.errors import ConfigError, DataError
from sequela.prep.augment import strands
from sequela.prep.augment.change import Entry
from sequela.prep.augment.classes import Classes
from sequela.prep.augment.drawing import Kind, Options, Rows, Share, some
from sequela.residues import smiles
from sequela.residues.alphabets import ALPHABETS, BEGIN, END
from sequela.types import Seq, Spec, Target

SEEDS = 2**31 - 1  # that RDKit takes
LABELLED = ("contact", "entities", "tagging")  # tasks whose labels are of steps, and would not move along


class ReverseComplement(Options, frozen=True):
    often: Share = 0.5  # the share of the rows that are read from the other strand


class Randomised(Options, frozen=True):
    pass


class Mutate(Options, frozen=True):
    rate: Annotated[float, Meta(gt=0, le=1)] = 0.01  # the share of the letters of a row that become another one


def _draw_turns(options: ReverseComplement, rows: Rows, generator: Generator) -> Tensor:
    """1 for a row that is turned, "N"."""
    return some(rows.often, generator).double()


def _draw_seeds(options: Randomised, rows: Rows, generator: Generator) -> Tensor:
    """The seed of each row's SMILES, "N"; 0 for one that stays."""
    seeds = torch.randint(1, SEEDS, (rows.count,), generator=generator).double()
    return seeds * some(rows.often, generator)


def _draw_letters(options: Mutate, rows: Rows, generator: Generator) -> Tensor:
    """Of each step, "N T", where among the other letters its new one stands, in (0, 1]; 0 for one that stays."""
    hit = torch.rand(rows.count, *rows.shape, generator=generator) < options.rate
    which = 1 - torch.rand(rows.count, *rows.shape, generator=generator, dtype=torch.float64)
    return which * (hit & some(rows.often, generator)[:, None])


KINDS: Mapping[str, Kind] = {
    "reverse_complement": Kind(ReverseComplement, _draw_turns, None),
    "randomised": Kind(Randomised, _draw_seeds, None),
    "mutate": Kind(Mutate, _draw_letters, None),
}


@dataclass(frozen=True, slots=True)
class Residues:
    """Changes of one input of residues, in the order given."""

    spec: Spec
    entries: tuple[Entry, ...]
    classes: Classes | None = None

    def __call__(self, seq: Seq, generator: Generator, target: Target | None = None) -> Seq:
        """The batch changed, each row by itself even where rows share a sequence; the same generator state, the same change."""
        seq = _apart(seq)
        return self.apply(seq, self.draw(seq, generator, target))

    def draw(self, seq: Seq, generator: Generator, target: Target | None = None) -> tuple[Tensor, ...]:
        """One tensor of numbers for each entry, a row for each row; 0 changes nothing."""
        members = None if self.classes is None or target is None else self.classes.members(target)
        count, steps = seq.mask.shape

        def drawn(entry: Entry) -> Tensor:
            return entry.kind.draw(entry.options, Rows(1, (steps,), (1.0,), entry.often(count, members)), generator)

        return tuple(drawn(entry) for entry in self.entries)

    def apply(self, seq: Seq, drawn: Sequence[Tensor]) -> Seq:
        """The batch changed by what was drawn: deterministic."""
        for entry, numbers in zip(self.entries, drawn, strict=True):
            if bool(numbers.any()):
                seq = _ACTS[entry.name](seq, numbers, self.spec)
        return seq

    def dense(self, seq: Seq, dense: Tensor, drawn: Sequence[Tensor]) -> Tensor:
        """Raises DataError: a sequence has no points."""
        raise DataError("masks and boxes are of pictures, and this input is a sequence of residues")


def build(entries: Sequence[Entry], spec: Spec, classes: Classes | None, task: str) -> Residues:
    """Raises ConfigError for a change that this alphabet or form cannot have, or that would part steps from their labels."""
    for one in entries:
        _possible(one.name, spec)
        if task in LABELLED and one.name != "mutate":
            raise ConfigError(f"augment: {one.name} moves the steps, and the labels of a task of the kind {task!r} stand at them")
    return Residues(spec, tuple(entries), classes)


def _possible(name: str, spec: Spec) -> None:
    if name == "reverse_complement":
        strands.partners(spec)
    elif name == "randomised" and spec.alphabet != "smiles":
        raise ConfigError(f"augment: randomised rewrites SMILES, and this input is of {spec.alphabet}")
    elif name == "mutate" and (spec.alphabet not in ALPHABETS or any(len(one) > 1 for one in {*spec.names[1:]} - {BEGIN, END})):
        raise ConfigError("augment: mutate changes single letters of DNA, RNA or a protein", hint='form = "letters"')


def _apart(seq: Seq) -> Seq:
    """Every row with a sequence of its own."""
    if seq.take is None:
        return seq
    values, mask, position = (part[seq.take] for part in (seq.values, seq.mask, seq.position))
    return replace(seq, values=values, mask=mask, position=position, take=None)


def _turned(seq: Seq, drawn: Tensor, spec: Spec) -> Seq:
    hit = (drawn > 0).to(seq.values.device)[:, None]
    return replace(seq, values=torch.where(hit, strands.turned(seq, strands.partners(spec)), seq.values))


def _mutated(seq: Seq, drawn: Tensor, spec: Spec) -> Seq:
    """Certain letters become another certain one; the others stay: numbers 1 to L are the certain letters, in order."""
    count = len(ALPHABETS[spec.alphabet].letters)
    drawn = drawn.to(seq.values.device)
    certain = (seq.values >= 1) & (seq.values <= count)
    further = (drawn * (count - 1)).ceil().long()  # 1 to L - 1 letters further on, around
    other = (seq.values - 1 + further) % count + 1
    return replace(seq, values=torch.where((drawn > 0) & certain & seq.mask, other, seq.values))


def _randomised(seq: Seq, drawn: Tensor, spec: Spec) -> Seq:
    """Each molecule written otherwise; one with an unknown token, or that is no molecule (cut by max_steps), stays."""
    number = {name: place for place, name in enumerate(spec.names) if place}
    length = seq.mask.sum(1).tolist()
    rows = [one[:count] for one, count in zip(seq.values.tolist(), length, strict=True)]
    found = [_rewritten(one, int(seed), spec, number) for one, seed in zip(rows, drawn.tolist(), strict=True)]
    return _padded(seq, found)


def _rewritten(tokens: list[int], seed: int, spec: Spec, number: Mapping[str, int]) -> list[int]:
    first, last = ([one for one in side if spec.names[one] == mark] for side, mark in ((tokens[:1], BEGIN), (tokens[-1:], END)))
    inside = tokens[len(first) : len(tokens) - len(last)]
    if not seed or not inside or 0 in inside:
        return tokens
    try:
        text = smiles.randomised("".join(spec.names[one] for one in inside), seed)
    except DataError:
        return tokens
    return [*first, *(number.get(one, 0) for one in smiles.tokens(text)), *last]


def _padded(seq: Seq, rows: Sequence[Sequence[int]]) -> Seq:
    """The same rows with these steps, placed by their number."""
    device = seq.values.device
    length = torch.tensor([len(one) for one in rows], device=device)
    steps = torch.arange(max(1, int(length.max())), device=device)
    mask = steps < length[:, None]
    values = torch.zeros(mask.shape, dtype=seq.values.dtype, device=device)
    values[mask] = torch.tensor([one for row in rows for one in row], dtype=values.dtype, device=device)
    return replace(seq, values=values, mask=mask, position=steps.to(seq.position.dtype).where(mask, 0))


_Act: TypeAlias = Callable[[Seq, Tensor, Spec], Seq]
_ACTS: Mapping[str, _Act] = {"reverse_complement": _turned, "randomised": _randomised, "mutate": _mutated}
