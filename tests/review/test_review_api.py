"""Review over REST: a queue from its making to the record of what was decided."""

from __future__ import annotations

from typing import Any

import pytest
from rest_framework.test import APIClient

from tests.factories import make_generation, make_user
from tests.pages.makers import make_done
from webapp.accounts.models import Role, User
from webapp.generations.models import Generation
from webapp.review.models import Decision, ReviewItem

pytestmark = pytest.mark.django_db


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def results() -> list[Generation]:
    owner = make_user()
    return [make_done(owner=owner) for _ in range(3)]


@pytest.fixture
def reviewers(results: list[Generation]) -> list[User]:
    return [make_user(Role.REVIEWER) for _ in range(2)]


def post(user: User, path: str, body: object = None, **headers: str) -> Any:
    return client_for(user).post(f"/api/v1/{path}", body or {}, format="json", headers=headers)


def read(user: User, path: str) -> Any:
    return client_for(user).get(f"/api/v1/{path}").json()


def make_queue(user: User, **more: object) -> dict[str, Any]:
    answer = post(user, "review-queues", {"name": "All", **more})
    assert answer.status_code == 201, answer.json()
    made: dict[str, Any] = answer.json()
    return made


def test_a_queue_is_made_once_for_a_key_and_changed_as_it_was_read(reviewers: list[User]) -> None:
    body = {"name": "Clothes", "overlap": 2, "labels": ["dark ", "dark"], "only": {"max_score": 3}}
    first = post(reviewers[0], "review-queues", body, **{"Idempotency-Key": "k"})
    again = post(reviewers[0], "review-queues", body, **{"Idempotency-Key": "k"})
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    queue = first.json()
    assert first["Location"] == queue["links"]["self"]
    assert queue["labels"] == ["dark"]
    assert queue["only"]["max_score"] == 3.0
    assert post(reviewers[1], "review-queues", {"name": "clothes"}).status_code == 409
    client = client_for(reviewers[1])
    changed = client.patch(
        queue["links"]["self"],
        {"instructions": "Look twice."},
        format="json",
        headers={"If-Match": first["ETag"]},
    )
    assert changed.status_code == 200
    assert changed.json() == {**queue, "instructions": "Look twice."}
    late = client.patch(
        queue["links"]["self"], {"overlap": 1}, format="json", headers={"If-Match": first["ETag"]}
    )
    assert (late.status_code, late["ETag"]) == (412, changed["ETag"])
    closed = post(reviewers[0], f"review-queues/{queue['id']}/close").json()
    assert closed["closed_at"] is not None
    assert read(reviewers[0], "review-queues")["data"] == []
    assert [row["id"] for row in read(reviewers[0], "review-queues?closed=true")["data"]] == [
        queue["id"]
    ]
    assert post(reviewers[0], f"review-queues/{queue['id']}/next").status_code == 409
    reopened = post(reviewers[0], f"review-queues/{queue['id']}/reopen").json()
    assert reopened["closed_at"] is None


def test_all_that_is_wrong_with_a_queue_is_told_at_once(reviewers: list[User]) -> None:
    body = {"name": "", "overlap": 9, "only": {"families": ["none"], "max_score": 0, "odd": 1}}
    answer = post(reviewers[0], "review-queues", body)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {
        "/name",
        "/overlap",
        "/only/families/0",
        "/only/max_score",
        "/only/odd",
    }


def test_items_are_handed_out_released_and_told_without_what_others_decided(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0])
    assert queue["review"] == {"total": 3, "done": 0, "own": 0}
    path = f"review-queues/{queue['id']}"
    first = post(reviewers[0], f"{path}/next").json()["item"]
    other = post(reviewers[1], f"{path}/next").json()["item"]
    assert first["id"] != other["id"], "one place of each is held by the other"
    assert first["held_until"] is not None
    released = post(reviewers[0], f"review-items/{first['id']}/release").json()
    assert released["held_until"] is None
    given = post(reviewers[1], f"{path}/next").json()["item"]
    assert given["id"] == first["id"]
    assert post(reviewers[1], "review-decisions", {"items": [given["id"]], "verdict": "approved"})
    seen = read(reviewers[0], f"review-items/{given['id']}")
    assert (seen["own"], seen["num_decisions"]) == (None, 1)
    assert "standing" not in seen
    own = read(reviewers[1], f"review-items/{given['id']}")
    assert own["own"]["verdict"] == "approved"
    opened = read(reviewers[0], f"{path}/items?open=true")["data"]
    approved = read(reviewers[0], f"{path}/items?standing=approved,flagged")["data"]
    assert len(opened) == 2
    assert [row["id"] for row in approved] == [given["id"]]
    refused = client_for(reviewers[0]).get(f"/api/v1/{path}/items?open=yes&standing=odd")
    assert {fault["pointer"] for fault in refused.json()["errors"]} == {"?open", "?standing"}
    make_done(owner=results[0].owner)
    assert post(reviewers[0], f"{path}/fill").json() == {"added": 1}


def test_a_queue_that_has_nothing_left_for_one_gives_none(reviewers: list[User]) -> None:
    queue = make_queue(reviewers[0])
    items = [row["id"] for row in read(reviewers[0], f"review-queues/{queue['id']}/items")["data"]]
    post(reviewers[0], "review-decisions", {"items": items, "verdict": "rejected"})
    assert post(reviewers[0], f"review-queues/{queue['id']}/next").json() == {"item": None}
    assert read(reviewers[0], f"review-queues/{queue['id']}")["review"]["done"] == 3


