"""From a study and what its inputs are to the network and the task, and saved weights put back into it."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn

from sequela import config, registry, seed
from sequela.config import Study
from sequela.contracts import Encoder, Task
from sequela.errors import BundleError, ConfigError
from sequela.model.network import Model
from sequela.model.task import placed, task_of
from sequela.nn import fuse as fuses
from sequela.prep.augment.views import Seen, views
from sequela.types import Array, Spec


def build(study: Study, specs: Mapping[str, Spec], names: tuple[str, ...]) -> tuple[Model, Task]:
    """The model of a study, with weights drawn from its training seed alone, and the task with these names of the target.

    Before training, `task.start(model.head, target)` tells the head the training labels. Raises ConfigError where an option is
    wrong, an encoder cannot read its input, or the encoders do not give what the task needs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed.number(study.train.seed, "weights"))
        task = placed(task_of(study, names), study, specs)
        encoders = {name: _encoder(study, name, specs[name]) for name in study.inputs}
        _refuse_mismatch(study, encoders, task)
        fuse = fuses.build(config.choice(study.fuse, "fuse"), [encoder.width for encoder in encoders.values()])
        networks = {name: encoder for name, encoder in encoders.items() if isinstance(encoder, nn.Module)}
        width = next(iter(encoders.values())).steps_width if task.needs in ("steps", "map") else fuse.width
        model = Model(networks, fuse, task.head(width), causal=_causal(task))
        model.views = _views(study, specs, task)
        model.rolls = getattr(task, "rolls", False)
        return model, task


def check(study: Study, specs: Mapping[str, Spec], names: tuple[str, ...]) -> None:
    """Raises ConfigError where `build` would: before anything is trained."""
    build(study, specs, names)


def restore(model: Model, arrays: Mapping[str, Array]) -> None:
    """Puts saved weights and buffers into the model.

    Raises BundleError where a name is missing or unknown, or a shape differs.
    """
    try:
        model.load_state_dict({name: torch.tensor(values) for name, values in arrays.items()})
    except RuntimeError as error:
        raise BundleError("the saved weights are not those of the model that the study describes") from error


def _causal(task: Task) -> bool:
    return getattr(task, "causal", False)


def _views(study: Study, specs: Mapping[str, Spec], task: Task) -> dict[str, tuple[Seen, ...]]:
    """Of the inputs whose answers are averaged.

    Raises ConfigError where the task's answers have no mean, or an input is no picture that could be seen so.
    """
    asked = {name: input_.average for name, input_ in study.inputs.items() if input_.average}
    if asked and task.kind not in ("binary", "multiclass", "multilabel", "regression"):
        raise ConfigError(
            f"inputs.{next(iter(asked))}.average: answers of a task of the kind {task.kind!r} have no mean",
            hint="segment has an option of its own: flips = true",
        )
    return {name: views(sides, specs[name]) for name, sides in asked.items()}


def _encoder(study: Study, name: str, spec: Spec) -> Encoder:
    where = f"inputs.{name}.encoder"
    if "." in name:
        raise ConfigError(f"the input {name!r} has a dot in its name", hint="weights are saved under it: write it with _ or -")
    chosen, options = config.options("encoders", study.inputs[name].encoder, where)
    encoder = registry.module("encoders", chosen).build(spec, options)
    if not isinstance(encoder, nn.Module) or not isinstance(encoder, Encoder):
        raise ConfigError(f"{where}: {chosen!r} does not build an encoder (a torch module with width, gives and causal)")
    return encoder


def _refuse_mismatch(study: Study, encoders: Mapping[str, Encoder], task: Task) -> None:
    task_name = config.choice(study.task, "task").name
    if len(encoders) > 1 and task.needs != "pooled":
        raise ConfigError(
            f"the task {task_name!r} needs {task.needs} of one input, and the study has {len(encoders)}: {', '.join(encoders)}"
        )
    for name, encoder in encoders.items():
        if task.needs not in encoder.gives:
            chosen = config.choice(study.inputs[name].encoder, f"inputs.{name}.encoder").name
            raise ConfigError(
                f"the task {task_name!r} needs {task.needs}, and the encoder {chosen!r} of inputs.{name} gives "
                f"{', '.join(sorted(encoder.gives)) or 'nothing'}",
                hint="unet gives a map of every point" if task.needs == "map" else "",
            )
        if _causal(task) and not encoder.causal:
            chosen = config.choice(study.inputs[name].encoder, f"inputs.{name}.encoder").name
            raise ConfigError(
                f"the task {task_name!r} needs a causal encoder, and {chosen!r} of inputs.{name} looks ahead",
                hint="a recurrent one that is not bidirectional, tcn, mingru, or a transformer with causal = true",
            )
