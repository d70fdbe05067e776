"""The REST interface of generations: success, strangers, bad input, second calls."""

from __future__ import annotations

import datetime
import threading
import uuid

import pytest
from django.db import connections
from django.utils import timezone
from rest_framework.test import APIClient

from genmodels.contract import Sample
from tests.factories import make_checkpoint, make_generation, make_user, make_worker
from webapp.accounts.models import Role
from webapp.generations.models import Generation
from webapp.generations.operations import Completion, complete_generations
from webapp.jobs import operations as jobs
from webapp.jobs.models import FairShare, Job

LIST = "/api/v1/generations"


def client_for(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def finish(
    generation: Generation, *, content: bytes = b"a result", media_type: str = "text/plain"
):
    worker = make_worker(queues=[generation.job.queue])
    [job] = jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
    assert job.id == generation.job_id
    sample = Sample(content, media_type, text=content.decode("latin-1"))
    complete_generations([Completion(generation.id, job.id, job.fence, sample, used_seconds=0.5)])


@pytest.fixture
def owner(db):
    return make_user()


@pytest.fixture
def checkpoint(db):
    return make_checkpoint()


@pytest.fixture
def client(owner, checkpoint):
    return client_for(owner)


def post(client, **body):
    return client.post(LIST, {"model": "toy-text", "prompt": "a red house", **body}, format="json")


def test_a_prompt_is_accepted_with_its_place_in_the_queue(client):
    post(client)
    answer = post(client, params={"length": 3}, tags=["house"])
    body = answer.json()
    assert answer.status_code == 202
    assert answer["Location"] == f"{LIST}/{body['id']}"
    assert body["status"] == "queued"
    assert not body["terminal"]
    assert body["queue"] == {"position": 2, "eta_s": None}
    assert body["status_reason"]["code"] == "no_worker"
    assert body["params"] == {"length": 3, "temperature": 1.0}
    assert isinstance(body["seed"], int)
    assert body["tags"] == ["house"]
    assert body["accession"].startswith("P-")


def test_what_waits_for_its_turn_is_told_about_when(client, checkpoint):
    make_worker(queues=["family.transformer"])
    assert post(client).json()["queue"] == {"position": 1, "eta_s": 0}
    body = post(client).json()
    assert body["queue"]["eta_s"] > 0
    assert body["status_reason"] is None


def test_a_given_seed_is_kept(client):
    assert post(client, seed=2**63 - 1).json()["seed"] == 2**63 - 1


def test_every_fault_is_listed_at_once(client):
    answer = post(
        client, prompt=" ", params={"length": 1000, "speed": 1, "temperature": "hot"}, tags=[""]
    )
    faults = {fault["pointer"] for fault in answer.json()["errors"]}
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "invalid_request"
    assert faults == {
        "/prompt",
        "/params/length",
        "/params/speed",
        "/params/temperature",
        "/tags/0",
    }
    assert not Generation.objects.exists()
    assert not Job.objects.exists()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"model": "nonesuch"}, "/model"),
        ({"prompt": "x" * 201}, "/prompt"),
        ({"prompt": "a\x00b"}, "/prompt"),
        ({"prompt": 7}, "/prompt"),
        ({"prompt": None}, "/prompt"),
        ({"seed": -1}, "/seed"),
        ({"seed": 2**63}, "/seed"),
        ({"params": {"length": True}}, "/params/length"),
        ({"params": {"length": 1.5}}, "/params/length"),
        ({"params": []}, "/params"),
        ({"colour": "red"}, "/colour"),
        ({"parent": str(uuid.uuid4())}, "/parent"),
        ({"tags": ["x"] * 21}, "/tags"),
    ],
)
def test_bad_input_is_refused_with_a_pointer(client, body, pointer):
    answer = post(client, **body)
    assert answer.status_code == 422, answer.content
    assert pointer in {fault["pointer"] for fault in answer.json()["errors"]}
    assert not Job.objects.exists()


def test_malformed_json_is_a_400(client):
    answer = client.post(LIST, b'{"prompt":', content_type="application/json")
    assert answer.status_code == 400
    assert answer.json()["code"] == "malformed_body"


