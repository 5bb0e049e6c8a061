"""Training a BiLSTM-CRF with a character CNN: words per CPU-second of ours and of the same network in plain PyTorch, one thread.

    python bench/bilstm_crf.py

Texts are drawn with the shape of abstracts: 64 of 120 to 350 words, 6,000 words by a power law, 2 to 14 letters each, two types
of entities. A training step is the network forward, the loss, backward, the gradient's norm clipped and AdamW, on batches of 8
texts of like length that are ready in memory: model and loss are those that `sequela run` builds, its loop is no part of it. The
plain network has the same layers and widths: nn.Embedding, nn.Conv1d over the characters of each word, nn.LSTM in two directions,
nn.Linear, and a CRF whose forward algorithm takes a batch at a time, under autograd. It runs twice: packed, which is the same
function, and padded, whose backward direction reads the padding first, as is often done because it is faster.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ["OMP_WAIT_POLICY"], os.environ["OMP_NUM_THREADS"] = "PASSIVE", "1"

import numpy as np
import torch
from harness import PACKAGES, measure, record
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from sequela import config, threads
from sequela import model as models
from sequela.text import scheme
from sequela.types import Seq, Spec, Target, Wording

TEXTS, BATCH, SHORTEST, LONGEST = 64, 8, 120, 350
VOCABULARY, SHAPES, LETTERS, CHARACTERS = 6000, 16, 60, 14
TYPES = ("Disease", "Drug")
TAGS = scheme.size(len(TYPES))
WIDTH, EMBEDDING, LETTER, FILTERS, SHAPE, DROPOUT = 128, 100, 25, 50, 8, 0.5
TURNS = 3  # of each side, over all texts
SPEC = Spec("text", (2 + CHARACTERS,), "index", vocabulary=VOCABULARY, words=Wording(SHAPES, LETTERS))


@dataclass(frozen=True)
class Ready:
    """One batch."""

    seq: Seq
    target: Target

    @property
    def words(self) -> int:
        return int(self.seq.mask.sum())


def batches() -> list[Ready]:
    """Texts of like length together, the same for every side."""
    random = np.random.default_rng(0)
    lexicon = np.concatenate(
        [np.arange(VOCABULARY)[:, None], random.integers(0, SHAPES, (VOCABULARY, 1)), _letters(random)], axis=1
    )
    share = 1 / np.arange(1, VOCABULARY + 1) ** 1.05
    lengths = np.sort(random.integers(SHORTEST, LONGEST + 1, TEXTS))
    return [_ready(random, lexicon, share / share.sum(), lengths[i : i + BATCH]) for i in range(0, TEXTS, BATCH)]


def _letters(random: np.random.Generator) -> np.ndarray:
    drawn = random.integers(1, LETTERS, (VOCABULARY, CHARACTERS))
    return np.where(np.arange(CHARACTERS) < random.integers(2, CHARACTERS + 1, (VOCABULARY, 1)), drawn, 0)


def _ready(random: np.random.Generator, lexicon: np.ndarray, share: np.ndarray, lengths: np.ndarray) -> Ready:
    mask = np.arange(lengths.max()) < lengths[:, None]
    words = lexicon[random.choice(VOCABULARY, mask.shape, p=share)] * mask[:, :, None]
    tags = np.where(mask, random.choice([0, 4, 8], mask.shape, p=[0.9, 0.05, 0.05]), -1)
    seq = Seq(torch.from_numpy(words), torch.from_numpy(mask), torch.zeros(mask.shape, dtype=torch.float64))
    known = torch.ones(len(lengths), 1, dtype=torch.bool)
    return Ready(seq, Target(known.float(), known, TYPES, torch.from_numpy(tags)))


# ----------------------------------------------------------------------------------------------------------------------- ours


def ours() -> Callable[[Ready], Tensor]:
    """The loss of a batch by the model that a study builds."""
    encoder = {
        "name": "bilstm",
        "width": WIDTH,
        "embedding": EMBEDDING,
        "dropout": DROPOUT,
        "spelling": {"characters": LETTER, "filters": FILTERS, "shapes": SHAPE},
    }
    study = config.convert(
        {
            "name": "bench",
            "question": "What does the text name?",
            "data": {"source": "."},
            "cohort": {"index": "SAMPLE"},
            "outcome": {"spans": "named"},
            "inputs": {"text": {"modality": "text", "encoder": encoder}},
            "task": "entities",
        },
        config.Study,
    )
    model, task = models.build(study, {"text": SPEC}, TYPES)
    return Step(model.train(), lambda ready: task.loss(model({"text": ready.seq}), ready.target))


class Step:
    """One training step, and its loss."""

    def __init__(self, model: nn.Module, loss: Callable[[Ready], Tensor]) -> None:
        self.model, self.loss = model, loss
        self.optimizer = torch.optim.AdamW(model.parameters(), 1e-3)

    def __call__(self, ready: Ready) -> Tensor:
        loss = self.loss(ready).sum() / ready.words
        self.optimizer.zero_grad()
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
        self.optimizer.step()
        return loss.detach()


# ---------------------------------------------------------------------------------------------------------------------- plain


class Plain(nn.Module):
    """The same network as one would write it."""

    def __init__(self, packed: bool) -> None:
        super().__init__()
        self.packed = packed
        self.words = nn.Embedding(VOCABULARY, EMBEDDING)
        self.shapes = nn.Embedding(SHAPES, SHAPE)
        self.letters = nn.Embedding(LETTERS, LETTER, padding_idx=0)
        self.filters = nn.Conv1d(LETTER, FILTERS, 3, padding=1)
        self.lstm = nn.LSTM(EMBEDDING + SHAPE + FILTERS, WIDTH, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(DROPOUT)
        self.out = nn.Linear(2 * WIDTH, TAGS)
        self.transitions = nn.Parameter(torch.zeros(TAGS, TAGS))
        self.start, self.end = nn.Parameter(torch.zeros(TAGS)), nn.Parameter(torch.zeros(TAGS))

    def loss(self, ready: Ready) -> Tensor:
        """Minus the log-likelihood of each text's tags."""
        mask, tags = ready.seq.mask, ready.target.dense.clamp_min(0)
        emissions = self.out(self.dropout(self._states(self.dropout(self._vectors(ready.seq.values)), mask)))
        return self._partition(emissions, mask) - self._score(emissions, tags, mask)

    def _vectors(self, values: Tensor) -> Tensor:
        spelled = values[..., 2:].flatten(0, 1)
        answers = self.filters(self.letters(spelled).transpose(1, 2)).masked_fill(spelled.unsqueeze(1) == 0, -1e4)
        found = answers.amax(2).view(*values.shape[:2], -1)
        return torch.cat([self.words(values[..., 0]), self.shapes(values[..., 1]), found], 2)

    def _states(self, vectors: Tensor, mask: Tensor) -> Tensor:
        if not self.packed:
            states: Tensor = self.lstm(vectors)[0]
            return states
        packed = pack_padded_sequence(vectors, mask.sum(1), batch_first=True, enforce_sorted=False)
        return pad_packed_sequence(self.lstm(packed)[0], batch_first=True)[0]

    def _partition(self, emissions: Tensor, mask: Tensor) -> Tensor:
        state = self.start + emissions[:, 0]
        for step, there in zip(emissions.unbind(1)[1:], mask.unbind(1)[1:], strict=True):
            after = torch.logsumexp(state.unsqueeze(2) + self.transitions, 1) + step
            state = torch.where(there.unsqueeze(1), after, state)
        return torch.logsumexp(state + self.end, 1)

    def _score(self, emissions: Tensor, tags: Tensor, mask: Tensor) -> Tensor:
        own = (emissions.gather(2, tags.unsqueeze(2)).squeeze(2) * mask).sum(1)
        moves = (self.transitions[tags[:, :-1], tags[:, 1:]] * mask[:, 1:]).sum(1)
        ends = tags.gather(1, mask.sum(1, keepdim=True) - 1).squeeze(1)
        return own + moves + self.start[tags[:, 0]] + self.end[ends]


