"""Forty conditions, the symptoms that they cause and how often, and what patients call these.

The first symptom of a condition is its commonest; the frequencies are planted, not taken from patients.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from sequela.types import Array

OFTEN = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4)  # how often a condition causes its first symptom, its second, ...
STRAY = 0.01  # how often any other symptom is there
CONDITIONS = {
    "influenza": "fever muscle_pain cough headache fatigue chills",
    "common cold": "runny_nose sneezing sore_throat cough headache",
    "pneumonia": "cough fever dyspnea sputum chest_pain chills",
    "acute bronchitis": "cough sputum wheeze fatigue sore_throat",
    "asthma": "wheeze dyspnea cough chest_pain insomnia",
    "COPD": "dyspnea cough sputum wheeze fatigue weight_loss",
    "tuberculosis": "cough night_sweats weight_loss fever fatigue sputum",
    "pulmonary embolism": "dyspnea chest_pain palpitations calf_pain cough dizziness",
    "heart failure": "dyspnea leg_swelling fatigue weight_gain cough palpitations",
    "angina": "chest_pain dyspnea fatigue dizziness nausea",
    "myocardial infarction": "chest_pain sweating nausea dyspnea dizziness vomiting",
    "atrial fibrillation": "palpitations dizziness fatigue dyspnea chest_pain",
    "anemia": "fatigue dizziness dyspnea palpitations headache cold_intolerance",
    "hyperthyroidism": "weight_loss palpitations tremor heat_intolerance worry insomnia",
    "hypothyroidism": "fatigue weight_gain cold_intolerance constipation hair_loss low_mood",
    "diabetes": "thirst frequency weight_loss fatigue blurred_vision",
    "gastroenteritis": "diarrhea vomiting nausea abdominal_pain fever",
    "reflux disease": "heartburn chest_pain cough bloating sore_throat",
    "peptic ulcer": "abdominal_pain nausea heartburn bloating blood_stool",
    "gallstones": "abdominal_pain nausea vomiting bloating jaundice fever",
    "hepatitis": "jaundice fatigue nausea abdominal_pain fever itching",
    "pancreatitis": "abdominal_pain vomiting nausea fever back_pain",
    "appendicitis": "abdominal_pain nausea fever vomiting constipation",
    "irritable bowel syndrome": "abdominal_pain bloating diarrhea constipation worry",
    "inflammatory bowel disease": "diarrhea blood_stool abdominal_pain weight_loss fever joint_pain",
    "colon cancer": "blood_stool weight_loss constipation fatigue abdominal_pain diarrhea",
    "cystitis": "dysuria frequency hematuria fever abdominal_pain",
    "kidney stones": "flank_pain hematuria nausea vomiting dysuria",
    "pyelonephritis": "fever flank_pain dysuria chills nausea frequency",
    "gout": "joint_swelling joint_pain fever stiffness",
    "rheumatoid arthritis": "joint_pain joint_swelling stiffness fatigue weight_loss",
    "osteoarthritis": "joint_pain stiffness back_pain joint_swelling",
    "migraine": "headache light_sensitivity nausea vomiting blurred_vision dizziness",
    "tension headache": "headache insomnia worry muscle_pain fatigue",
    "meningitis": "headache fever light_sensitivity vomiting confusion stiffness",
    "stroke": "weakness numbness confusion dizziness headache blurred_vision",
    "multiple sclerosis": "numbness weakness blurred_vision fatigue dizziness tremor",
    "Parkinson's disease": "tremor stiffness weakness insomnia low_mood constipation",
    "depression": "low_mood insomnia fatigue worry weight_loss",
    "anxiety disorder": "worry palpitations insomnia tremor dizziness dyspnea",
}
SYMPTOMS = {
    "fever": ("fever", "a high temperature", "a raised temperature", "a feverish feeling"),
    "chills": ("chills", "shivering", "shaking chills"),
    "cough": ("a cough", "coughing", "a nagging cough"),
    "sputum": ("phlegm", "sputum", "a lot of mucus from the chest"),
    "dyspnea": ("shortness of breath", "breathlessness", "trouble breathing", "difficulty getting air"),
    "wheeze": ("wheezing", "whistling breath", "a wheezy chest"),
    "chest_pain": ("chest pain", "pressure on the chest", "tightness of the chest"),
    "palpitations": ("palpitations", "a racing heart", "an irregular heartbeat", "a pounding heart"),
    "sweating": ("sweating", "cold sweat", "breaking out in sweat"),
    "night_sweats": ("night sweats", "drenching sweats at night", "sheets wet with sweat every night"),
    "fatigue": ("fatigue", "tiredness", "exhaustion", "lack of energy"),
    "weight_loss": ("weight loss", "lost weight", "loss of several kilos"),
    "weight_gain": ("weight gain", "gained weight", "gain of several kilos"),
    "headache": ("headache", "a pounding head", "pain in the head"),
    "dizziness": ("dizziness", "lightheadedness", "a spinning feeling"),
    "nausea": ("nausea", "queasiness", "feeling sick to the stomach"),
    "vomiting": ("vomiting", "throwing up", "bringing up food"),
    "diarrhea": ("diarrhea", "loose stools", "watery stools"),
    "constipation": ("constipation", "hard stools", "no bowel movement for days"),
    "abdominal_pain": ("abdominal pain", "belly pain", "stomach cramps", "pain in the belly"),
    "heartburn": ("heartburn", "burning behind the breastbone", "acid coming up"),
    "bloating": ("bloating", "a swollen belly", "a gassy belly"),
    "blood_stool": ("blood in the stool", "bloody stools", "rectal bleeding"),
    "jaundice": ("jaundice", "yellow skin", "yellow eyes"),
    "dysuria": ("burning when passing urine", "painful urination", "stinging on urination"),
    "frequency": ("frequent urination", "running to the toilet all the time", "passing urine very often"),
    "hematuria": ("blood in the urine", "red urine", "bloody urine"),
    "flank_pain": ("flank pain", "pain in the side", "colicky pain in the flank"),
    "joint_pain": ("joint pain", "aching joints", "painful joints"),
    "joint_swelling": ("swollen joints", "joint swelling", "a thick red joint"),
    "stiffness": ("stiffness", "stiff limbs", "a stiff feeling in the morning"),
    "back_pain": ("back pain", "an aching back", "pain in the back"),
    "muscle_pain": ("muscle pain", "aching muscles", "sore muscles"),
    "weakness": ("weakness of one side", "a weak arm", "loss of strength in the leg"),
    "numbness": ("numbness", "tingling", "pins and needles"),
    "tremor": ("tremor", "trembling hands", "shaky hands"),
    "confusion": ("confusion", "muddled thoughts", "disorientation"),
    "blurred_vision": ("blurred vision", "seeing double", "poor eyesight of late"),
    "light_sensitivity": ("sensitivity to light", "eyes that cannot stand light", "photophobia"),
    "sore_throat": ("a sore throat", "throat pain", "pain on swallowing"),
    "runny_nose": ("a runny nose", "a blocked nose", "nasal discharge"),
    "sneezing": ("sneezing", "fits of sneezing", "constant sneezes"),
    "itching": ("itching", "itchy skin", "an urge to scratch"),
    "leg_swelling": ("swollen legs", "leg swelling", "thick ankles"),
    "calf_pain": ("calf pain", "a tender calf", "pain in one calf"),
    "thirst": ("great thirst", "constant thirst", "drinking much more than usual"),
    "heat_intolerance": ("heat intolerance", "feeling hot all the time", "trouble with heat"),
    "cold_intolerance": ("cold intolerance", "feeling cold all the time", "trouble with cold"),
    "hair_loss": ("hair loss", "thinning hair", "hair falling out"),
    "low_mood": ("low mood", "sadness", "loss of interest"),
    "worry": ("constant worry", "nervousness", "anxious thoughts"),
    "insomnia": ("insomnia", "poor sleep", "lying awake at night"),
}
DIAGNOSES, NAMES = tuple(CONDITIONS), tuple(SYMPTOMS)


@cache
def chances() -> Array:
    """How often each condition causes each symptom, float64 "40 S"."""
    found = np.full((len(DIAGNOSES), len(NAMES)), STRAY)
    for row, said in enumerate(CONDITIONS.values()):
        for symptom, often in zip(said.split(), OFTEN, strict=False):
            found[row, NAMES.index(symptom)] = often
    return found


@cache
def prior() -> Array:
    """How common each condition is, float64 "40"; the ones in the middle of the table are the commonest."""
    share = 1 / (np.abs(np.arange(len(DIAGNOSES)) - 19.5) + 20)
    return np.asarray(share / share.sum())
