"""The maps of a run: chosen sequences, with what is true below the diagonal and what is said above it, as pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sequela.bundle.predictor import Predictor
from sequela.evaluate import cases
from sequela.evaluate.evaluation import Judged
from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import contact_map
from sequela.evaluate.report.sections.contacts import ENDING
from sequela.pipeline import files
from sequela.pipeline.pictures import FOLDER


def write(folder: Path, predictor: Predictor, one: Judged) -> list[PictureFacts]:
    """Draws the cases of the answer that the bundle gives, where pairs are asked; says what was written."""
    if predictor.task.kind != "contact":
        return []
    answer = one.answers[predictor.final]
    drawn: list[PictureFacts] = []
    for case in cases.chosen("contact", predictor.final, answer, one.cohort.target, one.thresholds):
        name = f"{FOLDER}/{len(drawn) + 1:02d}-{case.why}{ENDING}"
        row = str(one.cohort.row_id[case.row])
        files.write(folder / name, contact_map.drawn(answer.tally.take(np.array([case.row])), f"{row}: {case.told}").markup)
        drawn.append(PictureFacts(file=name, why=case.why, row_id=row, told=case.told, marks=True))
    return drawn
