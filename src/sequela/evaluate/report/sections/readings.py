"""What the model reads in texts: chosen rows with their words of evidence, the words that count most, the errors by kind."""

from __future__ import annotations

from itertools import groupby

from sequela.evaluate.facts import PictureFacts
from sequela.evaluate.report import reading
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.sections.cells import because
from sequela.evaluate.report.sections.documents import PATIENTS
from sequela.evaluate.report.words import later, retold, say

ENDING = ".html"
CLASSES, ERRORS = 6, 10  # classes whose words, and kinds of error, are shown
RULE = later(
    "Of the pairs of classes that are confused most the surest error, or of labels the surest false calls and misses, and the "
    "surest rows that are right. Marked is what speaks for and against a class in the network, before any calibration. "
)


def readings(run: Run) -> Safe:
    """Nothing where no class of a text was asked for."""
    shown = [one for one in run.facts.pictures if _here(run, one)]
    words = _words(run)
    if not shown and not words.markup:
        return EMPTY
    split = say("They are of the split {split}. ", split=shown[0].split) if shown and shown[0].split else ""
    groups = [_group(run, why, list(those)) for why, those in groupby(shown, key=lambda one: one.why)]
    rule = paragraph(say(RULE) + split + say(PATIENTS))
    said = [rule, paragraph(say(reading.NOTICE)), reading.legend()] if shown else []
    return section(say("What it reads"), _errors(run), *said, joined(groups), words)


def _here(run: Run, one: PictureFacts) -> bool:
    return one.file.endswith(ENDING) and not one.marks and (run.folder / one.file).is_file()


def _group(run: Run, why: str, those: list[PictureFacts]) -> Safe:
    drawn = [
        tag(
            "figure",
            Safe((run.folder / one.file).read_text(encoding="utf-8")),
            tag("figcaption", f"{one.row_id}: {retold(one.told)}"),
        )
        for one in those
    ]
    return tag("h3", because(why)) + joined(drawn)


def _words(run: Run) -> Safe:
    """The words that add most to each class, of the classes with the most rows among them."""
    each = {name: list(those) for name, those in groupby(run.facts.words, key=lambda one: one.class_)}
    names = sorted(each, key=lambda name: -max(one.rows for one in each[name]))[:CLASSES]
    rows: list[list[Piece]] = [
        [name, ", ".join(f"{one.word} {one.change:+.2f} ({one.rows})" for one in each[name])] for name in each if name in names
    ]
    caption = say(
        "Words that add most to the log-odds of what is said, over rows drawn by a fixed seed: the mean over the rows that have "
        "the word, and how many do. Only words that several training subjects wrote are named."
    )
    return table([say("Class"), say("Words")], rows, caption)


def _errors(run: Run) -> Safe:
    """How often which class was called in place of which; of labels, how often each was called falsely and missed."""
    if run.kind == "multiclass":
        return _pairs(run)
    if run.kind != "multilabel":
        return EMPTY
    two = [(name, one.table) for name in run.classes for _, one in run.drawn(name) if one.model == run.main and one.table]
    order = sorted(two, key=lambda each: -(each[1].false_positive + each[1].false_negative))[:ERRORS]
    rows: list[list[Piece]] = [[name, f"{found.false_positive:,}", f"{found.false_negative:,}"] for name, found in order]
    head = [say("Label"), say("Called, and not there"), say("There, and not called")]
    return table(head, rows, say("The labels with the most errors."))


def _pairs(run: Run) -> Safe:
    counts: dict[tuple[str, str], int] = {}
    for _, one in run.confusions():
        if one.model == run.main:
            for true, line in zip(one.classes, one.counts, strict=True):
                for said, count in zip(one.classes, line, strict=True):
                    counts[true, said] = counts.get((true, said), 0) + count * (true != said)
    order = sorted((pair for pair in counts if counts[pair]), key=lambda pair: -counts[pair])[:ERRORS]
    rows: list[list[Piece]] = [[true, said, f"{counts[true, said]:,}"] for true, said in order]
    return table([say("Is"), say("Called"), say("Rows")], rows, say("The pairs of classes that are confused most."))