def test_another_media_type_is_a_415(client):
    answer = client.post(LIST, b"prompt=x", content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 415


def test_an_unavailable_model_says_why(client, checkpoint):
    checkpoint.available, checkpoint.unavailable_reason = False, "The weights are gone."
    checkpoint.save()
    answer = post(client)
    assert answer.status_code == 409
    assert answer.json()["detail"] == "The weights are gone."


def test_anonymous_requests_are_asked_for_a_key(db):
    answer = APIClient().get(LIST)
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["code"] == "not_authenticated"


def test_users_without_a_role_may_not_submit(checkpoint, django_user_model):
    stranger = django_user_model.objects.create_user(username="nobody")
    assert post(client_for(stranger)).status_code == 403


ROUTES = [
    ("get", ""),
    ("delete", ""),
    ("post", "/cancel"),
    ("post", "/retry"),
    ("post", "/restore"),
]


@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_a_stranger_learns_nothing(owner, checkpoint, method, route):
    generation = make_generation(owner=owner)
    answer = getattr(client_for(make_user()), method)(f"{LIST}/{generation.id}{route}")
    assert answer.status_code == 404
    assert Job.objects.get(id=generation.job_id).state == "queued"


@pytest.mark.parametrize(("method", "route"), ROUTES[1:])
def test_a_reviewer_reads_but_does_not_change(owner, checkpoint, method, route):
    generation = make_generation(owner=owner)
    reviewer = client_for(make_user(Role.REVIEWER))
    assert reviewer.get(f"{LIST}/{generation.id}").status_code == 200
    assert getattr(reviewer, method)(f"{LIST}/{generation.id}{route}").status_code == 403
    assert Job.objects.get(id=generation.job_id).state == "queued"


def test_lists_show_ones_own_newest_first(client, owner):
    mine = [make_generation(owner=owner) for _ in range(3)]
    make_generation(owner=make_user())
    first = client.get(LIST, {"limit": 2}).json()
    rest = client.get(LIST, {"limit": 2, "cursor": first["next_cursor"]}).json()
    ids = [row["id"] for row in first["data"] + rest["data"]]
    assert ids == [str(row.id) for row in reversed(mine)]
    assert (first["has_more"], rest["has_more"]) == (True, False)


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "201"},
        {"cursor": "!"},
        {"colour": "red"},
        {"status": "done"},
        {"from": "yesterday"},
        {"mine": "maybe"},
    ],
)
def test_a_list_refuses_what_it_does_not_know(client, query):
    assert client.get(LIST, query).status_code == 422


def test_lists_filter_by_status_and_tag(client, owner):
    kept = make_generation(owner=owner, tags=("blue",))
    other = make_generation(owner=owner, tags=("blue",))
    make_generation(owner=owner)
    jobs.cancel_job(job_id=other.job_id)
    rows = client.get(LIST, {"status": "queued", "tag": "blue"}).json()["data"]
    assert [row["id"] for row in rows] == [str(kept.id)]


def test_a_list_costs_the_same_for_any_number_of_rows(
    client, owner, django_assert_max_num_queries
):
    for count in (2, 8):
        for _ in range(count):
            finish(make_generation(owner=owner))
        with django_assert_max_num_queries(4):
            client.get(LIST)


