"""What a reader must see first: what may be wrong with the run, the verdict, and the table behind it."""

from __future__ import annotations

from sequela.evaluate.report import numbers
from sequela.evaluate.report.html import EMPTY, Piece, Safe, joined, paragraph, section, table, tag
from sequela.evaluate.report.run import Run, label
from sequela.evaluate.report.sections.cells import resampled, valued
from sequela.evaluate.report.verdict import certain, verdict
from sequela.evaluate.report.words import later, retold, say

KEY = {
    "binary": ("auroc", "auprc", "brier", "calibration_slope", "accuracy"),
    "multiclass": (
        *("auroc", "accuracy", "sov", "gathered_accuracy", "gathered_sov", "top3_accuracy", "quadratic_kappa", "rank_mae"),
        *("balanced_accuracy", "macro_f1", "brier"),
    ),
    "multilabel": (
        *("fmax", "smin", "auroc", "auprc", "micro_auroc", "macro_f1", "micro_f1", "p_at_5", "p_at_8"),
        *("brier", "jaccard", "set_f1", "row_auprc", "set_size"),
        *("ddi_rate", "ddi_rate_given", "barred_rate", "barred_rate_given"),
    ),
    "regression": ("mae", "mse", "rmse", "r2", "c_index", "mase"),
    "forecast": ("mae", "rmse", "mase", "pinball", "coverage", "interval_width"),
    "next_event": ("perplexity", "next_accuracy", "next_in_10"),
    "detect": ("ap50", "ap", "froc"),
    "segment": ("dice", "iou", "hd95", "nsd", "instance_f1", "auroc", "sensitivity", "ppv", "f1"),
    "entities": ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
    "survival": ("td_c", "uno_c", "c_index", "integrated_brier"),
    "contact": ("precision_l5", "precision_l2", "precision_l", "contact_auprc"),
}
COMPARED = {
    "binary": ("auroc", "auprc", "brier", "accuracy"),
    "multiclass": (
        *("auroc", "accuracy", "sov", "gathered_accuracy", "gathered_sov", "top3_accuracy", "quadratic_kappa", "rank_mae"),
        *("macro_f1", "brier"),
    ),
    "multilabel": (
        *("fmax", "smin", "auroc", "auprc", "micro_auroc", "macro_f1", "micro_f1", "p_at_5", "p_at_8"),
        *("brier", "jaccard", "set_f1", "row_auprc", "ddi_rate", "barred_rate"),
    ),
    "regression": ("mae", "mse", "rmse", "r2", "c_index"),
    "forecast": ("mae", "rmse", "mase", "pinball"),
    "next_event": ("perplexity", "next_accuracy", "next_in_10"),
    "detect": ("ap50", "ap", "froc"),
    "segment": ("dice", "iou", "hd95", "instance_f1"),
    "entities": ("entity_f1", "entity_f1_partial", "ppv", "sensitivity"),
    "survival": ("td_c", "uno_c", "c_index", "integrated_brier"),
    "contact": ("precision_l5", "precision_l2", "precision_l", "contact_auprc"),
}


def warnings(run: Run) -> Safe:
    """Overlap first, then whatever else qualifies every number below."""
    said: list[Piece] = []
    if run.facts.notice:
        said.append(tag("span", " ".join(map(retold, [run.facts.notice, *run.facts.rules]))))
    if run.facts.overlap:
        allowed = say("The study allows a unit in several parts: {reason}", reason=run.facts.overlap)
        said.append(tag("strong", say("Parts overlap. ")) + tag("span", allowed))
    if run.part == "tune":
        flattered = say("These numbers chose the model, its threshold and the baselines' settings, and flatter all of them. ")
        said.append(
            tag("strong", say("Only the tune part was evaluated. "))
            + tag("span", flattered)
            + tag("span", say("The test part has not been opened."))
        )
    looks = max((split.looks or 0 for split in run.facts.splits), default=0)
    if run.part == "test" and looks > 1:
        fitted = say("Choices made after an earlier look can fit the test part; the intervals do not allow for that.")
        said.append(tag("strong", say("This was look number {looks} at these test rows. ", looks=looks)) + tag("span", fitted))
    let_stand = [alarm for alarm in run.facts.audit if alarm.allowed]
    if let_stand:
        counted = say("Alarms of the leak audit that were let stand: {count}. ", count=len(let_stand))
        said.append(tag("strong", counted) + tag("span", say("See Leak audit.")))
    return joined([tag("div", paragraph(one), class_="warning") for one in said])


