"""A changed file takes the place of the one before: whole, at once, and answers stay true."""

from __future__ import annotations

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.factories import make_user
from tests.knowledge.documents import make_pdf
from tests.knowledge.ingesting import bring, claim, ingest
from tests.search.factories import EMBEDDER
from webapp.accounts.models import User
from webapp.grounding import operations as grounding_operations
from webapp.grounding import ranking
from webapp.grounding.operations import ask
from webapp.grounding.queries import read_answer
from webapp.grounding.representation import describe_answer
from webapp.jobs import operations as jobs
from webapp.jobs.models import Job, JobState
from webapp.knowledge.models import Source, SourceVersion
from webapp.knowledge.operations import (
    UnableToFindVersion,
    UnableToRestoreVersion,
    restore_source,
    restore_version,
    submit_source,
    trash_source,
)
from webapp.knowledge.queries import find_quote, passages_of, read_source_text
from webapp.search.queries import hybrid_search

pytestmark = pytest.mark.django_db

OIL, GAS = b"# Lamps\n\nLamps burn oil.", b"# Lamps\n\nThe newest lamps burn gas."


@pytest.fixture
def owner() -> User:
    return make_user()


def found_texts(user: User) -> list[str]:
    hits = hybrid_search(user=user, query="lamps burn", embedder=EMBEDDER, per_origin=9).hits
    return [hit.text for hit in hits]


def submit(owner: User, content: bytes, name: str = "lamps.md", **wish: object):
    return submit_source(owner=owner, content=content, file_name=name, **wish)  # type: ignore[arg-type]


