"""What a note says of its words.

[words]np are denied (n) and of the past (p), those marked f are of a relative and u uncertain; [words] are simply said of the
patient, and the others are not asked.
"""

from __future__ import annotations

import re

import numpy as np
import pytest

from sequela.text.cues import END, Cues
from sequela.text.cues_en import CUES as ENGLISH_CUES
from sequela.text.cues_zh import CUES as CHINESE_CUES
from sequela.text.scope import SCOPES, scopes, scopes_of
from sequela.text.words import Chinese, words

ENGLISH = """
No [fever]n, [chills]n or [cough]n.
The patient denies [chest pain]n, [dyspnea]n, and [syncope]n.
He denies any [nausea]n but reports [vomiting].
No [fever]n, however [cough] is there.
She has [cough] without [sputum]n.
There is no evidence of [pneumonia]n.
[Abdomen] is soft, non-[tender]n.
The [troponin]n was negative.
Chest X-ray negative for [effusion]n.
[Pulmonary embolism]n was ruled out.
[Effusion]n is not seen.
He doesn't have [diarrhea]n.
He doesn’t have [diarrhea]n.
Patient has never had [seizures]n.
No [chest pain]n, has [shortness of breath].
Lungs are clear of [wheezes]n.
[Fracture]n is unlikely.
W/o [edema]n.
Absence of [lymphadenopathy]n; [rash] on trunk.
No [pain]n except in the [knee].
Denies [headache]n. Has [fever].
There was no increase in [tumour size].
No significant change in [cardiomegaly].
Not only [asthma] but also [eczema].
Gram negative [sepsis] was treated.
[Gram-negative] bacilli in [urine].
Walks without difficulty, has [arthritis].
[Hypertension] is not well controlled.
No doubt this is [gout].
The [rash] has not improved.
Family history of [breast cancer]f.
Her mother had [breast cancer]f and she has a [lump].
Family history negative for [diabetes]nf.
Father died of [myocardial infarction]f; patient has [angina].
[Diabetes]f in her mother.
[Colon cancer]f runs in the family.
Maternal aunt with [lupus]f.
His brother does not have [epilepsy]nf.
Mother reports [fever] since Monday.
Per her mother, [vomiting] began yesterday.
The patient lives with his wife and has [cough].
His wife states that he has [tremor].
Seen by her family physician for [asthma].
History of [stroke]p and [atrial fibrillation]p.
Status post [appendectomy]p.
H/o [asthma]p, now with [wheezing].
He had [pneumonia]p two years ago.
Past medical history of [gout]p, presenting with [knee pain].
Previous [myocardial infarction]p.
No history of [diabetes]np.
The [rash]p has resolved.
History of present illness: [cough].
A 3-day history of [cough].
Prior to admission he had [fever].
Social history: [smoker].
Possible [pneumonia]u.
Findings are suspicious for [malignancy]u.
Cannot rule out [appendicitis]u.
Can't exclude [fracture]u.
Rule out [sepsis]u.
[Tuberculosis]u cannot be excluded.
[Meningitis]u is suspected.
This may be due to [viral infection]u.
[Cough] likely secondary to [bronchitis]u.
Return if [fever]u develops.
[Pneumonia]u versus [edema]u.
Have you had any [fever]u?
?[Pneumonia]u on film.
Risks include [bleeding]u and [infection]u.
Unclear if [seizure]u.
Follow up as soon as possible for [anemia].
Seen on May 12 for [gout].
Father had possible [lymphoma]fu.
"""
CHINESE = """
患者无[发热]n、[咳嗽]n。
否认[高血压]np、[糖尿病]np、[冠心病]np病史。
否认[肝炎]n，[结核]np等传染病史。
无[胸痛]n，有[咳嗽]。
无[发热]n，[咳嗽]3天。
无[恶心]n但有[呕吐]。
双肺未闻及[干湿啰音]n。
双肺[干湿啰音]n未闻及。
胸片未见[异常]n。
[咳嗽]，不伴[发热]n。
[咳嗽]伴[咳痰]，无[胸闷]n。
已排除[肺栓塞]n。
乙肝表面[抗原]n阴性。
[水肿]n不明显。
没有[头痛]n。
否认[胸痛]n，但有[心悸]。
无明显诱因出现[腹痛]。
无诱因[头晕]。
四肢[无力]3天。
革兰阴性[杆菌]感染。
[咳嗽]无明显好转。
[疼痛]未缓解。
[动脉导管]未闭。
未婚，有[痛经]。
无痛性[肿块]。
不仅[咳嗽]，而且[发热]。
母亲患[糖尿病]f。
父亲[高血压]f，母亲[乳腺癌]f。
家族中有[哮喘]f患者。
父亲死于[肺癌]f，患者本人有[咳嗽]。
否认家族[遗传病]nf史。
母亲代诉[发热]2天。
由女儿陪同，诉[头痛]。
神经母[细胞瘤]，查体可及[肿块]。
既往[高血压]p、[糖尿病]p。
[高血压]p病史10年。
既往[体健]p，本次[发热]。
曾患[肺炎]p。
5年前行[阑尾切除]p。
[阑尾切除]p术后，[腹痛]1天。
否认[手术]np史。
现病史：[咳嗽]。
无[高血压]np病史。
可能[肺炎]u。
考虑[肺炎]u。
疑似[脑梗死]u。
[肺癌]u待排。
不能排除[肺栓塞]u。
[肺结核]u不除外。
不除外[肺结核]u。
[肺炎]u可能性大。
[肺炎]u可能。
[肺炎]u？
如有[发热]u请就诊。
[腹痛]u待查。
不考虑[肺炎]n。
怀疑[肿瘤]u，[咳嗽]3天。
警惕[出血]u。
有无[骨折]u。
需与[肺结核]u相鉴别。
父亲可能有[肺癌]fu。
"""
CASES = [line for line in (ENGLISH + CHINESE).splitlines() if line]


