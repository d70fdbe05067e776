"""Batches: one request for many generations, all or none."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_card, make_checkpoint, make_user, make_worker
from webapp.accounts.models import Role
from webapp.generations.models import Batch, Generation
from webapp.jobs import operations as jobs
from webapp.jobs.models import FairShare, Job

URL = "/api/v1/batches"


def client_for(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def owner(db):
    make_checkpoint()
    return make_user()


@pytest.fixture
def client(owner):
    return client_for(owner)


def post(client, key: str | None = None, **body):
    headers = {} if key is None else {"Idempotency-Key": key}
    wish = {"model": "toy-text", "prompt": "a red house", **body}
    return client.post(URL, wish, format="json", headers=headers)


def cells() -> list[Generation]:
    return list(Generation.objects.order_by("batch_place"))


def test_several_of_the_same_differ_by_seeds_that_follow_each_other(client):
    answer = post(client, n=3, seed=10, tags=["try"])
    body = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == f"{URL}/{body['id']}"
    assert body["axes"] == [
        {"name": "prompt", "values": ["a red house"]},
        {"name": "seed", "values": [10, 11, 12]},
    ]
    assert body["progress"] == {"done": 0, "total": 3, "unit": "generation"}
    assert body["counts"] == {"queued": 3}
    assert not body["terminal"]
    assert [row.seed for row in cells()] == [10, 11, 12]
    assert all(row.tags == ["try"] for row in cells())
    assert Job.objects.count() == 3


def test_a_sweep_changes_one_thing_along_each_axis(client):
    sweep = {"temperature": [0.5, 1], "length": [2, 3]}
    body = post(client, prompts=["a", "b"], prompt=None, n=2, seed=5, sweep=sweep)
    assert body.status_code == 422  # null is no prompt
    answer = client.post(
        URL,
        {"model": "toy-text", "prompts": ["a", "b"], "n": 2, "seed": 5, "sweep": sweep},
        format="json",
    )
    assert answer.status_code == 202
    made = [
        (row.prompt, row.parameters["temperature"], row.parameters["length"], row.seed)
        for row in cells()
    ]
    assert made == [
        (prompt, temperature, length, seed)
        for prompt in ("a", "b")
        for temperature in (0.5, 1.0)
        for length in (2, 3)
        for seed in (5, 6)
    ]
    assert [axis["name"] for axis in answer.json()["axes"]] == [
        "prompt",
        "temperature",
        "length",
        "seed",
    ]


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"sweep": {"heat": [1]}}, {"/sweep/heat"}),
        ({"sweep": {"length": [1, 99, "x"]}}, {"/sweep/length/1", "/sweep/length/2"}),
        ({"sweep": {"length": [2, 2]}}, {"/sweep/length/1"}),
        ({"sweep": {"length": []}}, {"/sweep/length"}),
        ({"sweep": {"length": [2]}, "params": {"length": 3}}, {"/sweep/length"}),
        ({"model": "auto", "sweep": {"length": [2]}}, {"/model"}),
        ({"n": 257}, {"/n"}),
        ({"n": 0}, {"/n"}),
        ({"n": 100, "sweep": {"length": [1, 2, 3]}}, {""}),
        ({"n": 2, "seed": 2**63 - 1}, {"/seed"}),
        ({"prompts": ["a"]}, {"/prompt"}),
        ({"params": {"length": 900}, "sweep": {"heat": [1]}, "tags": [" "]},
         {"/params/length", "/sweep/heat", "/tags/0"}),
        ({"wings": 2}, {"/wings"}),
        ({"model": "nobody"}, {"/model"}),
    ],
)  # fmt: skip
def test_bad_input_names_every_fault_and_stores_nothing(client, change, pointers):
    answer = post(client, **change)
    assert answer.status_code == 422, answer.content
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers
    assert not Batch.objects.exists()
    assert not Job.objects.exists()


def test_one_bad_prompt_of_several_is_pointed_at(client):
    body = {"model": "toy-text", "prompts": ["a", " ", "c" * 500]}
    answer = client.post(URL, body, format="json")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/prompts/1", "/prompts/2"]


def test_a_second_call_with_the_same_key_makes_nothing_more(client):
    first, second = post(client, key="k", n=2), post(client, key="k", n=2)
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    assert Generation.objects.count() == 2
    assert post(client, key="k", n=3).json()["code"] == "idempotency_key_reused"


@pytest.mark.django_db(transaction=True)
def test_calls_at_once_with_the_same_key_make_one_batch(client):
    answers = []

    def call() -> None:
        answers.append(post(client, key="k", n=4).json()["id"])
        connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert Generation.objects.count() == 4


def test_what_is_over_a_limit_is_refused_whole_and_costs_no_turn(client, settings):
    settings.JOBS_MAX_QUEUED_PER_OWNER = 5
    assert post(client, n=3).status_code == 202
    before = FairShare.objects.get().finish_tag
    answer = post(client, n=3)
    assert answer.status_code == 429
    assert answer.json()["code"] == "queue_full"
    assert int(answer["Retry-After"]) >= 1
    assert Generation.objects.count() == 3
    assert FairShare.objects.get().finish_tag == pytest.approx(before)


def test_a_batch_of_one_owner_does_not_stand_before_the_next_one(client, owner):
    post(client, n=20)
    other = client_for(make_user())
    other.post("/api/v1/generations", {"model": "toy-text", "prompt": "x"}, format="json")
    worker = make_worker(queues=["family.transformer"])
    claimed = jobs.claim_jobs(worker_id=worker.id, queues=["family.transformer"], limit=2)
    owners = {Generation.objects.get(job_id=job.id).owner_id for job in claimed}
    assert len(owners) == 2


def test_prompts_may_go_to_models_of_several_families(client, monkeypatch):
    picture = make_checkpoint(make_card(slug="toy-picture", family="diffusion", modality="image"))
    text = make_checkpoint(make_card(slug="toy-words"))
    monkeypatch.setattr(
        "webapp.generations.operations.checkpoint_for",
        lambda _model, *, prompt, **_: picture if prompt == "a picture" else text,
    )
    body = {"prompts": ["a picture", "some words"], "n": 2}
    assert client.post(URL, body, format="json").status_code == 202
    assert [row.checkpoint.slug for row in cells()] == ["toy-picture"] * 2 + ["toy-words"] * 2
    assert all(row.routed for row in cells())
    assert FairShare.objects.count() == 2


def test_its_generations_are_listed_and_name_it(client):
    batch_id = post(client, n=2).json()["id"]
    client.post("/api/v1/generations", {"model": "toy-text", "prompt": "alone"}, format="json")
    found = client.get("/api/v1/generations", {"batch": batch_id}).json()["data"]
    assert [row["batch"] for row in found] == [
        {"id": batch_id, "place": 1},
        {"id": batch_id, "place": 0},
    ]
    assert client.get("/api/v1/generations", {"batch": "x"}).status_code == 422
    assert client.get("/api/v1/generations", {"batch": uuid.uuid4()}).json()["data"] == []


def test_cancel_stops_what_has_not_ended(client):
    batch_id = post(client, n=3).json()["id"]
    worker = make_worker(queues=["family.transformer"])
    [running] = jobs.claim_jobs(worker_id=worker.id, queues=["family.transformer"], limit=1)
    answer = client.post(f"{URL}/{batch_id}/cancel")
    assert answer.status_code == 202
    assert answer.json()["counts"] == {"canceled": 2, "canceling": 1}
    jobs.finish_job(job_id=running.id, fence=running.fence)
    again = client.post(f"{URL}/{batch_id}/cancel")
    assert again.status_code == 200
    assert again.json()["counts"] == {"canceled": 3}
    assert again.json()["terminal"]


def test_the_trash_takes_all_and_gives_back_what_went_with_it(client):
    batch_id = post(client, n=3).json()["id"]
    first = cells()[0]
    client.delete(f"/api/v1/generations/{first.id}")
    assert client.delete(f"{URL}/{batch_id}").status_code == 204
    assert client.delete(f"{URL}/{batch_id}").status_code == 204
    assert client.get(URL).json()["data"] == []
    assert [row["id"] for row in client.get(URL, {"trashed": "true"}).json()["data"]] == [batch_id]
    assert client.get("/api/v1/generations").json()["data"] == []
    assert client.post(f"{URL}/{batch_id}/restore").json()["trashed_at"] is None
    kept = {row["id"] for row in client.get("/api/v1/generations").json()["data"]}
    assert kept == {str(row.id) for row in cells()[1:]}


def test_a_reviewer_sees_and_changes_nothing(client):
    batch_id = post(client, n=2).json()["id"]
    reviewer = client_for(make_user(Role.REVIEWER))
    assert reviewer.get(f"{URL}/{batch_id}").status_code == 200
    assert reviewer.post(f"{URL}/{batch_id}/cancel").status_code == 403
    assert reviewer.delete(f"{URL}/{batch_id}").status_code == 403


def test_only_who_may_submit_may_ask_for_many(owner):
    owner.groups.clear()
    assert post(client_for(owner), n=2).status_code == 403


def test_the_number_of_queries_does_not_grow_with_the_batch(client):
    def count(**wish) -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert post(client, **wish).status_code == 202
        return len(captured)

    count(n=1)  # what is looked up once
    assert count(n=2) == count(n=200)
