"""Asking in the browser: an answer made of quotes, each with its place, or an honest nothing."""

from __future__ import annotations

import re

from django.test import Client

from genmodels.embedding import load_embedder
from tests.factories import make_user
from tests.pages.makers import make_done
from tests.search.factories import (
    make_source,
    store_segments,
)
from webapp.accounts.models import User
from webapp.accounts.operations import create_user
from webapp.catalog.models import Checkpoint
from webapp.grounding.models import Answer
from webapp.knowledge.models import Source
from webapp.knowledge.operations import trash_source
from webapp.search.operations import index_generation
from webapp.search.segments import Segment

LIGHTHOUSE = (
    "The lighthouse of Alexandria was built on the island of Pharos. "
    "Its fire was fed with oil and could be seen from far away."
)
QUESTION = "On which island was the lighthouse of Alexandria built?"


def bring(owner: User, text: str = LIGHTHOUSE, title: str = "Wonders") -> Source:
    """A document with one passage, findable by its real meaning."""
    source = make_source(owner=owner, title=title)
    store_segments(source, [Segment(text, 0, len(text))], embedder=load_embedder())
    return source


def ask(page: Client, **fields: str) -> str:
    """Ask in the form's own way and return the page with the answer."""
    response = page.post("/ask/question", {"question": QUESTION, **fields}, follow=True)
    assert response.status_code == 200
    return response.content.decode()


def test_an_answer_quotes_and_says_where_it_stands(page: Client, author: User) -> None:
    source = bring(author)
    html = ask(page)
    assert "built on the island of Pharos" in html
    link = re.search(rf'href="(/documents/{source.id}\?passage=0&amp;start=0&amp;end=\d+)', html)
    assert link is not None
    shown = page.get(link[1].replace("&amp;", "&")).content.decode()
    assert "<mark>The lighthouse of Alexandria was built on the island of Pharos.</mark>" in shown


def test_an_earlier_generation_is_cited_and_marked(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="A lecture.", text=LIGHTHOUSE)
    index_generation(generation_id=done.id, embedder=load_embedder())
    html = ask(page, include_generations="on")
    assert done.accession in html
    link = re.search(rf'href="(/generations/{done.id}\?[^"#]+)"', html)
    assert link is not None
    assert "<mark>" in page.get(link[1].replace("&amp;", "&")).content.decode()


def test_generations_are_left_out_on_request(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author, prompt="A lecture.", text=LIGHTHOUSE)
    index_generation(generation_id=done.id, embedder=load_embedder())
    assert "Nothing in your sources answers this" in ask(page)


def test_a_question_may_be_put_to_one_document(page: Client, author: User) -> None:
    bring(author)
    other = bring(author, "Bread is made of flour, water and salt.", "Bread")
    form = page.get("/ask", {"source": str(other.id)}).content.decode()
    assert "Only in “Bread”" in form
    assert "island of Pharos" not in ask(page, source=str(other.id))


def test_nothing_found_is_said_plainly(page: Client, author: User) -> None:
    bring(author)
    response = page.post(
        "/ask/question", {"question": "What is the boiling point of tungsten?"}, follow=True
    )
    html = response.content.decode()
    assert "Nothing in your sources answers this" in html
    assert 'class="cite"' not in html


def test_nothing_of_others_is_quoted(page: Client, author: User) -> None:
    bring(make_user())
    assert "Nothing in your sources answers this" in ask(page)


def test_quotes_go_with_their_source(page: Client, author: User) -> None:
    source = bring(author)
    ask(page)
    answer = Answer.objects.get()
    trash_source(source=source)
    html = page.get(f"/ask/{answer.id}").content.decode()
    assert "What this answer quoted is no longer there" in html
    assert "Pharos" not in html


def test_hostile_sources_are_text(page: Client, author: User) -> None:
    bring(author, "<script>alert(1)</script> " + LIGHTHOUSE, "<i>Wonders</i>")
    html = ask(page)
    assert "<script>alert" not in html
    assert "<i>Wonders</i>" not in html


def test_bad_questions_stay_in_the_form_with_the_fault(page: Client) -> None:
    for question, fault in ((" ", "The question is empty."), ("x" * 2001, "at most 2000")):
        response = page.post("/ask/question", {"question": question})
        assert response.status_code == 422
        assert fault in response.content.decode()
    assert not Answer.objects.exists()


def test_a_document_of_a_stranger_cannot_be_asked(stranger: Client, author: User) -> None:
    source = bring(author)
    body = {"question": QUESTION, "source": str(source.id)}
    assert stranger.post("/ask/question", body).status_code == 404
    assert stranger.get("/ask", {"source": str(source.id)}).status_code == 404


def test_somebody_without_a_role_may_not_ask(db: None) -> None:
    nobody = Client()
    nobody.force_login(create_user(username="nobody", password="x", roles=frozenset()))
    assert nobody.post("/ask/question", {"question": QUESTION}).status_code == 403


def test_earlier_questions_are_listed(page: Client, author: User) -> None:
    bring(author)
    ask(page)
    html = page.get("/ask").content.decode()
    assert QUESTION in html
    assert "answered" in html
