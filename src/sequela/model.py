"""The model: modalities' states, encoders, fusion and task, joined. The only file that knows all four.

    Known ──fit_inputs──▶ Fitted ──read_inputs──▶ Ragged, Spec ──build──▶ Model, Task ──predict──▶ Answer

Every path through the software (training, evaluation, prediction, serving) reads inputs and answers by these functions.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from sequela import batch as batches
from sequela import config, registry, seed
from sequela.config import Study
from sequela.contracts import (
    Boxer,
    Choosing,
    Encoder,
    Evidence,
    Fitted,
    Guarded,
    Itemised,
    Modality,
    Painter,
    Refusing,
    Spanner,
    Tagger,
    Task,
)
from sequela.errors import BundleError, ConfigError, TrainingError
from sequela.nn import fuse as fuses
from sequela.nn import painting
from sequela.prep.augment.views import View, views
from sequela.study import spanned, steps
from sequela.text import scheme
from sequela.types import (
    Answer,
    Array,
    Batch,
    Counts,
    Encoded,
    Known,
    Places,
    Plain,
    Ragged,
    Seq,
    Spans,
    Spec,
    Tags,
    Target,
    concatenate,
)


class Model(nn.Module):
    """One encoder for each input, their fusion, and the task's head."""

    def __init__(self, encoders: Mapping[str, nn.Module], fuse: fuses.Fuse, head: nn.Module, *, causal: bool = False) -> None:
        super().__init__()
        self.causal = causal
        self.rolls = False  # the head foresees one step, and asks the encoder again about the series with it
        self.names = tuple(encoders)
        # a prefix, since a module may not be called "values" or "type", and an input may
        self.encoders = nn.ModuleDict({f"input_{name}": encoder for name, encoder in encoders.items()})
        self.fuse = fuse
        self.head = head
        self.views: Mapping[str, tuple[View, ...]] = {}  # of the inputs whose pictures are answered for from several sides

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        """The inputs from each combination of sides that an answer is the mean over."""
        each = product(*[[(name, view) for view in of] for name, of in self.views.items()])
        return [{**inputs, **{name: view(inputs[name]) for name, view in chosen}} for chosen in each]

    def forward(self, inputs: Mapping[str, Seq]) -> Tensor:
        """The task's output for a batch of tensors."""
        if len(self.names) == 1:
            seq = since_first(inputs[self.names[0]]) if self.causal else inputs[self.names[0]]
            if self.rolls:
                return self.head.rolled(partial(self.encode, self.names[0]), seq)  # type: ignore[operator, no-any-return]
            return self.head(dataclasses.replace(self.encode(self.names[0], seq), seq=seq))  # type: ignore[no-any-return]
        encoded = [self.encode(name, inputs[name]) for name in self.names]
        mask = torch.stack([one.mask.any(1) for one in encoded], 1)
        return self.head(Encoded(None, mask, self.fuse(encoded)))  # type: ignore[no-any-return]

    def encode(self, name: str, seq: Seq) -> Encoded:
        """What the encoder of one input gives."""
        return self.encoders[f"input_{name}"](seq)  # type: ignore[no-any-return]


class Committee(nn.Module):
    """Networks of one study whose outputs become one before they are answered from, since their answers have no mean."""

    def __init__(self, members: Sequence[Model], task: Spanner) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        self.task = task

    def seen(self, inputs: Mapping[str, Seq]) -> list[dict[str, Seq]]:
        """The inputs as they are."""
        return [dict(inputs)]

    def forward(self, inputs: Mapping[str, Seq]) -> Any:
        return self.task.agreed([member(inputs) for member in self.members])


def since_first(seq: Seq) -> Seq:
    """The Seq with its times counted from each row's first step: those before a prediction would tell how much is yet to come."""
    return dataclasses.replace(seq, position=(seq.position - seq.position[:, :1]).where(seq.mask, 0.0))


# ---------------------------------------------------------------------------------------------------------------------- building


def build(study: Study, specs: Mapping[str, Spec], names: tuple[str, ...]) -> tuple[Model, Task]:
    """The model of a study, with weights drawn from its training seed alone, and the task with these names of the target.

    Before training, `task.start(model.head, target)` tells the head the training labels. Raises ConfigError where an option is
    wrong, an encoder cannot read its input, or the encoders do not give what the task needs.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed.number(study.train.seed, "weights"))
        task = _placed(_task(study, names), study, specs)
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


def target_names(study: Study, specs: Mapping[str, Spec], asked: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the target: those asked for, or where the task foresees its own input, what that holds.

    Raises ConfigError where the input has nothing to foresee.
    """
    module = _task_module(study)
    return module.own_names(specs) if hasattr(module, "own_names") else asked


