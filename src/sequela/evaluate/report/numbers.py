"""Numbers as a reader expects them: rounded to what they can carry, a true minus, an interval in brackets."""

from __future__ import annotations

from sequela.evaluate.metric import Metric
from sequela.evaluate.report.words import say

UNITLESS = 3  # decimals of everything between 0 and 1
QUANTITIES = (
    *("mae", "rmse", "pinball", "interval_width", "perplexity"),
    *("alerts_per_100_patient_days", "number_needed_to_evaluate", "lead_time"),
    "false_alarms_per_hour",
    *("count_mae", "count_bias", "hd95", "volume_error_ml", "false_lesions"),
)
COUNTS = ("entities_right", "entities_boundary", "entities_type", "entities_both", "entities_spurious", "entities_missed")
NAMES = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "accuracy": "Accuracy",
    "balanced_accuracy": "Balanced accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "ppv": "PPV",
    "npv": "NPV",
    "f1": "F1",
    "macro_f1": "Macro-F1",
    "micro_f1": "Micro-F1",
    "micro_auroc": "Micro-AUROC",
    "fmax": "Fmax",
    "smin": "Smin",
    "p_at_5": "P@5",
    "p_at_8": "P@8",
    "top3_accuracy": "Top-3 accuracy",
    "sov": "Segment overlap",
    "gathered_accuracy": "Accuracy, gathered",
    "gathered_sov": "Segment overlap, gathered",
    "quadratic_kappa": "Quadratic kappa",
    "rank_mae": "MAE in ranks",
    "set_f1": "F1 of the set",
    "jaccard": "Jaccard",
    "row_auprc": "AUPRC within a row",
    "set_size": "Labels called a row",
    "ddi_rate": "DDI rate",
    "ddi_rate_given": "DDI rate as given",
    "barred_rate": "Share ruled out",
    "barred_rate_given": "Share ruled out as given",
    "lr_positive": "LR+",
    "lr_negative": "LR−",
    "net_benefit": "Net benefit",
    "alerts_per_100_patient_days": "Alerts per 100 patient-days",
    "episode_sensitivity": "Stays with the event alerted in time",
    "number_needed_to_evaluate": "Stays to evaluate per event announced",
    "false_alarms_per_hour": "False alarms an hour",
    "range_recall": "Recall of ranges",
    "range_precision": "Precision of ranges",
    "range_f1": "F1 of ranges",
    "lead_time": "Lead time, median hours",
    "brier": "Brier score",
    "log_loss": "Log loss",
    "ece": "ECE",
    "calibration_intercept": "Calibration intercept",
    "calibration_slope": "Calibration slope",
    "observed_expected": "Observed / expected",
    "mae": "MAE",
    "mse": "MSE",
    "rmse": "RMSE",
    "r2": "R²",
    "mase": "MASE",
    "pinball": "Pinball loss",
    "coverage": "Coverage",
    "interval_width": "Width of the interval",
    "perplexity": "Perplexity",
    "next_accuracy": "Accuracy of the next code",
    "next_in_10": "Next code in the first 10",
    "ap50": "AP50",
    "ap": "AP",
    "froc": "FROC",
    "count_mae": "Count, mean error",
    "count_bias": "Count, bias",
    "entity_f1": "Entity F1",
    "entity_f1_partial": "Entity F1, partial",
    "entities_right": "Right",
    "entities_boundary": "Wrong boundary",
    "entities_type": "Wrong type",
    "entities_both": "Both wrong",
    "entities_spurious": "Spurious",
    "entities_missed": "Missed",
    "precision_l5": "Precision at L/5",
    "precision_l2": "Precision at L/2",
    "precision_l": "Precision at L",
    "contact_auprc": "AUPRC of pairs",
    "c_index": "C-index",
    "uno_c": "Uno's C",
    "td_c": "Time-dependent C",
    "cumulative_auc": "AUC by the horizon",
    "integrated_brier": "Integrated Brier score",
    "dice": "Dice",
    "iou": "IoU",
    "hd95": "HD95",
    "nsd": "Surface Dice",
    "volume_error": "Volume error",
    "volume_error_ml": "Volume error, ml",
    "lesion_sensitivity": "Lesions found",
    "false_lesions": "False lesions a picture",
    "instance_f1": "F1 of instances",
    "instance_f1_strict": "F1 of instances, IoU .5–.95",
}


def name(metric: str) -> str:
    return say(NAMES.get(metric, metric))


def number(value: float | None, metric: str = "", signed: bool = False) -> str:
    """A value of a metric; an en dash where there is none.

    >>> number(0.8716, "auroc"), number(-0.0042, "auroc", signed=True)
    ('0.872', '−0.004')
    """
    if value is None:
        return "–"
    digits = _decimals(value, metric)
    shown = f"{value:+.{digits}f}" if signed else f"{value:.{digits}f}"
    if float(shown) == 0:
        shown = shown.lstrip("+-")
    return shown.replace("-", "−")


def _decimals(value: float, metric: str) -> int:
    if metric in COUNTS:
        return 0 if value.is_integer() or value >= 10 else 1
    return _digits(value) if metric in QUANTITIES else 2 if metric.startswith("lr_") else UNITLESS


def _digits(value: float) -> int:
    """Decimals that leave about three figures."""
    return 3 if abs(value) < 1 else 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0


def interval(metric: Metric, signed: bool = False) -> str:
    """The value with its limits; only the value where it has none."""
    value = number(metric.value, metric.metric, signed or bool(metric.against))
    return f"{value} {limits(metric)}".strip()


def limits(metric: Metric) -> str:
    if metric.low is None or metric.high is None:
        return ""
    signed = bool(metric.against)
    return f"[{number(metric.low, metric.metric, signed)}, {number(metric.high, metric.metric, signed)}]"


def count(value: int | None) -> str:
    """A whole number with thin commas.

    >>> count(12000)
    '12,000'
    """
    return "–" if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def p_value(p: float | None) -> str:
    if p is None:
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {p:.3f}"
