"""How often: requests of the REST interfaces, and wrong passwords."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from pytest_django import Settings
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rest_framework.test import APIClient

from tests.factories import PASSWORD, make_user
from webapp.accounts.models import User
from webapp.accounts.operations import create_api_key
from webapp.common import rates
from webapp.common.rates import Rate, forget, spend

pytestmark = pytest.mark.django_db


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def client_of(user: User) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {create_api_key(user=user, name='k').secret}")
    return client


def sign_in(name: str, password: str, *, address: str = "192.0.2.1") -> int:
    fields = {"username": name, "password": password}
    return Client().post("/sign-in", fields, REMOTE_ADDR=address).status_code


def test_a_bucket_lets_through_as_many_as_it_holds_and_no_more(key: str) -> None:
    rate = Rate(5, 3600)
    standings = [spend(key, rate) for _ in range(6)]
    assert [each and each.is_allowed for each in standings] == [True] * 5 + [False]
    assert [each and each.left for each in standings] == [4, 3, 2, 1, 0, 0]
    last = standings[-1]
    assert last is not None
    assert 700 < last.retry_seconds <= 720
    assert 3500 < last.reset_seconds <= 3600
    forget(key)
    begun_anew = spend(key, rate)
    assert begun_anew is not None
    assert begun_anew.left == 4


def test_asking_costs_nothing(key: str) -> None:
    rate = Rate(1, 3600)
    for _ in range(3):
        asked = spend(key, rate, cost=0)
        assert asked is not None
        assert asked.is_allowed
    spend(key, rate)
    refused = spend(key, rate, cost=0)
    assert refused is not None
    assert not refused.is_allowed


def test_many_at_once_get_no_more_than_one_after_the_other(key: str) -> None:
    found: list[bool] = []

    def take() -> None:
        for _ in range(20):
            standing = spend(key, Rate(50, 3600))
            assert standing is not None
            found.append(standing.is_allowed)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count(True) == 50


def test_a_client_is_told_where_it_stands_and_when_to_come_back(settings: Settings) -> None:
    settings.PINAKES_REQUESTS_PER_MINUTE = 3
    user = make_user()
    client = client_of(user)
    answers = [client.get("/api/v1/models") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[0]["RateLimit-Policy"] == '"requests";q=3;w=60'
    assert answers[0]["RateLimit"].startswith('"requests";r=2;t=')
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limited"
    assert 1 <= int(refused["Retry-After"]) <= 20
    assert client_of(user).get("/api/v1/models").status_code == 429, "another key, the same user"
    assert client_of(make_user()).get("/api/v1/models").status_code == 200
    spoken = client.get("/openai/v1/models")
    assert spoken.json()["error"]["code"] == "rate_limit_exceeded"


def test_without_redis_nobody_is_refused(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, unreachable_redis: Callable[[], Redis]
) -> None:
    settings.PINAKES_REQUESTS_PER_MINUTE = 1
    monkeypatch.setattr(rates, "impatient_redis", unreachable_redis)
    client = client_of(make_user())
    assert [client.get("/api/v1/models").status_code for _ in range(3)] == [200] * 3
    assert sign_in(make_user().username, PASSWORD) == 302


@pytest.fixture
def unreachable_redis() -> Callable[[], Redis]:
    # As the product's own; the library's default would try again for seconds.
    retry = Retry(NoBackoff(), 0)
    return lambda: Redis(port=1, socket_connect_timeout=0.1, retry=retry)


def test_who_guesses_is_slowed_down_even_with_the_right_password() -> None:
    name = make_user().username
    assert [sign_in(name, "wrong") for _ in range(10)] == [200] * 10
    assert sign_in(name, PASSWORD) == 429
    assert sign_in(name.upper(), "wrong") == 429, "the same name to the count"
    assert sign_in(name, PASSWORD, address="192.0.2.2") == 302, "its owner is not shut out"


def test_who_remembers_the_password_begins_anew() -> None:
    name = make_user().username
    for _ in range(3):
        assert [sign_in(name, "wrong", address="192.0.2.3") for _ in range(9)] == [200] * 9
        assert sign_in(name, PASSWORD, address="192.0.2.3") == 302


def test_one_address_does_not_try_many_names() -> None:
    tried = [sign_in(f"nobody-{n}", "wrong", address="192.0.2.4") for n in range(51)]
    assert tried == [200] * 50 + [429]


def test_the_admin_has_no_door_of_its_own() -> None:
    answer = Client().get("/admin/login/?next=/admin/")
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in?next=/admin/")
