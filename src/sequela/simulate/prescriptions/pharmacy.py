"""What the simulated prescribers know: drugs, what they are for, what they may not go with, and whom they may not be given to.

Textbook facts, each with its public source (US prescribing information unless said otherwise), chosen as examples: no formulary.
"""

from __future__ import annotations

from dataclasses import dataclass

DRUGS = {
    "ATC//A02BA03": "famotidine",
    "ATC//A02BC01": "omeprazole",
    "ATC//A06AD15": "macrogol",
    "ATC//A10AE04": "insulin glargine",
    "ATC//A10BA02": "metformin",
    "ATC//A10BK03": "empagliflozin",
    "ATC//B01AA03": "warfarin",
    "ATC//B01AC04": "clopidogrel",
    "ATC//B01AC06": "acetylsalicylic acid",
    "ATC//B01AF02": "apixaban",
    "ATC//C01AA05": "digoxin",
    "ATC//C01DA14": "isosorbide mononitrate",
    "ATC//C03AA03": "hydrochlorothiazide",
    "ATC//C03CA01": "furosemide",
    "ATC//C03DA01": "spironolactone",
    "ATC//C07AB07": "bisoprolol",
    "ATC//C08CA01": "amlodipine",
    "ATC//C09AA05": "ramipril",
    "ATC//C10AA01": "simvastatin",
    "ATC//C10AA05": "atorvastatin",
    "ATC//G04BE03": "sildenafil",
    "ATC//J01AA02": "doxycycline",
    "ATC//J01CA04": "amoxicillin",
    "ATC//J01EA01": "trimethoprim",
    "ATC//J01FA09": "clarithromycin",
    "ATC//J01MA02": "ciprofloxacin",
    "ATC//J01XE01": "nitrofurantoin",
    "ATC//M01AE01": "ibuprofen",
    "ATC//M03BX02": "tizanidine",
    "ATC//N02AX02": "tramadol",
    "ATC//N02BE01": "paracetamol",
    "ATC//N02CC01": "sumatriptan",
    "ATC//N03AF01": "carbamazepine",
    "ATC//N03AG01": "valproic acid",
    "ATC//N03AX14": "levetiracetam",
    "ATC//N06AB04": "citalopram",
    "ATC//N06AX11": "mirtazapine",
    "ATC//R03AC02": "salbutamol",
}
_CODE = {name: code for code, name in DRUGS.items()}


