"""A receiver that may be called, an endpoint there, and somebody to carry messages to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tasks.webhooks import Courier
from tests.factories import make_checkpoint, make_user, make_worker
from tests.webhooks.receiver import Receiver, running_receiver
from webapp import queueing
from webapp.accounts.models import User
from webapp.webhooks.models import EventType
from webapp.webhooks.operations import EndpointWish, EndpointWithSecret, create_endpoint


@dataclass
class FakeProcess:
    """A worker process without a life of its own."""

    id: int
    accepts_work: bool = True
    nudged: threading.Event = field(default_factory=threading.Event)


@pytest.fixture
def receiver(settings) -> Iterator[Receiver]:
    with running_receiver() as running:
        settings.OUTBOUND_ALLOW = frozenset({running.place})
        yield running


@pytest.fixture
def owner(db) -> User:
    make_checkpoint()
    return make_user()


@pytest.fixture
def made(owner: User, receiver: Receiver) -> EndpointWithSecret:
    wish = EndpointWish(url=receiver.url, event_types=tuple(EventType.values))
    return create_endpoint(owner=owner, wish=wish)


@pytest.fixture
def courier(db) -> Courier:
    return Courier(FakeProcess(make_worker(queues=[queueing.WEBHOOKS_QUEUE]).id))


@pytest.fixture
def carry(courier: Courier) -> Callable[..., None]:
    """Queue what is due, send it, and record what came back."""

    def run(*, seconds: float = 10.0) -> None:
        while courier.step():
            pass
        until = time.monotonic() + seconds
        while courier.is_busy and time.monotonic() < until:
            time.sleep(0.01)
            courier.step()
        assert not courier.is_busy

    return run
