"""Pages of webhooks: adding, the log, changing, and what goes wrong."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from tests.pages.html import Page
from tests.pages.makers import make_done
from tests.webhooks.conftest import carry, courier, receiver  # noqa: F401 -- fixtures
from tests.webhooks.receiver import Receiver
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.webhooks.models import Delivery, Endpoint, EventType

EVENTS = list(EventType.values)


def add(page: Client, receiver: Receiver, **changes: object) -> str:  # noqa: F811
    fields = {"url": receiver.url, "event_types": EVENTS, "description": "", **changes}
    return page.post("/account/webhooks/add", fields).content.decode()


def test_the_secret_is_shown_once(page: Client, receiver: Receiver) -> None:  # noqa: F811
    assert "whsec_" in add(page, receiver)
    endpoint = Endpoint.objects.get()
    assert "whsec_" not in page.get(f"/account/webhooks/{endpoint.id}").content.decode()
    assert "whsec_" in page.post(f"/account/webhooks/{endpoint.id}/rotate").content.decode()
    html = page.get("/account/webhooks").content.decode()
    assert receiver.url in html
    assert "whsec_" not in html


def test_faults_are_said_and_what_was_typed_stays(page: Client, receiver: Receiver) -> None:  # noqa: F811
    html = add(page, receiver, url="http://10.1.2.3/hook", event_types=[], description="mine")
    assert "The address leads into a private network" in html
    assert Page(html).value_of("url") == "http://10.1.2.3/hook"
    assert Page(html).value_of("description") == "mine"
    assert not Endpoint.objects.exists()


def test_the_log_shows_answers_as_text(
    page: Client,
    author: User,
    checkpoint: Checkpoint,
    receiver: Receiver,  # noqa: F811
    carry: Callable[[], None],  # noqa: F811
) -> None:
    add(page, receiver)
    endpoint = Endpoint.objects.get()
    address = f"/account/webhooks/{endpoint.id}"
    assert "Nothing was sent yet" in page.get(address).content.decode()
    generation = make_done(owner=author)
    receiver.status, receiver.body = 500, b"<script>alert(1)</script>"
    carry()
    html = page.get(address).content.decode()
    assert generation.accession in html
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html
    assert "next attempt" in html
    assert "Send again" not in html


def test_test_message_resend_switch_off_and_removal(
    page: Client,
    checkpoint: Checkpoint,
    receiver: Receiver,  # noqa: F811
    carry: Callable[[], None],  # noqa: F811
) -> None:
    add(page, receiver)
    endpoint = Endpoint.objects.get()
    address = f"/account/webhooks/{endpoint.id}"
    page.post(f"{address}/test")
    carry()
    assert "Send again" in page.get(address).content.decode()
    page.post(f"/account/webhook-deliveries/{Delivery.objects.get().id}/resend")
    carry()
    assert len(receiver.received) == 2
    fields = {"url": receiver.url, "event_types": EVENTS[:1], "description": "quiet"}
    page.post(f"{address}/change", fields)
    html = page.get(address).content.decode()
    assert "off" in html
    assert "Send again" not in html
    answer = page.post(f"{address}/test", follow=True)
    assert "switched off" in answer.content.decode()
    page.post(f"{address}/delete")
    assert "Add the first" in page.get("/account/webhooks").content.decode()


@pytest.mark.parametrize("url", ["", "http://user:secret@8.8.8.8/"])
def test_a_change_that_cannot_be_is_refused(page: Client, receiver: Receiver, url: str) -> None:  # noqa: F811
    add(page, receiver)
    endpoint = Endpoint.objects.get()
    fields = {"url": url, "event_types": EVENTS, "enabled": "on"}
    assert page.post(f"/account/webhooks/{endpoint.id}/change", fields).status_code == 422
    assert Endpoint.objects.get().url == receiver.url
