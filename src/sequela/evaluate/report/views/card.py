"""A model card (Mitchell 2019, FAT*, 4.1 to 4.9). The paper numbers its own sections, not the card's: none are printed."""

from __future__ import annotations

from sequela.evaluate.report.views.view import Asked, View
from sequela.evaluate.report.words import later

VIEW = View(
    later("Model card"),
    "Mitchell M, Wu S, Zaldivar A, et al. Model Cards for Model Reporting. FAT* 2019, 220–229.",
    (
        Asked("", later("Model details"), ("model", "environment", "licence", "approval")),
        Asked("", later("Intended use"), ("intended_use", "user", "limits")),
        Asked("", later("Factors"), ("groups", "known_inequalities")),
        Asked("", later("Metrics"), ("discrimination", "calibration", "threshold")),
        Asked("", later("Evaluation data"), ("sources", "eligibility", "split", "transforms")),
        Asked("", later("Training data"), ("sources", "characteristics", "transforms")),
        Asked("", later("Quantitative analyses"), ("groups", "fairness")),
        Asked("", later("Ethical considerations"), ("ethics", "known_inequalities", "privacy")),
        Asked("", later("Caveats and recommendations"), ("limits", "robustness", "monitoring")),
    ),
)
