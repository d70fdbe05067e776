"""Documents: brought by a form, refused with a reason, read at the place of a quote."""

from __future__ import annotations

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from tests.factories import make_worker
from tests.search.factories import make_found_source
from webapp.accounts.models import User
from webapp.jobs import operations as jobs
from webapp.knowledge.models import Source
from webapp.search.models import Passage


def note(name: str = "notes.md", text: str = "# Notes\n\nA line.") -> SimpleUploadedFile:
    """A small Markdown file."""
    return SimpleUploadedFile(name, text.encode(), "text/markdown")


def test_files_of_the_form_become_sources(page: Client, author: User) -> None:
    response = page.post(
        "/documents/add", {"file": [note(), note("more.md", "Other words.")]}, follow=True
    )
    assert {source.title for source in Source.objects.filter(owner=author)} == {"notes", "more"}
    html = response.content.decode()
    assert "waiting to be read" in html
    assert "/row" in html
    assert 'http-equiv="refresh"' in html


def test_the_same_file_again_is_the_same_source(page: Client) -> None:
    page.post("/documents/add", {"file": [note()]})
    response = page.post("/documents/add", {"file": [note()]}, follow=True)
    assert Source.objects.count() == 1
    assert "was here already" in response.content.decode()


def test_what_is_refused_is_named_and_the_rest_is_taken(page: Client) -> None:
    fake = SimpleUploadedFile("<b>report</b>.pdf", b"not a pdf", "application/pdf")
    response = page.post("/documents/add", {"file": [note(), fake]})
    html = response.content.decode()
    assert response.status_code == 422
    assert "is called a PDF, but it is not one" in html
    assert "<b>report</b>" not in html
    assert Source.objects.count() == 1


def test_a_file_too_large_is_refused_unread(page: Client, settings: Settings) -> None:
    settings.PINAKES_MAX_UPLOAD_BYTES = 10
    response = page.post("/documents/add", {"file": [note()]})
    assert response.status_code == 422
    assert "larger than" in response.content.decode()
    assert not Source.objects.exists()


def test_an_empty_form_says_what_is_missing(page: Client) -> None:
    response = page.post("/documents/add")
    assert response.status_code == 422
    assert "choose one or more files first" in response.content.decode()


def test_a_failed_reading_gives_its_reason(page: Client) -> None:
    page.post("/documents/add", {"file": [note()]})
    worker = make_worker(queues=["documents"])
    [job] = jobs.claim_jobs(worker_id=worker.id, queues=["documents"], limit=1)
    jobs.fail_job(
        job_id=job.id, fence=job.fence, code="empty", detail="It holds no text.", transient=False
    )
    source = Source.objects.get()
    for address in ("/documents", f"/documents/{source.id}", f"/documents/{source.id}/row"):
        assert "It holds no text." in page.get(address).content.decode()
    row = page.get(f"/documents/{source.id}/row").content.decode()
    assert "hx-get" not in row


def test_a_quote_is_marked_where_it_stands(page: Client, author: User) -> None:
    source = make_found_source(owner=author, texts=["First <words>.", "Second words here."])
    passage = Passage.objects.get(source=source, ordinal=1)
    start = passage.start + passage.text.index("words")
    html = page.get(
        f"/documents/{source.id}", {"passage": 1, "start": start, "end": start + 5}
    ).content.decode()
    assert "Second <mark>words</mark> here." in html
    assert "First &lt;words&gt;." in html
    assert 'id="passage-1" class="passage is-current"' in html


def test_marks_outside_the_passage_are_ignored(page: Client, author: User) -> None:
    source = make_found_source(owner=author, texts=["Only words."])
    for query in ("passage=0&start=5&end=999", "passage=0&start=9&end=2", "passage=x&start=-1"):
        response = page.get(f"/documents/{source.id}?{query}")
        assert response.status_code == 200
        assert "<mark>" not in response.content.decode()


def test_a_book_comes_in_parts(page: Client, author: User) -> None:
    source = make_found_source(owner=author, texts=[f"Sentence {n}." for n in range(50)])
    first = page.get(f"/documents/{source.id}").content.decode()
    assert "Sentence 39." in first
    assert "Sentence 40." not in first
    assert "?part=40" in first
    cited = page.get(f"/documents/{source.id}?passage=45").content.decode()
    assert "Sentence 45." in cited
    assert "Sentence 39." not in cited
    assert "?part=0" in cited


def test_what_is_deleted_waits_in_the_trash(page: Client, author: User) -> None:
    source = make_found_source(owner=author, texts=["Words."], title="Kept words")
    page.post(f"/documents/{source.id}/trash")
    assert f'/documents/{source.id}"' not in page.get("/documents").content.decode()
    assert "Kept words" in page.get("/documents?trash=1").content.decode()
    page.post(f"/documents/{source.id}/restore")
    assert f'/documents/{source.id}"' in page.get("/documents").content.decode()
