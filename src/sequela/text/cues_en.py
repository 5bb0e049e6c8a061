"""English cues, after the kinds of NegEx (Chapman et al 2001) and ConText (Harkema et al 2009)."""

from __future__ import annotations

from sequela.text.cues import END, Cues, Group, Stop
from sequela.text.lists import combined, phrases

SENTENCE = 30  # words a scope has at most
CLAUSE = 12  # words one has at most that lies before its cue

_SEEN = phrases(
    "seen; present; identified; found; detected; observed; demonstrated; appreciated; noted; evident; visualized; elicited"
)
_CONTRACTED = tuple(
    f"{verb} {sign} t"
    for verb in phrases("don; doesn; didn; isn; aren; wasn; weren; hasn; haven; hadn; can; couldn; wouldn; won; shouldn")
    for sign in ("'", "’")
)

_NEGATED_AFTER = (
    *phrases("""
    no; not; without; w / o; never; neither; nor; none of; cannot; lack of; lacks; lacked; lacking; free of; free from
    clear of; denies; denied; deny; denying; denies any; denied any; denies having; denies any history of; denies history of
    no history of; no prior history of; no evidence of; no sign of; no signs of; no signs or symptoms of; no symptoms of
    no complaints of; no complaint of; no evidence for; no evidence to suggest; no indication of; no suggestion of
    no suspicious; no findings of; no report of; without evidence of; without any evidence of; without sign of
    without signs of; without any; absence of; absent; negative for; neg for; negative examination for; rules out
    ruled out for; ruled the patient out for; fails to reveal; failed to reveal; fails to show; failed to show
    did not reveal; did not show; does not show; unremarkable for; no longer; not demonstrate; unlikely to have
    unlikely to be; rather than; instead of
    """),
    *_CONTRACTED,
)
_NEGATED_BEFORE = (
    *combined(("is", "are", "was", "were"), "not", ("", "clearly", "definitely", "well"), _SEEN),
    *combined(("not been", "not be"), _SEEN),
    *combined("not", _SEEN, ("| .", "| ,", f"| {END}")),
    *phrases("""
    is negative; was negative; are negative; were negative; came back negative; returned negative; tests negative; negative
    is absent; was absent; are absent; were absent; unlikely; is unlikely; seems unlikely; less likely; is less likely
    ruled out; is ruled out; was ruled out; were ruled out; are ruled out; been ruled out; being ruled out; excluded
    was excluded; been excluded; is excluded; can be ruled out; can be excluded
    """),
)

_RELATIVES = phrases("""
mother; father; parent; parents; brother; brothers; sister; sisters; sibling; siblings; son; sons; daughter; daughters; aunt
aunts; uncle; uncles; cousin; cousins; grandmother; grandfather; grandparent; grandparents; grandmothers; grandfathers
grandma; grandpa; niece; nephew; mom; mum; dad; wife; husband; spouse; family member; family members; relative; relatives
""")
_WHOSE = ("", *phrases("her; his; the; their; my; your; a; one; patient ' s; patient ’ s; the patient ' s; the patient ’ s"))
_TELL = phrases("""
reports; reported; states; stated; says; said; notes; noted; denies; denied; thinks; believes; feels; brought; brings
called; confirms; describes; described; noticed; observed; tells; told; gives; gave; asks; asked; is concerned
was concerned; is worried; is here; was present; is present; at bedside; is at the bedside; also states; also reports
who reports; who states; and the patient
""")

_FAMILY_AFTER = (*phrases("family history of; family history; family hx; fhx; fh; maternal; paternal"), *_RELATIVES)
_FAMILY_BEFORE = (
    *combined("in", _WHOSE[1:], ("", "maternal", "paternal"), _RELATIVES),
    *combined("on", _WHOSE[1:], ("mother", "father"), ("' s side", "’ s side")),
    *phrases("in the family; in her family; in his family; in my family; in your family; in their family; in family"),
    *phrases("on the maternal side; on the paternal side"),
)

_PAST_AFTER = phrases("""
history of; history of a; h / o; hx of; hx; past history of; past medical history of; past medical history; pmh; pmhx
prior history of; previous history of; remote history of; known history of; personal history of; no history of
any history of; no prior history of; denies any history of; denies history of; history significant for
history is significant for; history notable for; history remarkable for; history is notable for; history is remarkable for
history includes; history positive for; history included; status post; s / p; used to have
""")
_PAST_NEAR = phrases("prior; previous; previously; remote; former; formerly")
_PAST_BEFORE = phrases("""
in the past; in the remote past; years ago; year ago; months ago; decades ago; last year; as a child; as a teenager
in childhood; by history; has resolved; have resolved; had resolved; resolved; now resolved; since resolved
""")