def test_cancel_is_idempotent(client, owner):
    generation = make_generation(owner=owner)
    for _ in range(2):
        answer = client.post(f"{LIST}/{generation.id}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (200, "canceled")


def test_canceling_what_has_succeeded_changes_nothing(client, owner):
    generation = make_generation(owner=owner)
    finish(generation)
    assert client.post(f"{LIST}/{generation.id}/cancel").json()["status"] == "succeeded"


def test_a_running_generation_shows_that_it_is_stopping(client, owner):
    generation = make_generation(owner=owner)
    worker = make_worker(queues=[generation.job.queue])
    jobs.claim_jobs(worker_id=worker.id, queues=[generation.job.queue], limit=1)
    answer = client.post(f"{LIST}/{generation.id}/cancel")
    assert (answer.status_code, answer.json()["status"]) == (202, "canceling")


def test_a_retry_is_a_new_generation_linked_to_the_old(client, owner):
    generation = make_generation(owner=owner, params={"length": 5})
    assert client.post(f"{LIST}/{generation.id}/retry").status_code == 409
    client.post(f"{LIST}/{generation.id}/cancel")
    again = client.post(f"{LIST}/{generation.id}/retry").json()
    assert again["retried_from"] == str(generation.id)
    assert again["seed"] == generation.seed
    assert again["params"] == generation.parameters


def test_a_retry_with_a_key_happens_once(client, owner):
    generation = make_generation(owner=owner)
    client.post(f"{LIST}/{generation.id}/cancel")
    retries = [
        client.post(f"{LIST}/{generation.id}/retry", headers={"Idempotency-Key": "r1"}).json()
        for _ in range(2)
    ]
    assert retries[0]["id"] == retries[1]["id"]
    assert Generation.objects.count() == 2


def test_trash_hides_and_restore_brings_back(client, owner):
    generation = make_generation(owner=owner)
    assert client.delete(f"{LIST}/{generation.id}").status_code == 204
    assert client.get(LIST).json()["data"] == []
    assert len(client.get(LIST, {"trashed": "true"}).json()["data"]) == 1
    assert client.post(f"{LIST}/{generation.id}/restore").json()["trashed_at"] is None
    assert len(client.get(LIST).json()["data"]) == 1


def test_a_finished_generation_offers_its_file(client, owner):
    generation = make_generation(owner=owner)
    finish(generation, content=b"\x89PNG not really", media_type="image/png")
    [artifact] = client.get(f"{LIST}/{generation.id}").json()["artifacts"]
    answer = client.get(artifact["url"])
    assert b"".join(answer.streaming_content) == b"\x89PNG not really"
    assert answer["Content-Security-Policy"].startswith("sandbox")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert (
        client.get(artifact["url"], headers={"If-None-Match": answer["ETag"]}).status_code == 304
    )
    assert client_for(make_user()).get(artifact["url"]).status_code == 404


def test_the_same_key_gives_the_same_generation(client):
    first = post_with_key(client, "k1")
    second = post_with_key(client, "k1")
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Generation.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(client):
    post_with_key(client, "k1")
    answer = post_with_key(client, "k1", prompt="a blue house")
    assert answer.status_code == 422
    assert answer.json()["code"] == "idempotency_key_reused"
    assert Generation.objects.count() == 1


def test_keys_of_two_people_do_not_meet(client):
    post_with_key(client, "k1")
    assert post_with_key(client_for(make_user()), "k1").status_code == 202
    assert Generation.objects.count() == 2


def post_with_key(client, key, **body):
    return client.post(
        LIST,
        {"model": "toy-text", "prompt": "a red house", **body},
        format="json",
        headers={"Idempotency-Key": key},
    )


@pytest.mark.parametrize("limit", ["JOBS_MAX_QUEUED", "JOBS_MAX_QUEUED_PER_OWNER"])
def test_a_full_queue_is_told_before_anything_is_accepted(client, settings, limit):
    setattr(settings, limit, 2)
    assert [post(client).status_code for _ in range(3)] == [202, 202, 429]
    answer = post_with_key(client, "k1")
    assert answer.json()["code"] == "queue_full"
    assert int(answer["Retry-After"]) == answer.json()["retry_after_s"] >= 1
    assert Generation.objects.count() == Job.objects.count() == 2
    jobs.cancel_job(job_id=Job.objects.earliest("id").id)
    assert post_with_key(client, "k1").status_code == 202


def test_a_result_is_made_again(client, owner, checkpoint):
    generation = make_generation(owner=owner)
    address = f"{LIST}/{generation.id}/reproduce"
    assert client.post(address).status_code == 409
    finish(generation)
    answer = client.post(address, headers={"Idempotency-Key": "again"})
    body = answer.json()
    assert answer.status_code == 202
    assert body["id"] != str(generation.id)
    assert body["reproduction"] == {
        "original": str(generation.id),
        "verdict": None,
        "facts": {},
    }
    for name in ("prompt", "params", "seed"):
        assert body[name] == getattr(generation, {"params": "parameters"}.get(name, name))
    replayed = client.post(address, headers={"Idempotency-Key": "again"})
    assert replayed.json()["id"] == body["id"]
    listed = client.get(f"{LIST}/{generation.id}/reproductions").json()["data"]
    assert [row["id"] for row in listed] == [body["id"]]
    stranger = client_for(make_user())
    assert stranger.post(address).status_code == 404
    assert stranger.get(f"{LIST}/{generation.id}/reproductions").status_code == 404


def test_a_result_of_other_weights_is_not_made_again(client, owner, checkpoint):
    generation = make_generation(owner=owner)
    finish(generation)
    type(checkpoint).objects.filter(id=checkpoint.id).update(revision="2" * 64)
    answer = client.post(f"{LIST}/{generation.id}/reproduce")
    assert answer.status_code == 409
    assert "weights" in answer.json()["detail"]


def test_a_used_up_quota_is_told_before_anything_is_accepted(client, settings):
    settings.JOBS_COMPUTE_SECONDS_PER_DAY = 7  # a kind of job never seen counts as 5 seconds
    assert [post(client).status_code for _ in range(2)] == [202, 429]
    answer = post(client)
    assert answer.json()["code"] == "quota_exceeded"
    assert 1 <= int(answer["Retry-After"]) <= 24 * 3600
    usage = client.get("/api/v1/usage").json()
    assert usage["queued"] == {"current": 1, "maximum": 500}
    assert usage["compute_seconds_today"]["reserved"] == 5
    assert Generation.objects.count() == 1


@pytest.mark.parametrize(
    ("role", "priority", "status"),
    [
        (Role.AUTHOR, "low", 202),
        (Role.AUTHOR, "high", 403),
        (Role.REVIEWER, "high", 202),
        (Role.AUTHOR, "highest", 422),
    ],
)
def test_everybody_may_step_back_but_not_forward(checkpoint, role, priority, status):
    answer = post(client_for(make_user(role)), priority=priority)
    assert answer.status_code == status
    if status == 202:
        assert answer.json()["priority"] == priority


def test_a_deadline_is_kept_with_the_job(client):
    before = timezone.now()
    body = post(client, deadline_in=60, expires_in=30).json()
    after = timezone.now()
    for name, seconds in (("deadline_at", 60), ("expires_at", 30)):
        time = datetime.datetime.fromisoformat(body[name])
        assert before <= time - datetime.timedelta(seconds=seconds) <= after


def test_what_was_not_accepted_costs_no_turn(client, settings):
    """Neither a refusal nor a repeated key may put an owner behind others later."""
    settings.JOBS_MAX_QUEUED_PER_OWNER = 1
    post_with_key(client, "k1")
    before = FairShare.objects.get().finish_tag
    assert post_with_key(client, "k1").status_code == 202
    assert post(client).status_code == 429
    assert post_with_key(client, "k1", prompt="another").status_code == 422
    assert FairShare.objects.get().finish_tag == pytest.approx(before)


def test_one_owner_cannot_fill_the_queue_for_another(client, settings):
    settings.JOBS_MAX_QUEUED_PER_OWNER = 1
    assert [post(client).status_code for _ in range(2)] == [202, 429]
    assert post(client_for(make_user())).status_code == 202


@pytest.mark.django_db(transaction=True)
def test_the_limit_of_an_owner_holds_for_many_at_once(settings):
    settings.JOBS_MAX_QUEUED_PER_OWNER = 5
    make_checkpoint()
    owner = make_user()
    codes = []

    def submit():
        try:
            codes.append(post(client_for(owner)).status_code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [202] * 5 + [429] * 7


@pytest.mark.django_db(transaction=True)
def test_twenty_threads_with_one_key_make_one_generation():
    make_checkpoint()
    owner = make_user()
    barrier = threading.Barrier(20)
    answers = []

    def submit():
        try:
            client = client_for(owner)
            barrier.wait()
            answers.append(post_with_key(client, "one"))
        finally:
            connections.close_all()

    threads = [threading.Thread(target=submit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert Generation.objects.count() == Job.objects.count() == 1


def test_why_it_waits_is_said(client, owner, checkpoint, settings):
    worker = make_worker(queues=["family.transformer"])
    first, second = (post(client).json()["id"] for _ in range(2))
    [job] = jobs.claim_jobs(worker_id=worker.id, queues=["family.transformer"], limit=1)
    settings.JOBS_MAX_RUNNING_PER_OWNER = 1
    reason = client.get(f"{LIST}/{second}").json()["status_reason"]
    assert reason["code"] == "running_limit"
    jobs.fail_job(
        job_id=job.id,
        fence=job.fence,
        code="out_of_memory",
        detail="There was not enough memory.",
        transient=True,
        retry_in_seconds=60,
    )
    body = client.get(f"{LIST}/{first}").json()
    assert body["status"] == "queued"
    assert body["status_reason"]["code"] == "retry_scheduled"
    assert body["status_reason"]["detail"].startswith("There was not enough memory. It is tried")
    assert client.get(f"{LIST}/{second}").json()["status_reason"] is None