def outcome(run: Run) -> Safe:
    """The verdict and the two tables behind it."""
    sentences = verdict(run)
    first = tag("p", tag("strong", sentences[0]), " " + " ".join(sentences[1:]), class_="verdict")
    return section(say("Verdict"), first, _values(run), _differences(run), _by_split(run))


def _values(run: Run) -> Safe:
    metrics = [metric for metric in KEY[run.kind] if any(run.number(model, metric) for model in run.models)]
    rows: list[list[Piece]] = [[label(model), *[_cell(run, model, metric) for metric in metrics]] for model in run.models]
    caption = say(
        "{what}: each value with its 95 % interval ({resampled}). {direction}",
        what=say("Mean over splits") if run.several else say("The {part} part", part=say(run.part)),
        resampled=resampled(),
        direction=say(_DIRECTIONS.get(run.kind, _DIRECTION)),
    )
    return table(["", *map(numbers.name, metrics)], rows, caption, run.models.index(run.main))


_DIRECTIONS = {
    "next_event": later("Lower is better for perplexity; every code after the first of a row counts once."),
    "regression": later("Lower is better for errors, higher for R²."),
    "forecast": later("Lower is better for errors and widths; coverage is best at what the interval promises."),
    "detect": later("Higher is better; means over the classes."),
    "entities": later("Higher is better; entities of all types and documents are counted together."),
    "survival": later("Higher is better, except for the Brier score, where lower is; means over the causes."),
    "contact": later("Higher is better; means over the rows that have a pair."),
    "segment": later("Higher is better, except for distances, where lower is; means over the names."),
    "multiclass": later("Higher is better; lower is for the Brier score and for errors in ranks."),
    "multilabel": later("Higher is better; lower is for the Brier score, for what interacts and for what is ruled out."),
}
_DIRECTION = later("Higher is better, except for the Brier score, where lower is; a calibration slope is best at 1.")


def _cell(run: Run, model: str, metric: str) -> Piece:
    row = run.number(model, metric)
    if row is None:
        return "–"
    limits = numbers.limits(row)
    reason = f" ({retold(row.reason)})" if row.reason and not limits else ""
    return tag("span", numbers.number(row.value, metric), tag("small", f" {limits}") if limits else reason)


DELONG = later(
    " p by DeLong; it and the interval, which resamples subjects, can disagree where events are few: such a difference is not "
    "settled."
)


def _differences(run: Run) -> Safe:
    pairs = list(dict.fromkeys((row.model, row.against) for row in run.rows if row.against and not row.group and not row.class_))
    held = {row.metric: row.p for row in run.rows if row.against and not row.group and not row.class_}
    metrics = [metric for metric in COMPARED[run.kind] if metric in held]
    delong = say(DELONG) if any(p is not None for p in held.values()) else ""
    rows: list[list[Piece]] = []
    for model, against in pairs:
        cells = [_difference(run, model, metric, against) for metric in metrics]
        rows.append([f"{label(model)} − {label(against)}", *cells])
    caption = say(
        "Paired differences on the same rows, each with its 95 % interval; bold where the interval leaves out zero.{delong}",
        delong=delong,
    )
    return table([say("Paired difference"), *map(numbers.name, metrics)], rows, caption)


def _by_split(run: Run) -> Safe:
    """The number of the verdict in each split, of every answer."""
    splits = list(dict.fromkeys(row.split for row in run.shown_part if row.split != run.split))
    found = {
        (row.model, row.split): row
        for row in run.shown_part
        if row.metric == run.headline and not row.class_ and not row.group and not row.against
    }
    rows: list[list[Piece]] = [[label(model), *[valued(found.get((model, split))) for split in splits]] for model in run.models]
    caption = say("{metric} in each split.", metric=numbers.name(run.headline))
    return table(["", *splits], rows, caption) if run.several else EMPTY


def _difference(run: Run, model: str, metric: str, against: str) -> Piece:
    row = run.number(model, metric, against=against)
    if row is None or row.value is None:
        return "–"
    details = ", ".join(filter(None, [numbers.limits(row), numbers.p_value(row.p)]))
    value = numbers.number(row.value, metric, signed=True)
    return tag("strong" if certain(row) else "span", value) + (tag("small", f" {details}") if details else EMPTY)