def drug(name: str) -> str:
    """Its ATC code."""
    return _CODE[name]


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason to prescribe: how common it is, and for each drug that it asks for the first line and the alternatives."""

    code: str
    name: str
    share: float  # of the patients of that age (chronic) or of visits (acute)
    needs: tuple[tuple[str, ...], ...]  # names of drugs
    ages: tuple[float, float] = (0, 120)
    sex: str = ""  # "M" where men alone have it
    chronic: bool = True


PROBLEMS = (
    Problem("ICD10CM//I10", "hypertension", 0.45, (("ramipril", "amlodipine", "hydrochlorothiazide"),), (35, 120)),
    Problem("ICD10CM//E11.9", "type 2 diabetes", 0.22, (("metformin", "empagliflozin", "insulin glargine"),), (35, 120)),
    Problem(
        "ICD10CM//I48.91", "atrial fibrillation", 0.18, (("apixaban", "warfarin"), ("bisoprolol", "digoxin")), (55, 120)
    ),
    Problem("ICD10CM//I50.9", "heart failure", 0.15, (("furosemide",), ("spironolactone",), ("bisoprolol",)), (55, 120)),
    Problem("ICD10CM//E78.5", "hyperlipidaemia", 0.35, (("simvastatin", "atorvastatin"),), (40, 120)),
    Problem(
        "ICD10CM//I20.9", "angina", 0.15, (("acetylsalicylic acid", "clopidogrel"), ("isosorbide mononitrate",)), (45, 120)
    ),
    Problem("ICD10CM//K21.9", "gastro-oesophageal reflux", 0.2, (("omeprazole", "famotidine"),), (25, 120)),
    Problem("ICD10CM//F32.9", "depression", 0.15, (("citalopram", "mirtazapine"),), (16, 120)),
    Problem("ICD10CM//G40.909", "epilepsy", 0.06, (("valproic acid", "levetiracetam", "carbamazepine"),)),
    Problem("ICD10CM//J45.909", "asthma", 0.1, (("salbutamol",),)),
    Problem("ICD10CM//M17.9", "osteoarthritis of the knee", 0.25, (("ibuprofen", "paracetamol", "tramadol"),), (45, 120)),
    Problem("ICD10CM//N52.9", "erectile dysfunction", 0.15, (("sildenafil",),), (45, 120), "M"),
    Problem("ICD10CM//G43.909", "migraine", 0.1, (("sumatriptan", "paracetamol"),), (18, 60)),
    Problem(
        "ICD10CM//J18.9", "pneumonia", 0.18, (("amoxicillin", "clarithromycin", "doxycycline"),), chronic=False
    ),
    Problem(
        "ICD10CM//N39.0", "urinary tract infection", 0.16, (("nitrofurantoin", "trimethoprim", "ciprofloxacin"),), chronic=False
    ),
    Problem("ICD10CM//M62.838", "muscle spasm", 0.08, (("tizanidine", "paracetamol"),), (18, 120), chronic=False),
    Problem("ICD10CM//R52", "pain", 0.18, (("paracetamol", "ibuprofen", "tramadol"),), chronic=False),
    Problem("ICD10CM//K59.00", "constipation", 0.1, (("macrogol",),), chronic=False),
)  # fmt: skip

_OF = "prescribing information of"
INTERACTIONS = (
    ("simvastatin", "clarithromycin", "contraindicated", f"{_OF} simvastatin, contraindications"),
    ("sildenafil", "isosorbide mononitrate", "contraindicated", f"{_OF} sildenafil, contraindications"),
    ("tizanidine", "ciprofloxacin", "contraindicated", f"{_OF} tizanidine, contraindications"),
    ("warfarin", "ibuprofen", "major", f"{_OF} warfarin, drug interactions"),
    ("warfarin", "acetylsalicylic acid", "major", f"{_OF} warfarin, drug interactions"),
    ("warfarin", "clarithromycin", "major", f"{_OF} clarithromycin, drug interactions"),
    ("clopidogrel", "omeprazole", "major", f"{_OF} clopidogrel, drug interactions"),
    ("digoxin", "clarithromycin", "major", f"{_OF} digoxin, drug interactions"),
    ("apixaban", "carbamazepine", "major", f"{_OF} apixaban, drug interactions"),
    ("citalopram", "tramadol", "major", f"{_OF} tramadol, drug interactions"),
    ("citalopram", "sumatriptan", "moderate", f"{_OF} sumatriptan, drug interactions"),
    ("spironolactone", "ramipril", "moderate", f"{_OF} spironolactone, drug interactions"),
    ("ramipril", "ibuprofen", "moderate", f"{_OF} ramipril, drug interactions"),
    ("acetylsalicylic acid", "ibuprofen", "moderate", f"{_OF} ibuprofen, drug interactions"),
    ("simvastatin", "amlodipine", "major", f"{_OF} simvastatin, drug interactions"),
    ("atorvastatin", "clarithromycin", "major", f"{_OF} atorvastatin, drug interactions"),
    ("warfarin", "ciprofloxacin", "major", f"{_OF} warfarin, drug interactions"),
    ("spironolactone", "trimethoprim", "major", f"{_OF} spironolactone, drug interactions"),
    ("citalopram", "omeprazole", "moderate", f"{_OF} citalopram, drug interactions"),
    ("citalopram", "ibuprofen", "moderate", f"{_OF} citalopram, drug interactions"),
    ("furosemide", "ibuprofen", "moderate", f"{_OF} furosemide, drug interactions"),
    ("furosemide", "digoxin", "moderate", f"{_OF} digoxin, drug interactions"),
    ("bisoprolol", "digoxin", "moderate", f"{_OF} bisoprolol, drug interactions"),
    ("bisoprolol", "salbutamol", "moderate", f"{_OF} salbutamol, drug interactions"),
)
_BEERS = "American Geriatrics Society, Beers criteria 2023, drugs to avoid with reduced kidney function"
CONSTRAINTS = (
    ("metformin", "egfr < 30", "lactic acidosis", f"{_OF} metformin, contraindications"),
    ("nitrofurantoin", "egfr < 30", "toxicity, and no effect in the urine", _BEERS),
    ("ibuprofen", "egfr < 30", "acute kidney injury", _BEERS),
    ("spironolactone", "egfr < 30", "hyperkalaemia", _BEERS),
    ("ramipril", "pregnant", "fetal toxicity", f"{_OF} ramipril, boxed warning"),
    ("warfarin", "pregnant", "embryopathy", f"{_OF} warfarin, contraindications"),
    ("valproic acid", "pregnant", "malformations", f"{_OF} valproate, boxed warning"),
    ("doxycycline", "pregnant", "discoloured teeth of the child", f"{_OF} doxycycline, warnings"),
    ("doxycycline", "age < 8", "discoloured teeth", f"{_OF} doxycycline, warnings"),
    ("tramadol", "age < 12", "respiratory depression", f"{_OF} tramadol, boxed warning and contraindications"),
    ("acetylsalicylic acid", "age < 16", "Reye's syndrome", "British National Formulary, aspirin, contra-indications"),
    ("amoxicillin", "allergy", "hypersensitivity", f"{_OF} amoxicillin, contraindications"),
    ("trimethoprim", "allergy", "hypersensitivity", f"{_OF} trimethoprim, contraindications"),
    ("ibuprofen", "allergy", "hypersensitivity", f"{_OF} ibuprofen, contraindications"),
)
ALLERGIES = {"amoxicillin": 0.15, "trimethoprim": 0.08, "ibuprofen": 0.1}  # share of patients
