"""REST: prompts that are kept, for owners, strangers, reviewers and the careless."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_checkpoint, make_user
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation
from webapp.jobs.models import JobState
from webapp.prompts import operations
from webapp.prompts.models import PromptTemplate, PromptVersion
from webapp.prompts.operations import TemplateWish, Words

pytestmark = pytest.mark.django_db

BOOT = "A {{material}} boot, {{ view }} view"


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def model() -> Checkpoint:
    return make_checkpoint()


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def make(owner: User, **changes: Any) -> Any:
    body = {"name": "Boots", "text": BOOT, "defaults": {"view": "side"}, **changes}
    return client_for(owner).post("/api/v1/prompts", body, format="json")


def generate(owner: User, template: dict[str, Any], **more: Any) -> Any:
    body = {"model": "toy-text", "template": template, **more}
    return client_for(owner).post("/api/v1/generations", body, format="json")


def test_a_prompt_is_kept_with_versions_that_never_change(owner: User) -> None:
    made = make(owner)
    assert made.status_code == 201
    assert made.json()["latest"]["variables"] == ["material", "view"]
    address, client = made["Location"], client_for(owner)
    words = {"text": "A {{material}} shoe", "note": "shoes"}
    second = client.post(f"{address}/versions", words, format="json")
    assert second.json()["number"] == 2
    again = client.post(f"{address}/versions", words, format="json")
    assert again.json()["number"] == 2, "the same words are no new version"
    assert client.get(f"{address}/versions/1").json()["text"] == BOOT
    assert [each["number"] for each in client.get(f"{address}/versions").json()["data"]] == [2, 1]
    assert client.get(f"{address}/versions/3").status_code == 404


def test_a_label_moves_and_is_what_a_use_may_name(owner: User) -> None:
    address, client = make(owner)["Location"], client_for(owner)
    client.post(f"{address}/versions", {"text": "Version two"}, format="json")
    label = f"{address}/labels/production"
    assert client.put(label, {"version": 1}, format="json").json()["labels"] == {"production": 1}
    render = {"label": "production", "variables": {"material": "felt"}}
    rendered = client.post(f"{address}/render", render, format="json").json()
    assert rendered == {"text": "A felt boot, side view", "version": 1}
    client.put(label, {"version": 2}, format="json")
    rendered = client.post(f"{address}/render", {"label": "production"}, format="json").json()
    assert rendered == {"text": "Version two", "version": 2}
    assert client.put(label, {"version": 9}, format="json").status_code == 422
    assert client.put(f"{address}/labels/latest", {"version": 1}, format="json").status_code == 422
    for _ in range(2):
        assert client.delete(label).status_code == 204
    assert client.post(f"{address}/render", render, format="json").status_code == 422


def test_values_are_put_in_once_and_as_they_are(owner: User) -> None:
    address = make(owner)["Location"]
    values = {"material": "{{view}}", "view": "{{material}} \\1"}
    body = {"variables": values}
    said = client_for(owner).post(f"{address}/render", body, format="json").json()["text"]
    assert said == "A {{view}} boot, {{material}} \\1 view"


def test_every_fault_of_a_use_is_told_at_once(owner: User, model: Checkpoint) -> None:
    template_id = make(owner).json()["id"]
    refused = generate(owner, {"id": template_id, "variables": {"colour": "red", "view": 3}})
    assert refused.status_code == 422
    assert {(each["pointer"], each["code"]) for each in refused.json()["errors"]} == {
        ("/template/variables/material", "required"),
        ("/template/variables/colour", "unknown_variable"),
        ("/template/variables/view", "invalid"),
    }
    assert not Generation.objects.exists()


@pytest.mark.parametrize(
    "change",
    [
        {"text": "  "},
        {"name": " "},
        {"text": "x" * 100_001},
        {"text": "nul \x00"},
        {"defaults": {"nothing": "x"}},
        {"defaults": {"view": 3}},
        {"text": " ".join(f"{{{{v{n}}}}}" for n in range(33)), "defaults": {}},
        {"colour": "red"},
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_stored(
    owner: User, change: dict[str, Any]
) -> None:
    assert make(owner, **change).status_code == 422
    assert not PromptTemplate.objects.exists()


def test_a_generation_remembers_the_version_and_the_values(owner: User, model: Checkpoint) -> None:
    template_id = make(owner).json()["id"]
    used = {"id": template_id, "variables": {"material": "leather"}}
    made = generate(owner, used).json()
    assert made["prompt"] == "A leather boot, side view"
    assert made["template"] == {
        "id": template_id,
        "version": 1,
        "variables": {"material": "leather"},
    }
    row = Generation.objects.get(id=made["id"])
    type(row.job).objects.filter(id=row.job_id).update(
        state=JobState.CANCELED, finished_at=row.created_at
    )
    retried = client_for(owner).post(f"/api/v1/generations/{row.id}/retry").json()
    assert retried["template"] == made["template"]


def test_a_prompt_and_a_template_are_not_both_taken(owner: User, model: Checkpoint) -> None:
    template_id = make(owner, text="plain", defaults={}).json()["id"]
    assert generate(owner, {"id": template_id}, prompt="too").status_code == 422
    neither = client_for(owner).post("/api/v1/generations", {"model": "toy-text"}, format="json")
    assert neither.json()["errors"] == [
        {"pointer": "/prompt", "code": "required", "detail": "This field is required."}
    ]


def test_a_change_can_depend_on_what_was_read(owner: User) -> None:
    made = make(owner)
    address, client, tag = made["Location"], client_for(owner), made["ETag"]
    words = {"text": "two"}
    kept = client.post(f"{address}/versions", words, format="json", headers={"If-Match": tag})
    assert kept.status_code == 201
    late = client.patch(address, {"name": "Late"}, format="json", headers={"If-Match": tag})
    assert late.status_code == 412
    assert client.get(address).json()["name"] == "Boots"


def test_the_trash_frees_the_name_and_gives_back_only_a_free_one(
    owner: User, model: Checkpoint
) -> None:
    made = make(owner)
    address, client = made["Location"], client_for(owner)
    assert make(owner, name="boots").status_code == 409
    for _ in range(2):
        assert client.delete(address).status_code == 204
    assert client.get("/api/v1/prompts").json()["data"] == []
    assert len(client.get("/api/v1/prompts?trashed=true").json()["data"]) == 1
    assert generate(owner, {"id": made.json()["id"]}).status_code == 422
    assert make(owner, name="boots").status_code == 201
    assert client.post(f"{address}/restore").status_code == 409
    client.patch(address, {"name": "Old boots"}, format="json")
    assert client.post(f"{address}/restore").json()["trashed_at"] is None


def test_a_key_makes_one_prompt(owner: User) -> None:
    body = {"name": "Boots", "text": BOOT}
    client, headers = client_for(owner), {"Idempotency-Key": "one"}
    answers = [
        client.post("/api/v1/prompts", body, format="json", headers=headers) for _ in range(2)
    ]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = client.post(
        "/api/v1/prompts", {**body, "text": "other"}, format="json", headers=headers
    )
    assert other.status_code == 422


@pytest.mark.parametrize(("role", "status"), [(Role.AUTHOR, 404), (Role.REVIEWER, 403)])
def test_others_change_nothing(owner: User, role: Role, status: int) -> None:
    address, other = make(owner)["Location"], client_for(make_user(role))
    assert other.patch(address, {"name": "Mine"}, format="json").status_code == status
    assert other.delete(address).status_code == status
    assert other.post(f"{address}/versions", {"text": "x"}, format="json").status_code == status
    label = other.put(f"{address}/labels/mine", {"version": 1}, format="json")
    assert label.status_code == status
    assert PromptVersion.objects.count() == 1


def test_a_stranger_cannot_generate_from_it(owner: User, model: Checkpoint) -> None:
    template_id = make(owner).json()["id"]
    refused = generate(make_user(), {"id": template_id, "variables": {"material": "felt"}})
    unknown = generate(make_user(), {"id": str(uuid.uuid4()), "variables": {"material": "felt"}})
    assert refused.json()["errors"] == unknown.json()["errors"]
    assert refused.json()["errors"][0]["pointer"] == "/template/id"


def test_the_list_takes_as_many_queries_for_many(owner: User) -> None:
    def count() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            client_for(owner).get("/api/v1/prompts?limit=200")
        return len(queries)

    make(owner)
    few = count()
    for number in range(20):
        make(owner, name=f"Boots {number}")
    assert count() == few


@pytest.mark.django_db(transaction=True)
def test_versions_written_at_once_follow_each_other() -> None:
    owner = make_user()
    template = operations.create_template(
        owner=owner, wish=TemplateWish("Boots"), words=Words("one")
    )

    def write(number: int) -> None:
        operations.add_version(template=template, author=owner, words=Words(f"text {number}"))
        close_old_connections()
        connection.close()

    threads = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    numbers = PromptVersion.objects.filter(template=template).values_list("number", flat=True)
    assert sorted(numbers) == [1, 2, 3, 4, 5, 6, 7]
