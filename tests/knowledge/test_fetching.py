"""Documents brought by their address: by the worker, within limits, and again."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.knowledge.conftest import Site
from tests.knowledge.ingesting import bring, claim, ingest
from tests.search.factories import EMBEDDER
from webapp.accounts.models import User
from webapp.jobs.models import JobState
from webapp.knowledge.fetching import fetch_document
from webapp.knowledge.media import MARKDOWN, PDF, UnableToReadDocument
from webapp.knowledge.models import Source, SourceVersion
from webapp.knowledge.operations import (
    UnableToFetchAgain,
    UnableToTakeDocument,
    fetch_again,
    submit_address,
)
from webapp.search.queries import hybrid_search

pytestmark = pytest.mark.django_db

PAGE = b"<title>On lamps</title><h1>Lamps</h1><p>Lamps burn oil.</p>"


@pytest.fixture
def owner() -> User:
    return make_user()


def fetch(owner: User, url: str) -> Source:
    submitted = submit_address(owner=owner, url=url)
    ingest(claim())
    return Source.objects.select_related("job").get(id=submitted.source_id)


def found_texts(user: User, query: str) -> list[str]:
    hits = hybrid_search(user=user, query=query, embedder=EMBEDDER).hits
    return [hit.text for hit in hits]


def test_a_page_is_fetched_by_the_worker_and_says_what_it_is_called(
    owner: User, site: Site
) -> None:
    url = site.put("/lamps", PAGE)
    submitted = submit_address(owner=owner, url=f"{url}#part")
    assert site.asked == []
    waiting = Source.objects.get(id=submitted.source_id)
    assert (waiting.url, waiting.size, waiting.version) == (url, 0, None)
    ingest(claim())
    source = Source.objects.select_related("job").get(id=submitted.source_id)
    assert (source.status, source.title, source.version) == ("indexed", "On lamps", 1)
    assert source.fetched_at is not None
    assert found_texts(owner, "oil") == ["Lamps burn oil."]


def test_a_given_title_stays(owner: User, site: Site) -> None:
    submit_address(owner=owner, url=site.put("/a", PAGE), title="Mine")
    ingest(claim())
    assert Source.objects.get().title == "Mine"


def test_the_type_is_what_the_server_says_or_else_the_name(site: Site) -> None:
    assert fetch_document(site.put("/x.html", b"%PDF-1.4 x", "application/pdf")).media_type == PDF
    found = fetch_document(site.put("/notes.md?raw=1", b"# Lamps", "text/plain"))
    assert (found.media_type, found.file_name) == (MARKDOWN, "notes.md")
    found = fetch_document(site.put("/get", b"%PDF-1.4 x", "application/octet-stream"))
    assert found.media_type == PDF


def test_fetched_again_the_next_version_takes_the_place_of_the_first(
    owner: User, site: Site
) -> None:
    url = site.put("/lamps", PAGE)
    source = fetch(owner, url)
    site.put("/lamps", PAGE.replace(b"oil", b"gas"))
    submitted = fetch_again(source=source)
    assert (submitted.source_id, submitted.version) == (source.id, 2)
    assert fetch_again(source=Source.objects.get(id=source.id)).is_new_version is False
    assert found_texts(owner, "lamps") == ["Lamps burn oil."]
    ingest(claim())
    assert found_texts(owner, "lamps") == ["Lamps burn gas."]
    assert Source.objects.get().version == 2


def test_what_has_not_changed_makes_no_version(owner: User, site: Site) -> None:
    source = fetch(owner, site.put("/lamps", PAGE))
    again = submit_address(owner=owner, url=source.url)
    assert (again.source_id, again.is_new) == (source.id, False)
    assert ingest(claim()) == JobState.SUCCEEDED
    fetched = Source.objects.select_related("job").get()
    assert (fetched.version, fetched.status) == (1, "indexed")
    assert SourceVersion.objects.count() == 1
    assert fetched.fetched_at is not None
    assert source.fetched_at is not None
    assert fetched.fetched_at > source.fetched_at
    assert found_texts(owner, "lamps") == ["Lamps burn oil."]


def test_a_page_that_went_away_leaves_what_was_read(owner: User, site: Site) -> None:
    source = fetch(owner, site.put("/lamps", PAGE))
    site.put("/lamps", b"gone", status=410)
    fetch_again(source=source)
    with pytest.raises(UnableToReadDocument) as refused:
        ingest(claim())
    assert (refused.value.code, refused.value.transient) == ("not_served", False)
    assert found_texts(owner, "lamps") == ["Lamps burn oil."]


def test_the_same_bytes_from_a_file_and_from_an_address_are_two_documents(
    owner: User, site: Site
) -> None:
    fetch(owner, site.put("/lamps", PAGE))
    bring(owner, PAGE, "lamps.html")
    assert Source.objects.count() == 2


@pytest.mark.parametrize(
    ("status", "kind", "code", "transient"),
    [
        (404, "text/html", "not_served", False),
        (503, "text/html", "not_served", True),
        (429, "text/html", "not_served", True),
        (200, "image/png", "unsupported_type", False),
        (200, "application/pdf", "not_what_it_claims", False),
    ],
)
def test_what_is_no_document_says_why(
    site: Site, status: int, kind: str, code: str, transient: bool
) -> None:
    url = site.put("/x", PAGE, kind, status)
    with pytest.raises(UnableToReadDocument) as refused:
        fetch_document(url)
    assert (refused.value.code, refused.value.transient) == (code, transient)


def test_what_is_too_large_is_left_where_it_is(site: Site, settings: Settings) -> None:
    settings.PINAKES_MAX_UPLOAD_BYTES = 1_000
    for headers in ({}, {"Content-Length": "1000000000"}):
        site.pages["/x"] = (200, {"Content-Type": "text/plain", **headers}, b"x" * 1_001)
        with pytest.raises(UnableToReadDocument) as refused:
            fetch_document(site.address("/x"))
        assert refused.value.code == "too_large"


def test_an_answer_that_breaks_off_is_not_taken_for_the_whole(site: Site) -> None:
    headers = {"Content-Type": "text/plain", "Content-Length": "500"}
    site.pages["/x"] = (200, headers, b"half a page")
    site.pages["/y"] = (200, {"Content-Encoding": "gzip"}, b"\x1f\x8b")
    for path in ("/x", "/y"):
        with pytest.raises(UnableToReadDocument) as refused:
            fetch_document(site.address(path))
        assert (refused.value.code, refused.value.transient) == ("unreachable", True)


def test_redirects_are_followed_a_few_times_and_checked_each_time(site: Site) -> None:
    site.put("/4", PAGE)
    for step in (3, 2, 1):
        site.send_on(f"/{step}", f"/{step + 1}")
    assert fetch_document(site.address("/1")).content == PAGE
    site.send_on("/0", "/1")
    with pytest.raises(UnableToReadDocument) as refused:
        fetch_document(site.address("/0"))
    assert refused.value.code == "unreachable"
    site.send_on("/in", f"http://localhost:{site.port}/4")
    site.send_on("/meta", "http://169.254.169.254/latest")
    site.send_on("/file", "file:///etc/passwd")
    asked = len(site.asked)
    for path in ("/in", "/meta", "/file"):
        with pytest.raises(UnableToReadDocument) as refused:
            fetch_document(site.address(path))
        assert refused.value.code == "forbidden_address"
    assert len(site.asked) == asked + 3


@pytest.mark.parametrize(
    "url", ["ftp://8.8.8.8/x", "nonsense", "http://8.8.8.8:22/", "http://user:pw@8.8.8.8/"]
)
def test_what_is_no_address_is_refused_at_once(owner: User, site: Site, url: str) -> None:
    with pytest.raises(UnableToTakeDocument) as refused:
        submit_address(owner=owner, url=url)
    assert refused.value.code == "forbidden_address"
    assert not Source.objects.exists()


def test_private_places_stay_closed_when_fetching_is_on(owner: User, site: Site) -> None:
    submit_address(owner=owner, url=f"http://localhost:{site.port}/lamps")
    with pytest.raises(UnableToReadDocument) as refused:
        ingest(claim())
    assert refused.value.code == "forbidden_address"
    assert site.asked == []


def test_without_the_operators_leave_nothing_is_fetched(
    owner: User, site: Site, settings: Settings
) -> None:
    source = fetch(owner, site.put("/lamps", PAGE))
    settings.FETCH_DOCUMENTS = False
    asked = len(site.asked)
    with pytest.raises(UnableToTakeDocument) as refused:
        submit_address(owner=owner, url=site.address("/other"))
    assert refused.value.code == "fetching_is_off"
    with pytest.raises(UnableToTakeDocument):
        fetch_again(source=source)
    assert len(site.asked) == asked


def test_a_file_cannot_be_fetched_again(owner: User, site: Site) -> None:
    with pytest.raises(UnableToFetchAgain):
        fetch_again(source=bring(owner, b"Lamps.", "a.txt"))


def test_over_the_interface(owner: User, site: Site, settings: Settings) -> None:
    client = APIClient()
    client.force_authenticate(owner)
    url = site.put("/lamps", PAGE)
    accepted = client.post("/api/v1/documents", {"url": url}, format="json")
    assert accepted.status_code == 202
    ingest(claim())
    body = client.get(accepted["Location"]).json()
    assert (body["url"], body["status"], body["version"]) == (url, "indexed", 1)
    again = client.post(f"{accepted['Location']}/fetch")
    assert (again.status_code, again.json()["status"]) == (202, "queued")
    ingest(claim())
    versions = client.get(body["links"]["versions"]).json()["data"]
    assert [(row["number"], row["is_current"]) for row in versions] == [(1, True)]
    file = client.post("/api/v1/documents", {"title": "x", "text": "y"}, format="json")
    assert client.post(f"{file['Location']}/fetch").status_code == 409
    settings.FETCH_DOCUMENTS = False
    refused = client.post("/api/v1/documents", {"url": url}, format="json")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["pointer"] == "/url"
    assert refused.json()["errors"][0]["code"] == "fetching_is_off"


def test_a_key_stands_for_one_address(owner: User, site: Site) -> None:
    client = APIClient()
    client.force_authenticate(owner)
    headers = {"Idempotency-Key": "k"}
    for path, status in (("/a", 202), ("/a", 202), ("/b", 422)):
        body = {"url": site.address(path)}
        answer = client.post("/api/v1/documents", body, format="json", headers=headers)
        assert answer.status_code == status
    assert Source.objects.count() == 1


def test_the_page_offers_it_only_where_it_is_allowed(
    owner: User, site: Site, settings: Settings
) -> None:
    browser = Client()
    browser.force_login(owner)
    assert b"documents/add-address" in browser.get("/documents").content
    browser.post("/documents/add-address", {"url": site.put("/lamps", PAGE)})
    refused = browser.post("/documents/add-address", {"url": "ftp://x/<b>"})
    assert refused.status_code == 422
    assert b"must begin with" in refused.content
    assert b"ftp://x/&lt;b&gt;" in refused.content
    assert browser.post("/documents/add-address", {"url": ""}).status_code == 422
    ingest(claim())
    source = Source.objects.get()
    html = browser.get(f"/documents/{source.id}").content.decode()
    assert source.url in html
    assert "Fetch again" in html
    browser.post(f"/documents/{source.id}/fetch")
    assert Source.objects.get().job_id != source.job_id
    settings.FETCH_DOCUMENTS = False
    assert b"documents/add-address" not in browser.get("/documents").content
