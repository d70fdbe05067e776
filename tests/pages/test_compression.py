"""What leaves compressed: pages that are read, and nothing that tells a secret by its length."""

from __future__ import annotations

import gzip

from django.test import Client

from tests.factories import make_generation
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint

ASKS = {"Accept-Encoding": "gzip, deflate, br"}


def test_pages_are_compressed_for_who_takes_it(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    make_generation(owner=author)
    plain = page.get("/library")
    assert "Content-Encoding" not in plain
    packed = page.get("/library", headers=ASKS)
    assert packed["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed["Vary"]
    assert "a red house" in gzip.decompress(packed.content).decode()
    assert len(packed.content) < len(plain.content) / 3


def test_the_same_page_differs_in_length_from_one_time_to_the_next(page: Client) -> None:
    sizes = {len(page.get("/library", headers=ASKS).content) for _ in range(8)}
    assert len(sizes) > 1


def test_the_interface_and_the_answers_of_forms_are_not_compressed(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    for _ in range(5):
        make_generation(owner=author)
    rows = page.get("/api/v1/generations", headers=ASKS)
    assert len(rows.content) > 1000
    assert "Content-Encoding" not in rows
    shown = page.post("/account/keys", {"name": "mine", "scope": ["read"]}, headers=ASKS)
    assert shown.status_code == 200
    assert len(shown.content) > 1000
    assert "Content-Encoding" not in shown