def test_the_earlier_version_is_found_until_the_next_is_read(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    submitted = submit(owner, GAS)
    assert (submitted.source_id, submitted.is_new, submitted.version) == (source.id, False, 2)

    def look() -> None:
        assert found_texts(owner) == ["Lamps burn oil."]

    assert found_texts(owner) == ["Lamps burn oil."]
    ingest(claim(), before_storing=look)
    assert found_texts(owner) == ["The newest lamps burn gas."]
    source.refresh_from_db()
    assert (source.version, source.size) == (2, len(GAS))
    for passage in passages_of(source):
        assert read_source_text(source)[passage.start : passage.end] == passage.text
    assert [row.number for row in source.versions.order_by("number")] == [1, 2]


def test_a_version_that_cannot_be_read_leaves_the_earlier_one_found(owner: User) -> None:
    source = bring(owner, make_pdf(["Lamps burn oil."]), "lamps.pdf")
    submit(owner, make_pdf(["Lamps burn gas."], password="x"), "lamps.pdf")
    job = claim()
    jobs.fail_job(job_id=job.id, fence=job.fence, code="encrypted", detail="x", transient=False)
    source = Source.objects.select_related("job").get(id=source.id)
    assert (source.status, source.version, source.is_replaced) == ("failed", 1, True)
    assert found_texts(owner) == ["Lamps burn oil."]
    # The bytes that can be found, brought again, are wanted again.
    again = submit(owner, make_pdf(["Lamps burn oil."]), "lamps.pdf")
    assert (again.source_id, again.version) == (source.id, 3)
    assert ingest(claim()) == JobState.SUCCEEDED
    assert Source.objects.get().version == 3


def test_a_third_version_gives_up_the_second(owner: User) -> None:
    bring(owner, OIL, "lamps.md")
    submit(owner, GAS)
    second = claim()
    submit(owner, b"# Lamps\n\nLamps burn wood.")
    waiting = Source.objects.get()
    assert Job.objects.get(id=second.id).cancel_requested_at is not None
    assert jobs.finish_job(job_id=second.id, fence=second.fence) == JobState.CANCELED
    ingest(claim())
    assert found_texts(owner) == ["Lamps burn wood."]
    assert Source.objects.get().version == 3
    assert waiting.version == 1


def test_two_files_of_one_name_are_kept_when_that_is_wished(owner: User) -> None:
    first = bring(owner, OIL, "lamps.md")
    second = submit(owner, GAS, on_same_name="keep_both")
    assert second.is_new
    assert second.source_id != first.id


def test_names_of_others_of_the_trash_and_of_texts_replace_nothing(owner: User) -> None:
    bring(make_user(), OIL, "lamps.md")
    mine = submit(owner, GAS)
    assert mine.is_new
    ingest(claim())
    trash_source(source=Source.objects.get(id=mine.source_id))
    assert submit(owner, b"Lamps burn wood.").is_new
    assert submit_source(owner=owner, content=b"one", title="T").is_new
    assert submit_source(owner=owner, content=b"two", title="T").is_new


def test_a_file_that_failed_is_replaced_by_the_next_of_its_name(owner: User) -> None:
    submit(owner, OIL)
    job = claim()
    jobs.fail_job(job_id=job.id, fence=job.fence, code="broken", detail="x", transient=False)
    submit(owner, GAS)
    ingest(claim())
    source = Source.objects.select_related("job").get()
    assert (source.status, source.version, source.size) == ("indexed", 2, len(GAS))


def test_a_version_on_its_way_is_read_after_all_when_the_document_is_restored(
    owner: User,
) -> None:
    source = bring(owner, OIL, "lamps.md")
    submit(owner, GAS)
    trash_source(source=Source.objects.get(id=source.id))
    restore_source(source=source)
    assert ingest(claim()) == JobState.SUCCEEDED
    assert found_texts(owner) == ["The newest lamps burn gas."]


def test_an_earlier_version_can_be_used_again(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    submit(owner, GAS)
    ingest(claim())
    submitted = restore_version(source=source, number=1)
    assert submitted.version == 3
    assert restore_version(source=source, number=1).is_new_version is False
    ingest(claim())
    assert found_texts(owner) == ["Lamps burn oil."]
    with pytest.raises(UnableToFindVersion):
        restore_version(source=source, number=9)


def test_a_version_that_became_another_document_is_not_used_again(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    submit(owner, GAS)
    ingest(claim())
    bring(owner, OIL, "other.md")
    with pytest.raises(UnableToRestoreVersion, match="other"):
        restore_version(source=source, number=1)


def test_answers_keep_a_true_quote_of_the_version_they_cite(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    answer = ask(user=owner, question="What do lamps burn?", embedder=EMBEDDER)
    read = read_answer(user=owner, answer=answer)
    assert describe_answer(answer, read)["citations"][0]["earlier_version"] is None
    submit(owner, GAS)
    ingest(claim())
    read = read_answer(user=owner, answer=answer)
    [citation] = read.citations
    assert citation.passage is None
    source.refresh_from_db()
    described = describe_answer(answer, read)["citations"][0]
    assert described["earlier_version"] == 1
    place = find_quote(source=source, quote=citation.quote, start=citation.start, end=citation.end)
    assert place is not None
    assert (place.version, place.is_current) == (1, False)
    browser = Client()
    browser.force_login(owner)
    shown = browser.get(f"/ask/{answer.id}").content.decode()
    assert "from an earlier version" in shown
    address = f"/documents/{source.id}/versions/1?start={citation.start}&end={citation.end}"
    assert address.replace("&", "&amp;") in shown
    page = browser.get(address).content.decode()
    assert f"<mark>{citation.quote}</mark>" in page
    assert "This is an earlier version." in page


def test_a_quote_that_stands_in_no_version_is_placed_in_none(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    assert find_quote(source=source, quote="Lamps burn gas.", start=9, end=24) is None


def test_a_replacement_while_somebody_asks_does_not_lose_the_answer(
    owner: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(owner, OIL, "lamps.md")
    select = ranking.select_sentences

    def replace_meanwhile(ranked):
        submit(owner, GAS)
        ingest(claim())
        return select(ranked)

    monkeypatch.setattr(grounding_operations, "select_sentences", replace_meanwhile)
    answer = ask(user=owner, question="What do lamps burn?", embedder=EMBEDDER)
    [citation] = read_answer(user=owner, answer=answer).citations
    assert (citation.quote, citation.passage) == ("Lamps burn oil.", None)


def test_the_pages_list_versions_and_bring_one_back(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    browser = Client()
    browser.force_login(owner)
    assert "Versions" not in browser.get(f"/documents/{source.id}").content.decode()
    submit(owner, GAS)
    waiting = browser.get(f"/documents/{source.id}").content.decode()
    assert "A newer version is on its way" in waiting
    assert "Lamps burn oil." in waiting
    assert "new version waits" in browser.get("/documents").content.decode()
    ingest(claim())
    html = browser.get(f"/documents/{source.id}").content.decode()
    assert f"/documents/{source.id}/versions/1" in html
    browser.post(f"/documents/{source.id}/versions/1/restore")
    ingest(claim())
    assert "Lamps burn oil." in browser.get(f"/documents/{source.id}").content.decode()
    assert browser.get(f"/documents/{source.id}/versions/9").status_code == 404
    stranger = Client()
    stranger.force_login(make_user())
    for address in (f"/documents/{source.id}/versions/1",):
        assert stranger.get(address).status_code == 404
        assert stranger.post(f"{address}/restore").status_code == 404
    assert SourceVersion.objects.count() == 3


def test_an_update_can_be_stopped_and_taken_up_again(owner: User) -> None:
    source = bring(owner, OIL, "lamps.md")
    submit(owner, GAS)
    client = APIClient()
    client.force_authenticate(owner)
    address = f"/api/v1/documents/{source.id}"
    for _ in range(2):
        stopped = client.post(f"{address}/cancel")
        assert (stopped.status_code, stopped.json()["status"]) == (200, "canceled")
    assert found_texts(owner) == ["Lamps burn oil."]
    browser = Client()
    browser.force_login(owner)
    assert "Read again" in browser.get(f"/documents/{source.id}").content.decode()
    for _ in range(2):
        taken_up = client.post(f"{address}/retry")
        assert (taken_up.status_code, taken_up.json()["status"]) == (202, "queued")
    ingest(claim())
    assert found_texts(owner) == ["The newest lamps burn gas."]
    assert client.post(f"{address}/retry").status_code == 200
    assert client.post(f"{address}/cancel").json()["status"] == "indexed"


def test_the_page_stops_and_starts_reading(owner: User) -> None:
    submitted = submit(owner, OIL)
    browser = Client()
    browser.force_login(owner)
    address = f"/documents/{submitted.source_id}"
    assert "Stop reading" in browser.get(address).content.decode()
    browser.post(f"{address}/cancel")
    assert Source.objects.select_related("job").get().status == "canceled"
    browser.post(f"{address}/retry")
    assert ingest(claim()) == JobState.SUCCEEDED
    stranger = Client()
    stranger.force_login(make_user())
    for act in ("cancel", "retry"):
        assert stranger.post(f"{address}/{act}").status_code == 404
