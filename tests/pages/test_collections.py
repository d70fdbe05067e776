"""The pages of collections: the list, one of them, and choosing them for a thing."""

from __future__ import annotations

import pytest
from django.test import Client

from tests.pages.makers import make_done, make_picture
from tests.search.factories import make_source
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.collections.models import Collection
from webapp.collections.operations import CollectionWish, add_items, create_collection
from webapp.collections.queries import ItemReference


@pytest.fixture
def boats(author: User) -> Collection:
    return create_collection(owner=author, wish=CollectionWish("Boats", "That float"))


def test_a_collection_is_begun_and_bad_names_lose_nothing(page: Client, boats: Collection) -> None:
    answer = page.post("/collections/add", {"name": "boats", "description": "Mine to keep"})
    assert answer.status_code == 422
    assert "You have a collection named" in answer.content.decode()
    assert "Mine to keep" in answer.content.decode()
    made = page.post("/collections/add", {"name": "Ships", "description": ""})
    assert made.status_code == 302
    assert "Nothing in it yet" in page.get(made["Location"]).content.decode()
    assert "Ships" in page.get("/collections").content.decode()


def test_a_thing_is_put_into_old_and_new_collections_from_its_page(
    page: Client, author: User, checkpoint: Checkpoint, boats: Collection
) -> None:
    done, source = make_done(owner=author, prompt="a sloop"), make_source(owner=author)
    assert (
        f"/generations/{done.id}/collections"
        in page.get(f"/generations/{done.id}").content.decode()
    )
    assert (
        f"/documents/{source.id}/collections"
        in page.get(f"/documents/{source.id}").content.decode()
    )
    for address in (f"/generations/{done.id}", f"/documents/{source.id}"):
        assert page.get(f"{address}/collections").status_code == 200
        body = {"among": str(boats.id), "wanted": str(boats.id)}
        answer = page.post(f"{address}/collections", body)
        assert answer["Location"] == address
    shown = page.get(f"/collections/{boats.id}").content.decode()
    assert "a sloop" in shown
    assert source.title in shown
    again = page.post(f"/generations/{done.id}/collections", {"among": boats.id, "name": "New"})
    assert again.status_code == 302
    assert "a sloop" not in page.get(f"/collections/{boats.id}").content.decode()
    assert Collection.objects.get(name="New").items.get().generation_id == done.id
    taken = page.post(f"/generations/{done.id}/collections", {"name": "New"})
    assert taken.status_code == 422


def test_an_item_is_taken_out_and_a_collection_renamed_trashed_and_restored(
    page: Client, stranger: Client, author: User, checkpoint: Checkpoint, boats: Collection
) -> None:
    picture = make_picture(owner=author, prompt="a sloop")
    add_items(collection=boats, items=[ItemReference(generation_id=picture.id)])
    address = f"/collections/{boats.id}"
    writes: tuple[tuple[str, dict[str, str]], ...] = (
        (f"{address}/items/{picture.id}/remove", {}),
        (f"{address}/change", {"name": "Ships"}),
        (f"{address}/trash", {}),
    )
    for path, body in writes:
        assert stranger.post(path, body).status_code == 404
    assert page.post(f"{address}/change", {"name": ""}).status_code == 422
    for path, body in writes:
        assert page.post(path, body).status_code == 302, path
    assert not Collection.objects.kept().exists()
    assert "Ships" in page.get("/collections?trash=1").content.decode()
    assert page.post(f"{address}/restore").status_code == 302
    assert Collection.objects.kept().get().name == "Ships"


def test_reviewers_look_and_do_not_change(reviewer: Client, boats: Collection) -> None:
    shown = reviewer.get(f"/collections/{boats.id}").content.decode()
    assert "into the trash" not in shown
    assert reviewer.post(f"/collections/{boats.id}/trash").status_code == 403
