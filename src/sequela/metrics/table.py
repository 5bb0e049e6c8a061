"""Every metric that evaluation reports: its function, the kinds of task it judges, which way is better, what it means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from sequela.metrics import (
    alerts,
    cafa,
    calibration,
    concordance,
    contacts,
    detection,
    discrimination,
    entities,
    forecast,
    gathered,
    horizon,
    language,
    ordinal,
    paired,
    probability,
    ranges,
    ranking,
    regression,
    segmentation,
    segments,
    sets,
    threshold,
)
from sequela.types import Array

Kind: TypeAlias = Literal[
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "forecast",
    "next_event",
    "segment",
    "detect",
    "entities",
    "survival",
    "contact",
]
Better: TypeAlias = Literal["higher", "lower", "one", "zero"]  # the value that is best: largest, smallest, 1, 0

RISKS: tuple[Kind, ...] = ("binary", "multiclass", "multilabel")
BINARY: tuple[Kind, ...] = ("binary",)
LABELS: tuple[Kind, ...] = ("binary", "multilabel")
FORESEEN: tuple[Kind, ...] = ("next_event",)
AHEAD: tuple[Kind, ...] = ("forecast",)
QUANTITIES: tuple[Kind, ...] = ("regression", "forecast")
SETS: tuple[Kind, ...] = ("multilabel",)
CLASSES: tuple[Kind, ...] = ("multiclass",)
BOXES: tuple[Kind, ...] = ("detect",)
MASKS: tuple[Kind, ...] = ("segment",)
TEXTS: tuple[Kind, ...] = ("entities",)
TIMES: tuple[Kind, ...] = ("survival",)
PAIRS: tuple[Kind, ...] = ("contact",)


@dataclass(frozen=True, slots=True)
class Entry:
    """A metric by its name in metrics.json."""

    name: str
    function: Callable[..., Array]
    kinds: tuple[Kind, ...]
    better: Better
    needs_threshold: bool
    meaning: str


_ENTRIES = (
    Entry("auroc", discrimination.auroc, RISKS + MASKS, "higher", False, "chance that an event is ranked above a non-event"),
    Entry("auprc", discrimination.auprc, RISKS + MASKS, "higher", False, "average precision; chance level is the prevalence"),
    Entry("accuracy", threshold.accuracy, RISKS + MASKS, "higher", True, "share of decisions that are right"),
    Entry("balanced_accuracy", threshold.balanced_accuracy, RISKS, "higher", True, "mean over classes of the share found"),
    Entry("sensitivity", threshold.sensitivity, RISKS + BOXES + MASKS + TEXTS, "higher", True, "share of events that are called"),
    Entry("specificity", threshold.specificity, RISKS + MASKS, "higher", True, "share of non-events that are not called"),
    Entry("ppv", threshold.ppv, RISKS + BOXES + MASKS + TEXTS, "higher", True, "share of calls that are events"),
    Entry("npv", threshold.npv, LABELS, "higher", True, "share of non-calls that are non-events"),
    Entry("f1", threshold.f1, RISKS + BOXES + MASKS, "higher", True, "harmonic mean of sensitivity and PPV"),
    Entry("macro_f1", threshold.macro_f1, ("multiclass", "multilabel"), "higher", True, "mean of F1 over the classes"),
    Entry(
        "top3_accuracy",
        ranking.top3_accuracy,
        CLASSES,
        "higher",
        False,
        "share of rows with their class among the likeliest three",
    ),
    Entry(
        "quadratic_kappa",
        ordinal.quadratic_kappa,
        CLASSES,
        "higher",
        True,
        "agreement of ordered classes beyond chance, misses squared",
    ),
    Entry("rank_mae", ordinal.rank_mae, CLASSES, "lower", True, "mean distance of the class decided from the true one, in ranks"),
    Entry("gathered_accuracy", gathered.gathered_accuracy, CLASSES, "higher", True, "accuracy of classes gathered into fewer"),
    Entry("gathered_sov", gathered.gathered_sov, CLASSES, "higher", True, "segment overlap of classes gathered likewise"),
    Entry("sov", segments.sov, CLASSES, "higher", True, "overlap of runs of a class with the true ones; mean over sequences"),
    Entry("jaccard", sets.jaccard, SETS, "higher", True, "of what a row's two sets hold, the share in both; mean over rows"),
    Entry("set_f1", sets.set_f1, SETS, "higher", True, "F1 of each row's set; mean over rows"),
    Entry("micro_f1", sets.micro_f1, SETS, "higher", True, "F1 of all labels of all rows together"),
    Entry("micro_auroc", ranking.micro_auroc, SETS, "higher", False, "AUROC of all labels of all rows together"),
    Entry("p_at_5", ranking.p_at_5, SETS, "higher", False, "share of a row's 5 likeliest labels that are true; mean over rows"),
    Entry("p_at_8", ranking.p_at_8, SETS, "higher", False, "the same of its 8 likeliest labels"),
    Entry("fmax", cafa.fmax, SETS, "higher", False, "best F1 over cuts of labels in a hierarchy (CAFA)"),
    Entry("smin", cafa.smin, SETS, "lower", False, "least bits missed and bits wrong over cuts, as a distance (CAFA)"),
    Entry("row_auprc", sets.row_auprc, SETS, "higher", False, "average precision of each row's labels; mean over rows"),
    Entry("set_size", sets.set_size, SETS, "zero", True, "labels called of a row, in the mean; neither high nor low is better"),
    Entry("ddi_rate", sets.ddi_rate, SETS, "lower", True, "share of the pairs called together that interact"),
    Entry("ddi_rate_given", sets.ddi_rate_given, SETS, "lower", False, "the same of what was really given"),
    Entry("barred_rate", sets.barred_rate, SETS, "lower", True, "share of the labels called that a constraint rules out"),
    Entry("barred_rate_given", sets.barred_rate_given, SETS, "lower", False, "the same of what was really given"),
    Entry("lr_positive", threshold.lr_positive, LABELS, "higher", True, "what a call multiplies the odds by"),
    Entry("lr_negative", threshold.lr_negative, LABELS, "lower", True, "what no call multiplies the odds by"),
    Entry(
        "net_benefit",
        paired.net_benefit,
        BINARY,
        "higher",
        True,
        "true calls less false ones at the odds of the threshold, a row",
    ),
    Entry(
        "alerts_per_100_patient_days",
        alerts.alerts_per_100_patient_days,
        BINARY,
        "lower",
        True,
        "alerts in 100 days of one patient",
    ),
    Entry(
        "episode_sensitivity", alerts.episode_sensitivity, BINARY, "higher", True, "share of stays with the event alerted in time"
    ),
    Entry(
        "number_needed_to_evaluate",
        alerts.number_needed_to_evaluate,
        BINARY,
        "lower",
        True,
        "stays alerted for each event announced",
    ),
    Entry("false_alarms_per_hour", ranges.false_alarms_per_hour, BINARY, "lower", True, "false alarms in an hour of recording"),
    Entry("range_recall", ranges.range_recall, BINARY, "higher", True, "share of a true range that is called; mean over ranges"),
    Entry("range_precision", ranges.range_precision, BINARY, "higher", True, "share of a called range that is true, likewise"),
    Entry("range_f1", ranges.range_f1, BINARY, "higher", True, "harmonic mean of both"),
    Entry("lead_time", alerts.lead_time, BINARY, "higher", True, "median hours from the first alert in time to the event"),
    Entry("brier", probability.brier, RISKS + TIMES, "lower", False, "mean squared distance of risk from outcome"),
    Entry("log_loss", probability.log_loss, RISKS, "lower", False, "mean negative log-probability of what happened, in nats"),
    Entry("ece", probability.ece, RISKS, "lower", False, "mean gap between risk and outcome over ten bins"),
    Entry("calibration_intercept", calibration.calibration_intercept, LABELS, "zero", False, "below 0: risks are too high"),
    Entry("calibration_slope", calibration.calibration_slope, LABELS + TIMES, "one", False, "below 1: risks are too extreme"),
    Entry("observed_expected", calibration.observed_expected, LABELS + TIMES, "one", False, "events over the sum of the risks"),
    Entry("mae", regression.mae, QUANTITIES, "lower", False, "mean absolute error, in the unit of the target"),
    Entry("rmse", regression.rmse, QUANTITIES, "lower", False, "root mean squared error, in the unit of the target"),
    Entry("mse", regression.mse, ("regression",), "lower", False, "mean squared error, in the square of the target's unit"),
    Entry("r2", regression.r2, ("regression",), "higher", False, "share of the variance explained"),
    Entry(
        "perplexity", language.perplexity, FORESEEN, "lower", False, "codes among which the next is as hard to tell as by chance"
    ),
    Entry(
        "next_accuracy", language.next_accuracy, FORESEEN, "higher", False, "share of next codes that were thought the likeliest"
    ),
    Entry("next_in_10", language.next_in_10, FORESEEN, "higher", False, "share of next codes among the ten likeliest"),
    Entry("ap50", detection.ap50, BOXES, "higher", False, "average precision of boxes that overlap the true one by half or more"),
    Entry("ap", detection.ap, BOXES, "higher", False, "the same, over least overlaps of .50, .55, …, .95 (COCO)"),
    Entry("froc", detection.froc, BOXES, "higher", False, "mean sensitivity at 1/8, 1/4, …, 8 false boxes a picture"),
    Entry("count_mae", detection.count_mae, BOXES, "lower", True, "mean distance of the number called from the number there"),
    Entry("count_bias", detection.count_bias, BOXES, "zero", True, "mean of the number called less the number there"),
    Entry("dice", segmentation.dice, MASKS, "higher", True, "overlap of what is said and what is true; mean over pictures"),
    Entry("iou", segmentation.iou, MASKS, "higher", True, "of what is said or true, the share that is both; mean over pictures"),
    Entry("hd95", segmentation.hd95, MASKS, "lower", False, "95th percentile of how far the surfaces are apart, in mm"),
    Entry("nsd", segmentation.nsd, MASKS, "higher", False, "share of both surfaces that lies within the tolerance of the other"),
    Entry("volume_error", segmentation.volume_error, MASKS, "lower", True, "distance from the true volume, as a share of it"),
    Entry("volume_error_ml", segmentation.volume_error_ml, MASKS, "lower", True, "distance from the true volume, in millilitres"),
    Entry(
        "lesion_sensitivity", segmentation.lesion_sensitivity, MASKS, "higher", False, "share of lesions of which a point is said"
    ),
    Entry("false_lesions", segmentation.false_lesions, MASKS, "lower", False, "lesions of a picture that touch no true one"),
    Entry("instance_f1", segmentation.instance_f1, MASKS, "higher", False, "F1 of things matched above an IoU of one half"),
    Entry(
        "instance_f1_strict", segmentation.instance_f1_strict, MASKS, "higher", False, "mean of it over the IoU .50, .55, … .95"
    ),
    Entry(
        "entity_f1", entities.entity_f1, TEXTS, "higher", False, "F1 of entities with the right type and boundaries (conlleval)"
    ),
    Entry("entity_f1_partial", entities.entity_f1_partial, TEXTS, "higher", False, "F1 of entities that touch one of their type"),
    Entry("entities_right", entities.entities_right, TEXTS, "higher", False, "entities with the right type and boundaries"),
    Entry("entities_boundary", entities.entities_boundary, TEXTS, "lower", False, "entities that begin or end elsewhere"),
    Entry("entities_type", entities.entities_type, TEXTS, "lower", False, "entities of another type"),
    Entry("entities_both", entities.entities_both, TEXTS, "lower", False, "entities of another type that begin or end elsewhere"),
    Entry("entities_spurious", entities.entities_spurious, TEXTS, "lower", False, "entities said where none is"),
    Entry("entities_missed", entities.entities_missed, TEXTS, "lower", False, "entities that nothing was said of"),
    Entry("precision_l5", contacts.precision_l5, PAIRS, "higher", False, "share of the likeliest L/5 pairs that are true"),
    Entry("precision_l2", contacts.precision_l2, PAIRS, "higher", False, "the same of the likeliest L/2"),
    Entry("precision_l", contacts.precision_l, PAIRS, "higher", False, "the same of the likeliest L"),
    Entry("contact_auprc", contacts.contact_auprc, PAIRS, "higher", False, "average precision of a row's pairs; mean over rows"),
    Entry("mase", regression.mase, QUANTITIES, "lower", False, "error over that of repeating the last value"),
    Entry("pinball", forecast.pinball, AHEAD, "lower", False, "mean pinball loss of the quantiles, in the unit of the target"),
    Entry("coverage", forecast.coverage, AHEAD, "higher", False, "share of the truth between the outermost quantiles"),
    Entry("interval_width", forecast.interval_width, AHEAD, "lower", False, "mean distance of the outermost quantiles"),
    Entry(
        "c_index",
        concordance.c_index,
        (*TIMES, "regression"),
        "higher",
        False,
        "chance that of two the one with the event first ranks higher, by the time lost to it up to the last horizon or by the "
        "risk by a horizon; of quantities, the one with the larger truth",
    ),
    Entry("uno_c", concordance.uno_c, TIMES, "higher", False, "the same as if nobody had been lost, to the last horizon"),
    Entry("td_c", concordance.td_c, TIMES, "higher", False, "the same with the risks by the time of each event (Antolini)"),
    Entry(
        "cumulative_auc",
        horizon.cumulative_auc,
        TIMES,
        "higher",
        False,
        "chance that an event by the horizon ranks above none by then",
    ),
    Entry("integrated_brier", horizon.integrated_brier, TIMES, "lower", False, "mean Brier score over the days to the last"),
)
METRICS: dict[str, Entry] = {entry.name: entry for entry in _ENTRIES}
