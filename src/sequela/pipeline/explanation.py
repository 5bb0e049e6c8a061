"""What the answers of a run or a bundle rest on, by the method that suits its inputs or the one asked for.

    left_out          codes taken away in turn, of the whole answer (left_out.py)
    mutagenesis       letters of sequences put to others (mutations.py)
    counterfactual    of each row the nearest plausible change that flips its answer (counterfactuals.py)
    prototypes        of each row of a run the training cases most like it (prototypes.py)
    of texts          words, by what fits the network (attributed.py)
    any other         a method of attribution over the networks (attributing.py)

All but those by row are one table over many rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from sequela import seed as streams
from sequela.bundle import Bundle, load
from sequela.contracts import Evidence, Progress
from sequela.errors import UsageError
from sequela.evaluate.facts import RunFacts
from sequela.pipeline import attributing, bags, counterfactuals, files, left_out, prototypes, terms
from sequela.pipeline.data import records
from sequela.pipeline.importance import Importance, Listed
from sequela.pipeline.progress import silent
from sequela.pipeline.reopened import reopen
from sequela.pipeline.texts import Who
from sequela.store.store import Store
from sequela.types import Cohort

AUTO, LEFT_OUT, MUTAGENESIS = "auto", "left_out", "mutagenesis"
COUNTERFACTUAL, PROTOTYPES = "counterfactual", "prototypes"
NO_PATIENT = "a bundle holds no patient that another could be likened to"
NOBODY: Mapping[str, str] = {}
WORDS = 100  # of texts that a table holds


def explain(
    of: str | Path,
    *,
    data: str | Path | Store | None = None,
    rows: int = 200,
    method: str = AUTO,
    progress: Progress = silent,
) -> Importance | Listed:
    """The table for a run (on its own data) or for a bundle on the data given; at most `rows` rows, drawn by a fixed seed.

    Of texts it is a table of words: what each adds, in the mean over the rows of whose class it is told. With the method
    "mutagenesis" it is one of letters of sequences, each put to each other one: by place where all are of one length, else by
    what was put for what. Of other inputs it is one of features, codes and leads: of a run over rows of the part that its report
    shows, compared with rows of training. Raises UsageError where nothing is explained so.
    """
    path = Path(of)
    held = load(path / files.BUNDLE if path.is_dir() else path)
    if data is None and not path.is_dir():
        raise UsageError("a bundle holds no patients to explain", hint="give data with --data PATH")
    given = data if data is not None else files.read_json(path / files.FACTS, RunFacts).data.source
    store = records(held.study.data, Path(), given, progress)
    cohort, _ = held.eligible(store)
    cohort = cohort.take(np.sort(streams.generator(0, "explain").permutation(len(cohort))[:rows]))
    if method == MUTAGENESIS:
        return _letters(held, store, cohort, progress)
    if method in (COUNTERFACTUAL, PROTOTYPES):
        return _by_row(held, store, cohort, method, path if data is None else None, progress)
    words = _words(held, store, cohort) if method == AUTO else None
    if words is not None:
        return words
    if method == LEFT_OUT or (method == AUTO and not attributing.methods(held.predictor)):
        return left_out.table(held, store, cohort, progress)
    chosen = "" if method == AUTO else method
    if data is None:
        return attributing.of_run(reopen(path, None, progress), rows, chosen, progress)
    evidence = held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id)
    return attributing.table(held, evidence, chosen, None, progress)


def _by_row(held: Bundle, store: Store, cohort: Cohort, method: str, run: Path | None, progress: Progress) -> Listed:
    """A sentence a row: the change that flips its answer, or the training cases most like it."""
    if run is None:
        if method == PROTOTYPES:
            raise UsageError(NO_PATIENT, hint="explain its run folder")
        return _flipped(held, held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id), progress)
    opened = reopen(run, None, progress)
    rows = opened.evidence(opened.part, attributing.drawn(len(opened.rows(opened.part)), len(cohort), opened.part))
    if method == COUNTERFACTUAL:
        return _flipped(opened.held, rows, progress)
    alike = prototypes.of_rows(opened.held.predictor, rows, opened.evidence("train"))
    return Listed([msgspec.to_builtins(one) for one in alike], tuple(one.sentence for one in alike))


def _flipped(held: Bundle, rows: Evidence, progress: Progress) -> Listed:
    found = counterfactuals.of_rows(held.predictor, rows, progress=progress)
    return Listed([msgspec.to_builtins(one) for one in found], tuple(one.sentence for one in found))


def _letters(held: Bundle, store: Store, cohort: Cohort, progress: Progress) -> Importance:
    from sequela.pipeline import mutations

    told = "in the unit of the value" if held.predictor.task.kind == "regression" else "log-odds of what is said of the sequence"
    return Importance(mutations.table(held, held.known(store, cohort), cohort, progress), told)


def _words(held: Bundle, store: Store, cohort: Cohort) -> Importance | None:
    """Of a network of texts the words of its vocabulary that move what is said most; None of any other."""
    from sequela.pipeline import attributed, readings

    name = attributed.input_of(held.study)
    method = None if name is None else attributed.by_itself(held.predictor, name)
    if name is None or method is None or held.predictor.task.kind not in attributed.EXPLAINED:
        return None
    rows = held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id)
    sums = readings.sums_of(attributed.Texts(held.predictor, rows, name), held.predictor.answer(rows).values, method)
    names = held.predictor.task.names
    table: list[dict[str, Any]] = [
        {
            "code": word,
            "class": names[column],
            "rows": len(each),
            "mean_absolute": float(np.abs(each).mean()),
            "mean": float(np.mean(each)),
        }
        for (column, word), each in sums.items()
        if len(each) > 1
    ]
    return Importance(sorted(table, key=lambda row: -row["mean_absolute"])[:WORDS], "log-odds of what is said of the text")


def of_rows(
    held: Bundle, store: Store, who: Who, progress: Progress, method: str = AUTO, refused: Mapping[str, str] = NOBODY
) -> Mapping[str, tuple[dict[str, Any], ...]]:
    """row_id -> what its answer rests on: the exact terms where the network is a sum (terms.py, bags.py), else codes left out.

    Or by another method, where one is asked for. `refused`: row_id -> why it got no answer; there is nothing to explain then.
    """
    if method == COUNTERFACTUAL:
        return _changed(held, store, who, refused, progress)
    if method == PROTOTYPES:
        raise UsageError(NO_PATIENT, hint="sequela explain RUN --method prototypes")
    if method not in (AUTO, LEFT_OUT):
        return _attributed(held, store, who, method, progress)
    network, bag = terms.additive(held.predictor), bags.bag(held.predictor)
    if method == LEFT_OUT or (network is None and bag is None):
        return left_out.left_out(held, store, *who, progress)
    cohort, _ = held.eligible(store, *who)
    known = held.known(store, cohort)
    rows = held.predictor.evidence(known, cohort.subject_id, cohort.row_id)
    if bag is not None:
        said = bags.exact(bag, held.predictor.fitted[bag.name], known, rows, left_out.SHOWN)
    else:
        assert network is not None
        said = terms.exact(network, rows, left_out.SHOWN)
    return dict(zip(map(str, cohort.row_id), said, strict=True))


def _changed(
    held: Bundle, store: Store, who: Who, refused: Mapping[str, str], progress: Progress
) -> Mapping[str, tuple[dict[str, Any], ...]]:
    """row_id -> the nearest plausible change that flips its answer."""
    cohort, _ = held.eligible(store, *who)
    cohort = cohort.take(np.array([row not in refused for row in cohort.row_id], bool))
    if not len(cohort):
        return {}
    evidence = held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id)
    found = counterfactuals.of_rows(held.predictor, evidence, progress=progress)
    return {one.row_id: ({"sentence": one.sentence, **msgspec.to_builtins(one)},) for one in found}


def _attributed(
    held: Bundle, store: Store, who: Who, method: str, progress: Progress
) -> Mapping[str, tuple[dict[str, Any], ...]]:
    cohort, _ = held.eligible(store, *who)
    if not len(cohort):
        return {}
    evidence = held.predictor.evidence(held.known(store, cohort), cohort.subject_id, cohort.row_id)
    found = attributing.gathered(held.predictor, evidence, method, None, progress)
    return dict(zip(map(str, cohort.row_id), attributing.terms(held, found, left_out.SHOWN), strict=True))
