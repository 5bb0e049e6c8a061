"""Which medications will be given, and may be recommended? A set over a vocabulary of drugs; the answer is K probabilities.

The head is a linear map of the pooled vector beside a graph memory in the manner of GAMENet (Shang 2019, AAAI): drugs that are
given together in the training rows, less drugs that interact. Ours differs: the first graph is weighed by how often two drugs are
given together (cosine), not by whether they ever were.

The loss of a row is the cross-entropy, and, with `ddi_weight`, a penalty on expected pairs that interact, as SafeDrug has it
(Yang 2021, IJCAI): sum over i < j of D_ij p_i p_j, over K, times a factor that rises from 0 to 1 as the row's rate of
interacting pairs passes from `ddi_target` to `ddi_target` + RAMP. Ours differs: the rate is that of the probabilities, not of the
decisions, and the cross-entropy keeps its full weight.

Two rules hold of every answer that is given, whatever the network says: a drug that a constraint rules out for the patient has
probability 0, and of two drugs whose interaction is "contraindicated" the less likely one has. What has probability 0 is never
called.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
import numpy as np
import torch
from msgspec import Meta
from torch import Tensor, nn

from sequela.errors import ConfigError
from sequela.nn import head as heads
from sequela.nn.graph import GraphMemory
from sequela.study import contraindications, interactions
from sequela.study.contraindications import Constraints, Fact, Rules
from sequela.study.interactions import Interactions
from sequela.tasks import multilabel
from sequela.types import Answer, Array, Encoded, Known, Target

KIND: Literal["multilabel"] = "multilabel"
RAMP = 0.05  # of the DDI rate above its target, over which the penalty rises to its full weight (SafeDrug's K_p)
NOTICE = (
    "Decision support for a prescriber, not an order: it says which medications were given to like patients, less those that the "
    "listed rules exclude. It knows only what the records and these tables say; indication, dose and safety are to be checked."
)


class Config(multilabel.Losses, frozen=True):
    interactions: str | Interactions = ""  # CSV of drug_a, drug_b, severity, source; looked for beside the study
    constraints: str | Constraints = ""  # CSV of drug, when, reason, source; likewise
    facts: dict[str, Fact] = {}  # noqa: RUF012  (msgspec copies it) what the constraints ask for -> what tells it in the records
    others: Literal["refuse", "ignore"] = "refuse"  # drugs of the two tables that the outcome does not name
    apart: bool = True  # never recommend together what interacts with the severity "contraindicated"
    ddi_weight: Annotated[float, Meta(ge=0)] = 0.0  # of the penalty on interacting pairs
    ddi_target: Annotated[float, Meta(ge=0, le=1)] = 0.0  # share of a row's pairs that may interact without a penalty
    memory: Annotated[int, Meta(ge=0)] = 32  # width of the graph memory; 0: none


def gathered(config: Config, find: Callable[[str], Path]) -> Config:
    """The options with what their files say in place of the files' names, so that the study holds it whole.

    `find` gives the path of a file that the study names. Raises DataError for a file that is not understood.
    """
    given, rules = config.interactions, config.constraints
    return msgspec.structs.replace(
        config,
        interactions=interactions.read(find(given)) if isinstance(given, str) and given else given,
        constraints=contraindications.read(find(rules)) if isinstance(rules, str) and rules else rules,
    )


class Head(nn.Module):
    """K logits "B K" of a pooled vector, and what it finds in the memory of drugs."""

    def __init__(self, width: int, interacts: Tensor, config: Config) -> None:
        super().__init__()
        drugs = len(interacts)
        self.plain = heads.Head(width, drugs, heads.Config(dropout=config.dropout, hidden=config.hidden))
        self.memory = GraphMemory(width, drugs, config.memory, config.dropout) if config.memory else None
        self.found = nn.Linear(config.memory, drugs, bias=False) if config.memory else None
        if self.memory is not None and self.found is not None:
            self.memory.begin_with(torch.zeros_like(interacts), interacts)
            nn.init.zeros_(self.found.weight)  # the first answers are the base rates

    def forward(self, encoded: Encoded) -> Tensor:
        logits: Tensor = self.plain(encoded)
        if self.memory is None or self.found is None:
            return logits
        return logits + self.found(self.memory(encoded.pooled))  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class Recommend:
    """K logits a row; its answers are held to the rules (contracts.Guarded)."""

    config: Config
    labels: multilabel.Multilabel
    rules: Rules
    interacts: Array | None = None  # bool "K K"; None where no table is given
    never: Array | None = field(default=None)  # bool "K K": those that are never recommended together
    needs: ClassVar[Literal["pooled"]] = "pooled"
    kind: ClassVar[Literal["multilabel"]] = KIND
    notice: ClassVar[str] = NOTICE

    @property
    def names(self) -> tuple[str, ...]:
        return self.labels.names

    def check(self, target: Target) -> None:
        """Raises DataError where a drug's label is known of no row, is neither 0 nor 1, or is the same in all rows."""
        self.labels.check(target)

    def head(self, width: int) -> nn.Module:
        return Head(width, self._graph(), self.config)

    def start(self, head: nn.Module, target: Target) -> None:
        """Sets each bias to the log-odds of its drug's training rate, and the graph of drugs that are given together."""
        assert isinstance(head, Head)
        self.labels.start(head.plain, target)
        if head.memory is not None:
            head.memory.begin_with(_given_together(target), self._graph())

    def loss(self, out: Tensor, target: Target) -> Tensor:
        plain = self.labels.loss(out, target)
        if self.interacts is None or not self.config.ddi_weight:
            return plain
        penalty = self.config.ddi_weight * interacting(out.sigmoid(), self._graph().to(out), self.config.ddi_target)
        return plain + penalty.where(target.known.any(1), 0.0)

    def balance(self, target: Target) -> Array:
        return self.labels.balance(target)

    def answer(self, out: Tensor) -> Answer:
        """What the network says; `held` makes of it what may be said."""
        return self.labels.answer(out)

    # ------------------------------------------------------------------------------------------------------------------ rules

    def barred(self, known: Known) -> Array:
        """Which drug a constraint rules out of which row, bool "N K"."""
        return self.rules.barred(known)

    def held(self, answer: Answer, barred: Array) -> Answer:
        """The answer with probability 0 for all that the rules exclude."""
        allowed = np.where(barred, 0.0, answer.values)
        return replace(answer, values=allowed if self.never is None else interactions.without_pairs(allowed, self.never))

    def withheld(self, known: Known, called: Array) -> list[dict[str, str]]:
        """Of each row: drug -> why it is not recommended; `called` bool "N K" is what is."""
        found = self.rules.reasons(known)
        if self.never is None:
            return found
        for row, others in enumerate((called.astype(np.int64) @ self.never) > 0):
            for drug in np.flatnonzero(others).tolist():
                partners = ", ".join(self.names[k] for k in np.flatnonzero(self.never[drug] & called[row]))
                found[row].setdefault(self.names[drug], f"contraindicated together with {partners}")
        return found

    def unchecked(self, known: Known) -> list[list[str]]:
        """Of each row: what the constraints ask for and nobody knows."""
        return self.rules.unchecked(known)

    @property
    def constrains(self) -> bool:
        """Whether there are any constraints."""
        return bool(self.rules.rules)

    @property
    def asked(self) -> dict[str, list[str]]:
        """What the constraints ask for -> codes of which the data must have one."""
        return self.rules.asked

    @property
    def told(self) -> tuple[str, ...]:
        """The tables that it is held to, a sentence each."""
        pairs, rules = self.config.interactions, self.config.constraints
        said = []
        if isinstance(pairs, Interactions):
            said.append(f"Interactions: {len(pairs.pairs)} pairs of {pairs.file} (SHA-256 {pairs.sha256[:12]}…).")
        if isinstance(rules, Constraints):
            said.append(f"Constraints: {len(rules.rules)} rules of {rules.file} (SHA-256 {rules.sha256[:12]}…).")
        return tuple(said)

    def _graph(self) -> Tensor:
        interacts = np.zeros((len(self.names),) * 2, bool) if self.interacts is None else self.interacts
        return torch.tensor(interacts, dtype=torch.float32)


