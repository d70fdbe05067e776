"""Earlier results as a start: one's own, of the same kind, finished, and remembered when used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from rest_framework.test import APIClient

from genmodels.embedding import install_embedder
from tests.factories import make_card, make_checkpoint, make_generation, make_user
from tests.pages.makers import make_done, make_picture
from tests.search.factories import EMBEDDER
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation
from webapp.generations.operations import (
    cancel_generation,
    retry_generation,
    trash_generation,
)
from webapp.search.operations import index_generation
from webapp.search.references import find_references

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def embedder() -> Iterator[None]:
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def checkpoint(db: None) -> Checkpoint:
    return make_checkpoint(make_card(slug="toy-image", family="diffusion", modality="image"))


def found(generation: Generation) -> Generation:
    index_generation(generation_id=generation.id, embedder=EMBEDDER)
    return generation


def make_boot(owner: User, checkpoint: Checkpoint, prompt: str = "a red boot") -> Generation:
    return found(
        make_picture(
            owner=owner,
            checkpoint=checkpoint,
            prompt=prompt,
            seed=4711,
            params={"temperature": 0.25},
        )
    )


def prompts(owner: User, prompt: str, kind: str = "image") -> list[str]:
    rows = find_references(user=owner, prompt=prompt, kind=kind)
    return [row.generation.prompt for row in rows]


def test_the_nearest_of_ones_own_results_of_that_kind_come_first(
    owner: User, checkpoint: Checkpoint
) -> None:
    make_boot(owner, checkpoint, "a blue boot")
    make_boot(owner, checkpoint)
    make_boot(make_user(), checkpoint, "a red boot of somebody else")
    found(make_done(owner=owner, checkpoint=make_checkpoint(), prompt="a red boot in words"))
    assert prompts(owner, "one red boot") == ["a red boot", "a blue boot"]
    assert prompts(owner, "one red boot", kind="text") == ["a red boot in words"]
    # Reviewers see everything, but what is offered is their own.
    assert prompts(make_user(Role.REVIEWER), "one red boot") == []


def test_the_trash_and_short_prompts_offer_nothing(owner: User, checkpoint: Checkpoint) -> None:
    boot = make_boot(owner, checkpoint)
    assert prompts(owner, " a ") == []
    trash_generation(generation=boot)
    assert prompts(owner, "a red boot") == []


def client(user: User) -> APIClient:
    api = APIClient()
    api.force_authenticate(user)
    return api


def test_a_generation_remembers_its_reference(owner: User, checkpoint: Checkpoint) -> None:
    boot = make_boot(owner, checkpoint)
    api = client(owner)
    [row] = api.get(
        "/api/v1/generations/references", {"prompt": "red boots", "model": "toy-image"}
    ).json()["data"]
    assert row["generation"]["id"] == str(boot.id)
    assert (row["generation"]["seed"], row["generation"]["params"]["temperature"]) == (4711, 0.25)
    body = {"model": "toy-image", "prompt": "a red shoe", "reference": str(boot.id)}
    made = api.post("/api/v1/generations", body, format="json")
    assert (made.status_code, made.json()["reference"]) == (202, str(boot.id))
    many = api.post("/api/v1/batches", {**body, "n": 2}, format="json")
    assert many.status_code == 202
    assert Generation.objects.filter(reference=boot).count() == 3


def test_retrying_keeps_the_reference(owner: User, checkpoint: Checkpoint) -> None:
    boot = make_boot(owner, checkpoint)
    stopped = make_generation(owner=owner, checkpoint=checkpoint, reference_id=boot.id)
    cancel_generation(generation=stopped)
    stopped.refresh_from_db()
    retry = retry_generation(owner=owner, generation=stopped).generation
    assert retry is not None
    assert retry.reference_id == boot.id


def test_only_a_result_that_one_may_see_is_a_reference(
    owner: User, checkpoint: Checkpoint
) -> None:
    theirs = make_boot(make_user(), checkpoint)
    waiting = make_generation(owner=owner, checkpoint=checkpoint)
    for reference in (theirs.id, waiting.id, "no id"):
        body = {"model": "toy-image", "prompt": "a shoe", "reference": str(reference)}
        answer = client(owner).post("/api/v1/generations", body, format="json")
        assert answer.status_code == 422
        assert [error["pointer"] for error in answer.json()["errors"]] == ["/reference"]
    assert not Generation.objects.filter(reference__isnull=False).exists()


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({}, "?prompt"),
        ({"prompt": "a" * 2001}, "?prompt"),
        ({"prompt": "boot", "model": "ghost"}, "?model"),
        ({"prompt": "boot", "limit": "0"}, "?limit"),
        ({"prompt": "boot", "colour": "red"}, "?colour"),
    ],
)
def test_bad_parameters_are_named(owner: User, query: dict[str, str], pointer: str) -> None:
    answer = client(owner).get("/api/v1/generations/references", query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def browser(user: User) -> Client:
    page = Client()
    page.force_login(user)
    return page


def links(html: str, word: str) -> list[str]:
    parts = html.split(f">{word}</a>")[:-1]
    return [part.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&") for part in parts]


def test_without_scripts_a_button_shows_results_and_links_fill_the_form(
    owner: User, checkpoint: Checkpoint
) -> None:
    boot = make_boot(owner, checkpoint)
    page = browser(owner)
    assert "Find similar results" in page.get("/").content.decode()
    form = {"model": "toy-image", "prompt": "a red shoe", "p_length": "9", "p_temperature": "1.5"}
    shown = page.post("/studio/references", form).content.decode()
    assert "a red shoe</textarea>" in shown
    references = shown.partition('id="references"')[2].partition("</section>")[0]
    [use_seed], [use_all] = links(references, "Use seed"), links(references, "Use all")

    filled = page.get(use_seed).content.decode()
    assert "a red shoe</textarea>" in filled
    assert 'value="4711"' in filled
    assert 'value="1.5"' in filled
    assert f'value="{boot.id}"' in filled

    filled = page.get(use_all).content.decode()
    assert "a red shoe</textarea>" in filled
    assert 'value="0.25"' in filled
    assert 'value="1.5"' not in filled


def test_what_is_made_from_the_form_remembers_its_reference(
    owner: User, checkpoint: Checkpoint
) -> None:
    boot = make_boot(owner, checkpoint)
    page = browser(owner)
    form = {"model": "toy-image", "prompt": "a shoe", "seed": "4711", "reference": str(boot.id)}
    assert page.post("/studio/generate", form).status_code == 302
    made = Generation.objects.get(reference=boot)
    shown = page.get(f"/generations/{made.id}").content.decode()
    assert "Made with the settings of" in shown
    assert boot.accession in shown
    bad = page.post("/studio/generate", {**form, "reference": "no id"})
    assert bad.status_code == 422
    assert "Reference must be an id" in bad.content.decode()
    assert "a shoe</textarea>" in bad.content.decode()


def test_a_script_gets_a_part_of_the_page(owner: User, checkpoint: Checkpoint) -> None:
    make_boot(owner, checkpoint)
    page = browser(owner)
    headers = {"HX-Request": "true"}
    part = page.get("/studio/references", {"prompt": "boots red"}, headers=headers)
    assert "<html" not in part.content.decode()
    assert "Use seed" in part.content.decode()
    nothing = page.get("/studio/references", {"prompt": "zzz qqq"}, headers=headers)
    assert "Nothing that you have made" in nothing.content.decode()
    short = page.get("/studio/references", {"prompt": "b"}, headers=headers)
    assert "Find similar results" in short.content.decode()
