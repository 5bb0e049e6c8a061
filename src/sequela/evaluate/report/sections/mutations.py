"""What a model makes of other letters: maps of a few sequences in which each letter was put to each other one."""

from __future__ import annotations

from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report.html import EMPTY, Safe, joined, paragraph, section, tag
from sequela.evaluate.report.mutation_map import LEGEND
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.documents import PATIENTS
from sequela.evaluate.report.words import later, retold, say

ENDING = "-letters.svg"
RULE = later(
    "The surest right calls and errors, or of labels and values the highest and the lowest answer. Each letter was put to each "
    "other letter and the model asked again (tokens of a SMILES were left out in turn); of a long sequence only the stretches "
    "that count most as a whole. "
)


def mutations(run: Run) -> Safe:
    """Nothing where no answer is about a whole sequence of residues."""
    shown = [one for one in run.facts.pictures if one.file.endswith(ENDING) and (run.folder / one.file).is_file()]
    if not shown:
        return EMPTY
    split = say("They are of the split {split}. ", split=shown[0].split) if shown[0].split else ""
    said = paragraph(say(RULE) + split + say(PATIENTS))
    return section(say("Letters that count"), said, paragraph(say(LEGEND)), joined([_figure(run, one) for one in shown]))


def _figure(run: Run, one: PictureFacts) -> Safe:
    drawn = Safe((run.folder / one.file).read_text(encoding="utf-8"))
    return tag("figure", drawn, tag("figcaption", f"{retold(one.why)}: {one.row_id}, {retold(one.told)}"))
