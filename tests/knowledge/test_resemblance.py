"""What is nearly the same is recognised, told, and never refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_user
from tests.knowledge.ingesting import bring
from webapp.accounts.models import User
from webapp.knowledge.fingerprints import (
    DOCUMENT_NUMBERS,
    DOCUMENT_RUN,
    fingerprint,
    runs_of,
    told_share,
    true_share,
)
from webapp.knowledge.models import Resemblance, Source
from webapp.knowledge.operations import restore_source, submit_source, trash_source
from webapp.knowledge.queries import get_source, passages_of
from webapp.search.models import Passage

WORDS = [f"{a}{b}" for a in "bcdfghklmnprst" for b in ("an", "el", "ik", "or", "um", "ash", "ent")]

#: Stored fingerprints are compared with new ones, so these numbers may never change.
SIGNATURE = [
    -1858856126,
    586690811,
    666753942,
    326380639,
    593870148,
    821651019,
    102893193,
    1663094828,
]


def story(num_words: int, seed: int) -> list[str]:
    dice = random.Random(seed)
    return [dice.choice(WORDS) for _ in range(num_words)]


def changed(words: list[str], share: float, seed: int) -> list[str]:
    dice = random.Random(seed)
    return [dice.choice(WORDS) if dice.random() < share else word for word in words]


def as_text(words: list[str]) -> bytes:
    sentences = [" ".join(words[n : n + 12]) + "." for n in range(0, len(words), 12)]
    return "\n\n".join(
        " ".join(sentences[n : n + 6]) for n in range(0, len(sentences), 6)
    ).encode()


@pytest.fixture
def owner(db: None) -> User:
    return make_user()


@pytest.mark.parametrize("share", [0.0, 0.01, 0.03, 0.1, 0.5])
def test_what_a_signature_tells_is_near_the_truth(share: float) -> None:
    words = story(3_000, 1)
    one = runs_of(" ".join(words), length=DOCUMENT_RUN)
    other = runs_of(" ".join(changed(words, share, 2)), length=DOCUMENT_RUN)
    told = told_share(
        fingerprint(one, numbers=DOCUMENT_NUMBERS).signature,
        fingerprint(other, numbers=DOCUMENT_NUMBERS).signature,
    )
    # Four standard errors of 256 draws.
    truth = true_share(one, other)
    assert abs(told - truth) <= 4 * np.sqrt(max(truth * (1 - truth), 1e-9) / DOCUMENT_NUMBERS)


def test_a_fingerprint_is_the_same_in_every_process_and_release() -> None:
    found = fingerprint(runs_of("The lamp burns oil tonight.", length=3), numbers=8)
    assert found.signature.tolist() == SIGNATURE
    assert len(found.bands) == 1


@given(st.text(max_size=200))
def test_any_text_has_runs_or_none(text: str) -> None:
    runs = runs_of(text, length=3)
    assert len(runs) == len(set(runs.tolist()))
    assert true_share(runs, runs) in {0.0, 1.0}


def test_case_and_punctuation_do_not_tell_texts_apart() -> None:
    one, other = runs_of("The lamp, the OIL!", length=3), runs_of("the lamp the oil", length=3)
    assert true_share(one, other) == 1.0
    assert len(runs_of("灯は油を燃やす", length=3)) == 5


def test_nearly_the_same_documents_are_shown_as_such(owner: User) -> None:
    words = story(1_200, 3)
    first = bring(owner, as_text(words), "first.txt")
    second = bring(owner, as_text(changed(words, 0.005, 4)), "second.txt")
    third = bring(owner, as_text(story(1_200, 5)), "third.txt")
    alike = get_source(user=owner, source_id=second.id).alike
    assert [each.other_id for each in alike] == [first.id]
    assert 90 <= alike[0].percent <= 99
    assert [each.other_id for each in get_source(user=owner, source_id=first.id).alike] == [
        second.id
    ]
    assert get_source(user=owner, source_id=third.id).alike == []
    browser = Client()
    browser.force_login(owner)
    said = f"{alike[0].percent}&nbsp;% the same as"
    assert said in browser.get("/documents").content.decode()
    assert "Nearly the same as" in browser.get(f"/documents/{second.id}").content.decode()
    trash_source(source=first)
    assert get_source(user=owner, source_id=second.id).alike == []
    assert said not in browser.get("/documents").content.decode()
    restore_source(source=first)
    assert len(get_source(user=owner, source_id=second.id).alike) == 1


def test_the_same_text_in_two_formats_is_the_same_in_full(owner: User) -> None:
    text = as_text(story(300, 6))
    bring(owner, text, "a.txt")
    second = bring(owner, text + b"\n", "a.md")
    assert [each.percent for each in get_source(user=owner, source_id=second.id).alike] == [100]


def test_documents_of_others_are_not_compared(owner: User) -> None:
    text = as_text(story(300, 7))
    bring(make_user(), text, "a.txt")
    assert get_source(user=owner, source_id=bring(owner, text, "a.txt").id).alike == []


def test_a_new_version_is_compared_anew(owner: User) -> None:
    text = as_text(story(300, 8))
    bring(owner, text, "a.txt")
    second = bring(owner, text + b"\n", "b.txt")
    assert Resemblance.objects.count() == 2
    bring(owner, as_text(story(300, 9)), "b.txt")
    assert get_source(user=owner, source_id=second.id).alike == []
    assert Resemblance.objects.count() == 0


def groups(source: Source) -> list[object]:
    return [passage.repeat_group for passage in passages_of(source)]


def test_passages_that_repeat_another_document_are_marked(owner: User) -> None:
    words = story(144, 10)
    first = bring(owner, as_text(words), "first.txt")
    [original] = passages_of(first)
    repeat = changed(words, 0.0, 11)
    repeat[40] = "other"
    second = bring(owner, as_text(repeat) + b"\n\n" + as_text(story(144, 12)), "second.txt")
    marked = groups(second)
    assert marked[0] == original.id
    assert set(marked[1:]) == {None}
    assert groups(first) == [None]


def test_passages_that_repeat_the_same_document_are_marked(owner: User) -> None:
    words, other = story(144, 13), story(144, 14)
    source = bring(owner, b"\n\n".join(map(as_text, (words, other, words))), "a.txt")
    first, *rest = passages_of(source)
    assert first.repeat_group is None
    assert first.id in {passage.repeat_group for passage in rest}


def test_short_and_different_passages_are_not_repeats(owner: User) -> None:
    for name in ("a.txt", "b.txt"):
        source = bring(owner, b"See the next page. " + name.encode(), name)
        assert groups(source) == [None]


def test_a_new_version_keeps_the_group_that_others_repeat(owner: User) -> None:
    words = story(144, 15)
    first = bring(owner, as_text(words), "first.txt")
    [original] = passages_of(first)
    second = bring(owner, as_text(words) + b"\n\n" + as_text(story(144, 18)), "second.txt")
    bring(owner, as_text(words) + b"\n\n" + as_text(story(144, 16)), "first.txt")
    assert not Passage.objects.filter(id=original.id).exists()
    assert groups(second)[0] == original.id
    assert groups(first)[0] == original.id


def test_nothing_is_refused_for_being_the_same(owner: User) -> None:
    text = as_text(story(100, 17))
    bring(owner, text, "a.txt")
    assert submit_source(owner=owner, content=text + b" ", file_name="b.txt").is_new
