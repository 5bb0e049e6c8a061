"""Which letter or token comes next in a sequence, from its begin to its end: a language model from which sequences can be drawn.

It is `next_event` over one input of residues that says where sequences begin and end (`marks = true` of the modality). The marks
are steps of the input and no affair of the head, so that what is foreseen, and the baselines beside it, are the same codes: the
first letter is foreseen from the begin, the end after the last letter (as of SMILES in Segler 2018).

What is drawn from it is text that obeys a grammar, and nothing more: nobody has said that it can be made, is safe, or acts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from msgspec import Meta

from sequela.errors import ConfigError
from sequela.residues.alphabets import BEGIN
from sequela.tasks import next_event
from sequela.tasks.next_event import NextEvent, own_target
from sequela.types import Spec

__all__ = ["KIND", "Config", "build", "own_names", "own_target"]
KIND = "next_event"


class Config(next_event.Config, frozen=True):
    samples: Annotated[int, Meta(ge=0, le=100_000)] = 1000  # sequences that a run draws and judges; 0: none
    temperature: Annotated[float, Meta(gt=0, le=10)] = 1.0  # at which they are drawn: below 1 likelier ones, above 1 rarer ones
    longest: Annotated[int, Meta(ge=1, le=10_000)] = 500  # letters or tokens after which one that has not ended is cut


def build(config: Config, names: tuple[str, ...]) -> NextEvent:
    return NextEvent(config, names)


def own_names(specs: Mapping[str, Spec]) -> tuple[str, ...]:
    """The vocabulary of the one input. Raises ConfigError where that is not of residues between marks."""
    names = next_event.own_names(specs)
    ((name, spec),) = specs.items()
    if spec.kind != "residues":
        raise ConfigError(f"generate writes sequences, and inputs.{name} is of {spec.kind}", hint='modality = "residues"')
    if BEGIN not in names:
        raise ConfigError(
            f"generate must learn where a sequence ends, and inputs.{name} does not say it", hint="marks = true, of its modality"
        )
    return names
