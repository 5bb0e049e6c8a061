"""The task that a study names: what it is given to know, and what it says of the target and of the rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType

import msgspec
import numpy as np

from sequela import config, registry
from sequela.config import Study
from sequela.contracts import Choosing, Guarded, Task
from sequela.study import hierarchy
from sequela.types import Array, Ragged, Spec, Target


def target_names(study: Study, specs: Mapping[str, Spec], asked: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the target: those asked for, or where the task foresees its own input, what that holds.

    Raises ConfigError where the input has nothing to foresee.
    """
    module = task_module(study)
    return module.own_names(specs) if hasattr(module, "own_names") else asked


def own_target(
    study: Study, inputs: Mapping[str, Ragged], specs: Mapping[str, Spec], asked: Target | None = None
) -> Target | None:
    """The target: the one asked for, or where the task foresees its own input, what that holds."""
    module = task_module(study)
    return module.own_target(inputs, specs) if hasattr(module, "own_target") else asked


def task_module(study: Study) -> ModuleType:
    """The module that the study's task is registered as."""
    return registry.module("tasks", config.choice(study.task, "task").name)


def guard(study: Study, names: tuple[str, ...]) -> Guarded | None:
    """The study's task where its answers are held to rules."""
    task = task_of(study, names)
    return task if isinstance(task, Guarded) else None


def learns(study: Study, target: Target) -> Array:
    """Which of these training rows the study's task learns from, bool "N"."""
    task = task_of(study, target.names)
    return task.learns(target) if isinstance(task, Choosing) else np.ones(len(target.values), bool)


def gathered(study: Study, find: Callable[[str], Path]) -> Study:
    """The study with the files read into it that its outcome and the options of its task and baselines name.

    `find` gives a file's path.
    """
    task = _gathered("tasks", study.task, "task", find)
    names = [_gathered("baselines", one, "baselines.names", find) for one in study.baselines.names or ()]
    study = msgspec.structs.replace(study, outcome=hierarchy.gathered(study.outcome, find))
    if task == study.task and names == (study.baselines.names or []):
        return study
    baselines = msgspec.structs.replace(study.baselines, names=names or study.baselines.names)
    return msgspec.structs.replace(study, task=task, baselines=baselines)


def _gathered(kind: registry.Kind, named: config.Named, where: str, find: Callable[[str], Path]) -> config.Named:
    name, options = config.options(kind, named, where)
    module = registry.module(kind, name)
    read = module.gathered(options, find) if hasattr(module, "gathered") else options
    return named if read == options else {"name": name, **msgspec.to_builtins(read)}


def task_of(study: Study, names: tuple[str, ...]) -> Task:
    """The study's task with these names of the target, before it is told of the inputs."""
    name, options = config.options("tasks", study.task, "task")
    if study.outcome.instances and hasattr(options, "instances"):  # said once, of the masks
        options = msgspec.structs.replace(options, instances=True)
    task: Task = registry.module("tasks", name).build(options, names)
    return task


def placed(task: Task, study: Study, specs: Mapping[str, Spec]) -> Task:
    """The task with what it needs to know of the study's inputs."""
    module = task_module(study)
    return module.placed(task, study, specs) if hasattr(module, "placed") else task
