"""Short forms and what they stand for, as a text tells them."""

from __future__ import annotations

import pytest

from sequela.text.short_forms import short_forms


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Ataxia telangiectasia (A-T) is recessive", {"A-T": "Ataxia telangiectasia"}),
        ("Duchenne muscular dystrophy (DMD) and Becker muscular dystrophy (BMD)", {
            "DMD": "Duchenne muscular dystrophy", "BMD": "Becker muscular dystrophy",
        }),
        ("the heat shock transcription factor (HSF)", {"HSF": "heat shock transcription factor"}),
        ("patients with insulin-dependent diabetes mellitus (IDDM; type 1)", {"IDDM": "insulin-dependent diabetes mellitus"}),
        ("seen in most cases (see below)", {}),
        ("of all patients (12)", {}),
        ("adenomatous polyposis coli (APC) (APC)", {"APC": "adenomatous polyposis coli"}),
        ("(DMD) without a long form", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_short_form_is_told_by_its_letters_in_the_words_before_it(text: str, found: dict[str, str]) -> None:
    assert short_forms(text) == found


def test_the_first_telling_of_a_short_form_holds() -> None:
    text = "prostate cancer (PC) was seen beside pancreatic carcinoma (PC)"
    assert short_forms(text) == {"PC": "prostate cancer"}
