"""Pictures become vectors: which, when, and what of those that cannot be read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytest_django import Settings

from genmodels.alignment.loading import load_alignment
from tasks import looking
from tasks.looking import Eyes
from tests.looks.makers import EMBEDDER, drawing, image_model, make_alignment, make_drawn
from tests.pages.makers import make_done
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.common.storage import blob_path
from webapp.generations.operations import trash_generation
from webapp.generations.upload_operations import delete_upload, keep_upload
from webapp.looks import operations
from webapp.looks.models import Look
from webapp.looks.queries import find_unseen
from webapp.looks.sentences import sentence_space

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("seeing")]


def fill(*, seconds: float = 60.0) -> bool:
    return Eyes().take_turn(seconds=seconds, go_on=lambda: True)


def test_results_and_uploads_are_seen_once(
    owner: User, model: Checkpoint, seeing: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operations, "BATCH", 2)
    made = [make_drawn(owner=owner, content=drawing(n), prompt=f"no. {n}") for n in range(3)]
    upload = keep_upload(owner=owner, content=drawing(9)).upload
    make_done(owner=owner, checkpoint=image_model("toy-text", modality="text"))
    make_drawn(
        owner=owner,
        content=b"<svg/>",
        media_type="image/svg+xml",
        checkpoint=image_model("toy-molecule", modality="molecule"),
    )
    assert not fill()
    looks = {look.generation_id or look.upload_id: look for look in Look.objects.all()}
    assert set(looks) == {row.id for row in made} | {upload.id}
    space = load_alignment(seeing, embedder=EMBEDDER)
    expected = space.embed_files([drawing(1)])[0].numpy()
    look = looks[made[1].id]
    np.testing.assert_allclose(look.embedding, expected, atol=1e-3)
    prompt = space.embed_sentences(["no. 1"])[0].numpy()
    assert look.fit == pytest.approx(float(expected @ prompt), abs=1e-5)
    assert looks[upload.id].fit is None
    before = set(Look.objects.values_list("id", flat=True))
    assert not fill()
    assert set(Look.objects.values_list("id", flat=True)) == before


def test_of_a_clip_the_first_frame_is_seen(owner: User, model: Checkpoint, seeing: Path) -> None:
    make_drawn(owner=owner, content=drawing(3, form="WEBP", frames=4), media_type="image/webp")
    fill()
    expected = load_alignment(seeing, embedder=EMBEDDER).embed_files([drawing(3)])[0]
    np.testing.assert_allclose(Look.objects.get().embedding, expected, atol=1e-3)


def test_what_cannot_be_read_keeps_the_reason_and_is_not_tried_again(
    owner: User, model: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = make_drawn(owner=owner, content=drawing(1)[:200])
    strange = make_drawn(owner=owner, content=b"no picture at all")
    lost = make_drawn(owner=owner, content=drawing(2))
    damaged = make_drawn(owner=owner, content=drawing(3))
    good = make_drawn(owner=owner, content=drawing(4))
    monkeypatch.setattr(looking, "_MOST_PIXELS", 64 * 64)
    huge = keep_upload(owner=owner, content=_wide()).upload
    blob_path(lost.response.artifacts.get().sha256).unlink()
    blob_path(damaged.response.artifacts.get().sha256).write_bytes(b"rust")
    assert not fill()
    reasons = {row.generation_id or row.upload_id: row.trouble for row in Look.objects.all()}
    assert reasons == {
        broken.id: "it is no picture that can be read",
        strange.id: "it is no picture that can be read",
        lost.id: "its file is lost",
        damaged.id: "its file is damaged",
        good.id: "",
        huge.id: "it has more than 0 million pixels",
    }
    monkeypatch.setattr(Eyes, "_load", None)
    assert not fill()


def _wide() -> bytes:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.new("RGB", (65, 64), "red").save(stream, "PNG")
    return stream.getvalue()


def test_the_trash_is_left_out_and_what_is_deleted_takes_its_look_along(
    owner: User, model: Checkpoint
) -> None:
    trash_generation(generation=make_drawn(owner=owner, content=drawing(1)))
    upload = keep_upload(owner=owner, content=drawing(2)).upload
    fill()
    assert Look.objects.get().upload_id == upload.id
    delete_upload(upload=upload)
    assert not Look.objects.exists()


def test_what_is_deleted_while_it_is_seen_leaves_nothing(owner: User) -> None:
    upload = keep_upload(owner=owner, content=drawing(2)).upload
    space = sentence_space()

    def see(contents: object) -> list[np.ndarray]:
        delete_upload(upload=upload)
        return [np.eye(1, 128, dtype=np.float32)[0]]

    assert operations.fill_looks(space=space, see=see) == 1
    assert not Look.objects.exists()


def test_another_network_sees_everything_anew(
    owner: User, model: Checkpoint, settings: Settings, tmp_path: Path
) -> None:
    made = make_drawn(owner=owner, content=drawing(1))
    fill()
    first = Look.objects.get()
    settings.PINAKES_ALIGNMENT = make_alignment(tmp_path / "other", seed=2)
    assert operations.has_unseen(space=sentence_space())
    fill()
    second = Look.objects.get()
    assert second.generation_id == made.id
    assert second.weights == sentence_space().weights != first.weights
    assert second.embedding != first.embedding


def test_a_turn_ends_in_time_and_says_what_is_left(owner: User, model: Checkpoint) -> None:
    make_drawn(owner=owner, content=drawing(1))
    assert fill(seconds=0.0)
    assert not Eyes().take_turn(seconds=60.0, go_on=lambda: False)
    assert len(find_unseen(weights=sentence_space().weights, limit=5)) == 1
    assert not fill()
    assert not find_unseen(weights=sentence_space().weights, limit=5)


def test_two_at_once_leave_one_look(owner: User, model: Checkpoint) -> None:
    make_drawn(owner=owner, content=drawing(1))
    space = sentence_space()

    def see(contents: object) -> list[np.ndarray]:
        # The other process stores its own while this one is still looking.
        if not Look.objects.exists():
            operations.fill_looks(space=space, see=lambda _: [np.eye(1, 128, dtype="f4")[0]])
        return [np.eye(1, 128, 5, dtype=np.float32)[0]]

    operations.fill_looks(space=space, see=see)
    assert Look.objects.get().embedding[0] == 1.0


def test_without_a_network_nothing_is_done_and_it_is_said_once(
    owner: User,
    model: Checkpoint,
    settings: Settings,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    make_drawn(owner=owner, content=drawing(1))
    settings.PINAKES_ALIGNMENT = tmp_path / "nowhere"
    eyes = Eyes()
    assert [eyes.take_turn(seconds=60.0, go_on=lambda: True) for _ in range(3)] == [False] * 3
    assert caplog.text.count("no network for pictures and sentences is installed") == 1
    assert not Look.objects.exists()
