"""How do two go together? A quantity of a pair of inputs, such as how strongly a drug binds its target.

Each input has its own encoder, the study's `fuse` brings their vectors together ("product" tells how they go together, "concat"
lets the head find out), and the head gives the quantity. Rows that share a drug or a target encode it once in a batch.

Whether the drug, the target or both were in training decides what a result means: `split.unit` keeps either in one part (cold
drug, cold target); without it both were seen, in other pairs.
"""

from __future__ import annotations

from collections.abc import Mapping

from sequela.config import Study
from sequela.errors import ConfigError
from sequela.tasks import regression
from sequela.tasks.regression import Regression
from sequela.types import Spec

KIND = "regression"
INPUTS = 2


class Config(regression.Config, frozen=True):
    """The options of a regression."""


def build(config: Config, names: tuple[str, ...]) -> Regression:
    return Regression(config, names)


def placed(task: Regression, study: Study, specs: Mapping[str, Spec]) -> Regression:
    """The task as it is. Raises ConfigError where the study has not two inputs."""
    if len(specs) != INPUTS:
        raise ConfigError(f"a pair has {INPUTS} inputs, the study has {len(specs)}", hint='one for each, or task = "regression"')
    return task
