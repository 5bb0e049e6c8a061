"""A language model of Hugging Face's transformers as an encoder of subwords or residues, frozen or tuned, however many.

Of text, its input are the numbers that the folder's own tokenizer gives (`modality = { name = "text", form = "subwords",
tokenizer = "hf:FOLDER" }`), a step each. Of residues they are our letters, k-mers or tokens, which `_tokens.py` tells in the
folder's own vocabulary. What the network wants around a text ([CLS] and [SEP], <s> and </s>, <cls> and <eos>) is added here and
is no step.
A text that is longer than the network has places for is read in windows that overlap; what stands in several of them is the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from sequela.encoders._tokens import Numbered
from sequela.errors import ConfigError
from sequela.nn.mask import existing
from sequela.nn.pool import Pool
from sequela.nn.readout import beside
from sequela.types import Encoded, Seq, Spec

PLACES = 512  # that a network is taken to have where its configuration does not tell


@dataclass(frozen=True, slots=True)
class Reading:
    """How a network is read."""

    name: str  # for errors
    pool: str  # first: of what stands for the whole text; else what nn/pool.py knows
    dropout: float  # of the pooled vector
    frozen: bool
    window: int  # steps at once; 0: as many as the network has places for
    overlap: int  # steps that a window shares with the one before it


class Language(nn.Module):
    """Steps "B T D", the last hidden states of the subwords or residues, and a pooled vector with the context after it.

    A frozen network is as in evaluation also while training, and has no gradient.
    """

    gives = frozenset({"pooled", "steps"})
    causal = False
    numbers: Tensor  # the network's, of each number of the input; empty where they are the same

    def __init__(self, network: nn.Module, spec: Spec, reading: Reading, numbered: Numbered) -> None:
        super().__init__()
        self.network = network.float()
        self.frozen = reading.frozen
        self.opening, self.closing = numbered.opening, numbered.closing
        self.register_buffer("numbers", torch.tensor(numbered.steps, dtype=torch.int64), persistent=False)
        self.window, self.overlap = _room(network, len(self._around), reading), reading.overlap
        self.padding = int(getattr(_told(network), "pad_token_id", None) or 0)
        self.steps_width = self._width(reading.name)
        self.pool = None if reading.pool == "first" else Pool(reading.pool, self.steps_width)
        self.dropout = nn.Dropout(reading.dropout)
        self.width = (self.steps_width if self.pool is None else self.pool.width) + spec.context
        if self.frozen:
            self.network.requires_grad_(False)

    def train(self, mode: bool = True) -> Language:
        super().train(mode)
        if self.frozen:
            self.network.eval()
        return self

    def forward(self, seq: Seq) -> Encoded:
        row, first = self._windows(seq.mask.sum(1))
        place = first.unsqueeze(1) + torch.arange(min(self.window, seq.mask.shape[1]), device=first.device)
        inside = place < seq.mask.sum(1)[row].unsqueeze(1)
        place = place.clamp_max(seq.mask.shape[1] - 1)
        opened, states = self._read(seq.values[row.unsqueeze(1), place], inside)
        steps = _averaged(states, row.unsqueeze(1).expand_as(place)[inside], place[inside], inside, seq.mask)
        return Encoded(steps, seq.mask, beside(self.dropout(self._pooled(steps, opened, row, seq.mask)), seq))

    @property
    def _around(self) -> list[int]:
        return [number for number in (self.opening, self.closing) if number is not None]

    def _windows(self, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """The row and the first step of each window: each row's first, and those that hold a step which none before them does."""
        step = self.window - self.overlap
        count = ((lengths - self.overlap - 1).clamp_min(0) // step + 1).clamp_min(1)
        row = torch.arange(len(lengths), device=lengths.device).repeat_interleave(count)
        number = torch.arange(len(row), device=lengths.device) - (count.cumsum(0) - count)[row]
        return row, number * step

    def _read(self, words: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Of each window "S W" what stands for all of it, "S D", and the states of its subwords, "S W D"."""
        numbers = (self.numbers[words] if len(self.numbers) else words).masked_fill(~mask, self.padding)
        if self.closing is not None:  # right behind the last subword
            numbers, mask = torch.nn.functional.pad(numbers, (0, 1), value=self.padding), torch.nn.functional.pad(mask, (0, 1))
            end = mask.sum(1, keepdim=True)
            numbers, mask = numbers.scatter(1, end, self.closing), mask.scatter(1, end, True)
        if self.opening is not None:
            numbers = torch.nn.functional.pad(numbers, (1, 0), value=self.opening)
            mask = torch.nn.functional.pad(mask, (1, 0), value=True)
        mask = mask.index_fill(1, torch.zeros(1, dtype=torch.int64, device=mask.device), True)  # attention needs something to see
        states = self._states(numbers, mask)
        begin = 0 if self.opening is None else 1
        return states[:, 0], states[:, begin : begin + words.shape[1]]

    def _states(self, numbers: Tensor, mask: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            states: Tensor = self.network(input_ids=numbers, attention_mask=mask.long()).last_hidden_state
        return states

    def _pooled(self, steps: Tensor, opened: Tensor, row: Tensor, mask: Tensor) -> Tensor:
        if self.pool is not None:
            pooled: Tensor = self.pool(steps, mask)
            return pooled
        summed = opened.new_zeros(len(mask), opened.shape[1]).index_add(0, row, opened)
        return existing(summed / torch.bincount(row, minlength=len(mask)).unsqueeze(1), mask.any(1))

    def _width(self, name: str) -> int:
        """Of the states. Raises ConfigError where the network gives none of a text."""
        training = self.network.training
        try:
            with torch.no_grad():
                given = self.network.eval()(
                    input_ids=torch.zeros(1, 2, dtype=torch.int64), attention_mask=torch.ones(1, 2).long()
                )
        except (TypeError, ValueError, RuntimeError, IndexError, AttributeError) as error:
            raise ConfigError(f"{name} does not read subwords: {error}") from error
        finally:
            self.network.train(training)
        states = getattr(given, "last_hidden_state", None)
        if not isinstance(states, Tensor) or states.dim() != 3:
            raise ConfigError(f"{name} gives no states of subwords or residues", hint="it needs an encoder, such as BERT")
        return states.shape[2]


def _averaged(states: Tensor, row: Tensor, place: Tensor, inside: Tensor, mask: Tensor) -> Tensor:
    """The mean of what all windows say of each step, "B T D"; 0 on padding."""
    index = row * mask.shape[1] + place
    summed = states.new_zeros(mask.numel(), states.shape[2]).index_add(0, index, states[inside])
    count = torch.bincount(index, minlength=mask.numel()).clamp_min(1).unsqueeze(1)
    return (summed / count).view(*mask.shape, -1)


def _told(network: nn.Module) -> Any:
    return getattr(network, "config", None)


def _room(network: nn.Module, around: int, reading: Reading) -> int:
    """How many steps a window holds. Raises ConfigError where the network has fewer places than was asked for."""
    places = int(getattr(_told(network), "max_position_embeddings", None) or PLACES)
    for name, part in network.named_modules():
        if name.endswith("position_embeddings") and isinstance(part, nn.Embedding) and part.padding_idx is not None:
            places -= part.padding_idx + 1  # RoBERTa counts its places from behind that of padding
    if reading.window > places - around:
        raise ConfigError(f"{reading.name} reads {places - around} steps at once; window = {reading.window} is more")
    room = reading.window or places - around
    if room <= reading.overlap:
        raise ConfigError(f"windows of {room} steps cannot overlap by {reading.overlap}", hint="overlap is to be smaller")
    return room


def build(network: nn.Module, spec: Spec, reading: Reading, numbered: Numbered) -> Language:
    """Raises ConfigError for steps that are no subwords or residues of this network, with the modality to ask for."""
    size = int(getattr(_told(network), "vocab_size", None) or 0)
    hint = 'modality = { name = "text", form = "subwords", tokenizer = "hf:FOLDER" }, of the same folder, without side'
    if spec.shape or spec.side or spec.words is not None:
        raise ConfigError(f"{reading.name} reads a number each step; this input's steps hold more", hint=hint)
    if numbered.steps and max(numbered.steps) >= size:
        raise ConfigError(f"{reading.name} has {size:,} tokens, and its vocabulary names number {max(numbered.steps):,}")
    if not numbered.steps and spec.vocabulary > size:
        raise ConfigError(f"{reading.name} has {size:,} subwords, and the input {spec.vocabulary:,}", hint=hint)
    return Language(network, spec, reading, numbered)
