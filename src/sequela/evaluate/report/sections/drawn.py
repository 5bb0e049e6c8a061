"""What a language model of sequences draws: how much of it is whole, valid and new, and how near it stays to training."""

from __future__ import annotations

import base64
from pathlib import Path

from sequela.evaluate.facts import DrawnFacts, SequenceFacts, SplitFacts
from sequela.evaluate.intervals import wilson
from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, paragraph, section, table, tag
from sequela.evaluate.report.run import Run
from sequela.evaluate.report.words import later, say

NOTICE = later(
    "What stands here is text that obeys a grammar, and nothing more. Nobody has said that it can be made, is stable, is safe, "
    "or does anything; a sequence that looks like a drug or a protein is none until it was made and tested."
)
MEANING = later(
    "Valid: ended by itself and, of a molecule, read by RDKit with its valences. Unique: different ones among the valid. Novel: "
    "of these, those that the network did not learn from. Likeness is Tanimoto's of molecules (circular fragments), of letters "
    "the share of identical ones in an alignment; beside it stands that of sequences kept from the network. Where what is drawn "
    "is much nearer to training than those are, the network repeats what it saw."
)

PART = later("{part} of {whole}")


def drawn(run: Run) -> Safe:
    """Nothing where no sequence was drawn."""
    return section(say("Sequences drawn"), *[_split(run, one, one.drawn) for one in run.facts.splits if one.drawn is not None])


def _split(run: Run, split: SplitFacts, told: DrawnFacts) -> Safe:
    several = len(run.facts.splits) > 1
    title = tag("h3", split.name) if several else EMPTY
    folder = run.folder / split.name if several else run.folder
    count = numbers.count(told.samples)
    sentence = later("{count} sequences were drawn once the model was chosen, at a temperature of {temperature}.")
    said = paragraph(say(sentence, count=count, temperature=f"{told.temperature:g}"))
    return title + said + paragraph(tag("strong", say(NOTICE))) + _shares(told) + _likeness(told) + _shown(told, folder)


def _shares(told: DrawnFacts) -> Safe:
    rows: list[list[Piece]] = [
        _share(say("Ended by themselves"), told.ended, told.samples),
        _share(say("Valid, of all"), told.valid, told.samples),
        _share(say("Unique, of the valid"), told.unique, told.valid),
        _share(say("Novel, of the unique"), told.novel, told.unique),
    ]
    return table(["", say("Share"), say("95 % interval"), say("Number")], rows, say(MEANING))


def _share(name: str, part: int, whole: int) -> list[Piece]:
    if not whole:
        return [name, "–", "–", say(PART, part=0, whole=0)]
    low, high = wilson(part, whole)
    limits = say("{low} to {high}", low=f"{low:.3f}", high=f"{high:.3f}")
    return [name, f"{part / whole:.3f}", limits, say(PART, part=numbers.count(part), whole=numbers.count(whole))]


def _likeness(told: DrawnFacts) -> Safe:
    rows: list[list[Piece]] = [
        [say("Likeness to the nearest training sequence"), _quartiles(told.nearest), _quartiles(told.nearest_held_out)],
        [
            say("Length, in letters or tokens"),
            _quartiles(told.lengths),
            say("{value} (training)", value=_quartiles(told.lengths_training)),
        ],
        [say("Composition, distance from training (0 to 1)"), f"{told.composition:.3f}", ""],
    ]
    return table([say("Median (quartiles)"), say("Drawn"), say("Beside it: kept from the network")], rows)


def _quartiles(told: list[float]) -> str:
    if not told:
        return "–"
    low, middle, high = (f"{one:g}" for one in told)
    return say("{middle} ({low} to {high})", middle=middle, low=low, high=high)


def _shown(told: DrawnFacts, folder: Path) -> Safe:
    if not told.shown:
        return EMPTY
    said = say(
        "The first {count} that are novel, as they came, with the likeness of the nearest training sequence:",
        count=len(told.shown),
    )
    return paragraph(said) + tag("div", *[_one(shown, folder) for shown in told.shown], class_="pictures small")


def _one(shown: SequenceFacts, folder: Path) -> Safe:
    held = folder / shown.file
    caption = tag("figcaption", f"{shown.nearest:.2f}: ", tag("code", shown.text))
    if not shown.file or not held.is_file():
        return tag("figure", caption)
    data = base64.b64encode(held.read_bytes()).decode()
    picture = tag(
        "img", src=f"data:image/svg+xml;base64,{data}", alt=say("the structural formula of {sequence}", sequence=shown.text)
    )
    return tag("figure", Safe(picture.markup.removesuffix("</img>")), caption)
