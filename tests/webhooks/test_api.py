"""The REST interface of webhooks: success, strangers, bad input, second calls."""

from __future__ import annotations

import threading
import uuid

import pytest
from django.db import connections
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.pages.makers import make_done
from webapp.webhooks.models import Delivery, Endpoint, EventType
from webapp.webhooks.operations import MAX_ENDPOINTS

URL = "/api/v1/webhook-endpoints"


def client_for(user) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture
def client(owner):
    return client_for(owner)


def add(client, receiver, key: str | None = None, **changes):
    headers = {} if key is None else {"Idempotency-Key": key}
    return client.post(URL, {"url": receiver.url, **changes}, format="json", headers=headers)


def test_an_endpoint_and_its_life(client, receiver):
    answer = add(client, receiver, description="mine")
    body = answer.json()
    assert answer.status_code == 201
    assert body["secret"].startswith("whsec_")
    assert body["event_types"] == list(EventType.values)
    address = f"{URL}/{body['id']}"
    shown = client.get(address).json()
    assert "secret" not in shown
    assert [row["id"] for row in client.get(URL).json()["data"]] == [body["id"]]
    changed = client.patch(
        address, {"enabled": False, "event_types": ["generation.failed"]}, format="json"
    )
    assert changed.json()["enabled"] is False
    assert changed.json()["event_types"] == ["generation.failed"]
    assert changed.json()["description"] == "mine"
    assert client.post(f"{address}/test").status_code == 409
    rotated = client.post(f"{address}/rotate-secret").json()
    assert rotated["secret"] not in {body["secret"], ""}
    assert rotated["previous_secret_until"] is not None
    assert client.delete(address).status_code == 204
    assert client.get(address).status_code == 404


@pytest.mark.parametrize(
    ("change", "pointers"),
    [
        ({"url": "http://169.254.169.254/latest"}, {"/url"}),
        ({"url": "http://localhost/x"}, {"/url"}),
        ({"url": "ftp://8.8.8.8"}, {"/url"}),
        ({"url": "http://surely.invalid/"}, {"/url"}),
        ({"url": 7}, {"/url"}),
        ({"event_types": ["generation.succeeded", "x"]}, {"/event_types/1"}),
        ({"url": "x", "event_types": ["x"]}, {"/url", "/event_types/0"}),
        ({"description": "x" * 201}, {"/description"}),
        ({"secret": "mine"}, {"/secret"}),
    ],
)
def test_bad_input_is_refused_with_every_fault(client, receiver, change, pointers):
    answer = add(client, receiver, **change)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers
    assert not Endpoint.objects.exists()


def test_a_change_is_checked_like_a_new_one(client, receiver):
    address = f"{URL}/{add(client, receiver).json()['id']}"
    answer = client.patch(address, {"url": "http://10.0.0.1/"}, format="json")
    assert answer.status_code == 422
    assert Endpoint.objects.get().url == receiver.url


def test_there_is_a_most(client, receiver):
    for _ in range(MAX_ENDPOINTS):
        assert add(client, receiver).status_code == 201
    assert add(client, receiver).status_code == 409


@pytest.mark.django_db(transaction=True)
def test_the_same_key_at_once_makes_one(client, receiver):
    answers = []

    def call() -> None:
        answers.append(add(client, receiver, key="k").json())
        connections.close_all()

    threads = [threading.Thread(target=call) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer["id"] for answer in answers} == {str(Endpoint.objects.get().id)}
    assert len({answer["secret"] for answer in answers}) == 1
    assert add(client, receiver, key="k", description="other").status_code == 422


def test_strangers_find_nothing(client, receiver, owner, carry):
    endpoint_id = add(client, receiver).json()["id"]
    make_done(owner=owner)
    carry()
    delivery_id = Delivery.objects.get().id
    stranger = client_for(make_user())
    address = f"{URL}/{endpoint_id}"
    assert stranger.get(URL).json()["data"] == []
    for method, path in (
        ("get", address),
        ("patch", address),
        ("delete", address),
        ("post", f"{address}/test"),
        ("post", f"{address}/rotate-secret"),
        ("get", f"{address}/deliveries"),
        ("get", f"/api/v1/webhook-deliveries/{delivery_id}"),
        ("post", f"/api/v1/webhook-deliveries/{delivery_id}/resend"),
    ):
        assert getattr(stranger, method)(path, format="json").status_code == 404


def test_the_log_and_sending_again(client, receiver, owner, carry):
    endpoint_id = add(client, receiver).json()["id"]
    generation = make_done(owner=owner)
    carry()
    [row] = client.get(f"{URL}/{endpoint_id}/deliveries").json()["data"]
    assert row["status"] == "succeeded"
    assert row["generation"] == str(generation.id)
    assert [attempt["status"] for attempt in row["attempts"]] == [200]
    address = f"/api/v1/webhook-deliveries/{row['id']}"
    assert client.post(f"{address}/resend").status_code == 202
    assert client.post(f"{address}/resend").status_code == 409
    carry()
    first, second = receiver.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == row["message_id"]
    assert len(client.get(address).json()["attempts"]) == 2
    assert client.get(f"/api/v1/webhook-deliveries/{uuid.uuid4()}").status_code == 404


def test_a_test_message(client, receiver, carry):
    endpoint_id = add(client, receiver).json()["id"]
    answer = client.post(f"{URL}/{endpoint_id}/test")
    assert answer.status_code == 202
    assert answer.json()["status"] == "queued"
    carry()
    assert b'"webhook.test"' in receiver.received[0].body
