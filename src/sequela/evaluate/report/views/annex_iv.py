"""Annex IV of the EU AI Act, Regulation (EU) 2024/1689: the nine headings of the technical documentation of Article 11(1).

Numbers as in the annex, compared with two public transcriptions of its headings.
"""

from __future__ import annotations

from sequela.evaluate.report.views.view import Asked, View
from sequela.evaluate.report.words import later

PROVIDER = later("of the provider's conformity assessment: nothing of a run says it")

VIEW = View(
    later("EU AI Act, Annex IV"),
    "Regulation (EU) 2024/1689, Annex IV.",
    (
        Asked("1", later("General description of the system"), ("claim", "intended_use", "environment", "user")),
        Asked(
            "2",
            later("Elements of the system and how it was developed"),
            ("model", "trials", "sources", "characteristics", "transforms", "split", "leaks", "robustness", "oversight"),
        ),
        Asked(
            "3",
            later("Monitoring, functioning and control"),
            ("discrimination", "groups", "fairness", "coverage", "explanations", "limits", "oversight", "predictors"),
        ),
        Asked(
            "4", later("Appropriateness of the performance metrics"), ("objectives", "threshold_range", "calibration", "benefit")
        ),
        Asked("5", later("Risk management system"), ("risks",)),
        Asked("6", later("Changes through the lifecycle"), ("changes", "environment")),
        Asked("7", later("Harmonised standards applied"), why=PROVIDER),
        Asked("8", later("EU declaration of conformity"), why=PROVIDER),
        Asked("9", later("Monitoring after it was put on the market"), ("monitoring",)),
    ),
)
