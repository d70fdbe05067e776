"""Runs: each step once, whoever dies; an end with a reason; going on where it broke."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import connection, transaction
from rest_framework.test import APIClient

from tests.chains.conftest import WRITE_AND_DRAW, client_for, look
from tests.factories import make_user
from webapp.accounts.models import Quota, Role, User
from webapp.catalog.models import Checkpoint
from webapp.chains import run_operations
from webapp.chains.models import ChainRun
from webapp.generations.models import Generation
from webapp.jobs.models import Job

pytestmark = pytest.mark.django_db


def start(client: APIClient, chain: dict[str, Any], **more: Any) -> Any:
    body = {"inputs": {"idea": "the sea"}, **more}
    return client.post(f"/api/v1/chains/{chain['id']}/runs", body, format="json")


def read(client: APIClient, run: dict[str, Any]) -> dict[str, Any]:
    return dict(client.get(run["links"]["self"]).json())


def test_steps_follow_each_other_and_name_where_they_come_from(client, chain, end_next):
    answer = start(client, chain)
    assert answer.status_code == 202
    run = answer.json()
    assert [step["status"] for step in run["steps"]] == ["queued", None]
    assert run["progress"] == {"done": 0, "total": 2, "unit": "step"}
    first = end_next()
    assert (first.prompt, first.seed) == ("Tell of the sea:", 7)
    look()
    look()
    second = Generation.objects.latest("number")
    assert second.prompt == "the sea, An old boat."
    assert second.parent_id == first.id
    assert Generation.objects.count() == 2
    assert read(client, run)["progress"]["done"] == 1
    end_next()
    look()
    run = read(client, run)
    assert (run["status"], run["terminal"], run["status_reason"]) == ("succeeded", True, None)
    assert [step["generation"] for step in run["steps"]] == [str(first.id), str(second.id)]


def test_a_picture_and_a_kept_prompt_feed_a_step(client, end_next):
    kept = {"name": "Like", "text": "like {{this}}, {{mood}}", "defaults": {"mood": "calm"}}
    template = client.post("/api/v1/prompts", kept, format="json").json()
    draw = {"name": "Draw", "model": "toy-picture", "text": "{{idea}}"}
    again = {
        "name": "Again",
        "model": "auto",
        "task": "text-to-image",
        "template": {"id": template["id"]},
        "variables": {"this": {"step": "Draw", "output": "prompt"}},
        "inputs": {"image": {"step": "Draw"}},
    }
    body = {"name": "Vary", "inputs": [{"name": "idea", "default": "a boot"}]}
    made = client.post("/api/v1/chains", {**body, "steps": [draw, again]}, format="json")
    run = start(client, made.json(), inputs={}).json()
    # What the label names by then does not matter to a run that has begun.
    version = {"text": "quite unlike {{this}}"}
    client.post(f"/api/v1/prompts/{template['id']}/versions", version, format="json")
    first = end_next()
    look()
    second = Generation.objects.latest("number")
    assert second.prompt == "like a boot, calm"
    assert second.prompt_version is not None
    assert second.kept_inputs["image"].artifact_id == first.response.artifacts.get().id
    end_next()
    look()
    assert read(client, run)["status"] == "succeeded"


def test_steps_that_lean_on_nothing_begin_at_once_and_one_joins_them(client, end_next):
    write = {"model": "toy-text", "text": "one"}
    both = {"a": {"step": "A"}, "b": {"step": "B", "output": "whole"}}
    steps = [
        {"name": "A", **write},
        {"name": "B", **write},
        {"name": "Join", "model": "toy-text", "text": "{{a}} {{b}}", "variables": both},
    ]
    made = client.post("/api/v1/chains", {"name": "Join", "steps": steps}, format="json")
    run = start(client, made.json(), inputs={}).json()
    assert [step["status"] for step in run["steps"]] == ["queued", "queued", None]
    end_next("1")
    look()
    assert read(client, run)["steps"][2]["status"] is None
    second = end_next("2")
    look()
    join = Generation.objects.latest("number")
    assert (join.prompt, join.parent_id) == ("1 one2", second.id)


def test_whoever_dies_between_steps_leaves_a_run_that_goes_on(client, chain, end_next):
    class Died(BaseException):
        pass

    def die_at_the_end() -> None:
        with transaction.atomic():
            look()
            raise Died

    run = start(client, chain).json()
    end_next()
    with pytest.raises(Died):
        die_at_the_end()
    assert Generation.objects.count() == 1, "what the dead one did is undone as a whole"
    look()
    assert [step["status"] for step in read(client, run)["steps"]] == ["succeeded", "queued"]
    assert Generation.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_many_that_look_at_once_begin_a_step_once(client, chain, end_next):
    run = start(client, chain).json()
    end_next()

    def look_too() -> None:
        run_operations.go_on(run_id=uuid.UUID(run["id"]))
        connection.close()

    threads = [threading.Thread(target=look_too) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Generation.objects.count() == 2
    assert [step["status"] for step in read(client, run)["steps"]] == ["succeeded", "queued"]


def test_a_failed_step_ends_the_run_with_its_reason_and_can_go_on(client, chain, end_next):
    run = start(client, chain).json()
    first = end_next()
    look()
    failed = end_next(fails=True)
    look()
    run = read(client, run)
    assert run["status"] == "failed"
    assert run["status_reason"] == {
        "code": "out_of_memory",
        "detail": "There was not enough memory.",
        "step": "Draw",
    }
    address = f"{run['links']['self']}/retry"
    assert client.post(address).status_code == 202
    assert client.post(address).status_code == 409
    again = Generation.objects.latest("number")
    assert (again.retried_from_id, again.parent_id) == (failed.id, first.id)
    assert (again.prompt, again.seed) == (failed.prompt, failed.seed)
    end_next()
    look()
    run = read(client, run)
    assert (run["status"], run["status_reason"]) == ("succeeded", None)
    assert run["steps"][1]["retried_from"] == str(failed.id)
    assert client.post(address).status_code == 409


def test_a_cancel_stops_what_runs_and_begins_nothing(client, chain, end_next):
    run = start(client, chain).json()
    canceled = client.post(f"{run['links']['self']}/cancel")
    assert (canceled.status_code, canceled.json()["status"]) == (200, "canceled")
    assert client.post(f"{run['links']['self']}/cancel").status_code == 200
    look()
    assert Generation.objects.count() == 1
    assert client.post(f"{run['links']['self']}/retry").status_code == 202
    end_next()
    # Asked for after the last one that ran has ended, and before the next has begun.
    assert client.post(f"{run['links']['self']}/cancel").json()["status"] == "canceled"
    assert Generation.objects.count() == 2


def test_what_a_step_cannot_take_fails_it_with_a_sentence(client, chain, end_next):
    run = start(client, chain).json()
    end_next(" \n ")
    look()
    run = read(client, run)
    assert (run["status"], run["status_reason"]["step"]) == ("failed", "Draw")
    assert run["status_reason"]["detail"].endswith("has no text.")
    assert client.post(f"{run['links']['self']}/retry").json()["status"] == "failed"
    long = start(client, chain).json()
    end_next("x" * 300)
    look()
    assert read(client, long)["status_reason"] == {
        "code": "invalid_request",
        "detail": "The prompt must have at most 200 characters.",
        "step": "Draw",
    }


def test_a_quota_refuses_the_first_step_and_holds_up_a_later_one(client, owner, chain, end_next):
    run = start(client, chain).json()
    end_next()
    quota, _ = Quota.objects.update_or_create(user=owner, defaults={"max_queued": 0})
    look()
    waiting = read(client, run)
    assert waiting["status"] == "running"
    assert waiting["status_reason"]["code"] == "queue_full"
    assert waiting["status_reason"]["step"] == "Draw"
    refused = start(client, chain)
    assert (refused.status_code, refused.json()["code"]) == (429, "queue_full")
    assert ChainRun.objects.count() == 1
    quota.delete()
    ChainRun.objects.update(look_at="2001-01-01T00:00:00Z")
    look()
    run = read(client, run)
    assert (run["steps"][1]["status"], run["status_reason"]) == ("queued", None)


def test_bad_values_and_lost_models_are_told_and_store_nothing(client, chain):
    refused = start(client, chain, inputs={"colour": "red"})
    assert {(each["pointer"], each["code"]) for each in refused.json()["errors"]} == {
        ("/inputs/colour", "unknown_input"),
        ("/inputs/idea", "required"),
    }
    assert start(client, chain, version=2).json()["errors"][0]["pointer"] == "/version"
    long = start(client, chain, inputs={"idea": "x" * 300})
    assert long.json()["errors"][0]["pointer"] == "/steps/0/prompt"
    Checkpoint.objects.filter(slug="toy-picture").update(enabled=False)
    gone = start(client, chain)
    assert gone.json()["errors"][0]["pointer"] == "/steps/1/model"
    assert not ChainRun.objects.exists()
    assert not Job.objects.exists()


def test_a_key_makes_one_run(client, chain):
    address = f"/api/v1/chains/{chain['id']}/runs"
    headers = {"Idempotency-Key": "one"}

    def send(idea: str) -> Any:
        body = {"inputs": {"idea": idea}}
        return client.post(address, body, format="json", headers=headers)

    first, second = send("the sea"), send("the sea")
    assert first.json()["id"] == second.json()["id"]
    assert second["Idempotent-Replayed"] == "true"
    assert send("a hill").status_code == 422
    assert ChainRun.objects.count() == 1


def test_the_trash_takes_what_was_made_with_it_and_gives_it_back(client, chain, end_next):
    run = start(client, chain).json()
    end_next()
    look()
    for _ in range(2):
        assert client.delete(run["links"]["self"]).status_code == 204
    assert read(client, run)["status"] == "canceled"
    assert not Generation.objects.kept().exists()
    assert client.get("/api/v1/chain-runs").json()["data"] == []
    assert len(client.get("/api/v1/chain-runs?trashed=true").json()["data"]) == 1
    assert client.post(f"{run['links']['self']}/restore").json()["trashed_at"] is None
    assert Generation.objects.kept().count() == 2
    client.delete(f"/api/v1/chains/{chain['id']}")
    assert start(client, chain).status_code == 409
    assert read(client, run)["chain"]["name"] == WRITE_AND_DRAW["name"]


@pytest.mark.parametrize(("role", "status"), [(Role.AUTHOR, 404), (Role.REVIEWER, 403)])
def test_others_change_nothing(client, chain, role, status):
    run, other = start(client, chain).json(), client_for(make_user(role))
    link = run["links"]["self"]
    for answer in (
        other.delete(link),
        *(other.post(f"{link}/{word}") for word in ("cancel", "retry", "restore")),
    ):
        assert answer.status_code == status
    # Reviewers see all chains, and what they see they may run themselves.
    assert start(other, chain).status_code == (404 if role == Role.AUTHOR else 202)
    assert read(client, run)["status"] == "running"


def test_lists_are_filtered_and_take_as_many_queries_for_many(
    client: APIClient, chain: dict[str, Any], django_assert_num_queries: Any, owner: User
) -> None:
    first = start(client, chain).json()
    client.post(f"{first['links']['self']}/cancel")
    address = f"/api/v1/chains/{chain['id']}/runs"
    with django_assert_num_queries(5):
        assert len(client.get(address).json()["data"]) == 1
    for _ in range(5):
        start(client, chain)
    with django_assert_num_queries(5):
        assert len(client.get(address).json()["data"]) == 6
    assert len(client.get(f"{address}?status=canceled").json()["data"]) == 1
    assert client.get(f"{address}?status=odd").status_code == 422
    assert client_for(make_user()).get("/api/v1/chain-runs").json()["data"] == []
