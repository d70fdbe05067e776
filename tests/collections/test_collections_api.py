"""REST: collections and what they hold, for owners, strangers, reviewers and the careless."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import IntegrityError
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import make_generation, make_user
from tests.search.factories import make_source
from webapp.accounts.models import Role, User
from webapp.collections import operations
from webapp.collections.models import Collection, CollectionItem
from webapp.collections.queries import ItemReference
from webapp.generations.models import Generation

pytestmark = pytest.mark.django_db


@pytest.fixture
def owner() -> User:
    return make_user()


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def make(owner: User, name: str = "Boats", **headers: str) -> Any:
    return client_for(owner).post(
        "/api/v1/collections", {"name": name}, format="json", headers=headers
    )


def put(user: User, address: str, **ids: list[str]) -> Any:
    return client_for(user).post(f"{address}/items", ids, format="json")


def test_a_collection_is_made_filled_listed_and_removed_without_what_it_held(owner: User) -> None:
    made = make(owner)
    assert made.status_code == 201
    address = made["Location"]
    boat, notes = make_generation(owner=owner, prompt="a boat"), make_source(owner=owner)
    ids = {"generations": [str(boat.id)], "documents": [str(notes.id)]}
    assert put(owner, address, **ids).json() == {"added": 2, "num_items": 2}
    assert put(owner, address, **ids).json() == {"added": 0, "num_items": 2}
    client = client_for(owner)
    first = client.get(f"{address}/items", {"limit": "1"}).json()
    rest = client.get(f"{address}/items", {"cursor": first["next_cursor"]}).json()
    assert [(item["type"], item["id"]) for item in first["data"] + rest["data"]] == [
        ("document", str(notes.id)),
        ("generation", str(boat.id)),
    ]
    for _ in range(2):
        assert client.delete(f"{address}/items/{notes.id}").status_code == 204
    assert client.get("/api/v1/collections").json()["data"][0]["num_items"] == 1
    for _ in range(2):
        assert client.delete(address).status_code == 204
    assert client.get(address).json()["trashed_at"] is not None
    assert client.get("/api/v1/collections").json()["data"] == []
    assert Generation.objects.get(id=boat.id).trashed_at is None


def test_a_collection_comes_back_from_the_trash_unless_its_name_was_given_away(
    owner: User,
) -> None:
    boat = make_generation(owner=owner, prompt="a boat")
    address = make(owner)["Location"]
    put(owner, address, generations=[str(boat.id)])
    client = client_for(owner)
    client.delete(address)
    listed = client.get("/api/v1/collections", {"trashed": "true"}).json()["data"]
    assert [row["name"] for row in listed] == ["Boats"]
    other = make(owner)["Location"]
    assert client.post(f"{address}/restore").status_code == 409
    client.patch(other, {"name": "Ships"}, format="json")
    for _ in range(2):
        restored = client.post(f"{address}/restore").json()
        assert (restored["trashed_at"], restored["num_items"]) == (None, 1)


def test_a_name_is_taken_once_by_each_owner_whatever_its_case(owner: User) -> None:
    assert make(owner, "Boats").status_code == 201
    second = make(owner, " boats ")
    assert (second.status_code, second.json()["code"]) == (409, "conflict")
    assert make(make_user(), "Boats").status_code == 201
    other = make(owner, "Ships")["Location"]
    taken = client_for(owner).patch(other, {"name": "BOATS"}, format="json")
    assert taken.status_code == 409
    assert Collection.objects.filter(owner=owner, name="Ships").exists()


def test_the_same_key_makes_one_collection(owner: User) -> None:
    first, again = (make(owner, **{"Idempotency-Key": "k"}) for _ in range(2))
    assert first.json()["id"] == again.json()["id"]
    reused = make(owner, "Ships", **{"Idempotency-Key": "k"})
    assert reused.json()["code"] == "idempotency_key_reused"
    assert client_for(owner).delete(first["Location"]).status_code == 204
    assert make(owner, **{"Idempotency-Key": "k"}).json()["id"] == first.json()["id"]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/name"),
        ({"name": " \x00 "}, "/name"),
        ({"name": 5}, "/name"),
        ({"name": "x" * 101}, "/name"),
        ({"name": "x", "description": "y" * 2_001}, "/description"),
        ({"name": "x", "colour": "red"}, "/colour"),
    ],
)
def test_what_is_wrong_with_a_wish_is_named(
    owner: User, body: dict[str, Any], pointer: str
) -> None:
    answer = client_for(owner).post("/api/v1/collections", body, format="json")
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert not Collection.objects.exists()


def test_a_change_may_depend_on_what_was_read(owner: User) -> None:
    made = make(owner)
    client, address, read = client_for(owner), made["Location"], made["ETag"]
    changed = client.patch(
        address, {"description": "That float"}, format="json", headers={"If-Match": read}
    )
    assert changed.json()["name"] == "Boats"
    assert changed["ETag"] != read
    for headers in ({"If-Match": read}, {"If-Match": "W/nonsense"}):
        late = client.patch(address, {"name": "Ships"}, format="json", headers=headers)
        assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
        assert client.delete(address, headers=headers).status_code == 412
    put(owner, address, generations=[str(make_generation(owner=owner).id)])
    assert client.get(address)["ETag"] != changed["ETag"]
    assert client.get(address).json()["name"] == "Boats"


def test_all_is_added_or_nothing(owner: User) -> None:
    address = make(owner)["Location"]
    mine, trashed = make_generation(owner=owner), make_source(owner=owner)
    trashed.trashed_at = timezone.now()
    trashed.save()
    foreign = make_generation(owner=make_user())
    answer = put(
        owner,
        address,
        generations=[str(mine.id), str(foreign.id), str(uuid.uuid4())],
        documents=[str(trashed.id)],
    )
    assert answer.status_code == 422
    pointers = [fault["pointer"] for fault in answer.json()["errors"]]
    assert pointers == ["/generations/1", "/generations/2", "/documents/0"]
    assert not CollectionItem.objects.exists()
    assert put(owner, address).status_code == 422
    many = [str(mine.id)] * (operations.MAX_ITEMS_AT_ONCE + 1)
    assert put(owner, address, generations=many).status_code == 422


def test_what_goes_to_the_trash_is_unseen_until_it_is_back(owner: User) -> None:
    address = make(owner)["Location"]
    made = make_generation(owner=owner)
    put(owner, address, generations=[str(made.id)])
    client = client_for(owner)
    for moment, seen in ((timezone.now(), 0), (None, 1)):
        Generation.objects.filter(id=made.id).update(trashed_at=moment)
        assert client.get(address).json()["num_items"] == seen
        assert len(client.get(f"{address}/items").json()["data"]) == seen


def test_strangers_find_nothing_reviewers_look_and_admins_change(owner: User) -> None:
    address = make(owner)["Location"]
    made = make_generation(owner=owner)
    put(owner, address, generations=[str(made.id)])
    change = {"name": "Taken"}
    stranger = client_for(make_user())
    assert stranger.get("/api/v1/collections").json()["data"] == []
    for answer in (
        stranger.get(address),
        stranger.get(f"{address}/items"),
        stranger.patch(address, change, format="json"),
        stranger.post(f"{address}/items", {"generations": []}, format="json"),
        stranger.delete(f"{address}/items/{made.id}"),
        stranger.delete(address),
    ):
        assert answer.status_code == 404
    reviewer = client_for(make_user(Role.REVIEWER))
    assert reviewer.get(address).json()["num_items"] == 1
    assert reviewer.patch(address, change, format="json").status_code == 403
    admin = make_user(Role.ADMIN)
    foreign = make_generation(owner=make_user())
    # An admin sees it, but the collection is not theirs.
    assert put(admin, address, generations=[str(foreign.id)]).status_code == 422
    assert client_for(admin).patch(address, change, format="json").status_code == 200


def test_what_breaks_half_way_leaves_nothing(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = operations.create_collection(owner=owner, wish=operations.CollectionWish("Kept"))
    made = make_generation(owner=owner)

    def fail(collection: Collection) -> None:
        raise IntegrityError("the connection went away")

    monkeypatch.setattr(operations, "_count_change", fail)
    with pytest.raises(IntegrityError):
        operations.choose_collections(
            owner=owner,
            item=ItemReference(generation_id=made.id),
            wanted={kept.id},
            among={kept.id},
            new_name="New",
        )
    assert list(Collection.objects.values_list("name", "revision")) == [("Kept", 1)]
    assert not CollectionItem.objects.exists()
