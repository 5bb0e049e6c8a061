"""Where vectors of words act: before training, the encoder of an input begins at them; afterwards they are weights like others.

Whom they learn from decides whether a result can be believed: skip-gram reads the training rows of that input, and no others.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from sequela import config
from sequela import model as models
from sequela.config import Strict, Study
from sequela.contracts import Evidence, Progress, Worded
from sequela.errors import ConfigError
from sequela.evaluate.facts import VectorFacts
from sequela.prep.vectors import file, skipgram
from sequela.prep.vectors.corpus import UNKNOWN, Corpus, corpus
from sequela.registry import nearest
from sequela.train.state import Weights

if TYPE_CHECKING:
    from sequela.model import Model

KINDS: dict[str, type[Strict]] = {"skipgram": skipgram.Config, "file": file.Config}


@dataclass(frozen=True)
class Begun:
    """First weights of a network by name, and where they come from."""

    weights: Weights = field(default_factory=dict)
    told: Sequence[VectorFacts] = ()


def check(study: Study) -> None:
    """Raises ConfigError for vectors of an unknown name, or with an option that they do not have."""
    for name in study.inputs:
        _options(study, name)


def _options(study: Study, name: str) -> Strict | None:
    named, where = study.inputs[name].vectors, f"inputs.{name}.vectors"
    if named is None:
        return None
    chosen = config.choice(named, where)
    if chosen.name not in KINDS:
        raise ConfigError(f"{where}: no vectors are called {chosen.name!r}", hint=nearest(chosen.name, tuple(KINDS)))
    return config.convert(chosen.options, KINDS[chosen.name], where)


def begun(study: Study, train: Evidence, find: Callable[[str], Path], progress: Progress) -> Begun:
    """The vectors that the inputs ask for, put into the encoders; `find` gives the path of a file that the study names.

    Raises ConfigError where an encoder has no vectors of words or others than these, a file is not found or of another width;
    DataError where it cannot be read, or the training text has nothing to learn from.
    """
    asked = {name: options for name in study.inputs if (options := _options(study, name)) is not None}
    if not asked:
        return Begun()
    model, _ = models.build(study, train.specs, train.target.names)
    drawn = {name: value.clone() for name, value in model.state_dict().items()}
    told: list[VectorFacts] = []
    for name, options in asked.items():
        progress("word vectors", len(told), len(asked))
        told.append(_begun(model, study, train, name, options, find))
    progress("word vectors", len(asked), len(asked))
    changed = {name: value for name, value in model.state_dict().items() if not torch.equal(value, drawn[name])}
    return Begun(changed, told)


def _begun(model: Model, study: Study, train: Evidence, name: str, options: Strict, find: Callable[[str], Path]) -> VectorFacts:
    """Puts the vectors of one input into its encoder."""
    began = time.process_time()
    where = f"inputs.{name}"
    worded = _worded(model.encoders[f"input_{name}"], where)
    text = corpus(train.inputs[name], train.specs[name])
    found = _found(text, options, study.train.seed, find)
    try:
        worded.begin(torch.as_tensor(found.vectors), torch.as_tensor(found.known))
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", hint=error.hint) from error
    return VectorFacts(
        input=name,
        source=options.path if isinstance(options, file.Config) else "skipgram, over the training text",
        width=found.vectors.shape[1],
        vocabulary=len(text.names) - 1,
        known=int(found.known.sum()),
        read=float(found.known[text.words].mean()) if len(text.words) else None,
        lower=found.lower,
        repeated=found.repeated,
        cpu_seconds=time.process_time() - began,
    )


def _worded(encoder: nn.Module, where: str) -> Worded:
    """The part of an encoder that holds vectors of words. Raises ConfigError where it has none, or several."""
    found = [part for part in encoder.modules() if isinstance(part, Worded)]
    if len(found) != 1:
        raise ConfigError(
            f"{where}: this encoder holds {len(found)} tables of vectors of words; vectors need one that has one",
            hint="lstm, bilstm, cnn_text, caml, han, transformer and others have one",
        )
    return found[0]


def _found(text: Corpus, options: Strict, number: int, find: Callable[[str], Path]) -> file.Found:
    if isinstance(options, file.Config):
        named = ["" if place == UNKNOWN else name for place, name in enumerate(text.names)]
        return file.read(find(options.path), named, options)
    assert isinstance(options, skipgram.Config)
    learnt = skipgram.learn(text, options, number)
    return file.Found(learnt, np.any(learnt, axis=1), 0, 0)


def joined(*parts: Weights | None) -> Weights | None:
    """First weights, the later in place of the earlier; None where there are none."""
    found = {name: value for part in parts if part for name, value in part.items()}
    return found or None