_MAYBE = phrases("may; might; could; may be; might be; could be; likely; probably; possibly; perhaps; presumably; most likely")
_UNCERTAIN_AFTER = (
    *_MAYBE,
    *combined(_MAYBE, ("due to", "secondary to", "related to", "caused by", "because of", "from")),
    *combined(("may", "might", "could"), ("have", "represent", "reflect", "indicate", "suggest", "develop", "cause")),
    *combined(("rule out", "to rule out", "r / o"), ("", "for", "any")),
    *combined(
        ("cannot", "can not", "could not", "does not", "do not", "not", *combined("can", ("' t", "’ t"))),
        ("", "completely", "entirely", "definitively"),
        ("rule out", "exclude"),
    ),
    *combined(
        ("evaluate", "evaluation", "assess", "screen", "screening", "workup", "watch", "monitor", "look", "looking"), "for"
    ),
    *combined(("return", "call"), ("for", "if")),
    *combined("should", ("she", "he", "you", "they", "the patient", "patient"), ("", "develop", "have")),
    *phrases("""
    possible; probable; suspected; suspect; suspects; suspicious for; suspicion of; suspicion for; suggestive of; suggesting
    suggests; question of; questionable; concern for; concerns for; concern of; concerning for; concerned about
    concerned for; worrisome for; worried about; presumed; presumptive; potential; potentially; possibility of
    probability of; chance of; differential diagnosis; differential diagnosis includes; differential includes; versus; vs
    vs .; believed to be; thought to be; if; in case of; in the event of; unless; whether; whether or not; not sure if
    not certain if; not certain whether; unsure if; unclear if; unclear whether; not known if; uncertain; at risk for
    at risk of; risk of; risk for; risks of; risks include; risks including; to prevent; prevent; prevention of; prophylaxis
    prophylaxis for; precautions for; as needed for; prn for; fear of
    """),
)
_UNCERTAIN_BEFORE = (
    *combined(
        (
            "cannot be",
            "can not be",
            "could not be",
            "not",
            "not be",
            "not been",
            "not yet",
            "to be",
            "not entirely",
            "not completely",
        ),
        ("ruled out", "excluded"),
    ),
    *combined(
        ("is", "are", "was", "were"), ("possible", "suspected", "questionable", "a possibility", "a consideration", "likely")
    ),
    *phrases("in the differential; on the differential; until proven otherwise; is a concern; suspected | ."),
)

_TURNS = (
    ";",
    *phrases("""
but; however; although; though; except; except for; other than; aside from; apart from; with the exception of; nevertheless
yet; still has
    """),
)
_CLAIMS = phrases("""
has; and had; and have; presents; presented; presenting; reports; reported; complains; complained; complaining; c / o
admits; endorses; endorsed; states; stated; secondary to; due to; because; because of; caused by; despite; in spite of
which; who; developed; develops; was found; is found; were found; reveals; revealed; shows; showed; demonstrates
demonstrated; now; currently; after; before; following; during; until; when; while; since; positive for; is positive
significant for; remarkable for; notable for; the patient; and he; and she
""")
_OF_PATIENT = phrases("patient; and she; and he; she herself; he himself; she also; he also; she is; he is; she has; he has; pt")

_NONE = (
    *combined(
        "no",
        ("", "significant", "interval", "appreciable", "further", "new"),
        ("increase", "increases", "change", "changes", "worsening", "improvement", "decrease", "difference"),
    ),
    *combined("not", ("only", "just", "necessarily", "merely", "simply", "alone")),
    *combined("not", ("improved", "improving", "improve", "resolved", "resolve", "changed", "change", "relieved", "controlled")),
    *phrases("""
    no doubt; no matter; no problem; no worries; no more than; not less than; not more than; no less than
    without difficulty; without further; not drain; not cause; no one; no further; why not; if not; or not; no wonder
    gram negative; gram - negative; rh negative; rh - negative; false negative; false - negative; negative pressure
    negative margin; negative margins; triple negative; triple - negative; history of present illness
    history of the present illness; history and physical; history and examination; history taking; social history
    birth history; history from; history per; history obtained; history is obtained; history was obtained; previously noted
    previously described; previously mentioned; as previously; prior to; previous to; compared to prior; compared with prior
    compared to previous; compared with previous; as soon as possible; as possible; if possible; if any; probably not
    likely not; in may; on may; of may; since may; last may; family physician; family doctor; family practice
    family medicine; family meeting; mother in law; mother - in - law
    """),
    *combined(
        ("hour", "day", "days", "week", "weeks", "month", "months", "year", "years"), ("history", "history of", "history of a")
    ),
    *combined("may", tuple(map(str, range(1, 32)))),
    *combined("may", tuple(map(str, range(1980, 2051)))),
    *combined(("per", "with", "by", "from", "to", "and"), _WHOSE, _RELATIVES),
    *combined(_RELATIVES, "|", _TELL),
)

CUES = Cues(
    groups=(
        Group("negated", True, SENTENCE, _NEGATED_AFTER),
        Group("negated", True, 1, phrases("non -")),
        Group("negated", False, CLAUSE, _NEGATED_BEFORE),
        Group("negated", False, 4, phrases("none; neg")),
        Group("family", True, SENTENCE, _FAMILY_AFTER),
        Group("family", False, CLAUSE, _FAMILY_BEFORE),
        Group("past", True, SENTENCE, _PAST_AFTER),
        Group("past", True, 6, _PAST_NEAR),
        Group("past", False, CLAUSE, _PAST_BEFORE),
        Group("uncertain", True, SENTENCE, _UNCERTAIN_AFTER),
        Group("uncertain", True, 3, phrases("?")),
        Group("uncertain", False, 4, phrases("versus; vs; vs .")),
        Group("uncertain", False, CLAUSE, _UNCERTAIN_BEFORE),
        Group("uncertain", False, SENTENCE, (f"? | {END}",)),
    ),
    stops=(
        Stop(("negated", "family", "past", "uncertain"), _TURNS),
        Stop(("negated", "past"), _CLAIMS),
        Stop(("family",), _OF_PATIENT),
    ),
    none=_NONE,
)
