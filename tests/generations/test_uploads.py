"""REST: pictures that people bring for generations to start from."""

from __future__ import annotations

import io
import uuid
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.generations.pictures import decode, encode, grey_png
from webapp.accounts.models import Role, User
from webapp.common.storage import read_blob
from webapp.generations.models import Upload

pytestmark = pytest.mark.django_db
UPLOADS = "/api/v1/uploads"


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def send(client: APIClient, content: bytes, name: str = "cat.png") -> Any:
    return client.post(UPLOADS, {"file": SimpleUploadedFile(name, content)}, format="multipart")


@pytest.fixture
def owner() -> User:
    return make_user()


@pytest.fixture
def client(owner: User) -> APIClient:
    return client_for(owner)


def test_a_picture_is_kept_listed_served_and_deleted(client: APIClient) -> None:
    answer = send(client, grey_png(9), name="C:\\holiday\\cat.png")
    body = answer.json()
    assert answer.status_code == 201
    assert answer["Location"] == body["links"]["self"]
    assert (body["name"], body["width"], body["height"]) == ("cat.png", 6, 4)
    assert client.get(body["links"]["self"]).json() == body
    assert [row["id"] for row in client.get(UPLOADS).json()["data"]] == [body["id"]]
    content = client.get(body["links"]["content"])
    assert content["Content-Type"] == "image/png"
    assert (decode(content.getvalue()) == 9).all()
    assert client.delete(body["links"]["self"]).status_code == 204
    assert client.get(body["links"]["self"]).status_code == 404
    assert client.delete(body["links"]["self"]).status_code == 404


def test_the_same_picture_again_is_the_same_upload_of_its_owner(client: APIClient) -> None:
    first = send(client, grey_png(1), name="first.png")
    again = send(client, grey_png(1), name="second.png")
    assert (again.status_code, again.json()) == (200, first.json())
    other = send(client_for(make_user()), grey_png(1))
    assert other.status_code == 201
    assert other.json()["id"] != first.json()["id"]


def test_a_stranger_is_answered_like_for_a_missing_one(client: APIClient) -> None:
    links = send(client, grey_png(1)).json()["links"]
    stranger = client_for(make_user())
    for address in links.values():
        assert stranger.get(address).status_code == 404
    assert stranger.delete(links["self"]).status_code == 404
    assert stranger.get(UPLOADS).json()["data"] == []
    reviewer = client_for(make_user(Role.REVIEWER))
    assert reviewer.get(links["self"]).status_code == 200
    assert reviewer.delete(links["self"]).status_code == 403
    assert Upload.objects.count() == 1


def test_what_is_kept_is_upright_and_holds_nothing_beside_its_pixels(client: APIClient) -> None:
    tags = Image.Exif()
    tags[0x0112] = 6  # the camera was held upright: to be turned by 90 degrees
    tags[0x010F] = "a camera that tells who holds it"
    lying = np.zeros((8, 32, 3), dtype=np.uint8)
    lying[:, :16] = 255
    body = send(client, encode(lying, "JPEG", exif=tags, quality=95), name="cat.jpg").json()
    assert (body["media_type"], body["width"], body["height"]) == ("image/png", 8, 32)
    kept = read_blob(body["sha256"])
    assert b"camera" not in kept
    assert decode(kept)[0].min() > 200
    assert decode(kept)[-1].max() < 50


def test_sixteen_bits_of_grey_become_eight_and_long_sides_shorter(client: APIClient) -> None:
    deep = np.tile(np.linspace(0, 65535, 2048).astype(np.uint16), (4, 1))
    body = send(client, encode(deep)).json()
    assert (body["width"], body["height"]) == (1024, 2)
    pixels = decode(read_blob(body["sha256"]))
    assert pixels.min() < 20
    assert pixels.max() > 235


def _moving() -> bytes:
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    written = io.BytesIO()
    frames[0].save(written, "WEBP", save_all=True, append_images=frames[1:])
    return written.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
        (encode(np.zeros((4, 4), dtype=np.uint8), "GIF"), "not_a_picture"),
        (grey_png(1, width=200, height=200)[:120], "damaged"),
        (grey_png(0, width=6000, height=6000), "too_many_pixels"),
        (grey_png(0, width=20_000, height=20_000), "too_many_pixels"),
        (_moving(), "too_many_frames"),
    ],
    ids=["no picture", "other format", "cut off", "large", "bomb", "moving"],
)
def test_a_file_that_is_no_safe_picture_is_refused(
    client: APIClient, content: bytes, code: str
) -> None:
    answer = send(client, content)
    problem = answer.json()
    assert answer.status_code == 422
    assert problem["code"] == "unsupported_picture"
    assert [(fault["pointer"], fault["code"]) for fault in problem["errors"]] == [("/file", code)]
    assert not Upload.objects.exists()


def test_limits_of_size_and_number_are_told(client: APIClient, settings: Any) -> None:
    settings.PINAKES_MAX_UPLOADS_PER_OWNER = 1
    first = send(client, grey_png(1)).json()
    refused = send(client, grey_png(2))
    assert (refused.status_code, refused.json()["code"]) == (409, "too_many_uploads")
    assert send(client, grey_png(1)).status_code == 200
    client.delete(first["links"]["self"])
    assert send(client, grey_png(2)).status_code == 201
    settings.PINAKES_MAX_UPLOAD_BYTES = 10
    assert send(client, grey_png(3)).status_code == 413


def test_a_body_without_a_file_is_refused(client: APIClient) -> None:
    answer = client.post(UPLOADS, {"picture": "cat"}, format="multipart")
    assert answer.status_code == 422
    assert {fault["pointer"] for fault in answer.json()["errors"]} == {"/file", "/picture"}
    assert client.post(UPLOADS, {"file": "cat"}, format="json").status_code == 415
    assert client.get(f"{UPLOADS}/{uuid.uuid4()}").status_code == 404
