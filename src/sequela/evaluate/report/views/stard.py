"""STARD 2015: reporting of studies of diagnostic accuracy (Bossuyt 2015, BMJ 351:h5527).

Numbers are those of the list of 30 items, as printed in Cohen 2016, BMJ Open 6:e012799, table 2.
"""

from __future__ import annotations

from sequela.evaluate.report.views.view import Asked, View
from sequela.evaluate.report.words import later

MANUSCRIPT = later("of a manuscript: nothing of a run says it")
READERS = later("of tests that people read: records do not tell what they knew")
UNKNOWN = later("records do not tell it")

VIEW = View(
    later("STARD 2015"),
    "Bossuyt PM, Reitsma JB, Bruns DE, et al. STARD 2015. BMJ 2015;351:h5527.",
    (
        Asked("1", later("Title: a study of diagnostic accuracy"), ("claim", "discrimination")),
        Asked("2", later("Abstract"), why=MANUSCRIPT),
        Asked("3", later("Background, intended use and clinical role"), ("rationale", "intended_use", "pathway")),
        Asked("4", later("Objectives and hypotheses"), ("objectives",)),
        Asked("5", later("Prospective or retrospective"), why=UNKNOWN),
        Asked("6", later("Eligibility"), ("eligibility",)),
        Asked("7", later("How participants were identified"), ("eligibility",)),
        Asked("8", later("Where and when"), ("sources", "dates")),
        Asked("9", later("Consecutive, random or convenience series"), why=UNKNOWN),
        Asked("10a", later("Index test, to be replicated"), ("model", "environment", "predictors")),
        Asked("10b", later("Reference standard, to be replicated"), ("outcome",)),
        Asked("11", later("Rationale of the reference standard"), ("clinical_validity",)),
        Asked("12a", later("Cut-offs of the index test"), ("threshold",)),
        Asked("12b", later("Cut-offs of the reference standard"), ("outcome",)),
        Asked("13a", later("What readers of the index test knew"), ("leaks",)),
        Asked("13b", later("What assessors of the reference standard knew"), why=READERS),
        Asked("14", later("Methods for measures of accuracy"), ("discrimination", "comparison")),
        Asked("15", later("Indeterminate results"), ("abstention",)),
        Asked("16", later("Missing data"), ("missing",)),
        Asked("17", later("Variability of accuracy"), ("groups", "fairness")),
        Asked("18", later("Intended sample size"), ("size",)),
        Asked("19", later("Flow of participants"), ("eligibility",)),
        Asked("20", later("Characteristics of participants"), ("characteristics",)),
        Asked("21a", later("Severity of disease among the sick"), why=UNKNOWN),
        Asked("21b", later("Alternative diagnoses among the others"), why=UNKNOWN),
        Asked("22", later("Interval between index test and reference standard"), ("outcome", "treatments")),
        Asked("23", later("Cross tabulation"), ("table",)),
        Asked("24", later("Estimates of accuracy with intervals"), ("discrimination", "rates")),
        Asked("25", later("Adverse events"), why=UNKNOWN),
        Asked("26", later("Limits"), ("limits",)),
        Asked("27", later("Implications for practice"), ("interpretation", "intended_use")),
        Asked("28", later("Registration"), ("registration",)),
        Asked("29", later("Protocol"), ("registration", "objectives")),
        Asked("30", later("Funding"), ("funding",)),
    ),
)
