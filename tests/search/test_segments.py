"""Text cut at its own joints, with places that hold."""

from hypothesis import given
from hypothesis import strategies as st

from webapp.search.headings import find_markdown_headings
from webapp.search.segments import MAX_CHARACTERS, cut_into_segments, cut_into_sentences


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in cut_into_sentences(text)]


@given(st.text(alphabet=st.sampled_from("ab .!?\n#|-。1"), max_size=3000), st.booleans())
def test_every_segment_is_where_it_says(text, is_markdown):
    end = 0
    headings = find_markdown_headings(text) if is_markdown else ()
    for segment in cut_into_segments(text, headings=headings):
        assert text[segment.start : segment.end] == segment.text
        assert 0 < len(segment.text) <= MAX_CHARACTERS
        assert segment.start >= end
        end = segment.end


@given(st.text(alphabet=st.sampled_from("ab .!?\n|-。1"), max_size=500))
def test_sentences_leave_out_nothing_but_blanks(text):
    kept = "".join("".join(text[start:end].split()) for start, end in cut_into_sentences(text))
    assert kept == "".join(text.split())


def test_sentences_end_at_their_marks_but_not_at_abbreviations():
    text = 'Dr. Berg came. "Who?" she asked. It rained.'
    assert sentences(text) == ["Dr. Berg came.", '"Who?" she asked.', "It rained."]


def test_rows_of_a_table_and_items_of_a_list_stand_alone():
    assert sentences("| a | b |\n|---|---|\n| 1 | 2 |") == ["| a | b |", "|---|---|", "| 1 | 2 |"]
    assert sentences("Bring:\n- tea\n- milk\n1. pour") == ["Bring:", "- tea", "- milk", "1. pour"]


def test_a_line_that_goes_on_is_one_sentence():
    assert sentences("a sentence that is\nbroken at the margin") == [
        "a sentence that is\nbroken at the margin"
    ]
