"""What only people can say of a study, and sign for: intended use, ethics, limits, … Nothing of it is ever made up."""

from __future__ import annotations

from sequela.config.strict import Strict


class Statements(Strict, frozen=True):
    """What only people can say; the report prints it where it belongs. What is left out stays a visible blank."""

    rationale: str = ""  # why a model is wanted, and what is known and used already
    intended_use: str = ""  # who would act on an answer, when, and what they would do otherwise
    user: str = ""  # who reads an answer, and what they must be able to do
    pathway: str = ""  # where in the care of a patient it stands
    known_inequalities: str = ""  # in how the outcome, its care or its records came about
    treatments: str = ""  # received between the prediction and the outcome: they can hide or create events
    clinical_validity: str = ""  # of the outcome as coded: whether the code means what the question asks
    threshold_range: str = ""  # at which a clinician would act: only there does the decision curve matter
    error_review: str = ""  # by clinicians, of cases that were missed and of false alarms that would do harm
    limits: str = ""  # to whom and where the results do not apply
    interpretation: str = ""  # of the results, against what was known
    ethics: str = ""  # approval, consent or waiver, with its number
    funding: str = ""  # its sources, and what they had to say in the study
    interests: str = ""  # of the authors, that may conflict
    registration: str = ""  # register and number, or that there is none; where the protocol is
    sharing: str = ""  # of data and code: where, and on what terms
    involvement: str = ""  # of patients and the public, or that there was none
    oversight: str = ""  # by people, of a model in use: who may overrule it, and how
    approval: str = ""  # name, role and date of who answers for this report
