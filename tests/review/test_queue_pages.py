"""Review in the browser without a script: roles, deciding, undoing, and bad input."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.factories import make_user
from tests.pages.html import Page
from tests.pages.makers import make_done
from webapp.accounts.models import Role, User
from webapp.generations.models import Generation
from webapp.review.models import Decision, ReviewQueue
from webapp.review.queue_operations import QueueWish, create_queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def reviewer() -> User:
    return make_user(Role.REVIEWER)


@pytest.fixture
def client(reviewer: User) -> Client:
    client = Client()
    client.force_login(reviewer)
    return client


@pytest.fixture
def results() -> list[Generation]:
    owner = make_user()
    return [make_done(owner=owner) for _ in range(2)]


@pytest.fixture
def queue(reviewer: User, results: list[Generation]) -> ReviewQueue:
    wish = QueueWish("Autumn", labels=("blurred",), overlap=2)
    return create_queue(creator=reviewer, wish=wish)


def test_an_author_is_refused_everywhere(queue: ReviewQueue) -> None:
    stranger = Client()
    stranger.force_login(make_user())
    item = queue.items.first()
    assert item is not None
    for address in (
        "/review",
        f"/review/queues/{queue.id}",
        f"/review/items/{item.id}",
        "/review/standing/flagged",
    ):
        assert stranger.get(address).status_code == 403
    for address in (
        "/review/add",
        "/review/undo",
        f"/review/queues/{queue.id}/next",
        f"/review/queues/{queue.id}/decide",
        f"/review/items/{item.id}/decide",
    ):
        assert stranger.post(address, {"verdict": "approved"}).status_code == 403
    assert not Decision.objects.exists()
    assert "Review" not in stranger.get("/library").content.decode()


def test_deciding_leads_from_item_to_item_and_can_be_taken_back(
    client: Client, queue: ReviewQueue, results: list[Generation]
) -> None:
    first = client.post(f"/review/queues/{queue.id}/next")
    shown = client.get(first["Location"]).content.decode()
    assert "What others decided is shown when you have." in shown
    decided = client.post(
        f"{first['Location']}/decide",
        {"verdict": "rejected", "label": "blurred", "score": "2", "comment": "Two <b>heads"},
    )
    assert decided["Location"] != first["Location"]
    again = client.get(first["Location"]).content.decode()
    assert "Two &lt;b&gt;heads" in again
    assert "Rejected by" in again
    assert client.post("/review/undo")["Location"] == first["Location"]
    assert "Rejected by" not in client.get(first["Location"]).content.decode()


def test_a_bad_verdict_is_explained_and_keeps_the_comment(
    client: Client, queue: ReviewQueue
) -> None:
    address = client.post(f"/review/queues/{queue.id}/next")["Location"]
    answer = client.post(f"{address}/decide", {"verdict": "maybe", "comment": "Keep me"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert "The verdict must be one of approved, rejected, flagged." in page
    assert "Keep me" in page


def test_chosen_results_and_whole_views_are_decided_on_at_once(
    client: Client, queue: ReviewQueue, results: list[Generation]
) -> None:
    one = queue.items.first()
    assert one is not None
    address = f"/review/queues/{queue.id}/decide"
    nothing = client.post(address, {"verdict": "approved"})
    assert nothing.status_code == 422
    assert "Choose at least one result." in nothing.content.decode()
    client.post(address, {"verdict": "flagged", "item": str(one.id)})
    flagged = client.get("/review/standing/flagged").content.decode()
    assert flagged.count('class="card"') == 1
    client.post(address, {"verdict": "approved", "all": "1", "show": "flagged"})
    standings = Generation.objects.values_list("standing", flat=True)
    assert sorted(standings) == ["", "approved"]
    assert client.post("/review/undo")["Location"] == f"/review/items/{one.id}"
    assert client.post("/review/undo")["Location"] == "/review"


def test_pages_keep_the_policy_whatever_was_written(client: Client, reviewer: User) -> None:
    hostile = "</title><script>alert(1)</script><img src=//elsewhere.test/x onerror=alert(2)>"
    make_done(owner=reviewer, prompt=hostile, text=hostile)
    wish = QueueWish(hostile, instructions=hostile, labels=("<b>bold</b>",))
    queue = create_queue(creator=reviewer, wish=wish)
    item = queue.items.get()
    client.post(f"/review/items/{item.id}/decide", {"verdict": "flagged", "comment": hostile})
    for address in (
        "/review",
        f"/review/queues/{queue.id}",
        f"/review/items/{item.id}",
        "/review/standing/flagged",
    ):
        shown = Page(client.get(address).content.decode())
        assert shown.breaches() == [], address
        assert len(shown.all("h1")) == 1, address