def own_target(
    study: Study, inputs: Mapping[str, Ragged], specs: Mapping[str, Spec], asked: Target | None = None
) -> Target | None:
    """The target: the one asked for, or where the task foresees its own input, what that holds."""
    module = _task_module(study)
    return module.own_target(inputs, specs) if hasattr(module, "own_target") else asked


def _task_module(study: Study) -> ModuleType:
    return registry.module("tasks", config.choice(study.task, "task").name)


def guard(study: Study, names: tuple[str, ...]) -> Guarded | None:
    """The study's task where its answers are held to rules."""
    task = _task(study, names)
    return task if isinstance(task, Guarded) else None


def learns(study: Study, target: Target) -> Array:
    """Which of these training rows the study's task learns from, bool "N"."""
    task = _task(study, target.names)
    return task.learns(target) if isinstance(task, Choosing) else np.ones(len(target.values), bool)


def gathered(study: Study, find: Callable[[str], Path]) -> Study:
    """The study with the files that the options of its task and baselines name read into them; `find` gives a file's path."""
    task = _gathered("tasks", study.task, "task", find)
    names = [_gathered("baselines", one, "baselines.names", find) for one in study.baselines.names or ()]
    if task == study.task and names == (study.baselines.names or []):
        return study
    baselines = msgspec.structs.replace(study.baselines, names=names or study.baselines.names)
    return msgspec.structs.replace(study, task=task, baselines=baselines)


def _gathered(kind: registry.Kind, named: config.Named, where: str, find: Callable[[str], Path]) -> config.Named:
    name, options = config.options(kind, named, where)
    module = registry.module(kind, name)
    read = module.gathered(options, find) if hasattr(module, "gathered") else options
    return named if read == options else {"name": name, **msgspec.to_builtins(read)}


def _causal(task: Task) -> bool:
    return getattr(task, "causal", False)


def _task(study: Study, names: tuple[str, ...]) -> Task:
    name, options = config.options("tasks", study.task, "task")
    if study.outcome.instances and hasattr(options, "instances"):  # said once, of the masks
        options = msgspec.structs.replace(options, instances=True)
    task: Task = registry.module("tasks", name).build(options, names)
    return task


def _placed(task: Task, study: Study, specs: Mapping[str, Spec]) -> Task:
    """The task with what it needs to know of the study's inputs."""
    module = _task_module(study)
    return module.placed(task, study, specs) if hasattr(module, "placed") else task


def _views(study: Study, specs: Mapping[str, Spec], task: Task) -> dict[str, tuple[View, ...]]:
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


# ------------------------------------------------------------------------------------------------------------------------ inputs


def fit_inputs(study: Study, known_train: Known, instead: Mapping[str, Known] | None = None) -> dict[str, Fitted]:
    """Each input's modality with what it learnt from the training rows, by input name in the study's order.

    `instead`: what some inputs learn from in their place, by name.
    """
    fitted = {}
    for name in study.inputs:
        modality, _ = _modality(study, name)
        state: Any = modality.fit((instead or {}).get(name, known_train))
        fitted[name] = Fitted(study.inputs[name], modality, state, modality.spec(state))
    return fitted


def fit_inputs_each(study: Study, known_train: Callable[[], Iterable[Known]]) -> dict[str, Fitted]:
    """As `fit_inputs`, of training rows that come in parts, a subject in one of them only.

    Raises ConfigError for a modality that must see all of them at once (it has no `fit_each`).
    """
    fitted = {}
    for name in study.inputs:
        modality, _ = _modality(study, name)
        if not hasattr(modality, "fit_each"):
            chosen = config.choice(study.inputs[name].modality, "modality").name
            raise ConfigError(
                f"the modality {chosen!r} of inputs.{name} must see all training rows at once", hint="`run` holds them in memory"
            )
        state: Any = modality.fit_each(known_train())
        fitted[name] = Fitted(study.inputs[name], modality, state, modality.spec(state))
    return fitted


def restore_inputs(study: Study, states: Mapping[str, Any]) -> dict[str, Fitted]:
    """The same from states that were saved as JSON builtins.

    Raises msgspec.ValidationError where a state is not one of its modality.
    """
    fitted = {}
    for name in study.inputs:
        modality, state_type = _modality(study, name)
        state: Any = msgspec.convert(states[name], state_type)
        fitted[name] = Fitted(study.inputs[name], modality, state, modality.spec(state))
    return fitted


def _modality(study: Study, name: str) -> tuple[Modality, type]:
    chosen, options = config.options("modalities", study.inputs[name].modality, f"inputs.{name}.modality")
    module = registry.module("modalities", chosen)
    return module.build(options), module.State


