"""Lineage: all that led to a result and came of it, and nothing of what its reader may not see."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_checkpoint, make_generation, make_user
from tests.pages.makers import make_batch, make_done
from webapp.accounts.models import Role, User
from webapp.chats.models import Chat, Turn
from webapp.collections.operations import CollectionWish, add_items, create_collection
from webapp.collections.queries import ItemReference
from webapp.generations.inputs import KeptInput
from webapp.generations.models import Generation, Reproduction, Upload
from webapp.grounding.models import Answer, Citation
from webapp.prompts.models import PromptVersion
from webapp.prompts.operations import TemplateWish, Words, create_template

pytestmark = pytest.mark.django_db


def read(user: User, generation: Generation, **query: str) -> Any:
    client = APIClient()
    client.force_authenticate(user)
    return client.get(f"/api/v1/generations/{generation.id}/lineage", query)


def change(generation: Generation, **values: Any) -> Generation:
    Generation.objects.filter(id=generation.id).update(**values)
    return generation


def edges_of(document: dict[str, Any]) -> set[tuple[str, str, str]]:
    names = {node["key"]: node["title"] for node in document["nodes"]}
    return {
        (names[edge["origin"]], edge["kind"], names[edge["result"]]) for edge in document["edges"]
    }


def remix(owner: User, parent: Generation, prompt: str) -> Generation:
    return change(make_generation(owner=owner, prompt=prompt), parent=parent)


def quote(owner: User, generation: Generation, question: str) -> Answer:
    answer = Answer.objects.create(
        owner=owner, question=question, found=True, confidence=0.9, num_passages=1,
        include_generations=True, space="none", took_ms=1.0,
    )  # fmt: skip
    for ordinal in range(2):
        Citation.objects.create(
            answer=answer, ordinal=ordinal, number=1, generation=generation,
            quote="so", start=0, end=2, score=0.9,
        )  # fmt: skip
    return answer


def test_everything_that_led_to_a_result_and_came_of_it_is_told():
    owner = make_user()
    first = make_done(owner=owner, prompt="first")
    artifact = first.response.artifacts.get()
    upload = Upload.objects.create(
        owner=owner, sha256="a" * 64, size=1, media_type="image/png", name="sketch.png",
        width=1, height=1,
    )  # fmt: skip
    given = {
        "image": KeptInput("a" * 64, 1, "image/png", upload_id=upload.id).to_json(),
        "mask": KeptInput("b" * 64, 1, "image/png", artifact_id=artifact.id).to_json(),
    }
    template = create_template(owner=owner, wish=TemplateWish("kept words"), words=Words("middle"))
    version = PromptVersion.objects.get(template=template)
    middle = change(
        make_generation(owner=owner, prompt="middle"), inputs=given, prompt_version=version
    )
    remixed = remix(owner, middle, "remixed")
    retried = change(make_generation(owner=owner, prompt="retried"), retried_from=remixed)
    again = make_generation(owner=owner, prompt="again")
    Reproduction.objects.create(generation=again, original=middle, original_sha256="c" * 64)
    referring = change(make_generation(owner=owner, prompt="referring"), reference=middle)
    batch = make_batch(owner, n=2)
    change(referring, batch=batch, batch_place=2)
    chat = Chat.objects.create(
        owner=owner, title="a chat", grounded=False, checkpoint=middle.checkpoint
    )
    Turn.objects.create(chat=chat, question="?", generation=remixed)
    quote(owner, middle, "what so?")
    kept = create_collection(owner=owner, wish=CollectionWish("good ones"))
    add_items(collection=kept, items=[ItemReference(generation_id=middle.id)])
    make_generation(owner=owner, prompt="by itself")
    document = read(owner, middle).json()
    assert edges_of(document) == {
        ("first", "input", "middle"),
        ("sketch.png", "upload", "middle"),
        ("kept words", "prompt", "middle"),
        ("middle", "parent", "remixed"),
        ("remixed", "retry", "retried"),
        ("middle", "reproduction", "again"),
        ("middle", "reference", "referring"),
        (str(batch), "batch", "referring"),
        ("a chat", "chat", "remixed"),
        ("middle", "citation", "what so?"),
        ("middle", "collection", "good ones"),
    }
    assert document["nodes"][0]["id"] == str(middle.id)
    assert not document["truncated"]
    from_the_end = edges_of(read(owner, retried).json())
    assert ("first", "input", "middle") in from_the_end
    assert ("middle", "reference", "referring") not in from_the_end
    from_the_start = edges_of(read(owner, first).json())
    assert {("first", "input", "middle"), ("remixed", "retry", "retried")} <= from_the_start


def test_what_belongs_to_others_is_neither_told_nor_followed():
    owner, other = make_user(), make_user()
    start = make_generation(owner=owner, prompt="mine")
    theirs = remix(other, start, "theirs")
    remix(owner, theirs, "behind theirs")
    quote(other, start, "their question")
    shared = create_collection(owner=make_user(Role.REVIEWER), wish=CollectionWish("theirs"))
    add_items(collection=shared, items=[ItemReference(generation_id=start.id)])
    mine = read(owner, start).json()
    assert ([node["title"] for node in mine["nodes"]], mine["edges"]) == (["mine"], [])
    assert read(other, start).status_code == 404
    seen = edges_of(read(make_user(Role.REVIEWER), start).json())
    assert ("theirs", "parent", "behind theirs") in seen


def test_a_long_line_is_cut_at_the_limit_in_as_many_queries_as_a_short_one():
    owner = make_user()
    make_checkpoint()
    line = [make_generation(owner=owner, prompt="0")]
    for number in range(1, 12):
        line.append(remix(owner, line[-1], str(number)))
    middle = line[6]
    counts = []
    for generation in (make_generation(owner=owner, prompt="alone"), middle):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert read(owner, generation).status_code == 200
        counts.append(len(queries))
    assert counts[0] == counts[1]
    cut = read(owner, middle, limit="8").json()
    assert cut["truncated"]
    # All six that led to it, and the two that are nearest of those that came of it.
    assert {node["title"] for node in cut["nodes"]} == {str(number) for number in range(9)}
    assert not read(owner, middle, limit="11").json()["truncated"]
    for query in ({"limit": "0"}, {"limit": "501"}, {"depth": "3"}):
        assert read(owner, middle, **query).status_code == 422


def test_the_page_nests_both_sides_and_names_what_is_reached_twice_once(client: Client):
    owner = make_user()
    client.force_login(owner)
    start = make_generation(owner=owner, prompt="start")
    page = f"/generations/{start.id}/lineage"
    assert "nothing came of it yet" in client.get(page).content.decode()
    one, other = remix(owner, start, "one way"), remix(owner, start, "other way")
    joined = change(remix(owner, one, "joined"), reference=other)
    last = joined
    for number in range(12):
        last = remix(owner, last, f"later {number}")
    shown = client.get(page).content.decode()
    assert "Where it came from" not in shown
    assert shown.count(f'href="/generations/{joined.id}"') == 2
    assert shown.count("shown elsewhere as well") == 1
    assert f'href="/generations/{last.id}"' in shown
    assert "Where it came from" in client.get(f"/generations/{last.id}/lineage").content.decode()
    assert client.get(f"/generations/{uuid.uuid4()}/lineage").status_code == 404
