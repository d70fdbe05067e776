"""Chains: what they may say, their versions, and who may change them."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.chains.conftest import WRITE_AND_DRAW, client_for
from tests.factories import make_user
from webapp.accounts.models import Role
from webapp.chains.definitions import Definition
from webapp.chains.models import Chain

pytestmark = pytest.mark.django_db
CHAINS = "/api/v1/chains"


def make(client: APIClient, **changes: Any) -> Any:
    return client.post(CHAINS, {**WRITE_AND_DRAW, **changes}, format="json")


def with_step(place: int, **changes: Any) -> list[dict[str, Any]]:
    steps = copy.deepcopy(WRITE_AND_DRAW["steps"])
    steps[place] |= changes
    return list(steps)


def test_what_was_sent_is_what_is_shown(client, chain):
    shown = client.get(f"{CHAINS}/{chain['id']}").json()["latest"]
    assert shown["inputs"] == WRITE_AND_DRAW["inputs"]
    for sent, step in zip(WRITE_AND_DRAW["steps"], shown["steps"], strict=True):
        assert {name: step[name] for name in sent} == sent
    definition = Definition.from_json(shown)
    assert definition.places_used_by(1) == (0,)
    assert Definition.from_json(definition.to_json()) == definition


def test_versions_never_change_and_the_same_steps_are_no_new_one(client, chain):
    link, steps = f"{CHAINS}/{chain['id']}/versions", with_step(0, text="Sing of {{idea}}:")
    body = {"inputs": WRITE_AND_DRAW["inputs"], "steps": steps, "note": "sung"}
    tag = client.get(f"{CHAINS}/{chain['id']}")["ETag"]
    assert client.post(link, body, format="json", headers={"If-Match": tag}).json()["number"] == 2
    assert client.post(link, body, format="json").json()["number"] == 2
    late = client.post(link, body, format="json", headers={"If-Match": tag})
    assert late.status_code == 412
    assert client.get(f"{link}/1").json()["steps"][0]["text"] == "Tell of {{idea}}:"
    assert [each["number"] for each in client.get(link).json()["data"]] == [2, 1]
    assert client.get(f"{link}/3").status_code == 404


def test_every_fault_is_told_at_once_and_nothing_is_stored(client):
    words = {"step": "Draw", "output": "text"}
    steps = [
        {"name": "Draw", "model": "toy-picture", "text": "{{idea}} {{nowhere}}"},
        {"name": "draw", "model": "none-such", "text": "x"},
        {"name": "Tell", "model": "toy-text", "text": "{{a}}", "variables": {"a": words}},
        {
            "name": "Late",
            "model": "toy-text",
            "text": "{{a}} {{b}} {{c}}",
            "params": {"length": 900, "colour": "red"},
            "variables": {
                "a": {"step": "Last"},
                "b": {"step": "Nobody"},
                "c": {"input": "odd"},
                "d": {"value": "x"},
            },
            "inputs": {"image": {"step": "Draw"}},
        },
        {
            "name": "Last",
            "model": "toy-picture",
            "text": "x",
            "inputs": {"image": {"step": "Tell"}},
        },
    ]
    asked = [{"name": "idea"}, {"name": "unused"}]
    refused = make(client, inputs=asked, steps=steps)
    assert refused.status_code == 422
    assert {(each["pointer"], each["code"]) for each in refused.json()["errors"]} == {
        ("/steps/0/variables/nowhere", "required"),
        ("/steps/1/name", "duplicate"),
        ("/steps/1/model", "unknown_model"),
        ("/steps/2/variables/a/output", "no_text"),
        ("/steps/3/variables/a/step", "forward_reference"),
        ("/steps/3/variables/b/step", "unknown_step"),
        ("/steps/3/variables/c/input", "unknown_input"),
        ("/steps/3/variables/d", "unknown_variable"),
        ("/steps/3/params/length", "invalid_parameter"),
        ("/steps/3/params/colour", "unknown_parameter"),
        ("/steps/3/inputs/image", "unknown_input"),
        ("/steps/4/inputs/image/step", "no_picture"),
        ("/inputs/1", "unused"),
    }
    assert not Chain.objects.exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": " "},
        {"steps": []},
        {"steps": WRITE_AND_DRAW["steps"] * 11},
        {"inputs": [{"name": "not a name"}]},
        {"inputs": [{"name": "idea"}, {"name": "idea"}]},
        {"steps": with_step(0, text="  ")},
        {"steps": with_step(0, text="x" * 300)},
        {"steps": with_step(0, params={"length": "nul \x00"})},
        {"steps": with_step(0, task="text-generation")},
        {"steps": with_step(0, model="auto", task="cooking", seed=None)},
        {"steps": with_step(0, template={"id": "0193d2b6-0000-7000-8000-000000000000"})},
        {"steps": with_step(1, variables={"words": {"step": "Write", "value": "two"}})},
        {"steps": with_step(1, inputs={"image": {"upload": "not an id"}})},
        {"colour": "red"},
    ],
)
def test_what_cannot_be_kept_is_refused(client, changes):
    assert make(client, **changes).status_code == 422
    assert not Chain.objects.exists()


def test_a_prompt_of_somebody_else_cannot_be_used(client):
    theirs = client_for(make_user()).post(
        "/api/v1/prompts", {"name": "Theirs", "text": "secret"}, format="json"
    )
    step = {"name": "Take", "model": "toy-text", "template": {"id": theirs.json()["id"]}}
    refused = make(client, inputs=[], steps=[step])
    assert [each["pointer"] for each in refused.json()["errors"]] == ["/steps/0/template/id"]


def test_a_key_makes_one_chain_and_a_name_is_there_once(client):
    headers = {"Idempotency-Key": "one"}
    answers = [
        client.post(CHAINS, WRITE_AND_DRAW, format="json", headers=headers) for _ in range(2)
    ]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = {**WRITE_AND_DRAW, "name": "Other"}
    assert client.post(CHAINS, other, format="json", headers=headers).status_code == 422
    assert make(client, name="WRITE and draw").status_code == 409


def test_the_trash_frees_the_name(client, chain):
    address = f"{CHAINS}/{chain['id']}"
    tag = client.get(address)["ETag"]
    renamed = client.patch(address, {"name": "Sea"}, format="json", headers={"If-Match": tag})
    assert renamed.json()["name"] == "Sea"
    late = client.patch(address, {"name": "Late"}, format="json", headers={"If-Match": tag})
    assert late.status_code == 412
    for _ in range(2):
        assert client.delete(address).status_code == 204
    assert client.get(CHAINS).json()["data"] == []
    assert len(client.get(f"{CHAINS}?trashed=true&q=se").json()["data"]) == 1
    assert client.get(f"{CHAINS}?trashed=true&q=other").json()["data"] == []
    assert make(client, name="sea").status_code == 201
    assert client.post(f"{address}/restore").status_code == 409
    client.patch(address, {"name": "Old sea"}, format="json")
    assert client.post(f"{address}/restore").json()["trashed_at"] is None


@pytest.mark.parametrize(("role", "status"), [(Role.AUTHOR, 404), (Role.REVIEWER, 403)])
def test_others_change_nothing(chain, role, status):
    other, address = client_for(make_user(role)), f"{CHAINS}/{chain['id']}"
    body = {"inputs": [], "steps": with_step(0, text="x")[:1]}
    for answer in (
        other.patch(address, {"name": "Mine"}, format="json"),
        other.delete(address),
        other.post(f"{address}/restore"),
        other.post(f"{address}/versions", body, format="json"),
    ):
        assert answer.status_code == status
    assert Chain.objects.get().revision == 1


def test_the_list_takes_as_many_queries_for_many(client, chain):
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(f"{CHAINS}?limit=200")
        return len(queries)

    few = count()
    for number in range(6):
        make(client, name=f"Chain {number}")
    assert count() == few
