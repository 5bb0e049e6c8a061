"""The conditions of the notes: an ICD-10-CM code each, and what they are called in English and Chinese.

The last name of each is kept from the training notes: a word that a model has not seen, made of parts of words that it has.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Condition:
    """What a patient may have."""

    code: str
    english: tuple[str, ...]  # the last one stands in test notes alone
    chinese: tuple[str, ...]


CONDITIONS = (
    Condition(
        "I10",
        ("hypertension", "high blood pressure", "hypertensive disease", "hypertensive disorder"),
        ("高血压", "高血压病", "血压升高", "原发性高血压"),
    ),
    Condition(
        "E11.9",
        ("type 2 diabetes", "diabetes mellitus", "diabetes", "diabetic disease"),
        ("2型糖尿病", "糖尿病", "血糖升高", "糖尿病症"),
    ),
    Condition(
        "E78.5",
        ("hyperlipidemia", "high cholesterol", "dyslipidemia", "hypercholesterolemia"),
        ("高脂血症", "血脂异常", "高胆固醇血症", "血脂升高"),
    ),
    Condition(
        "I50.9",
        ("heart failure", "congestive heart failure", "cardiac failure", "failure of the heart"),
        ("心力衰竭", "心衰", "充血性心力衰竭", "心脏衰竭"),
    ),
    Condition(
        "I48.91",
        ("atrial fibrillation", "fibrillation", "afib", "fibrillation of the atria"),
        ("心房颤动", "房颤", "心房纤颤", "心房颤"),
    ),
    Condition(
        "J44.9",
        ("COPD", "chronic obstructive pulmonary disease", "obstructive airway disease", "chronic obstructive airway disorder"),
        ("慢阻肺", "慢性阻塞性肺疾病", "慢性阻塞性肺病", "阻塞性肺疾病"),
    ),
    Condition(
        "J45.909",
        ("asthma", "bronchial asthma", "asthmatic disease", "asthmatic disorder"),
        ("哮喘", "支气管哮喘", "哮喘病", "过敏性哮喘"),
    ),
    Condition(
        "J18.9",
        ("pneumonia", "lobar pneumonia", "lung infection", "bronchopneumonia"),
        ("肺炎", "肺部感染", "大叶性肺炎", "肺部炎症"),
    ),
    Condition(
        "N18.9",
        ("chronic kidney disease", "chronic renal failure", "renal insufficiency", "chronic renal disease"),
        ("慢性肾病", "慢性肾脏病", "肾功能不全", "慢性肾脏疾病"),
    ),
    Condition(
        "N39.0",
        ("urinary tract infection", "urinary infection", "bladder infection", "infection of the urinary tract"),
        ("尿路感染", "泌尿道感染", "泌尿系感染", "泌尿系统感染"),
    ),
    Condition(
        "D64.9",
        ("anemia", "low hemoglobin", "anemic state", "anemic condition"),
        ("贫血", "血红蛋白降低", "贫血症", "血红蛋白偏低"),
    ),
    Condition(
        "E03.9",
        ("hypothyroidism", "underactive thyroid", "hypothyroid disease", "thyroid underactivity"),
        ("甲状腺功能减退", "甲减", "甲状腺机能减退", "甲状腺减退"),
    ),
    Condition(
        "F32.9",
        ("depression", "major depression", "depressive disorder", "depressive illness"),
        ("抑郁症", "抑郁", "抑郁障碍", "抑郁状态"),
    ),
    Condition(
        "F41.9",
        ("anxiety", "anxiety disorder", "generalized anxiety", "anxious disorder"),
        ("焦虑症", "焦虑", "焦虑障碍", "焦虑状态"),
    ),
    Condition(
        "K21.9",
        ("gastroesophageal reflux", "acid reflux", "reflux esophagitis", "esophageal reflux"),
        ("胃食管反流", "反流性食管炎", "胃酸反流", "食管反流"),
    ),
    Condition(
        "K27.9",
        ("peptic ulcer", "gastric ulcer", "stomach ulcer", "ulcer of the stomach"),
        ("消化性溃疡", "胃溃疡", "胃部溃疡", "胃溃疡病"),
    ),
    Condition(
        "K80.20",
        ("gallstones", "cholelithiasis", "gallbladder stones", "gallbladder calculi"),
        ("胆结石", "胆石症", "胆囊结石", "胆囊石"),
    ),
    Condition(
        "N20.0",
        ("kidney stones", "nephrolithiasis", "renal stones", "stones of the kidney"),
        ("肾结石", "肾石症", "肾脏结石", "肾结石病"),
    ),
    Condition(
        "M81.0",
        ("osteoporosis", "osteoporotic disease", "bone loss", "osteoporotic bone"),
        ("骨质疏松", "骨质疏松症", "骨量减少", "骨疏松"),
    ),
    Condition(
        "M10.9",
        ("gout", "gouty arthritis", "uric acid arthritis", "gouty disease"),
        ("痛风", "痛风性关节炎", "痛风病", "痛风发作"),
    ),
    Condition(
        "M19.90",
        ("osteoarthritis", "degenerative joint disease", "degenerative arthritis", "degenerative joints"),
        ("骨关节炎", "退行性骨关节病", "骨关节病", "退行性关节"),
    ),
    Condition(
        "G43.909",
        ("migraine", "migraine headache", "migrainous headache", "migrainous attacks"),
        ("偏头痛", "血管性头痛", "偏头痛病", "偏头痛发作"),
    ),
    Condition(
        "G40.909",
        ("epilepsy", "seizure disorder", "epileptic disease", "epileptic seizures"),
        ("癫痫", "癫痫病", "癫痫症", "癫痫发作"),
    ),
    Condition(
        "I26.99",
        ("pulmonary embolism", "pulmonary embolus", "embolism of the lung", "lung embolus"),
        ("肺栓塞", "肺动脉栓塞", "肺血栓栓塞", "肺动脉血栓"),
    ),
    Condition(
        "I82.409",
        ("deep vein thrombosis", "venous thrombosis", "deep venous thrombosis", "deep vein thrombus"),
        ("深静脉血栓", "静脉血栓形成", "下肢静脉血栓", "下肢深静脉血栓"),
    ),
    Condition(
        "L03.90",
        ("cellulitis", "skin infection", "infected skin", "infection of the skin"),
        ("蜂窝织炎", "皮肤感染", "皮下感染", "皮肤蜂窝织炎"),
    ),
    Condition(
        "J30.9",
        ("allergic rhinitis", "hay fever", "nasal allergy", "allergic nose"),
        ("过敏性鼻炎", "变应性鼻炎", "鼻过敏", "鼻炎过敏"),
    ),
    Condition(
        "B18.2",
        ("hepatitis C", "chronic hepatitis", "viral hepatitis", "chronic viral hepatitis"),
        ("丙型肝炎", "丙肝", "慢性肝炎", "慢性丙肝"),
    ),
)
