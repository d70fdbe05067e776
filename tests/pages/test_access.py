"""Who may open what: everything asks for sign-in, and strangers find nothing."""

from __future__ import annotations

import uuid

import pytest
from django.test import Client

from tests.factories import PASSWORD, make_generation
from tests.pages.makers import make_done
from tests.search.factories import make_found_source
from webapp.accounts.models import User
from webapp.accounts.operations import create_api_key
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation
from webapp.grounding.models import Answer
from webapp.knowledge.models import Source

PLAIN = [
    "/",
    "/library",
    "/documents",
    "/ask",
    "/models",
    "/models/toy-text",
    "/workers",
    "/account",
    "/queue",
]
OPEN = ["/sign-in", "/offline", "/service-worker.js"]


@pytest.fixture
def generation(author: User, checkpoint: Checkpoint) -> Generation:
    """Something that the author made."""
    return make_done(owner=author, prompt="mine alone")


@pytest.fixture
def source(author: User) -> Source:
    """A document of the author."""
    return make_found_source(owner=author, texts=["Mine alone."])


@pytest.fixture
def answer(author: User) -> Answer:
    """A question that the author asked."""
    return Answer.objects.create(
        owner=author,
        question="Whose is it?",
        found=False,
        confidence=0.1,
        num_passages=0,
        include_generations=True,
        space="none",
        took_ms=1.0,
    )


def private_pages(generation: Generation, source: Source, answer: Answer) -> list[str]:
    """Pages about something that somebody owns."""
    return [
        f"/generations/{generation.id}",
        f"/generations/{generation.id}/card",
        f"/generations/{generation.id}/similar",
        f"/?from={generation.id}",
        f"/documents/{source.id}",
        f"/documents/{source.id}/row",
        f"/ask/{answer.id}",
    ]


def changes(generation: Generation, source: Source) -> list[str]:
    """Addresses that change something that somebody owns."""
    return [
        *(
            f"/generations/{generation.id}/{act}"
            for act in ("cancel", "trash", "restore", "retry")
        ),
        *(f"/documents/{source.id}/{act}" for act in ("trash", "restore")),
    ]


@pytest.mark.parametrize("address", PLAIN)
def test_every_page_opens_for_whoever_signed_in(
    page: Client, checkpoint: Checkpoint, address: str
) -> None:
    assert page.get(address).status_code == 200


@pytest.mark.parametrize("address", PLAIN)
def test_every_page_asks_for_sign_in(db: None, client: Client, address: str) -> None:
    response = client.get(address)
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("address", OPEN)
def test_a_few_pages_are_for_everybody(db: None, client: Client, address: str) -> None:
    assert client.get(address).status_code == 200


def test_owners_open_their_own(
    page: Client, generation: Generation, source: Source, answer: Answer
) -> None:
    for address in private_pages(generation, source, answer):
        assert page.get(address).status_code == 200, address


def test_reviewers_open_everybodys(
    reviewer: Client, generation: Generation, source: Source, answer: Answer
) -> None:
    for address in private_pages(generation, source, answer):
        assert reviewer.get(address).status_code == 200, address


def test_strangers_find_nothing(
    stranger: Client, generation: Generation, source: Source, answer: Answer
) -> None:
    for address in private_pages(generation, source, answer):
        assert stranger.get(address).status_code == 404, address
    for address in changes(generation, source):
        assert stranger.post(address).status_code == 404, address
    for address in ("/library", "/library?q=mine+alone", "/documents", "/ask", "/"):
        html = stranger.get(address).content.decode()
        assert generation.accession not in html
        assert str(source.id) not in html
        assert "Whose is it?" not in html


def test_reviewers_look_and_do_not_touch(
    reviewer: Client, generation: Generation, source: Source
) -> None:
    for address in changes(generation, source):
        assert reviewer.post(address).status_code == 403, address
    generation.refresh_from_db()
    source.refresh_from_db()
    assert generation.trashed_at is None
    assert source.trashed_at is None


def test_nobody_changes_anything_without_signing_in(
    client: Client, generation: Generation, source: Source
) -> None:
    posts = [
        *changes(generation, source),
        "/studio/generate",
        "/documents/add",
        "/ask/question",
        "/account/keys",
        "/account/preferences",
    ]
    for address in posts:
        response = client.post(address)
        assert response.status_code == 302, address
        assert "/sign-in" in response.headers["Location"], address


def test_following_a_link_never_changes_anything(
    page: Client, generation: Generation, source: Source
) -> None:
    for address in [*changes(generation, source), "/studio/generate", "/documents/add"]:
        assert page.get(address).status_code == 405, address


def test_a_form_without_its_token_is_refused(author: User, checkpoint: Checkpoint) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.force_login(author)
    response = careful.post("/studio/generate", {"model": "toy-text", "prompt": "a trap"})
    assert response.status_code == 403
    assert "The form has expired" in response.content.decode()
    assert not Generation.objects.exists()


def test_what_never_was_is_not_found(page: Client) -> None:
    for address in ("/generations/{}", "/documents/{}", "/ask/{}", "/models/nothing"):
        response = page.get(address.format(uuid.uuid4()))
        assert response.status_code == 404
        assert "This is not in the catalogue" in response.content.decode()


def test_a_key_of_somebody_else_cannot_be_revoked(stranger: Client, author: User) -> None:
    key = create_api_key(user=author, name="mine").row
    assert stranger.post(f"/account/keys/{key.id}/revoke").status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_wrong_password_says_so(client: Client, author: User) -> None:
    response = client.post("/sign-in", {"username": author.username, "password": "wrong"})
    assert response.status_code == 200
    assert 'role="alert"' in response.content.decode()


def test_signing_in_leads_where_one_wanted_to_go(client: Client, author: User) -> None:
    body = {"username": author.username, "password": PASSWORD, "next": "/library"}
    response = client.post("/sign-in", body)
    assert response.headers["Location"] == "/library"


def test_signing_in_never_leads_away(client: Client, author: User) -> None:
    body = {"username": author.username, "password": PASSWORD, "next": "//elsewhere.test/"}
    response = client.post("/sign-in", body)
    assert response.headers["Location"] == "/"


def test_signing_out_ends_the_session(page: Client) -> None:
    page.post("/sign-out")
    assert page.get("/").status_code == 302


def test_others_queue_shows_numbers_only(
    stranger: Client, author: User, checkpoint: Checkpoint
) -> None:
    make_generation(owner=author, prompt="a private wish")
    assert "a private wish" not in stranger.get("/queue").content.decode()
