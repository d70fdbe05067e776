"""Pages of pictures by look: the Library, what looks alike, and how well a picture fits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import Client
from pytest_django import Settings

from genmodels.embedding import install_embedder
from tasks.looking import Eyes
from tests.looks.makers import EMBEDDER, drawing, image_model, make_alignment, make_drawn
from tests.pages.makers import make_done
from webapp.accounts.models import User
from webapp.generations.models import Generation
from webapp.generations.upload_operations import keep_upload
from webapp.looks import queries
from webapp.looks.models import Look
from webapp.search.operations import index_generation


@pytest.fixture(autouse=True)
def seeing(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A network that has learned nothing finds nothing very near.
    monkeypatch.setattr(queries, "LEAST_SIMILARITY", 1e-9)
    settings.PINAKES_ALIGNMENT = make_alignment(tmp_path / "clip-pictures")
    previous = install_embedder(EMBEDDER)
    yield
    install_embedder(previous)


@pytest.fixture
def made(author: User) -> list[Generation]:
    """Two pictures of the same drawing, seen."""
    checkpoint = image_model()
    rows = [
        make_drawn(owner=author, content=drawing(1), prompt=prompt, checkpoint=checkpoint)
        for prompt in ("a lamp", "no lamp")
    ]
    Eyes().take_turn(seconds=60.0, go_on=lambda: True)
    return rows


def test_the_library_is_searched_by_look(page: Client, made: list[Generation]) -> None:
    found = []
    for number in range(20):
        html = page.get("/library", {"q": f"wish {number}", "mode": "look"}).content.decode()
        assert '<option value="look" selected>' in html
        found.append(made[0].accession in html)
        if found[-1]:
            assert made[1].accession in html
            assert "Cosine of picture and question" in html
            assert "Part of the words" not in html
        else:
            assert "No picture that you may see looks like that" in html
    # About half of all sentences point the way of any picture.
    assert set(found) == {True, False}


def test_what_looks_alike_and_how_well_it_fits(page: Client, made: list[Generation]) -> None:
    detail = page.get(f"/generations/{made[0].id}").content.decode()
    assert f"/generations/{made[0].id}/similar?by=look" in detail
    html = page.get(f"/generations/{made[0].id}/similar?by=look").content.decode()
    strip = html.partition('id="alike"')[2]
    assert made[1].accession in strip
    assert made[0].accession not in strip
    fit = Look.objects.get(generation=made[0]).fit
    assert f"{fit:.2f}" in strip
    assert "42 %" in strip


def test_texts_are_not_offered_by_look(page: Client, author: User) -> None:
    done = make_done(owner=author, checkpoint=image_model("t", modality="text"))
    assert "by=look" not in page.get(f"/generations/{done.id}").content.decode()
    html = page.get(f"/generations/{done.id}/similar?by=look").content.decode()
    assert "The generation has no picture." in html


def test_pictures_like_an_upload(
    page: Client, stranger: Client, author: User, made: list[Generation]
) -> None:
    upload = keep_upload(owner=author, content=drawing(1), name="lamp.png").upload
    assert f"/uploads/{upload.id}/similar" in page.get("/uploads").content.decode()
    waiting = page.get(f"/uploads/{upload.id}/similar").content.decode()
    assert "not looked at yet" in waiting
    Eyes().take_turn(seconds=60.0, go_on=lambda: True)
    html = page.get(f"/uploads/{upload.id}/similar").content.decode()
    assert all(row.accession in html for row in made)
    assert stranger.get(f"/uploads/{upload.id}/similar").status_code == 404


def test_without_a_network_words_are_searched_and_the_page_says_why(
    page: Client, made: list[Generation], settings: Settings, tmp_path: Path
) -> None:
    for row in made:
        index_generation(generation_id=row.id, embedder=EMBEDDER)
    settings.PINAKES_ALIGNMENT = tmp_path / "nowhere"
    html = page.get("/library?q=lamp&mode=look").content.decode()
    assert "no network for pictures and sentences is installed" in html
    assert made[0].accession in html
    assert "Part of the words" in html
    alike = page.get(f"/generations/{made[0].id}/similar?by=look").content.decode()
    assert "Pictures cannot be compared here" in alike
    sent = {"all": "1", "action": "trash", "view": "q=lamp&mode=look"}
    answer = page.post("/library/bulk", sent, follow=True).content.decode()
    assert "Pictures cannot be compared here" in answer
    assert Generation.objects.filter(trashed_at__isnull=True).count() == 2