def flags_of(text: str, chinese: Chinese = "characters") -> tuple[list[str], list[str]]:
    """Each word, and the first letters of what holds of it."""
    cuts = words(text, chinese=chinese)
    flags = scopes_of(text, cuts)
    return cuts.of(text), ["".join(name[0] for name, on in zip(SCOPES, row, strict=True) if on) for row in flags]


def expected(case: str) -> tuple[str, list[tuple[int, int, str]]]:
    """The text without its marks, and stretches of it with what holds of them."""
    text, marks = "", []
    for plain, marked, flags in re.findall(r"([^\[\]]*)(?:\[([^\]]*)\]([nfpu]*)|$)", case):
        begin = len(text) + len(plain)
        text += plain + marked
        if marked:
            marks.append((begin, begin + len(marked), flags))
    return text, marks


@pytest.mark.parametrize("case", CASES)
def test_a_sentence_says_of_its_words_what_a_reader_takes_from_it(case: str) -> None:
    text, marks = expected(case)
    cuts = words(text)
    flags = scopes_of(text, cuts)
    for begin, end, want in marks:
        inside = (cuts.begin >= begin) & (cuts.end <= end)
        assert inside.any()
        wanted = [name[0] in want for name in SCOPES]
        assert (flags[inside] == wanted).all(), (text[begin:end], want, flags[inside].tolist())


@pytest.mark.parametrize("case", CHINESE.split())
def test_words_by_jieba_are_flagged_where_any_of_their_characters_is(case: str) -> None:
    text, _ = expected(case)
    single, together = words(text), words(text, chinese="jieba")
    of_characters, of_words = scopes_of(text, single), scopes_of(text, together)
    for begin, end, flags in zip(together.begin, together.end, of_words, strict=True):
        inside = (single.begin >= begin) & (single.end <= end)
        assert (flags == of_characters[inside].any(0)).all()


def test_under_a_heading_all_is_of_the_relatives_or_of_the_past() -> None:
    told = flags_of("FAMILY HISTORY:\nAsthma\nGout.\nPAST MEDICAL HISTORY:\nStroke\nPLAN:\nRest")
    marked = {word: flags for word, flags in zip(*told, strict=True) if word in ("Asthma", "Gout", "Stroke", "Rest")}
    assert marked == {"Asthma": "f", "Gout": "f", "Stroke": "p", "Rest": ""}


def test_no_scope_reaches_into_another_sentence(unicode_texts: list[str]) -> None:
    both = np.array([0, 2, 4])
    assert scopes(["no", "fever", "has", "cough"], both)[:, 0].tolist() == [False, True, False, False]
    for text in unicode_texts:
        plain = [word.lower() for word in words(text).of(text)]
        joined = scopes([*plain, "no", "fever"], np.array([0, len(plain), len(plain) + 2]))
        alone = scopes(plain, np.array([0, len(plain)]))
        assert (joined[: len(plain)] == alone).all()


def test_a_scope_has_an_end_where_its_sentence_has_none() -> None:
    long = ["no", *["pain"] * 100]
    assert scopes(long, np.array([0, 101]))[:, 0].sum() == 30


def test_a_language_has_its_own_cues() -> None:
    assert not scopes(["no", "fever"], np.array([0, 2]), "zh").any()
    assert not scopes(["无", "发", "热"], np.array([0, 3]), "en").any()


def test_nothing_is_said_of_no_words() -> None:
    assert scopes([], np.array([0])).shape == (0, 4)
    assert scopes_of("", words("")).shape == (0, 4)


@pytest.mark.parametrize("cues", [ENGLISH_CUES, CHINESE_CUES])
def test_cues_are_written_as_words_are_cut(cues: Cues) -> None:
    told = [*cues.none, *(phrase for some in (*cues.groups, *cues.stops) for phrase in some.phrases)]
    written = "\n".join(told).replace("|", " ").replace(END, " ")
    assert words(written).of(written) == written.split()
    assert written == written.lower()


def test_a_cue_says_one_thing() -> None:
    for cues in (ENGLISH_CUES, CHINESE_CUES):
        opened = [(phrase, group.scope, group.after) for group in cues.groups for phrase in group.phrases]
        assert len(set(opened)) == len(opened)
        assert not {phrase for phrase, *_ in opened} & set(cues.none)


@pytest.mark.parametrize(
    "text",
    [
        "No fever, chills (or cough)!",
        "Family History: asthma; gout.",
        "否认发热、咳嗽。",
        "W/o non-tender nodes.",
        "家族史：父亲有“糖尿病”。",
    ],
)
def test_nothing_is_said_of_punctuation(text: str) -> None:
    of = words(text)
    flags = scopes_of(text, of).any(1)
    assert flags.any()
    assert not [word for word, flag in zip(of.of(text), flags, strict=True) if flag and not word.isalnum()]
