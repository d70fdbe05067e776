"""The catalogue keeps in step with the folders, and chooses for `auto`."""

import hashlib
import json

import pytest
from rest_framework.test import APIClient

from genmodels.embedding import HashingEmbedder
from tests.factories import make_card, make_checkpoint, make_user
from webapp.catalog.models import Checkpoint
from webapp.catalog.operations import sync_checkpoints
from webapp.catalog.queries import UnableToUseCheckpoint, checkpoint_for
from webapp.catalog.routing import choose

pytestmark = pytest.mark.django_db


def write_checkpoint(root, slug: str, *, weights: bytes = b"weights"):
    folder = root / slug
    folder.mkdir(exist_ok=True)
    card = make_card(slug=slug, weights_sha256=hashlib.sha256(weights).hexdigest())
    (folder / "card.json").write_text(json.dumps(card.to_dict()))
    (folder / "weights.safetensors").write_bytes(weights)
    return folder


def test_a_new_folder_becomes_a_row_with_its_card(tmp_path):
    write_checkpoint(tmp_path, "toy")
    assert sync_checkpoints(roots=[tmp_path]) == 1
    row = Checkpoint.objects.get(slug="toy")
    assert row.usable
    assert row.card.parameters[0].name == "length"


def test_the_weights_that_a_slug_stood_for_are_kept_and_told(tmp_path):
    for weights in (b"first", b"first", b"second", b"first"):
        write_checkpoint(tmp_path, "toy", weights=weights)
        sync_checkpoints(roots=[tmp_path])
    client = APIClient()
    client.force_authenticate(make_user())
    told = client.get("/api/v1/models/toy/versions").json()["data"]
    first, second = (hashlib.sha256(each).hexdigest() for each in (b"first", b"second"))
    assert [(row["weights_sha256"], row["is_current"]) for row in told] == [
        (second, False),
        (first, True),
    ]
    assert [row["card"]["weights_sha256"] for row in told] == [second, first]
    assert client.get("/api/v1/models/none/versions").status_code == 404


@pytest.mark.parametrize("damage", ["weights", "no weights", "card", "folder"])
def test_a_damaged_folder_is_marked_with_the_reason_and_mended_later(tmp_path, damage):
    folder = write_checkpoint(tmp_path, "toy")
    write_checkpoint(tmp_path, "whole")
    sync_checkpoints(roots=[tmp_path])
    if damage == "weights":
        (folder / "weights.safetensors").write_bytes(b"others")
    if damage == "no weights":
        (folder / "weights.safetensors").unlink()
    if damage == "card":
        (folder / "card.json").write_text("{")
    if damage == "folder":
        folder.rename(tmp_path.parent / "elsewhere")
    assert sync_checkpoints(roots=[tmp_path]) == 1
    row = Checkpoint.objects.get(slug="toy")
    assert not row.available
    assert row.unavailable_reason
    with pytest.raises(UnableToUseCheckpoint):
        checkpoint_for("toy", prompt="x")
    write_checkpoint(tmp_path, "toy")
    assert sync_checkpoints(roots=[tmp_path]) == 2
    assert Checkpoint.objects.get(slug="toy").usable


def test_what_an_admin_switched_off_stays_off(tmp_path):
    write_checkpoint(tmp_path, "toy")
    sync_checkpoints(roots=[tmp_path])
    Checkpoint.objects.update(enabled=False)
    sync_checkpoints(roots=[tmp_path])
    assert not Checkpoint.objects.get().enabled


def test_auto_takes_the_model_whose_examples_come_nearest():
    cards = [
        make_card(slug="clothes", summary="Pictures", example_prompts=("a pair of boots",)),
        make_card(slug="plays", summary="Verse", example_prompts=("the king speaks",)),
    ]
    assert choose("the king speaks softly", cards, HashingEmbedder()) == 1
    assert choose("boots, a pair", cards, HashingEmbedder()) == 0


def test_auto_needs_some_model():
    make_checkpoint(available=False)
    with pytest.raises(UnableToUseCheckpoint):
        checkpoint_for("auto", prompt="anything")
