"""Generations that start from files, from the request to the result and to the next request."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from rest_framework.test import APIClient

from tasks.generation_loop import GenerationLoop
from tests.factories import make_card, make_checkpoint, make_user
from tests.generations.pictures import (
    PICTURE,
    NegativeGenerator,
    decode,
    grey_png,
    negative_card,
)
from tests.generations.test_loop import FakeGenerators, FakeProcess, Foreground
from webapp.accounts.models import User
from webapp.common.storage import blob_path
from webapp.generations.models import Generation, Upload
from webapp.generations.upload_operations import keep_upload

pytestmark = pytest.mark.django_db
LIST = "/api/v1/generations"


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


@pytest.fixture(autouse=True)
def eager_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tasks.generation_loop.LOOK_SECONDS", 0)
    monkeypatch.setattr("tasks.generation_loop.LINGER_SECONDS", 0)


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def client(owner: User) -> APIClient:
    make_checkpoint(negative_card())
    return client_for(owner)


@pytest.fixture
def upload(owner: User) -> Upload:
    return keep_upload(owner=owner, content=grey_png(55), name="cat.png").upload


def post(client: APIClient, inputs: dict[str, Any], **body: Any) -> Any:
    wish = {"model": "negative", "prompt": "turn it", "inputs": inputs, **body}
    return client.post(LIST, wish, format="json")


def run_worker() -> None:
    """The worker's loop, until nothing is left to do."""
    generator: Any = NegativeGenerator(negative_card())
    GenerationLoop(
        process=FakeProcess(["family.diffusion"]),
        generators=FakeGenerators(generator),
        background=Foreground(),
        environment={},
    ).run_until_idle()


def result_of(client: APIClient, generation_id: str) -> dict[str, Any]:
    body: dict[str, Any] = client.get(f"{LIST}/{generation_id}").json()
    return body


def picture_at(client: APIClient, address: str) -> Any:
    return decode(client.get(address).getvalue())


def test_an_upload_goes_through_the_worker_and_its_result_into_the_next(
    client: APIClient, upload: Upload
) -> None:
    answer = post(client, {"image": {"upload": str(upload.id)}})
    assert answer.status_code == 202
    shown = answer.json()["inputs"]["image"]
    assert (shown["sha256"], shown["upload"]) == (upload.sha256, str(upload.id))
    run_worker()
    first = result_of(client, answer.json()["id"])
    assert first["status"] == "succeeded"
    assert (picture_at(client, first["artifacts"][0]["url"]) == 200).all()

    artifact = {"artifact": first["artifacts"][0]["id"]}
    nothing = keep_upload(owner=upload.owner, content=grey_png(0)).upload
    answer = post(client, {"image": artifact, "mask": {"upload": str(nothing.id)}})
    run_worker()
    second = result_of(client, answer.json()["id"])
    assert second["inputs"]["image"]["artifact"] == first["artifacts"][0]["id"]
    assert (picture_at(client, second["artifacts"][0]["url"]) == 200).all()


def test_it_is_made_again_exactly_after_its_upload_was_deleted(
    client: APIClient, upload: Upload
) -> None:
    made = post(client, {"image": {"upload": str(upload.id)}}, seed=1).json()
    run_worker()
    assert client.delete(f"/api/v1/uploads/{upload.id}").status_code == 204
    assert (picture_at(client, made["inputs"]["image"]["url"]) == 55).all()
    again = client.post(f"{LIST}/{made['id']}/reproduce")
    assert again.status_code == 202
    run_worker()
    assert result_of(client, again.json()["id"])["reproduction"]["verdict"] == "bit_exact"
    assert post(client, {"image": {"generation": made["id"]}}).status_code == 202
    assert post(client, {"image": {"upload": str(upload.id)}}).status_code == 422


def test_a_lost_file_fails_its_own_job_and_a_retry_takes_the_same_file(
    client: APIClient, owner: User, upload: Upload
) -> None:
    other = keep_upload(owner=owner, content=grey_png(77)).upload
    lost = post(client, {"image": {"upload": str(upload.id)}}).json()
    fine = post(client, {"image": {"upload": str(other.id)}}).json()
    path = blob_path(upload.sha256)
    content = path.read_bytes()
    path.unlink()
    run_worker()
    assert result_of(client, lost["id"])["status_reason"]["code"] == "input_lost"
    assert result_of(client, fine["id"])["status"] == "succeeded"
    path.write_bytes(content)
    retried = client.post(f"{LIST}/{lost['id']}/retry").json()
    assert retried["inputs"]["image"]["sha256"] == upload.sha256
    run_worker()
    assert result_of(client, retried["id"])["status"] == "succeeded"


