"""GAMENet: visits, and a memory of what was given in those that were like the present one (Shang 2019, AAAI).

    h(t) = GRU(sum of the vectors of what visit t holds, medications left out)
    q(t) = W relu(h(t))                                              the visit as a query, and as a key of the memory
    m(t) = which medications visit t holds, 0 or 1 each              what the memory keeps under that key
    a(t) = softmax over t < T of q(T) q(t) / sqrt(D) - d (T - t)     T: the last visit, the one that is asked about
    pooled = [q(T); sum over t < T of a(t) m(t); context]

This is the dynamic memory of the paper; its static memory, of the graphs of drugs, belongs to the task `recommend`. Ours differs:
one GRU reads diagnoses and procedures together; d > 0 is learnt, so that a visit long past may count less; what the memory gives
stays one number a medication, the share of the attention on visits that held it. In a first visit the memory is empty: zeros.

Which codes are medications, `medications` says by how their names begin.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

import torch
from msgspec import Meta
from torch import Tensor, nn
from torch.nn import functional

from sequela.config import Strict
from sequela.errors import ConfigError
from sequela.nn import mask as masks
from sequela.nn.readout import beside
from sequela.nn.steps import Projected, VisitName, counted, refuse_words
from sequela.types import Encoded, Seq, Spec

SYSTEMS = ("ATC//*", "RXNORM//*", "NDC//*", "MIMIC3//DRUG//*", "MIMIC4//DRUG//*")


class Config(Strict, frozen=True):
    width: Annotated[int, Meta(ge=1)] = 64  # of a visit's vector, of the state and of the query
    medications: tuple[str, ...] = SYSTEMS  # codes, or with a trailing * how they begin
    dropout: Annotated[float, Meta(ge=0, lt=1)] = 0.0  # of the visits' vectors and of the pooled vector
    visit: VisitName = "sum"  # of the vectors of a visit's codes; or mean


class GAMENet(nn.Module):
    """Steps "B T width", the queries of the visits, and the pooled vector "B width + M + context" of M medications."""

    gives = frozenset({"pooled", "steps"})
    causal = True
    drug: Tensor

    def __init__(self, spec: Spec, config: Config) -> None:
        super().__init__()
        drug = _drugs(spec, config.medications)
        self.drugs = sum(place >= 0 for place in drug)
        self.register_buffer("drug", torch.tensor(drug), persistent=False)  # "V": its place among the M, -1 where it is none
        self.problems = Projected(spec, config.width, config.visit, row=True)
        self.states = nn.GRU(config.width, config.width, batch_first=True)
        self.query = nn.Linear(config.width, config.width)
        self.decay = nn.Parameter(torch.zeros(()))
        self.dropout = nn.Dropout(config.dropout)
        self.steps_width = config.width
        self.width = config.width + self.drugs + spec.context

    def forward(self, seq: Seq) -> Encoded:
        drug = self.drug[masks.existing(seq.values, seq.mask)].where(counted(seq), -1)  # B T N
        problems = replace(seq, seen=counted(seq) & (drug < 0))
        states: Tensor = self.states(self.dropout(self.problems(problems)))[0]
        steps = masks.existing(self.query(states.relu()), seq.mask)
        pooled = torch.cat([masks.last(steps, seq.mask), self._remembered(steps, self._given(drug), seq.mask)], 1)
        return Encoded(steps, seq.mask, beside(self.dropout(pooled), seq))

    def _given(self, drug: Tensor) -> Tensor:
        """Which medications each visit holds, 0 or 1, "B T M" of places "B T N"."""
        given = torch.zeros(*drug.shape[:2], self.drugs + 1, device=drug.device)
        return given.scatter_(2, drug + 1, 1.0)[..., 1:]

    def _remembered(self, steps: Tensor, given: Tensor, mask: Tensor) -> Tensor:
        """What the memory gives to the last visit, "B M": zeros in a first visit."""
        ago = mask.sum(1, keepdim=True) - 1 - torch.arange(mask.shape[1], device=mask.device)
        earlier = mask & (ago > 0)
        scores = (steps @ masks.last(steps, mask).unsqueeze(2)).squeeze(2) * steps.shape[2] ** -0.5
        weights = masks.softmax(scores - functional.softplus(self.decay) * ago, earlier)
        return (weights.unsqueeze(1) @ given).squeeze(1)


def _drugs(spec: Spec, patterns: tuple[str, ...]) -> list[int]:
    """The place of each code of the vocabulary among the medications, -1 where it is none.

    Raises ConfigError where a step is no visit of named codes, or no code is a medication.
    """
    if not spec.vocabulary or len(spec.shape) != 1 or len(spec.names) != spec.vocabulary:
        raise ConfigError(
            f"gamenet reads visits of named codes, and a step of {spec.kind!r} has the shape {spec.shape}",
            hint='modality = { name = "codes", … } in the form of visits',
        )
    starts = tuple(pattern.removesuffix("*") for pattern in patterns if pattern.endswith("*"))
    is_drug = [name in patterns or name.startswith(starts) for name in spec.names]
    if not any(is_drug):
        raise ConfigError(
            f"none of the {spec.vocabulary} codes of the input is a medication by {', '.join(patterns)}",
            hint='say how their names begin: encoder = { name = "gamenet", medications = ["…//*"] }',
        )
    return [sum(is_drug[:place]) if one else -1 for place, one in enumerate(is_drug)]


def build(spec: Spec, config: Config) -> GAMENet:
    """Raises ConfigError as `_drugs` does."""
    refuse_words(spec, "gamenet")
    return GAMENet(spec, config)
