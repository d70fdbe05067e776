"""REST: documents, from bringing one to its chunks, for its owner and for strangers."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.knowledge.documents import make_pdf
from tests.knowledge.ingesting import bring, claim, ingest
from webapp.accounts.models import Role, User
from webapp.jobs import operations as jobs
from webapp.knowledge.models import Source

pytestmark = pytest.mark.django_db

LIST = "/api/v1/documents"
TEXT = {"title": "Lamps", "text": "# Lamps\n\nLamps burn oil.", "media_type": "text/markdown"}


@pytest.fixture
def owner() -> User:
    return make_user()


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def upload(user: User, content: bytes, name: str) -> Any:
    file = SimpleUploadedFile(name, content, content_type="application/octet-stream")
    return client_for(user).post(LIST, {"file": file}, format="multipart")


def test_a_text_is_accepted_read_and_shown(owner: User) -> None:
    client = client_for(owner)
    accepted = client.post(LIST, TEXT, format="json")
    assert accepted.status_code == 202
    body = accepted.json()
    assert (body["status"], body["terminal"], body["title"]) == ("queued", False, "Lamps")
    assert accepted["Location"] == body["links"]["self"]
    ingest(claim())
    body = client.get(body["links"]["self"]).json()
    assert (body["status"], body["terminal"], body["num_passages"]) == ("indexed", True, 1)
    chunks = client.get(body["links"]["chunks"]).json()
    assert [chunk["text"] for chunk in chunks["data"]] == ["Lamps burn oil."]
    start, end = chunks["data"][0]["start"], chunks["data"][0]["end"]
    assert TEXT["text"][start:end] == "Lamps burn oil."


def test_the_same_document_again_is_the_same_one(owner: User) -> None:
    first = upload(owner, b"Lamps burn oil.", "lamps.txt")
    ingest(claim())
    again = upload(owner, b"Lamps burn oil.", "copy.txt")
    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json()["id"] == again.json()["id"]
    assert Source.objects.count() == 1


def test_a_pdf_is_taken_as_a_file(owner: User) -> None:
    response = upload(owner, make_pdf(["Lamps burn oil."]), "lamps.pdf")
    assert response.status_code == 202
    assert response.json()["media_type"] == "application/pdf"


@pytest.mark.parametrize(
    ("content", "name", "status", "code"),
    [
        (b"", "a.txt", 422, "unsupported_document"),
        (b"text", "a.pdf", 422, "unsupported_document"),
        (b"PK\x03\x04\x00", "a.txt", 422, "unsupported_document"),
        (b"x", "a.docm", 422, "unsupported_document"),
        (b"x" * 3_000, "a.txt", 413, "too_large"),
    ],
)
def test_a_bad_file_is_refused_with_the_reason(  # noqa: PLR0917 -- a table of cases
    owner: User, settings: Any, content: bytes, name: str, status: int, code: str
) -> None:
    settings.PINAKES_MAX_UPLOAD_BYTES = 2_000
    response = upload(owner, content, name)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"text": "x"},
        {"title": "x"},
        {"title": "x", "text": ""},
        {"title": "x", "text": "y", "z": 1},
        {"title": "x", "text": "y", "media_type": "application/pdf"},
        {"title": "x" * 301, "text": "y"},
        {"title": 5, "text": "y"},
        {"title": "x", "text": "y", "url": "http://8.8.8.8/"},
        {"url": "http://8.8.8.8/"},
    ],
)
def test_a_bad_body_is_refused(owner: User, body: dict[str, Any]) -> None:
    assert client_for(owner).post(LIST, body, format="json").status_code == 422
    assert not Source.objects.exists()


def test_a_failure_names_its_reason(owner: User) -> None:
    upload(owner, make_pdf(["secret"], password="hidden"), "locked.pdf")
    job = claim()
    jobs.fail_job(
        job_id=job.id, fence=job.fence, code="encrypted", detail="It is locked.", transient=False
    )
    row = client_for(owner).get(LIST).json()["data"][0]
    assert row["status"] == "failed"
    assert row["status_reason"] == {"code": "encrypted", "detail": "It is locked."}


def test_trash_and_restore(owner: User) -> None:
    source = bring(owner, b"Lamps burn oil.", "lamps.txt")
    client = client_for(owner)
    assert client.delete(f"{LIST}/{source.id}").status_code == 204
    assert client.get(LIST).json()["data"] == []
    assert len(client.get(LIST, {"trashed": "true"}).json()["data"]) == 1
    assert client.post(f"{LIST}/{source.id}/restore").json()["status"] == "indexed"
    assert len(client.get(LIST).json()["data"]) == 1


def test_chunks_come_in_pages_in_the_order_of_the_text(owner: User) -> None:
    source = bring(owner, b"\n\n".join(b"Paragraph %d. " % n * 60 for n in range(5)), "long.txt")
    client = client_for(owner)
    ordinals: list[int] = []
    cursor = ""
    while True:
        query = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        body = client.get(f"{LIST}/{source.id}/chunks", query).json()
        ordinals += [row["ordinal"] for row in body["data"]]
        if not body["has_more"]:
            break
        cursor = body["next_cursor"]
    assert ordinals == list(range(source.num_passages or 0))
    assert client.get(f"{LIST}/{source.id}/chunks", {"cursor": "x"}).status_code == 422


def test_a_list_takes_as_many_queries_for_many_as_for_one(
    owner: User, django_assert_num_queries: Any
) -> None:
    client = client_for(owner)
    assert not owner.sees_everything
    bring(owner, b"one", "a.txt")
    with django_assert_num_queries(2):
        client.get(LIST)
    for number in range(4):
        bring(owner, b"more %d" % number, f"{number}.txt")
    with django_assert_num_queries(2):
        assert len(client.get(LIST).json()["data"]) == 5


def test_a_stranger_reaches_nothing_of_it(owner: User) -> None:
    source = bring(owner, b"Lamps burn oil.", "lamps.txt")
    stranger = client_for(make_user())
    assert stranger.get(LIST).json()["data"] == []
    for method, path in [
        ("get", ""),
        ("get", "/chunks"),
        ("delete", ""),
        ("post", "/restore"),
        ("post", "/fetch"),
        ("get", "/versions"),
        ("post", "/versions/1/restore"),
    ]:
        assert getattr(stranger, method)(f"{LIST}/{source.id}{path}").status_code == 404
        assert getattr(APIClient(), method)(f"{LIST}/{source.id}{path}").status_code in {401, 403}
    assert stranger.get(f"{LIST}/{uuid.uuid4()}").status_code == 404


def test_a_reviewer_reads_but_does_not_change(owner: User) -> None:
    source = bring(owner, b"Lamps burn oil.", "lamps.txt")
    reviewer = client_for(make_user(Role.REVIEWER))
    assert reviewer.get(f"{LIST}/{source.id}").status_code == 200
    assert reviewer.delete(f"{LIST}/{source.id}").status_code == 403
    admin = client_for(make_user(Role.ADMIN))
    assert admin.delete(f"{LIST}/{source.id}").status_code == 204


def test_a_key_stands_for_one_document(owner: User) -> None:
    client, headers = client_for(owner), {"Idempotency-Key": "k1"}
    first, second = (client.post(LIST, TEXT, format="json", headers=headers) for _ in range(2))
    assert first.json()["id"] == second.json()["id"]
    other = client.post(LIST, {**TEXT, "text": "# Tea"}, format="json", headers=headers)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Source.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_trash_and_restore_work_outside_of_a_transaction(owner: User) -> None:
    client = client_for(owner)
    address = client.post(LIST, TEXT, format="json").json()["links"]["self"]
    assert client.delete(address).status_code == 204
    assert client.post(f"{address}/restore").status_code == 200
