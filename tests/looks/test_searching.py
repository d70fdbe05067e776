"""REST: pictures by what they show, for sentences and for pictures."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pytest_django import Settings
from rest_framework.test import APIClient

from genmodels.alignment.loading import AlignedSpace, load_alignment
from tasks.looking import Eyes
from tests.factories import make_user
from tests.looks.makers import EMBEDDER, drawing, image_model, make_alignment, make_drawn
from tests.pages.makers import make_done
from tests.search.factories import make_found_source
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.collections.operations import CollectionWish, create_collection
from webapp.generations.models import Generation
from webapp.generations.operations import restore_generation, trash_generation
from webapp.generations.upload_operations import keep_upload
from webapp.looks import queries
from webapp.looks.models import Look
from webapp.looks.queries import nearest_looks
from webapp.looks.sentences import sentence_space

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeing")]


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def look(user: User, **wish: str) -> dict[str, Any]:
    answer = client_for(user).get("/api/v1/search", {"mode": "look", **wish})
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def ids(body: dict[str, Any]) -> list[str]:
    return [hit["origin"]["id"] for hit in body["data"]]


@pytest.fixture
def made(owner: User, model: Checkpoint) -> list[Generation]:
    """Twelve pictures that were seen."""
    rows = [make_drawn(owner=owner, content=drawing(n), prompt=f"no. {n}") for n in range(12)]
    Eyes().take_turn(seconds=60.0, go_on=lambda: True)
    return rows


@pytest.fixture
def space(seeing: Path) -> AlignedSpace:
    return load_alignment(seeing, embedder=EMBEDDER)


def sentence_with_hits(space: AlignedSpace) -> tuple[str, np.ndarray]:
    """A sentence near to some of the pictures but not to all, and all cosines."""
    pictures = space.embed_files([drawing(n) for n in range(12)]).numpy()
    for number in range(200):
        cosines = pictures @ space.embed_sentences([f"wish {number}"])[0].numpy()
        if 3 <= (cosines > 0.005).sum() == (cosines > -0.005).sum() < 12:
            return f"wish {number}", cosines
    raise AssertionError("no sentence tells the pictures apart")


def test_the_order_is_that_of_the_cosines(
    owner: User, made: list[Generation], space: AlignedSpace
) -> None:
    sentence, cosines = sentence_with_hits(space)
    body = look(owner, q=sentence)
    near = {str(row.id): cosine for row, cosine in zip(made, cosines, strict=True) if cosine > 0}
    assert ids(body) == sorted(near, key=lambda each: -near[each])
    assert body["total"] == len(near)
    assert body["mode"] == "look"
    assert body["space"].startswith("clip-pictures@")
    for hit in body["data"]:
        assert hit["score"] == pytest.approx(near[hit["origin"]["id"]], abs=2e-3)
        assert hit["score"] == hit["score_parts"]["similarity"]
        assert (hit["kind"], hit["model"]) == ("image", "toy-image")
    shares = [hit["score_parts"]["similarity_share"] for hit in body["data"]]
    assert (shares[0], shares[-1]) == (1.0, 0.0)
    first = look(owner, q=sentence, limit="2")
    rest = look(owner, q=sentence, limit="20", cursor=first["next_cursor"])
    assert ids(first) + ids(rest) == ids(body)
    assert not rest["has_more"]


def test_what_is_not_near_enough_is_not_found(
    owner: User, made: list[Generation], space: AlignedSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    sentence, cosines = sentence_with_hits(space)
    middle = float(np.median(cosines[cosines > 0]))
    monkeypatch.setattr(queries, "LEAST_SIMILARITY", middle - 1e-4)
    assert len(look(owner, q=sentence)["data"]) == (cosines >= middle).sum()


def test_only_pictures_are_found_and_only_ones_own(
    owner: User, made: list[Generation], space: AlignedSpace
) -> None:
    sentence, _ = sentence_with_hits(space)
    make_done(owner=owner, prompt=sentence, checkpoint=image_model("t", modality="text"))
    make_found_source(owner=owner, texts=[sentence])
    assert set(ids(look(owner, q=sentence))) <= {str(row.id) for row in made}
    stranger = make_user()
    assert look(stranger, q=sentence)["data"] == []
    assert ids(look(make_user(Role.REVIEWER), q=sentence)) == ids(look(owner, q=sentence))
    assert (
        client_for(stranger).get(f"/api/v1/generations/{made[0].id}/similar?by=look").status_code
        == 404
    )
    # What others have that looks the same is not found either.
    twin = make_drawn(owner=stranger, content=drawing(0))
    Eyes().take_turn(seconds=60.0, go_on=lambda: True)
    assert str(twin.id) not in ids(similar(owner, made[0]))
    assert ids(similar(stranger, twin)) == []


def test_the_trash_is_not_found_until_it_is_restored(
    owner: User, made: list[Generation], space: AlignedSpace
) -> None:
    sentence, _ = sentence_with_hits(space)
    [best, *others] = ids(look(owner, q=sentence))
    row = Generation.objects.get(id=best)
    trash_generation(generation=row)
    assert ids(look(owner, q=sentence)) == others
    restore_generation(generation=row)
    assert ids(look(owner, q=sentence)) == [best, *others]


def test_filters_apply(owner: User, made: list[Generation], space: AlignedSpace) -> None:
    sentence, _ = sentence_with_hits(space)
    found = ids(look(owner, q=sentence))
    best = Generation.objects.get(id=found[0])
    collection = create_collection(owner=owner, wish=CollectionWish("Kept"))
    collection.items.create(generation=best)
    foreign = create_collection(owner=make_user(), wish=CollectionWish("Theirs"))
    foreign.items.create(generation=best)
    Generation.objects.filter(id=best.id).update(mean_score=4.0)
    for wish, expected in (
        ({"kind": "image"}, found),
        ({"kind": "video"}, []),
        ({"model": "toy-image"}, found),
        ({"model": "other"}, []),
        ({"family": "gan"}, []),
        ({"provenance": "real"}, []),
        ({"collection": str(collection.id)}, found[:1]),
        ({"collection": str(foreign.id)}, []),
        ({"min_score": "3.5"}, found[:1]),
        ({"max_score": "3.5"}, []),
        ({"owner": str(owner.id)}, found),
        ({"to": "2020-01-01"}, []),
        ({"tag": "cats"}, []),
    ):
        assert ids(look(owner, q=sentence, **wish)) == expected, wish


@pytest.mark.parametrize(
    "wish",
    [
        {"source": str(uuid.uuid4())},
        {"language": "en"},
        {"repeats": "true"},
        {"exact": "true"},
        {"facets": "true"},
    ],
)
def test_what_asks_for_texts_is_refused(owner: User, wish: dict[str, str]) -> None:
    answer = client_for(owner).get("/api/v1/search", {"mode": "look", "q": "a cat", **wish})
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == (f"?{next(iter(wish))}", "not_by_look")


def test_the_graph_finds_what_a_comparison_of_all_does(
    owner: User, made: list[Generation], space: AlignedSpace
) -> None:
    vector = space.embed_sentences([sentence_with_hits(space)[0]])[0].numpy()
    among = Generation.objects.visible_to(owner)
    weights = sentence_space().weights
    exact = nearest_looks(vector=vector, weights=weights, among=among)
    assert exact
    assert nearest_looks(vector=vector, weights=weights, among=among, exact_scope=2) == exact


def similar(user: User, row: Generation) -> dict[str, Any]:
    answer = client_for(user).get(f"/api/v1/generations/{row.id}/similar", {"by": "look"})
    assert answer.status_code == 200, answer.content
    body: dict[str, Any] = answer.json()
    return body


def test_pictures_that_look_like_one(
    owner: User, made: list[Generation], space: AlignedSpace
) -> None:
    twin = make_drawn(owner=owner, content=drawing(4), prompt="something else")
    upload = keep_upload(owner=owner, content=drawing(4)).upload
    Eyes().take_turn(seconds=60.0, go_on=lambda: True)
    body = similar(owner, made[4])
    assert ids(body)[0] == str(twin.id)
    assert str(made[4].id) not in ids(body)
    assert body["data"][0]["score"] == pytest.approx(1.0, abs=2e-3)
    path = f"/api/v1/uploads/{upload.id}/similar"
    found = client_for(owner).get(path, {"limit": "2"}).json()
    assert set(ids(found)) == {str(twin.id), str(made[4].id)}
    assert client_for(make_user()).get(path).status_code == 404
    assert client_for(owner).get(path, {"by": "meaning"}).status_code == 422
    assert (
        client_for(owner)
        .get(f"/api/v1/generations/{twin.id}/similar", {"by": "smell"})
        .status_code
        == 422
    )


def refusal(user: User, path: str) -> tuple[int, str, str]:
    answer = client_for(user).get(path)
    body = answer.json()
    return answer.status_code, body["code"], body["detail"]


def test_a_picture_without_a_vector_is_refused_with_the_reason(
    owner: User, model: Checkpoint
) -> None:
    strange = make_drawn(owner=owner, content=b"no picture at all")
    Eyes().take_turn(seconds=60.0, go_on=lambda: True)
    waiting = make_drawn(owner=owner, content=drawing(1))
    text = make_done(owner=owner, checkpoint=image_model("t", modality="text"))
    for row, words in (
        (strange, "it is no picture that can be read"),
        (waiting, "not looked at yet"),
        (text, "has no picture"),
    ):
        status, code, detail = refusal(owner, f"/api/v1/generations/{row.id}/similar?by=look")
        assert (status, code) == (409, "not_seen")
        assert words in detail


def test_without_a_usable_network_the_reason_is_told(
    owner: User, model: Checkpoint, settings: Settings, tmp_path: Path, seeing: Path
) -> None:
    row = make_drawn(owner=owner, content=drawing(1))
    damaged = make_alignment(tmp_path / "damaged")
    (damaged / "weights.safetensors").write_bytes(b"rust")
    cardless = make_alignment(tmp_path / "cardless")
    (cardless / "card.json").write_text("{}")
    for folder, words in (
        (tmp_path / "nowhere", "no network for pictures and sentences is installed"),
        (damaged, "is not the one of its card"),
        (cardless, "is not a card"),
        (make_alignment(tmp_path / "wide", dims=64), "64 numbers instead of 128"),
        (make_alignment(tmp_path / "foreign", width=32), "sentence vectors of 32 numbers"),
    ):
        settings.PINAKES_ALIGNMENT = folder
        for path in (
            "/api/v1/search?mode=look&q=cat",
            f"/api/v1/generations/{row.id}/similar?by=look",
        ):
            status, code, detail = refusal(owner, path)
            assert (status, code) == (409, "looks_unavailable")
            assert words in detail
    assert client_for(owner).get("/api/v1/search?q=cat").status_code == 200
    # What is put there is used without a restart.
    settings.PINAKES_ALIGNMENT = seeing
    assert client_for(owner).get("/api/v1/search?mode=look&q=cat").status_code == 200


def test_vectors_of_another_network_are_never_compared(
    owner: User, made: list[Generation], settings: Settings, tmp_path: Path
) -> None:
    settings.PINAKES_ALIGNMENT = make_alignment(tmp_path / "other", seed=2)
    assert Look.objects.count() == 12
    assert look(owner, q="anything")["data"] == []
    status, code, _ = refusal(owner, f"/api/v1/generations/{made[0].id}/similar?by=look")
    assert (status, code) == (409, "not_seen")


def test_no_more_are_ranked_than_are_worth_it(
    owner: User, made: list[Generation], space: AlignedSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queries, "MAX_PLACES", 2)
    sentence, _ = sentence_with_hits(space)
    body = look(owner, q=sentence)
    assert len(body["data"]) == body["total"] == 2
    assert look(owner, q=sentence, offset="500")["data"] == []


def test_all_that_was_found_by_look_can_be_changed(
    owner: User, made: list[Generation], space: AlignedSpace
) -> None:
    sentence, _ = sentence_with_hits(space)
    found = ids(look(owner, q=sentence))
    body = {"action": "tag", "tags": ["seen"], "search": {"q": sentence, "mode": "look"}}
    answer = client_for(owner).post("/api/v1/generations/bulk", body, format="json")
    assert answer.status_code in {200, 201}, answer.content
    assert answer.json()["changed"] == len(found)
    assert set(ids(look(owner, q=sentence, tag="seen"))) == set(found)
