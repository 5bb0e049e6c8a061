"""What a training adds to its loss for answers that go against the rules of the study (explain.rules with a penalty).

Of each such rule the batch is asked about once more with its feature changed, under the very dropout of the first time, and the
mean of how far the log-odds went the wrong way is added, times the penalty (Sill and Abu-Mostafa 1996: monotonicity hints).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from sequela import config
from sequela.config import Study
from sequela.contracts import Evidence
from sequela.model import rules
from sequela.model.rules import Held
from sequela.types import Seq


def penalised(study: Study, train: Evidence) -> tuple[Held, ...]:
    """The rules that training is held to. Raises ConfigError where one cannot be."""
    if study.explain is None or not study.explain.rules:
        return ()
    task = config.choice(study.task, "task").name
    held = rules.resolved(study.explain.rules, train.specs, task, train.target.names)
    return tuple(one for one in held if one.rule.penalty)


def penalty(
    model: nn.Module, inputs: Mapping[str, Seq], out: Tensor, held: Sequence[Held], kind: str, again: Callable[[], None]
) -> Tensor:
    """What is added to the mean loss of a batch with this output; `again` makes the next dropout the one that it came by."""
    added = out.new_zeros(())
    for one in held:
        less, more = one.pair(inputs[one.input])
        other = less if one.ruler is None else more
        again()
        changed = rules.log_odds(model({**inputs, one.input: other}), one.column, kind)
        given = rules.log_odds(out, one.column, kind)
        low, high = (changed, given) if one.ruler is None else (given, changed)
        added = added + one.rule.penalty * one.wrong(low, high).mean()
    return added