def read_inputs(fitted: Mapping[str, Fitted], known: Known) -> tuple[dict[str, Ragged], dict[str, Spec]]:
    """Every input's sequences of the rows of `known`, and what each is."""
    inputs = {name: one.modality.read(known, one.state) for name, one in fitted.items()}
    return inputs, {name: one.spec for name, one in fitted.items()}


def refusals(fitted: Mapping[str, Fitted], known: Known) -> Array:
    """Of each row why an input of it cannot be judged by what was learnt, str "N"; "" where it can.

    Only modalities whose records may be of another making (pictures: other axes, channels, spacing) have such reasons.
    """
    found = np.full(known.count, "", object)
    for name, one in fitted.items():
        if isinstance(one.modality, Refusing):
            reasons = np.array(one.modality.refused(known, one.state), object)
            found = np.where(found == "", np.where(reasons == "", "", f"{name}: " + reasons), found)
    return found.astype(str)


def read_plain(fitted: Mapping[str, Fitted], known: Known) -> Plain:
    """All inputs as plain columns side by side, float32 "N P", each named input.column."""
    plain = {name: one.modality.plain(known, one.state) for name, one in fitted.items()}
    names = tuple(f"{name}.{column}" for name, columns in plain.items() for column in columns.names)
    counts = tuple(
        Counts(block.values, tuple(f"{name}.{column}" for column in block.names), f"{name}.{block.label}")
        for name, columns in plain.items()
        for block in columns.counts
    )
    return Plain(np.concatenate([columns.values for columns in plain.values()], 1, dtype=np.float32), names, counts)


def read_plain_steps(fitted: Mapping[str, Fitted], known: Known, steps: int) -> Plain:
    """The steps of the one input as plain columns, named input.column; none where its modality cannot tell them."""
    ((name, one),) = fitted.items()
    if not isinstance(one.modality, Itemised):
        return _no_columns(steps)
    found = one.modality.plain_steps(known, one.state)
    return Plain(found.values, tuple(f"{name}.{column}" for column in found.names))


def evidence(
    study: Study, fitted: Mapping[str, Fitted], known: Known, target: Target, who: tuple[Array, Array], *, plain: bool = True
) -> Evidence:
    """All that is known of some rows; `known` has one row for each. `who`: their subjects, and their names.

    Where steps are asked (a Tagger), they are told beside the rows. `plain`: with the columns for baselines.
    """
    inputs, specs = read_inputs(fitted, known)
    tagging = getattr(_task_module(study), "KIND", "") == "tagging"
    columns = read_plain(fitted, known) if plain and not tagging else _no_columns(known.count)
    found = Evidence(inputs, specs, columns, own_target(study, inputs, specs, target) or target, *who)
    if getattr(_task_module(study), "KIND", "") == "entities":
        return dataclasses.replace(found, target=spanned.placed(found.target, _places(inputs)))
    return _with_steps(found, fitted, known, plain=plain) if tagging else found


def _places(inputs: Mapping[str, Ragged]) -> Places:
    """Where the steps of the one input stand. Raises ConfigError where they stand in no text."""
    ((name, ragged),) = inputs.items()
    if ragged.places is None:
        raise ConfigError(f"stretches are found in a text, and inputs.{name} gives none", hint='modality = "text"')
    return ragged.places


def _with_steps(rows: Evidence, fitted: Mapping[str, Fitted], known: Known, *, plain: bool) -> Evidence:
    ((name, ragged),) = rows.inputs.items()
    found = dataclasses.replace(rows, target=steps.aligned(rows.target, ragged, rows.specs[name]))
    count = int(ragged.offsets[-1])
    columns = read_plain_steps(fitted, known, count) if plain else _no_columns(count)
    return dataclasses.replace(found, steps=steps.each(found, columns))


def _no_columns(rows: int) -> Plain:
    return Plain(np.zeros((rows, 0), np.float32), ())


# --------------------------------------------------------------------------------------------------------------------- answering


def tensors(batch: Batch, device: str | torch.device) -> Batch:
    """The batch with every array but `rows` as a tensor there: float32 (positions float64), int64 or bool."""
    return Batch(
        {name: _seq(seq, device) for name, seq in batch.inputs.items()},
        batch.rows,
        None if batch.target is None else _target(batch.target, device),
        _tensor(batch.weight, device),
    )


def _seq(seq: Seq, device: str | torch.device) -> Seq:
    moved = {part.name: _tensor(getattr(seq, part.name), device) for part in dataclasses.fields(seq)}
    moved["position"] = torch.as_tensor(seq.position, dtype=torch.float64, device=device)
    return Seq(**moved)