def test_a_strangers_files_are_as_good_as_missing(client: APIClient, upload: Upload) -> None:
    made = post(client, {"image": {"upload": str(upload.id)}}).json()
    run_worker()
    artifact = result_of(client, made["id"])["artifacts"][0]["id"]
    stranger = client_for(make_user())
    for reference in (
        {"upload": str(upload.id)},
        {"artifact": artifact},
        {"generation": made["id"]},
    ):
        answer = post(stranger, {"image": reference})
        [fault] = answer.json()["errors"]
        assert (answer.status_code, fault["code"]) == (422, "not_found")
        assert fault["pointer"] == "/inputs/image"
    assert stranger.get(made["inputs"]["image"]["url"]).status_code == 404
    assert client.get(f"{LIST}/{made['id']}/inputs/mask/content").status_code == 404
    assert Generation.objects.count() == 1


@pytest.mark.parametrize(
    ("inputs", "pointers"),
    [
        ({}, {"/inputs/image"}),
        ({"image": {}}, {"/inputs/image"}),
        ({"image": {"upload": "x"}}, {"/inputs/image/upload"}),
        ({"image": {"file": "x"}}, {"/inputs/image/file"}),
        ({"image": "x"}, {"/inputs/image"}),
        ([], {"/inputs"}),
        ({f"n{i}": {"upload": "0" * 32} for i in range(17)}, {"/inputs"}),
    ],
)
def test_what_names_no_file_is_a_fault_in_its_place(
    client: APIClient, inputs: Any, pointers: set[str]
) -> None:
    answer = post(client, inputs)
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == pointers


def test_every_fault_is_told_at_once(client: APIClient, upload: Upload) -> None:
    ours = {"upload": str(upload.id)}
    answer = post(client, {"image": ours, "sketch": ours}, prompt=" ", tags=[""])
    faults = {fault["pointer"] for fault in answer.json()["errors"]}
    assert faults == {"/prompt", "/inputs/sketch", "/tags/0"}


def test_a_key_stands_for_the_files_too(client: APIClient, upload: Upload, owner: User) -> None:
    other = keep_upload(owner=owner, content=grey_png(77)).upload
    wish = {"model": "negative", "prompt": "turn it", "seed": 1}
    key = {"HTTP_IDEMPOTENCY_KEY": "once"}

    def send(used: Upload) -> Any:
        body = {**wish, "inputs": {"image": {"upload": str(used.id)}}}
        return client.post(LIST, body, format="json", **key)  # type: ignore[arg-type] # a header

    first = send(upload).json()
    assert send(upload).json()["id"] == first["id"]
    assert send(other).json()["code"] == "idempotency_key_reused"


def test_all_cells_of_a_batch_start_from_the_same_file(client: APIClient, upload: Upload) -> None:
    body = {
        "model": "negative",
        "prompts": ["one", "two"],
        "n": 2,
        "inputs": {"image": {"upload": str(upload.id)}},
    }
    assert client.post("/api/v1/batches", body, format="json").status_code == 202
    kept = [row.kept_inputs["image"].sha256 for row in Generation.objects.all()]
    assert kept == [upload.sha256] * 4
    del body["inputs"]
    answer = client.post("/api/v1/batches", body, format="json")
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/inputs/image"]


def test_the_model_that_is_chosen_takes_the_files_that_are_given(
    client: APIClient, upload: Upload
) -> None:
    make_checkpoint(make_card(summary="turn it"))
    made = post(client, {"image": {"upload": str(upload.id)}}, model="auto").json()
    assert made["model"]["slug"] == "negative"
    assert post(client, {}, model="auto").json()["model"]["slug"] == "toy-text"
    refused = post(client, {"sketch": {"upload": str(upload.id)}}, model="auto")
    assert (refused.status_code, refused.json()["code"]) == (409, "model_unavailable")


def test_a_result_that_is_no_picture_and_a_file_that_is_too_large_are_refused(
    client: APIClient, upload: Upload
) -> None:
    small = dataclasses.replace(PICTURE, max_bytes=10)
    words = dataclasses.replace(PICTURE, name="words", media_types=("text/plain",))
    make_checkpoint(negative_card("picky", inputs=(small, words)))
    ours = {"upload": str(upload.id)}
    answer = post(client, {"image": ours, "words": ours}, model="picky")
    assert {fault["code"] for fault in answer.json()["errors"]} == {
        "too_large",
        "unsupported_media_type",
    }