def plain(packed: bool) -> Callable[[Ready], Tensor]:
    network = Plain(packed)
    return Step(network.train(), network.loss)


# -------------------------------------------------------------------------------------------------------------------- measured


def main() -> None:
    threads.prepare(1)
    ready = batches()
    torch.manual_seed(0)
    sides = {"ours": ours(), "plain_packed": plain(True), "plain_padded": plain(False)}
    for step in sides.values():
        _rate(step, ready[:1])
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(TURNS):  # turn by turn, so that what else the machine does meets all sides
        for name, step in sides.items():
            rates[name].append(_rate(step, ready))
    middle = {name: float(np.median(found)) for name, found in rates.items()}
    fastest = max(middle["plain_packed"], middle["plain_padded"])
    found: dict[str, Any] = {
        "shape": {"texts": TEXTS, "words": sum(one.words for one in ready), "batch": BATCH, "width": WIDTH, "tags": TAGS},
        "words_per_cpu_second": {name: round(rate) for name, rate in middle.items()},
        "ours_of_packed": round(middle["ours"] / middle["plain_packed"], 2),
        "ours_of_the_faster": round(middle["ours"] / fastest, 2),
        "goal": {"ours_of_the_faster": 0.95},
    }
    record("bilstm_crf", found, PACKAGES)


def _rate(step: Callable[[Ready], Tensor], ready: list[Ready]) -> float:
    with measure() as spent:
        for one in ready:
            step(one)
    return sum(one.words for one in ready) / spent.cpu_seconds


if __name__ == "__main__":
    main()
