import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sequela.errors import DataError
from sequela.evaluate.report.marking import Stretch, excerpts, marked


@st.composite
def texts_with_marks(draw: st.DrawFn) -> tuple[str, list[Stretch]]:
    text = draw(st.text(alphabet=st.sampled_from("ab <&>\"'é̈漢𝔘\n"), min_size=1, max_size=20))
    places = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(places, places).filter(lambda pair: pair[0] < pair[1]), max_size=6))
    return text, [Stretch(begin, end, f"k{k}") for k, (begin, end) in enumerate(pairs)]


def covered(markup: str) -> list[set[str]]:
    """The classes that stand over each character, read from the page's own elements, which have to nest."""
    open_: list[str] = []
    found: list[set[str]] = []
    for part in re.findall(r"<mark[^>]*>|</mark>|[^<]+", markup):
        if part == "</mark>":
            open_.pop()
        elif part.startswith("<mark"):
            open_.append(re.search(r'class="(\w+)"', part)[1])
        else:
            found += [set(open_)] * len(html.unescape(part))
    assert not open_
    return found


@settings(max_examples=50, deadline=None)
@given(texts_with_marks())
def test_every_character_keeps_its_place_and_has_exactly_the_marks_that_cover_it(given_: tuple[str, list[Stretch]]) -> None:
    text, marks = given_
    markup = marked(text, marks).markup
    assert html.unescape(re.sub(r"</?mark[^>]*>", "", markup)) == text
    assert covered(markup) == [{one.class_ for one in marks if one.begin <= place < one.end} for place in range(len(text))]


def test_text_titles_and_styles_are_escaped() -> None:
    said = marked("<script>x</script>", [Stretch(0, 8, 'a"b', 'it\'s "<b>"', 'color:"red"')]).markup
    assert said == (
        '<mark class="a&quot;b" title="it&#x27;s &quot;&lt;b&gt;&quot;" style="color:&quot;red&quot;">'
        "&lt;script&gt;</mark>x&lt;/script&gt;"
    )


def test_a_note_stands_once_where_its_stretch_ends_even_if_another_cuts_it() -> None:
    said = marked("abcdef", [Stretch(0, 4, "x", note="<X>"), Stretch(2, 6, "y", note="Y")]).markup
    assert said == ('<mark class="x">ab<mark class="y">cd</mark><sup>&lt;X&gt;</sup></mark><mark class="y">ef<sup>Y</sup></mark>')


def test_what_no_page_may_hold_is_shown_as_a_sign_of_one_character() -> None:
    assert marked("a\x00b\ud800c\td\n", []).markup == "a\ufffdb\ufffdc\td\n"


@pytest.mark.parametrize(("begin", "end"), [(2, 2), (3, 1), (-1, 2), (0, 6)])
def test_a_stretch_that_is_not_of_the_text_is_refused(begin: int, end: int) -> None:
    with pytest.raises(DataError, match=r"cannot be marked in a text of 5"):
        marked("hello", [Stretch(begin, end, "said")])


def test_a_long_text_is_cut_around_its_marks() -> None:
    text = "a" * 100 + "FOUND" + "b" * 100 + "TOO" + "c" * 100
    said = excerpts(text, [Stretch(100, 105, "x"), Stretch(205, 208, "y")], around=10).markup
    gap = '<span class="gap"> […] </span>'
    assert said == (
        f'{gap}aaaaaaaaaa<mark class="x">FOUND</mark>bbbbbbbbbb{gap}bbbbbbbbbb<mark class="y">TOO</mark>cccccccccc{gap}'
    )


def test_no_word_is_cut_in_two() -> None:
    text = "one two three FOUND four five six"
    said = excerpts(text, [Stretch(14, 19, "x")], around=8).markup
    assert re.sub(r"<[^>]+>", "", said) == " […] three FOUND four […] "


def test_a_short_text_is_shown_whole_and_one_without_marks_by_its_beginning() -> None:
    assert excerpts("some words", [Stretch(0, 4, "x")]).markup == '<mark class="x">some</mark> words'
    assert excerpts("abcdefgh", [], around=2).markup == 'abcd<span class="gap"> […] </span>'
