"""The Library: filters that say what they left out, pages, and search with its reasons."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from genmodels.embedding import load_embedder
from tests.factories import make_card, make_checkpoint, make_generation
from tests.pages.makers import make_done, make_failed, make_picture
from tests.search.factories import (
    make_source,
    store_segments,
)
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Generation
from webapp.knowledge.models import Source
from webapp.search import pages
from webapp.search.operations import index_generation
from webapp.search.segments import Segment


def index(generation: Generation) -> None:
    """Make a generation findable by its real meaning."""
    index_generation(generation_id=generation.id, embedder=load_embedder())


def index_document(owner: User, text: str) -> Source:
    """A document with one passage, findable by its real meaning."""
    source = make_source(owner=owner, title="Field notes")
    store_segments(source, [Segment(text, 0, len(text))], embedder=load_embedder())
    return source


def test_the_newest_come_first(page: Client, author: User, checkpoint: Checkpoint) -> None:
    first, second = make_done(owner=author), make_done(owner=author)
    html = page.get("/library").content.decode()
    assert html.index(second.accession) < html.index(first.accession)


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("status=done", {"done"}),
        ("status=failed", {"failed"}),
        ("status=active", {"waiting"}),
        ("tag=cats", {"failed"}),
        ("model=toy-text", {"done", "failed", "waiting"}),
        ("model=toy-image", {"picture"}),
        ("family=diffusion", {"picture"}),
        ("kind=image", {"picture"}),
        ("kind=text", {"done", "failed", "waiting"}),
        ("from=2020-01-01&to=2020-01-02", set()),
        ("from=2020-01-01", {"done", "failed", "waiting", "picture"}),
    ],
)
def test_filters_leave_what_they_say(
    page: Client, author: User, checkpoint: Checkpoint, query: str, shown: set[str]
) -> None:
    image = make_checkpoint(
        make_card(slug="toy-image", family="diffusion", modality="image", media_type="image/png")
    )
    made = {
        "done": make_done(owner=author),
        "failed": make_failed(owner=author, tags=("cats",)),
        "picture": make_picture(owner=author, checkpoint=image),
        "waiting": make_generation(owner=author, checkpoint=checkpoint),
    }
    html = page.get(f"/library?{query}").content.decode()
    found = {name for name, generation in made.items() if generation.accession in html}
    assert found == shown | ({"picture"} if query == "status=done" else set())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("kind=smell", "There is no kind “smell”"),
        ("family=cubism", "There is no family “cubism”"),
        ("status=lost", "There is no status “lost”"),
        ("from=yesterday", "“yesterday” is not a date"),
        ("cursor=%00%00", "names no page of this list"),
        ("q=house&status=active", "the status is left out"),
    ],
)
def test_what_is_not_understood_is_said_and_left_out(
    page: Client, author: User, checkpoint: Checkpoint, query: str, said: str
) -> None:
    index(make_done(owner=author, prompt="a house"))
    response = page.get(f"/library?{query}")
    assert response.status_code == 200
    assert said in response.content.decode()


@pytest.mark.parametrize("query", ["to=9999-12-31", "offset=99999999", "q=%00", "q=" + "x" * 3000])
def test_odd_addresses_are_answered(page: Client, checkpoint: Checkpoint, query: str) -> None:
    assert page.get(f"/library?{query}").status_code == 200


def test_a_cut_question_is_admitted(page: Client, checkpoint: Checkpoint) -> None:
    html = page.get("/library", {"q": "word " * 500}).content.decode()
    assert "longer than 2,000 characters" in html


def test_pages_follow_each_other_without_gap_or_repeat(
    page: Client, author: User, checkpoint: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_SIZE", 2)
    made = [make_done(owner=author).accession for _ in range(5)]
    seen: list[str] = []
    address = "/library?status=done"
    for _ in range(3):
        html = page.get(address).content.decode()
        seen += [accession for accession in reversed(made) if f">{accession}<" in html]
        follow = html.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0]
        address = "/library" + follow.replace("&amp;", "&")
    assert seen == made[::-1]


def test_empty_shelves_lead_to_the_studio(page: Client, checkpoint: Checkpoint) -> None:
    assert "The shelves are empty" in page.get("/library").content.decode()


def test_no_match_says_what_was_looked_for(page: Client, checkpoint: Checkpoint) -> None:
    html = page.get("/library?q=xylophone&family=gan").content.decode()
    assert "Nothing found for “<bdi>xylophone</bdi>”" in html
    assert "Search without filters" in html


def test_a_generation_is_found_by_what_it_means(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    shoes = make_done(owner=author, prompt="a pair of running shoes", text="")
    tale = make_done(owner=author, prompt="the king addresses parliament", text="")
    index(shoes)
    index(tale)
    html = page.get("/library?q=footwear+for+jogging").content.decode()
    assert shoes.accession in html
    assert tale.accession not in html or html.index(shoes.accession) < html.index(tale.accession)


def test_matched_words_are_marked_in_any_form(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    index(make_done(owner=author, prompt="two red <houses> by the sea", text=""))
    html = page.get("/library?q=house").content.decode()
    assert "&lt;<mark>houses</mark>&gt;" in html
    assert "Part of the words" in html
    assert "Part of the meaning" in html


def test_a_document_is_found_and_opened_at_its_passage(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    source = index_document(author, "Lichens grow on the north side of the old wall.")
    html = page.get("/library?q=lichen&kind=document").content.decode()
    assert f"/documents/{source.id}?passage=0#passage-0" in html
    assert "<mark>Lichens</mark>" in html


def test_similar_leaves_the_thing_itself_out(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    made = [make_done(owner=author, prompt=f"running shoes {n}", text="") for n in range(3)]
    for generation in made:
        index(generation)
    html = page.get(f"/generations/{made[0].id}/similar").content.decode()
    strip = html.partition('id="similar"')[2]
    assert made[1].accession in strip
    assert made[0].accession not in strip


def test_the_number_of_queries_does_not_grow(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            page.get(address)
        return len(captured)

    index(make_done(owner=author, prompt="a house"))
    few = [count("/library"), count("/library?q=house")]
    for _ in range(5):
        index(make_done(owner=author, prompt="a house"))
    assert [count("/library"), count("/library?q=house")] == few