def _target(target: Target, device: str | torch.device) -> Target:
    dense = _tensor(target.dense, device) if isinstance(target.dense, np.ndarray) else None  # else lazy: nobody asked for it
    return Target(_tensor(target.values, device), _tensor(target.known, device), target.names, dense)


def _tensor(values: Array | None, device: str | torch.device) -> Tensor | None:
    if values is None:
        return None
    dtype = {"f": torch.float32, "i": torch.int64, "u": torch.int64, "b": torch.bool}[values.dtype.kind]
    return torch.as_tensor(values, dtype=dtype, device=device)


def predict(
    model: Model | Committee,
    task: Task,
    inputs: Mapping[str, Ragged],
    batch: int = 256,
    device: str | torch.device = "cpu",
) -> Answer:
    """The task's answer for every row (of a Tagger, for every step of every row), in order; the model's mode is left as it was.

    Raises TrainingError, naming the rows, where an answer is not finite.
    """
    length = batches.lengths(inputs)
    if not len(length):
        return _nothing(task)
    if isinstance(task, Painter):
        return painting.paint(model, task, task.names, inputs, device)
    order = batches.sorted_(length, batch)
    count = lines(task, inputs)
    was_training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            answers = [_answer(model, task, batches.collate(inputs, rows), device) for rows in order]
    finally:
        model.train(was_training)
    answer = in_text(concatenate(answers).take(batches.lines(order, count)), inputs)
    return painting.settle(task, answer, inputs) if isinstance(task, Boxer) else answer


def in_text(answer: Answer, inputs: Mapping[str, Ragged]) -> Answer:
    """The answer with its stretches, told in the steps of the one input, placed in the rows' texts; any other as it is."""
    if answer.spanned is None:
        return answer
    return dataclasses.replace(answer, spanned=scheme.in_text(answer.spanned, _places(inputs)))


def _nothing(task: Task) -> Answer:
    """The answer about no row."""
    if task.kind == "entities":
        none = np.zeros(0, np.int64)
        return Answer("spans", np.zeros((0, len(task.names))), task.names, spanned=Spans(np.zeros(1, np.int64), none, none, none))
    kinds: Mapping[str, Literal["values", "masks", "boxes"]] = {
        "regression": "values",
        "forecast": "values",
        "next_event": "values",
        "segment": "masks",
        "detect": "boxes",
    }
    return Answer(kinds.get(task.kind, "probabilities"), np.zeros((0, len(task.names))), task.names)


def _answer(model: Model | Committee, task: Task, batch: Batch, device: str | torch.device) -> Answer:
    answer = _mean([answered(task, model(seen), seen) for seen in model.seen(tensors(batch, device).inputs)])
    line = np.repeat(batch.rows, _steps(batch)) if isinstance(task, Tagger) else batch.rows
    wrong = np.unique(line[~np.isfinite(answer.values).all(1)])
    if len(wrong):
        shown = ", ".join(map(str, wrong[:10])) + (", …" if len(wrong) > 10 else "")
        raise TrainingError(
            f"the model's answer is not a finite number for {len(wrong)} of {len(batch.rows)} rows of a batch: rows {shown}",
            hint="look at those rows' inputs; if it is every row, training diverged: lower train.optimizer.lr or set train.clip",
        )
    return answer


def lines(task: Task, inputs: Mapping[str, Ragged]) -> Array:
    """How many lines of the task's answer each row has, int64 "N": one, or of a Tagger one for each of its steps."""
    length = batches.lengths(inputs)
    return length if isinstance(task, Tagger) else np.ones(len(length), np.int64)


def of_asked(answer: Answer, target: Target) -> Answer:
    """What is said of the steps that are asked, of an answer about every step; else the answer as it is."""
    return answer.take(np.flatnonzero(target.dense.judged)) if isinstance(target.dense, Tags) else answer


def answered(task: Task, out: Tensor, inputs: Mapping[str, Seq]) -> Answer:
    """What the task makes of its output about a batch: a line for each row, or of a Tagger for each real step."""
    if not isinstance(task, Tagger | Spanner):
        return task.answer(out)
    (seq,) = inputs.values()
    return task.spanned(out, seq.mask) if isinstance(task, Spanner) else task.tagged(out, seq.mask)


def _steps(batch: Batch) -> Array:
    (seq,) = batch.inputs.values()
    count: Array = seq.mask.sum(1)
    return count


def _mean(answers: list[Answer]) -> Answer:
    """The mean of what was answered to several views of the same rows; one answer is itself."""
    if len(answers) == 1:
        return answers[0]
    return dataclasses.replace(answers[0], values=np.mean([answer.values for answer in answers], 0))
