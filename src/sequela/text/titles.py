"""Titles that clinical notes have: of their sections, in lower case."""

from __future__ import annotations

from sequela.text.lists import phrases, spaced

ENGLISH = frozenset(
    phrases("""
chief complaint; chief complaints; cc; presenting complaint; reason for visit; reason for consultation; reason for admission
reason for referral; reason for exam; reason for examination; history of present illness; history of the present illness
hpi; present illness; history; clinical history; past medical history; pmh; past history; medical history
past surgical history; psh; surgical history; past psychiatric history; psychiatric history; past ocular history
gynecologic history; obstetric history; family history; fh; family medical history; social history; sh
family and social history; family/social history; habits; allergies; allergy; drug allergies; medications
current medications; home medications; medications on admission; admission medications; discharge medications
medications prior to admission; immunizations; review of systems; ros; physical examination; physical exam; exam
examination; pe; on examination; vital signs; vitals; general; heent; neck; chest; lungs; heart; cardiovascular; cardiac
respiratory; abdomen; gastrointestinal; genitourinary; extremities; skin; neurologic; neurological; musculoskeletal
psychiatric; mental status; mental status examination; laboratory data; laboratory; labs; lab results; laboratory results
pertinent results; diagnostic studies; imaging; radiology; ekg; ecg; studies; results; assessment; assessment and plan
assessment/plan; assessment & plan; a/p; a&p; plan; impression; impression and plan; diagnosis; diagnoses; final diagnosis
admission diagnosis; admitting diagnosis; discharge diagnosis; discharge diagnoses; primary diagnosis; secondary diagnosis
secondary diagnoses; preoperative diagnosis; postoperative diagnosis; differential diagnosis; hospital course
brief hospital course; emergency department course; ed course; course; procedure; procedures; procedures performed
major surgical or invasive procedure; operation; findings; technique; comparison; indication; indications; anesthesia
complications; estimated blood loss; specimens; disposition; discharge disposition; discharge condition
condition on discharge; discharge instructions; followup; follow-up; follow up; followup instructions; recommendations
recommendation; subjective; objective; conclusion; summary; problem list; problems; addendum; code status; date of birth
admission date; discharge date; service; sex; attending
""")
)
CHINESE = spaced("""
主诉 现病史 既往史 既往病史 个人史 婚育史 婚姻史 月经史 生育史 月经婚育史 月经及婚育史 家族史 过敏史 药物过敏史 手术史
外伤史 输血史 预防接种史 流行病学史 用药史 系统回顾 体格检查 查体 专科检查 专科情况 生命体征 一般情况 辅助检查 实验室检查
影像学检查 影像所见 检查所见 检查结果 诊断意见 影像诊断 超声提示 病理诊断 病理所见 初步诊断 入院诊断 出院诊断 最后诊断
确定诊断 修正诊断 补充诊断 门诊诊断 术前诊断 术后诊断 诊断 诊断依据 鉴别诊断 诊疗计划 诊疗经过 治疗经过 入院情况 入院时情况
出院情况 出院时情况 出院医嘱 出院带药 医嘱 处理 治疗 治疗方案 治疗计划 处理意见 建议 手术经过 手术名称 手术记录 病程记录
病例特点 病史特点 病情分析 讨论 小结 总结 随访 印象 结论 病史
""")
