"""The model: modalities' states, encoders, fusion and task, joined. The only package that knows all four.

    Known ──fit_inputs──▶ Fitted ──read_inputs──▶ Ragged, Spec ──build──▶ Model, Task ──predict──▶ Answer

Every path through the software (training, evaluation, prediction, serving) reads inputs and answers by these functions. Read
the files in this order:

    network     Model, Committee: encoders, what joins them, and a head
    task        what the study's task is told, and what it tells of the target and of the rows
    building    build, check, restore: the network and the task of a study
    inputs      fit_inputs, read_inputs, evidence: what is known, as the network and the baselines read it
    answering   tensors, predict: an answer for every row
    doubt       vectors, passes: what a network tells of itself beside its answer
    sampling    draw: new sequences, of a network that foresees its own input
"""

from __future__ import annotations

from sequela.model.answering import answered, in_text, lines, of_asked, predict, tensors
from sequela.model.building import build, check, restore
from sequela.model.doubt import Vectors, drops, passes, sees_vectors, vectors
from sequela.model.inputs import (
    evidence,
    fit_inputs,
    fit_inputs_each,
    read_inputs,
    read_plain,
    read_plain_steps,
    refusals,
    restore_inputs,
)
from sequela.model.network import Committee, Model, since_first
from sequela.model.sampling import Drawing, Drawn, draw
from sequela.model.task import gathered, guard, learns, own_target, target_names

__all__ = [
    "Committee",
    "Drawing",
    "Drawn",
    "Model",
    "Vectors",
    "answered",
    "build",
    "check",
    "draw",
    "drops",
    "evidence",
    "fit_inputs",
    "fit_inputs_each",
    "gathered",
    "guard",
    "in_text",
    "learns",
    "lines",
    "of_asked",
    "own_target",
    "passes",
    "predict",
    "read_inputs",
    "read_plain",
    "read_plain_steps",
    "refusals",
    "restore",
    "restore_inputs",
    "sees_vectors",
    "since_first",
    "target_names",
    "tensors",
    "vectors",
]
