"""Scores of results: given, changed, taken back, and the mean that is kept of them."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import make_generation, make_user
from tests.pages.makers import make_done
from webapp.accounts.models import Role, User
from webapp.generations.models import Generation
from webapp.review import operations
from webapp.review.models import Feedback

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def result(owner: User) -> Generation:
    return make_done(owner=owner)


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def address(generation: Generation) -> str:
    return f"/api/v1/generations/{generation.id}/feedback"


def score(user: User, generation: Generation, value: object, **more: str) -> Any:
    body = {"score": value, **more}
    return client_for(user).put(address(generation), body, format="json")


def kept(generation: Generation) -> tuple[float | None, int]:
    row = Generation.objects.get(id=generation.id)
    return row.mean_score, row.num_scores


def test_the_newest_score_of_each_counts_and_the_earlier_ones_are_kept(
    owner: User, result: Generation
) -> None:
    reviewer = make_user(Role.REVIEWER)
    assert score(owner, result, 2, comment="Dull").json()["score"] == 2
    assert score(reviewer, result, 4).status_code == 200
    assert kept(result) == (3.0, 2)
    assert score(owner, result, 5).json()["counts"] is True
    assert score(owner, result, 5).status_code == 200
    assert kept(result) == (4.5, 2)
    shown = client_for(owner).get(f"/api/v1/generations/{result.id}").json()["score"]
    assert shown == {"mean": 4.5, "num_scores": 2}
    own = client_for(owner).get(address(result)).json()["data"]
    assert [(row["score"], row["counts"]) for row in own] == [(5, True), (2, False)]
    everybodys = client_for(reviewer).get(address(result)).json()["data"]
    assert len(everybodys) == 3
    for _ in range(2):
        assert client_for(owner).delete(address(result)).status_code == 204
    assert kept(result) == (4.0, 1)
    assert Feedback.objects.filter(author=owner).count() == 3
    client_for(reviewer).delete(address(result))
    assert kept(result) == (None, 0)


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/score"),
        ({"score": 0}, "/score"),
        ({"score": 6}, "/score"),
        ({"score": "5"}, "/score"),
        ({"score": 4.5}, "/score"),
        ({"score": None}, "/score"),
        ({"score": 3, "comment": "x" * 2_001}, "/comment"),
        ({"score": 3, "stars": 3}, "/stars"),
    ],
)
def test_what_is_no_score_is_refused(
    owner: User, result: Generation, body: dict[str, Any], pointer: str
) -> None:
    answer = client_for(owner).put(address(result), body, format="json")
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert kept(result) == (None, 0)


def test_strangers_find_nothing_and_what_is_no_result_has_no_score(
    owner: User, result: Generation
) -> None:
    stranger = make_user()
    assert score(stranger, result, 1).status_code == 404
    assert client_for(stranger).get(address(result)).status_code == 404
    assert client_for(stranger).delete(address(result)).status_code == 404
    waiting = make_generation(owner=owner)
    assert score(owner, waiting, 5).json()["code"] == "conflict"
    Generation.objects.filter(id=result.id).update(trashed_at=timezone.now())
    assert score(owner, result, 5).status_code == 409
    owner.groups.clear()
    assert score(User.objects.get(id=owner.id), result, 5).status_code == 403


def test_a_crash_before_the_mean_is_kept_leaves_no_score(
    owner: User, result: Generation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(generation: Generation) -> None:
        raise IntegrityError("the connection went away")

    monkeypatch.setattr(operations, "_keep_mean", fail)
    with pytest.raises(IntegrityError):
        operations.give_feedback(author=owner, generation=result, score=5)
    assert not Feedback.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_scores_given_at_once_are_all_in_the_mean(owner: User, result: Generation) -> None:
    people = [make_user(Role.REVIEWER) for _ in range(6)]

    def give(author: User, value: int) -> None:
        operations.give_feedback(author=author, generation=result, score=value)
        connection.close()

    threads = [
        threading.Thread(target=give, args=(author, 1 + place % 5))
        for place, author in enumerate(people)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    mean, num_scores = kept(result)
    assert mean == pytest.approx(16 / 6)
    assert num_scores == 6


def test_stars_are_given_and_taken_back_on_the_page(owner: User, result: Generation) -> None:
    page = Client()
    page.force_login(owner)
    here = f"/generations/{result.id}"
    assert f"{here}/feedback" in page.get(here).content.decode()
    refused = page.post(f"{here}/feedback/give", {"comment": "Kept words"})
    assert refused.status_code == 422
    assert "Kept words" in refused.content.decode()
    assert (
        page.post(f"{here}/feedback/give", {"score": "4", "comment": "Fine"})["Location"] == here
    )
    assert "4.0" in page.get("/library").content.decode()
    part = page.post(
        f"{here}/feedback/give", {"score": "5", "comment": "Fine"}, headers={"HX-Request": "true"}
    )
    assert "Change score" in part.content.decode()
    assert page.post(f"{here}/feedback/take-back").status_code == 302
    assert kept(result) == (None, 0)
