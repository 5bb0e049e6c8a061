"""TRIPOD+AI: reporting of studies that develop or evaluate a prediction model (Collins 2024, BMJ 385:e078378).

Numbers are those of the checklist's 27 items with their sub-items, compared with two public transcriptions of it (the skill
`tripod-check` of github.com/htlin222/dotfiles; for 18a to 20b also a filled-in checklist of a published study).
"""

from __future__ import annotations

from sequela.evaluate.report.views.view import Asked, View
from sequela.evaluate.report.words import later

MANUSCRIPT = later("of a manuscript: nothing of a run says it")
EVALUATION = later("of an evaluation of a given model: this run trained its own")
JUDGED = later("of outcomes or inputs that people judge: records do not tell who did")

VIEW = View(
    later("TRIPOD+AI"),
    "Collins GS, Moons KGM, Dhiman P, et al. TRIPOD+AI statement. BMJ 2024;385:e078378.",
    (
        Asked("1", later("Title"), ("claim",)),
        Asked("2", later("Abstract"), why=MANUSCRIPT),
        Asked("3a", later("Healthcare context and rationale"), ("rationale",)),
        Asked("3b", later("Target population, pathway, intended users"), ("intended_use", "user", "pathway")),
        Asked("3c", later("Health inequalities"), ("known_inequalities",)),
        Asked("4", later("Objectives"), ("claim", "objectives")),
        Asked("5a", later("Sources of data"), ("sources", "licence")),
        Asked("5b", later("Dates of data"), ("dates",)),
        Asked("6a", later("Setting and centres"), ("pathway", "sites")),
        Asked("6b", later("Eligibility"), ("eligibility",)),
        Asked("6c", later("Treatments received"), ("treatments",)),
        Asked("7", later("Preparation of data"), ("transforms", "leaks")),
        Asked("8a", later("Outcome and horizon"), ("outcome", "clinical_validity")),
        Asked("8b", later("Who assessed the outcome"), why=JUDGED),
        Asked("8c", later("Blinding of the outcome's assessment"), why=JUDGED),
        Asked("9a", later("Choice of predictors"), ("predictors", "rationale")),
        Asked("9b", later("Definition of predictors"), ("predictors", "leaks")),
        Asked("9c", later("Who assessed the predictors"), why=JUDGED),
        Asked("10", later("Sample size"), ("size",)),
        Asked("11", later("Missing data"), ("missing", "transforms")),
        Asked("12a", later("Partition of data"), ("split",)),
        Asked("12b", later("Handling of predictors"), ("transforms",)),
        Asked("12c", later("Model building and internal validation"), ("model", "trials")),
        Asked("12d", later("Heterogeneity between clusters"), ("sites",)),
        Asked("12e", later("Measures of performance"), ("discrimination", "calibration", "benefit", "comparison")),
        Asked("12f", later("Updating of the model"), why=EVALUATION),
        Asked("12g", later("How predictions are calculated"), ("model", "environment")),
        Asked("13", later("Class imbalance"), ("imbalance",)),
        Asked("14", later("Fairness"), ("fairness",)),
        Asked("15", later("Output and thresholds"), ("threshold",)),
        Asked("16", later("Differences between development and evaluation"), ("characteristics",)),
        Asked("17", later("Ethical approval"), ("ethics",)),
        Asked("18a", later("Funding"), ("funding",)),
        Asked("18b", later("Conflicts of interest"), ("interests",)),
        Asked("18c", later("Protocol"), ("registration", "objectives")),
        Asked("18d", later("Registration"), ("registration",)),
        Asked("18e", later("Sharing of data"), ("sharing", "sources")),
        Asked("18f", later("Sharing of code"), ("sharing", "environment")),
        Asked("19", later("Involvement of patients and the public"), ("involvement",)),
        Asked("20a", later("Flow of participants"), ("eligibility", "size")),
        Asked("20b", later("Characteristics of participants"), ("characteristics", "missing")),
        Asked("20c", later("Comparison of data with those of development"), ("characteristics",)),
        Asked("21", later("Participants and events of each analysis"), ("split", "size")),
        Asked("22", later("Full specification of the model"), ("model", "environment")),
        Asked("23a", later("Performance with intervals, by group"), ("discrimination", "calibration", "groups")),
        Asked("23b", later("Heterogeneity of performance"), ("sites",)),
        Asked("24", later("Results of updating"), why=EVALUATION),
        Asked("25", later("Interpretation"), ("interpretation",)),
        Asked("26", later("Limits"), ("limits",)),
        Asked("27a", later("Poor or missing input in use"), ("refusals", "robustness")),
        Asked("27b", later("What users must do and know"), ("user", "oversight")),
        Asked("27c", later("Next steps of research"), ("interpretation",)),
    ),
)
