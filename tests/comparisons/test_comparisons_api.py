"""Comparisons over REST: making them, what blind ones tell, votes, and rankings."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.comparisons.makers import MODELS, finish, make_comparison, make_models, prefer
from tests.factories import make_card, make_checkpoint, make_user
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.comparisons.models import Vote
from webapp.comparisons.queries import see_comparison
from webapp.generations.models import Batch, Generation
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db
URL = "/api/v1/comparisons"
SLUGS = tuple(MODELS)
NOT_FOUND = {f"/models/{n}" for n in range(12)}


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def owner(db: None) -> User:
    make_models()
    return make_user()


def start(user: User, key: str | None = None, **body: Any) -> Any:
    headers = {} if key is None else {"Idempotency-Key": key}
    wish = {"prompt": "once upon a time", "models": list(SLUGS), **body}
    return client_for(user).post(URL, wish, format="json", headers=headers)


def read(user: User, batch: Batch) -> dict[str, Any]:
    found: dict[str, Any] = client_for(user).get(f"{URL}/{batch.id}").json()
    return found


def vote(user: User, batch: Batch, pair: list[str], verdict: str) -> Any:
    body = {"pair": pair, "verdict": verdict}
    return client_for(user).post(f"{URL}/{batch.id}/votes", body, format="json")


def test_every_model_makes_one_with_the_same_seed_or_with_its_own(owner: User) -> None:
    answer = start(owner, seed=7, tags=["try"])
    body = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == f"{URL}/{body['id']}"
    assert [side["model"]["slug"] for side in body["sides"]] == list(SLUGS)
    assert [side["letter"] for side in body["sides"]] == ["A", "B", "C"]
    assert (body["same_seed"], body["revealed"], body["num_pairs"]) == (True, True, 0)
    assert body["counts"] == {"queued": 3}
    rows = Generation.objects.order_by("batch_place")
    assert {(row.seed, row.prompt, row.parameters["length"]) for row in rows} == {
        (7, "once upon a time", 8)
    }
    other = start(owner, seed=7, same_seed=False).json()
    assert [side["seed"] for side in other["sides"]] == [7, 8, 9]
    listed = client_for(owner).get(f"{URL}?limit=1").json()
    assert [row["id"] for row in listed["data"]] == [other["id"]]
    following = client_for(owner).get(f"{URL}?cursor={listed['next_cursor']}").json()
    assert [row["id"] for row in following["data"]] == [body["id"]]
    assert client_for(owner).get(f"{URL}?blind=true").json()["data"] == []
    # It is a batch of another kind, with addresses of its own.
    assert client_for(owner).get("/api/v1/batches").json()["data"] == []
    assert client_for(owner).get(f"/api/v1/batches/{body['id']}").status_code == 404


def test_of_every_family_the_model_is_taken_that_suits_the_prompt(owner: User) -> None:
    card = make_card(slug="cook", family="rnn", example_prompts=("a recipe for onion soup",))
    make_checkpoint(card)
    make_checkpoint(make_card(slug="short", family="gan", max_prompt_length=3))
    make_checkpoint(make_card(slug="elsewhere", family="connected"))
    body = start(owner, models="families", prompt="a recipe for onion soup").json()
    assert [side["model"]["slug"] for side in body["sides"]] == [
        "gamma-three",
        "cook",
        "alpha-one",
    ]


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"models": ["alpha-one"]}, {"/models"}),
        ({"models": ["alpha-one", "alpha-one"]}, {"/models/1"}),
        ({"models": ["alpha-one", "nobody", "auto"]}, {"/models/1", "/models/2"}),
        ({"models": [f"m{n}" for n in range(13)]}, {"/models", *NOT_FOUND}),
        ({"models": "all"}, {"/models"}),
        ({"models": ["alpha-one", "away"]}, {"/models/1"}),
        ({"models": ["alpha-one", "short"]}, {"/models/1"}),
        ({"prompt": " ", "tags": [" "]}, {"/prompt", "/tags/0"}),
        ({"prompt": " ", "models": "families"}, {"/prompt"}),
        ({"prompt": "x" * 300, "models": "families"}, {"/models"}),
        ({"seed": 2**63 - 1, "same_seed": False}, {"/seed"}),
        ({"wings": 2}, {"/wings"}),
    ],
)  # fmt: skip
def test_bad_input_names_every_fault_and_stores_nothing(
    owner: User, change: dict[str, Any], pointers: set[str]
) -> None:
    make_checkpoint(make_card(slug="away"), available=False, unavailable_reason="The disk is gone")
    make_checkpoint(make_card(slug="short", max_prompt_length=3))
    answer = start(owner, **change)
    assert answer.status_code == 422, answer.content
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers
    assert not Batch.objects.exists()
    assert not Job.objects.exists()


def test_a_key_makes_one_comparison_and_stands_for_one_body(owner: User) -> None:
    first, second = start(owner, key="k", blind=True), start(owner, key="k", blind=True)
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    assert start(owner, key="k", blind=False).json()["code"] == "idempotency_key_reused"
    assert Batch.objects.count() == 1


def test_a_blind_one_tells_nothing_of_who_made_what_until_all_is_voted_on(owner: User) -> None:
    batch = make_comparison(owner, is_blind=True)
    telling = [
        *MODELS,
        *MODELS.values(),
        "Alpha-One",
        *(str(row.id) for row in batch.generations.all()),
    ]

    def assert_nothing_is_told() -> None:
        for address in (f"{URL}/{batch.id}", URL, f"{URL}/{batch.id}/votes"):
            said = client_for(owner).get(address).content.decode()
            assert [word for word in telling if word in said] == [], address

    assert_nothing_is_told()
    finish(batch)
    assert_nothing_is_told()
    assert client_for(owner).post(f"{URL}/{batch.id}/reveal").json()["code"] == "conflict"
    for number in range(3):
        body = read(owner, batch)
        assert (body["num_pairs"], body["num_voted"], body["revealed"]) == (3, number, False)
        given = vote(owner, batch, body["next_pair"], "first")
        assert given.status_code == 201
        assert given.json()["blind"] is True
        if number < 2:
            assert_nothing_is_told()
    body = read(owner, batch)
    assert body["revealed"] is True
    assert body["next_pair"] is None
    assert {side["model"]["slug"] for side in body["sides"]} == set(SLUGS)
    assert vote(owner, batch, ["A", "B"], "tie").json()["blind"] is False
    # Others have their own order and know nothing yet.
    assert read(make_user(Role.REVIEWER), batch)["revealed"] is False


def test_the_order_of_a_blind_one_stays_for_a_viewer_and_differs_between_them(owner: User) -> None:
    batch = make_comparison(owner, is_blind=True)

    def order(viewer: User) -> list[str]:
        sides = see_comparison(viewer=viewer, batch=batch).sides
        return [side.generation.checkpoint.slug for side in sides]

    people = [make_user(Role.REVIEWER) for _ in range(12)]
    orders = [tuple(order(person)) for person in people]
    assert orders == [tuple(order(person)) for person in people]
    assert len(set(orders)) > 2


def test_who_is_told_early_votes_openly_from_then_on(owner: User) -> None:
    batch = make_comparison(owner, is_blind=True)
    finish(batch)
    vote(owner, batch, ["A", "B"], "second")
    assert client_for(owner).post(f"{URL}/{batch.id}/reveal").json()["revealed"] is True
    assert client_for(owner).post(f"{URL}/{batch.id}/reveal").status_code == 200
    assert vote(owner, batch, ["A", "C"], "first").json()["blind"] is False


def test_a_second_vote_replaces_the_first_which_is_kept(owner: User) -> None:
    batch = make_comparison(owner)
    finish(batch)
    first = vote(owner, batch, ["A", "B"], "first")
    same = vote(owner, batch, ["B", "A"], "second")
    assert (first.status_code, same.status_code) == (201, 200)
    assert same.json() == first.json()
    assert vote(owner, batch, ["B", "A"], "first").json()["verdict"] == "second"
    kept = client_for(owner).get(f"{URL}/{batch.id}/votes").json()["data"]
    assert [(row["pair"], row["verdict"], row["counts"]) for row in kept] == [
        (["A", "B"], "second", True),
        (["A", "B"], "first", False),
    ]
    [ranking] = client_for(owner).get("/api/v1/rankings").json()["data"]
    assert (ranking["task"], ranking["num_votes"]) == ("text", 1)
    assert [row["slug"] for row in ranking["models"]] == ["beta-two", "alpha-one"]
    assert ranking["models"][0]["low"] < ranking["models"][0]["rating"]


def test_what_cannot_be_voted_on_is_refused(owner: User) -> None:
    batch = make_comparison(owner)
    assert vote(owner, batch, ["A", "B"], "first").json()["code"] == "conflict"
    finish(batch, fail=("beta-two",))
    body = read(owner, batch)
    failed = body["sides"][1]
    assert (failed["status"], failed["status_reason"]["code"]) == ("failed", "out_of_memory")
    assert (body["num_pairs"], body["next_pair"]) == (1, ["A", "C"])
    assert vote(owner, batch, ["A", "B"], "first").status_code == 409
    assert vote(owner, batch, ["A", "A"], "first").status_code == 409
    for pair, verdict, pointers in (
        (["A", "D"], "first", {"/pair/1"}),
        (["A", "Z"], "best", {"/pair/1", "/verdict"}),
        (["A"], "first", {"/pair"}),
    ):
        refused = vote(owner, batch, pair, verdict)
        assert refused.status_code == 422
        assert {fault["pointer"] for fault in refused.json()["errors"]} == pointers
    assert vote(make_user(), batch, ["A", "C"], "first").status_code == 404
    owner.groups.clear()
    assert vote(User.objects.get(id=owner.id), batch, ["A", "C"], "first").status_code == 403
    assert not Vote.objects.exists()


def test_reviewers_judge_but_change_nothing_and_the_trash_takes_votes_along(owner: User) -> None:
    reviewer, batch = make_user(Role.REVIEWER), make_comparison(owner)
    finish(batch)
    assert vote(reviewer, batch, ["A", "B"], "tie").status_code == 201
    vote(owner, batch, ["A", "B"], "first")
    both = client_for(reviewer).get(f"{URL}/{batch.id}/votes").json()["data"]
    assert {row["voter"] for row in both} == {owner.username, reviewer.username}
    assert len(client_for(owner).get(f"{URL}/{batch.id}/votes").json()["data"]) == 1
    assert client_for(reviewer).delete(f"{URL}/{batch.id}").status_code == 403
    assert client_for(make_user()).delete(f"{URL}/{batch.id}").status_code == 404

    client = client_for(owner)
    for _ in range(2):
        assert client.delete(f"{URL}/{batch.id}").status_code == 204
    assert client.get(URL).json()["data"] == []
    assert len(client.get(f"{URL}?trashed=true").json()["data"]) == 1
    assert vote(owner, batch, ["A", "C"], "first").status_code == 409
    assert client.get("/api/v1/rankings").json()["data"] == []
    assert client.post(f"{URL}/{batch.id}/restore").json()["trashed_at"] is None
    assert client.get("/api/v1/rankings").json()["data"][0]["num_votes"] == 2
    assert client.get("/api/v1/rankings?mine=true").json()["data"][0]["num_votes"] == 1
    assert client.get("/api/v1/rankings?blind=true&task=text").json()["data"] == []
    refused = client.get("/api/v1/rankings?blind=1&tusk=2")
    assert {fault["pointer"] for fault in refused.json()["errors"]} == {"?tusk"}


def test_only_votes_on_weights_of_today_count_and_kinds_stay_apart(owner: User) -> None:
    make_checkpoint(make_card(slug="painter", family="gan", modality="image"))
    batch = make_comparison(owner, models=(*SLUGS, "painter"))
    finish(batch)
    prefer(owner, batch, "alpha-one", "beta-two")
    prefer(owner, batch, "painter", "beta-two")
    found = {row["task"]: row for row in client_for(owner).get("/api/v1/rankings").json()["data"]}
    assert {task: len(row["models"]) for task, row in found.items()} == {"text": 2, "mixed": 2}
    Checkpoint.objects.filter(slug="alpha-one").update(revision="1" * 64)
    left = client_for(owner).get("/api/v1/rankings").json()["data"]
    assert [row["task"] for row in left] == ["mixed"]


def test_lists_and_rankings_ask_as_often_for_many_as_for_one(owner: User) -> None:
    def queries(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client_for(owner).get(address).status_code == 200
        return len(captured)

    batch = make_comparison(owner)
    finish(batch)
    prefer(owner, batch, "alpha-one", "beta-two")
    before = [queries(address) for address in (URL, "/api/v1/rankings")]
    for _ in range(4):
        more = make_comparison(owner, is_blind=True)
        finish(more)
        prefer(owner, more, "gamma-three", "beta-two")
    assert [queries(address) for address in (URL, "/api/v1/rankings")] == before


@pytest.mark.django_db(transaction=True)
def test_the_same_vote_many_times_at_once_is_stored_once(owner: User) -> None:
    batch = make_comparison(owner)
    finish(batch)

    def give() -> None:
        prefer(owner, batch, "alpha-one", "beta-two")
        connection.close()

    threads = [threading.Thread(target=give) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Vote.objects.count() == 1
    assert read(owner, batch)["num_voted"] == 1
