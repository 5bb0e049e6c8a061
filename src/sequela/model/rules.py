"""What must not become of an answer as one of its inputs rises, all else alike: rules as a network is held to them.

A number rises by so much in every step in which it was seen, though not beyond what training had; a code rises by being there:
the row with it is held against the row without. Nothing else of the row changes. Such a rule is a monotonicity hint (Sill and
Abu-Mostafa 1996, NIPS 9), here by a step of a stated size instead of pairs of drawn rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from sequela import registry
from sequela.config.trust import Rule
from sequela.errors import ConfigError
from sequela.types import Ruler, Seq, Spec

TASKS = ("binary", "multiclass", "multilabel")  # whose output "B K" is logits
PLACE = "explain.rules"


@dataclass(frozen=True, slots=True)
class Held:
    """A rule about one feature of one input and one column of the answer."""

    rule: Rule
    input: str
    feature: int  # its column; of a code its number
    column: int  # of the answer
    ruler: Ruler | None  # None of a code, which is there or not

    @property
    def by(self) -> float | None:
        """How far the feature is raised, in its own unit; None of a code."""
        return None if self.ruler is None else self.rule.by or self.ruler.spread

    def pair(self, seq: Seq) -> tuple[Seq, Seq]:
        """The input (tensors) with less and with more of the feature: as it is and raised, or without the code and as it is."""
        if self.ruler is None:
            return _without(seq, self._there(seq)), seq
        values = seq.values.clone()
        values[..., self.feature] = self._risen(seq, self.ruler)
        return seq, replace(seq, values=values)

    def concerned(self, seq: Seq) -> Tensor:
        """The rows of which there is anything to raise, bool "B"."""
        changed = self._there(seq) if self.ruler is None else self._risen(seq, self.ruler) > seq.values[..., self.feature]
        return changed.flatten(1).any(1)

    def wrong(self, low: Tensor, high: Tensor) -> Tensor:
        """By how much the answer goes where it must not, from that to less of the feature to that to more; else 0."""
        fall = low - high if self.rule.must_not == "lower" else high - low
        return fall.clamp(min=0)

    def _risen(self, seq: Seq, ruler: Ruler) -> Tensor:
        """The column of the feature raised where it was seen, "B T"."""
        old = seq.values[..., self.feature]
        raised = ruler.scale(ruler.in_unit(old.cpu().numpy()) + self.by)
        seen = seq.mask if seq.seen is None else seq.mask & seq.seen[..., self.feature]
        return torch.where(seen, torch.maximum(old, torch.as_tensor(raised, device=old.device)), old)

    def _there(self, seq: Seq) -> Tensor:
        """Where the code stands, bool like values."""
        exists = seq.mask[(..., *[None] * (seq.values.dim() - 2))] if seq.seen is None else seq.seen
        found: Tensor = (seq.values == self.feature) & exists
        return found


def _without(seq: Seq, there: Tensor) -> Seq:
    """The codes that stand there left out: of a visit, or, as a step of its own, told as unknown."""
    values = seq.values.masked_fill(there, 0)
    return replace(seq, values=values, seen=None if seq.seen is None else seq.seen & ~there)


def log_odds(out: Tensor, column: int, kind: str) -> Tensor:
    """Of each row of logits "B K" the log-odds of one column, "B": of a class against all the others together."""
    if kind != "multiclass":
        return out[:, column]
    others = [place for place in range(out.shape[1]) if place != column]
    return out[:, column] - out[:, others].logsumexp(1)


# --------------------------------------------------------------------------------------------------------- from what a study says


def resolved(rules: Sequence[Rule], specs: Mapping[str, Spec], task: str, names: Sequence[str]) -> tuple[Held, ...]:
    """The rules as the network of these inputs, of a task of that name about these columns, is held to them.

    Raises ConfigError for a task that gives no risk, a feature, input or class that is not there, a feature that has no more or
    less, and rules that contradict one another.
    """
    if rules and task not in TASKS:
        raise ConfigError(
            f"{PLACE}: the task {task!r} gives no risk that a rule could be about", hint=f"rules are for {', '.join(TASKS)}"
        )
    held = tuple(_held(rule, specs, names) for rule in rules)
    _refuse_contradiction(held, task, names)
    return held


def _held(rule: Rule, specs: Mapping[str, Spec], names: Sequence[str]) -> Held:
    name = _input(rule, specs)
    spec, feature = specs[name], specs[name].names.index(rule.feature)
    if spec.vocabulary:
        if rule.by is not None:
            raise ConfigError(f"{PLACE}: {rule.feature!r} of inputs.{name} is a code, there or not", hint="leave out by")
        return Held(rule, name, feature, _column(rule, names), None)
    ruler = spec.rulers[feature] if spec.rulers else None
    if ruler is None or ruler.spread == 0:
        why = "the same in all training rows" if ruler else "no number"
        raise ConfigError(
            f"{PLACE}: {rule.feature!r} of inputs.{name} is {why}, so that it cannot rise",
            hint="rules are about numbers of measurements and of static inputs, and about codes",
        )
    return Held(rule, name, feature, _column(rule, names), ruler)


def _input(rule: Rule, specs: Mapping[str, Spec]) -> str:
    """The input that has the feature."""
    if rule.input and rule.input not in specs:
        raise ConfigError(f"{PLACE}: there is no input {rule.input!r}", hint=registry.nearest(rule.input, list(specs)))
    asked = [rule.input] if rule.input else list(specs)
    having = [name for name in asked if rule.feature in specs[name].names]
    if not having:
        known = [feature for name in asked for feature in specs[name].names]
        whose = f"inputs.{rule.input}" if rule.input else "no input"
        said = "has no feature" if rule.input else "has the feature"
        raise ConfigError(f"{PLACE}: {whose} {said} {rule.feature!r}", hint=registry.nearest(rule.feature, known))
    if len(having) > 1:
        raise ConfigError(
            f"{PLACE}: {rule.feature!r} is in several inputs: {', '.join(having)}", hint=f'say which: input = "{having[0]}"'
        )
    return having[0]


def _column(rule: Rule, names: Sequence[str]) -> int:
    if not rule.of and len(names) > 1:
        raise ConfigError(
            f"{PLACE}: the rule about {rule.feature!r} does not say of which risk", hint=f"of = one of {', '.join(names)}"
        )
    if rule.of and rule.of not in names:
        raise ConfigError(f"{PLACE}: there is no class or label {rule.of!r}", hint=registry.nearest(rule.of, list(names)))
    return names.index(rule.of) if rule.of else 0


def _refuse_contradiction(held: Sequence[Held], task: str, names: Sequence[str]) -> None:
    """Two rules that leave an answer no way to move; of classes, of which some fall as others rise, also one of them all."""
    said: dict[tuple[str, int, str], set[int]] = defaultdict(set)
    for one in held:
        said[one.input, one.feature, one.rule.must_not].add(one.column)
    for one in held:
        lower, raised = (said[one.input, one.feature, way] for way in ("lower", "raise"))
        if both := lower & raised:
            raise ConfigError(
                f"{PLACE} contradict themselves: a rising {one.rule.feature!r} must neither lower nor raise {names[min(both)]!r}",
                hint="keep one of the two; what must not count at all is left out of the inputs",
            )
        if task == "multiclass" and len(names) in (len(lower), len(raised)):
            raise ConfigError(
                f"{PLACE} contradict themselves: where a rising {one.rule.feature!r} moves one class, another goes the other way",
                hint=f"the rules name all of {', '.join(names)}: leave one out",
            )


def sentence(held: Held, names: Sequence[str]) -> str:
    """The rule in words, as a study would tell it.

    >>> rule = Rule(feature="Lactate", must_not="lower")
    >>> sentence(Held(rule, "chart", 0, 0, Ruler((0.0, 4.0), (-1.0, 1.0), 1.5)), ("death",))
    'Lactate raised by 1.5 must not lower the risk of death'
    """
    rise = "being there" if held.by is None else f"raised by {np.format_float_positional(held.by, 3, fractional=False, trim='-')}"
    return f"{held.rule.feature} {rise} must not {held.rule.must_not} the risk of {names[held.column]}"