def interacting(risk: Tensor, interacts: Tensor, target: float) -> Tensor:
    """The penalty "B" of probabilities "B K": expected interacting pairs over K, as far as their rate is above the target."""
    pairs = ((risk @ interacts) * risk).sum(1) / 2
    possible = (risk.sum(1).square() - risk.square().sum(1)) / 2
    rate = pairs / possible.clamp_min(1e-9)
    return ((rate - target) / RAMP).clamp(0, 1).detach() * pairs / risk.shape[1]


def _given_together(target: Target) -> Tensor:
    """How often two drugs are given in one row, over the geometric mean of how often each is: "K K", 0 on the diagonal."""
    given = torch.as_tensor(np.where(target.known, target.values, 0.0), dtype=torch.float32)
    both = given.T @ given
    often = both.diagonal().clamp_min(1).sqrt()
    found = both / (often[:, None] * often)
    return found.fill_diagonal_(0)


def build(config: Config, names: tuple[str, ...]) -> Recommend:
    """The task for these drugs.

    Raises ConfigError for tables that were not read, an interaction penalty without interactions, or a fact that is not said;
    DataError for a drug of the tables that the outcome does not name.
    """
    if isinstance(config.interactions, str) and config.ddi_weight and not config.interactions:
        raise ConfigError("task.ddi_weight needs task.interactions", hint='interactions = "interactions.csv"')
    others = config.others == "ignore"
    return Recommend(
        config,
        multilabel.build(_labels(config), names),
        _rules(config, names, others=others),
        *_pairs(config, names, others=others),
    )


def _labels(config: Config) -> multilabel.Config:
    return multilabel.Config(
        dropout=config.dropout, hidden=config.hidden, loss=config.loss, gamma=config.gamma, smoothing=config.smoothing
    )


def _rules(config: Config, names: tuple[str, ...], *, others: bool) -> Rules:
    table = config.constraints
    if isinstance(table, str):
        _refuse_unread("constraints", table)
        return Rules(names)
    return contraindications.compiled(table, config.facts, names, others=others)


def _pairs(config: Config, names: tuple[str, ...], *, others: bool) -> tuple[Array | None, Array | None]:
    """Which drugs interact at all, and which are never recommended together."""
    table = config.interactions
    if isinstance(table, str):
        _refuse_unread("interactions", table)
        return None, None
    never = interactions.matrix(table, names, ("contraindicated",), others=others) if config.apart else None
    return interactions.matrix(table, names, others=others), never


def _refuse_unread(option: str, file: str) -> None:
    if file:
        raise ConfigError(
            f"task.{option} names the file {file!r}, which has not been read",
            hint="tasks.recommend.gathered reads it, as a run does",
        )