def test_a_decision_on_many_is_made_once_for_a_key_and_taken_back_in_one(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0])
    items = [row["id"] for row in read(reviewers[0], f"review-queues/{queue['id']}/items")["data"]]
    body = {"items": items, "verdict": "flagged", "labels": ["odd"], "comment": "Why?", "score": 2}
    made = post(reviewers[0], "review-decisions", body, **{"Idempotency-Key": "k"})
    again = post(reviewers[0], "review-decisions", body, **{"Idempotency-Key": "k"})
    assert made.status_code == 201
    assert made.json() == again.json()
    assert (made.json()["num_results"], made.json()["num_standing"]) == (3, 3)
    assert Decision.objects.count() == 3
    assert {each.standing for each in Generation.objects.all()} == {"flagged"}
    assert {each.mean_score for each in Generation.objects.all()} == {2.0}
    path = f"review-decisions/{made.json()['id']}"
    assert post(reviewers[1], f"{path}/undo").status_code == 404
    later = post(
        reviewers[0],
        "review-decisions",
        {"generations": [str(results[0].id)], "verdict": "approved"},
    )
    assert later.status_code == 201
    assert read(reviewers[0], path)["num_standing"] == 2
    assert post(reviewers[0], f"{path}/undo").json() == {"taken_back": 2}
    assert post(reviewers[0], f"{path}/undo").json() == {"taken_back": 0}
    assert sorted(each.standing for each in Generation.objects.all()) == ["", "", "approved"]


def test_what_cannot_be_decided_on_is_named_and_nothing_is_stored(
    reviewers: list[User], results: list[Generation]
) -> None:
    one, other = make_queue(reviewers[0]), make_queue(reviewers[0], name="Other")
    twice = [
        str(ReviewItem.objects.get(queue=queue["id"], generation=results[0]).id)
        for queue in (one, other)
    ]
    missing = one["id"]
    refused = post(
        reviewers[0], "review-decisions", {"items": [*twice, missing], "verdict": "approved"}
    )
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json()["errors"]] == ["/items/1", "/items/2"]
    unfinished = make_generation(owner=results[0].owner)
    body = {"generations": [str(results[0].id), str(unfinished.id)], "verdict": "approved"}
    assert post(reviewers[0], "review-decisions", body).status_code == 409
    for wrong in (
        {"verdict": "approved"},
        {"verdict": "approved", "items": [twice[0]], "generations": [str(results[0].id)]},
        {"verdict": "approved", "items": [twice[0], twice[0]]},
        {"verdict": "odd", "items": [twice[0]]},
        {"verdict": "approved", "items": [twice[0]], "score": 6},
    ):
        assert post(reviewers[0], "review-decisions", wrong).status_code == 422, wrong
    assert not Decision.objects.exists()


def test_the_record_is_told_to_who_has_decided_and_how_it_stands_to_no_author(
    reviewers: list[User], results: list[Generation]
) -> None:
    generation = results[0]
    body = {"generations": [str(generation.id)], "verdict": "rejected", "comment": "Blurred"}
    act = post(reviewers[0], "review-decisions", body).json()["id"]
    path = f"generations/{generation.id}"
    assert client_for(reviewers[1]).get(f"/api/v1/{path}/decisions").status_code == 409
    assert client_for(generation.owner).get(f"/api/v1/{path}/decisions").status_code == 403
    post(reviewers[1], "review-decisions", {**body, "verdict": "approved"})
    post(reviewers[0], f"review-decisions/{act}/undo")
    record = read(reviewers[1], f"{path}/decisions")["data"]
    assert [(row["verdict"], row["counts"]) for row in record] == [
        (None, False),
        ("approved", True),
        ("rejected", False),
    ]
    for address in (path, "generations?limit=200"):
        for user, standing in ((reviewers[0], "approved"), (generation.owner, None)):
            answer = read(user, address)
            rows = answer.get("data", [answer])
            told = {row["id"]: row["standing"] for row in rows}
            assert told[str(generation.id)] == standing


def test_agreement_is_that_of_the_decisions_that_count(
    reviewers: list[User], results: list[Generation]
) -> None:
    queue = make_queue(reviewers[0], overlap=2)
    path = f"review-queues/{queue['id']}"
    nothing = read(reviewers[0], f"{path}/agreement")
    assert nothing == {"num_items": 0, "same": None, "alpha": None, "reviewers": []}
    items = [row["id"] for row in read(reviewers[0], f"{path}/items")["data"]]
    post(reviewers[0], "review-decisions", {"items": items, "verdict": "approved"})
    post(reviewers[1], "review-decisions", {"items": items[:1], "verdict": "approved"})
    post(reviewers[1], "review-decisions", {"items": items[1:2], "verdict": "rejected"})
    told = read(reviewers[0], f"{path}/agreement")
    assert (told["num_items"], told["same"]) == (2, 0.5)
    assert told["alpha"] == pytest.approx(0.0)
    assert [each["approved"] for each in told["reviewers"]] == [3, 1]
