"""The Studio's fields for files: by form alone, by scripts, and filled from a result."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.factories import make_checkpoint
from tests.generations.pictures import grey_png, negative_card
from tests.pages.html import Page
from tests.pages.makers import make_done, make_picture
from webapp.accounts.models import User
from webapp.catalog.models import Checkpoint
from webapp.generations.inputs import InputReference
from webapp.generations.models import Generation, Upload
from webapp.generations.upload_operations import keep_upload

SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def negative(db: None) -> Checkpoint:
    """The one model on offer starts from a picture."""
    return make_checkpoint(negative_card())


def fields(**changes: Any) -> dict[str, Any]:
    return {"model": "negative", "prompt": "turn it", "seed": "", "key": "1", **changes}


def cat(content: bytes = b"") -> SimpleUploadedFile:
    return SimpleUploadedFile("cat.png", content or grey_png(3))


def test_a_mask_can_be_painted_once_there_is_a_picture_to_paint_over(
    page: Client, author: User, negative: Checkpoint
) -> None:
    picture = keep_upload(owner=author, content=grey_png(3)).upload
    mask = keep_upload(owner=author, content=grey_png(200)).upload

    def buttons(**given: str) -> list[dict[str, str]]:
        html = page.get("/", {"model": "negative", **given}).content.decode()
        assert 'id="mask-painter"' in html
        return [
            each.attributes for each in Page(html).all("button") if "data-paint" in each.attributes
        ]

    assert buttons() == []
    [empty] = buttons(i_image=f"upload:{picture.id}")
    assert empty["data-paint-over"] == f"/api/v1/uploads/{picture.id}/content"
    assert empty["data-paint-from"] == ""
    [filled] = buttons(i_image=f"upload:{picture.id}", i_mask=f"upload:{mask.id}")
    assert filled["data-paint-from"] == f"/api/v1/uploads/{mask.id}/content"


def test_what_is_painted_takes_the_place_of_the_mask_before(
    page: Client, author: User, negative: Checkpoint
) -> None:
    picture = keep_upload(owner=author, content=grey_png(3)).upload
    mask = keep_upload(owner=author, content=grey_png(200)).upload
    kept = {"i_image": f"upload:{picture.id}", "i_mask": f"upload:{mask.id}"}
    painted = SimpleUploadedFile("painted mask.png", grey_png(255))
    sent = {**fields(f_mask=painted), **kept}
    html = page.post("/studio/files", sent, headers=SCRIPT).content.decode()
    new = Upload.objects.get(name="painted mask.png")
    assert Page(html).value_of("i_mask") == f"upload:{new.id}"
    assert Page(html).value_of("i_image") == kept["i_image"]


def test_a_file_stays_while_other_faults_are_mended(page: Client, negative: Checkpoint) -> None:
    refused = page.post("/studio/generate", fields(prompt=" ", f_image=cat()))
    upload = Upload.objects.get()
    shown = Page(refused.content.decode())
    assert refused.status_code == 422
    assert shown.value_of("i_image") == f"upload:{upload.id}"
    assert f"/api/v1/uploads/{upload.id}/content" in refused.content.decode()
    assert not Generation.objects.exists()

    made = page.post("/studio/generate", fields(i_image=shown.value_of("i_image")), follow=True)
    generation = Generation.objects.get()
    assert generation.kept_inputs["image"].upload_id == upload.id
    assert Page(made.content.decode()).value_of("i_image") == f"upload:{upload.id}"


def test_a_file_that_is_no_picture_is_told_of_in_its_field(
    page: Client, negative: Checkpoint
) -> None:
    refused = page.post("/studio/generate", fields(f_image=cat(b"no picture")))
    html = refused.content.decode()
    assert refused.status_code == 422
    assert html.count("This is no picture that can be read") == 2
    assert ">turn it</textarea>" in html
    missing = page.post("/studio/generate", fields(), headers=SCRIPT)
    assert "Picture: must be given" in missing.content.decode()
    assert not Generation.objects.exists()


def test_a_script_sends_a_file_at_once_and_takes_it_out_again(
    page: Client, negative: Checkpoint
) -> None:
    sent = page.post("/studio/files", fields(f_image=cat()), headers=SCRIPT).content.decode()
    reference = Page(sent).value_of("i_image")
    assert "<html" not in sent
    assert reference == f"upload:{Upload.objects.get().id}"
    assert "cat.png, 6\xa0×\xa04" in sent
    taken_out = page.post("/studio/files", fields(i_image=reference, drop="image"), headers=SCRIPT)
    assert 'name="f_image"' in taken_out.content.decode()
    assert "i_image" not in taken_out.content.decode()


def test_the_model_may_change_and_the_file_stays(
    page: Client, negative: Checkpoint, checkpoint: Checkpoint, author: User
) -> None:
    upload = keep_upload(owner=author, content=grey_png(3)).upload
    chosen = {"model": "toy-text", "i_image": f"upload:{upload.id}"}
    other = page.get("/studio/knobs", chosen).content.decode()
    assert 'name="f_image"' not in other
    assert Page(other).value_of("i_image") == f"upload:{upload.id}"
    page.post("/studio/generate", {**fields(), **chosen})
    assert Generation.objects.get().inputs == {}


def test_a_result_becomes_the_input_of_the_next(
    page: Client, author: User, negative: Checkpoint
) -> None:
    upload = keep_upload(owner=author, content=grey_png(3)).upload
    given = {"image": InputReference("upload", upload.id)}
    first = make_picture(owner=author, checkpoint=negative, inputs=given)
    html = page.get(f"/generations/{first.id}").content.decode()
    assert f"/api/v1/generations/{first.id}/inputs/image/content" in html
    [link] = [each for each in Page(html).all("a") if each.text.strip() == "Use as input"]
    studio = page.get(link.attributes["href"]).content.decode()
    artifact = first.response.artifacts.get()
    assert Page(studio).value_of("i_image") == f"artifact:{artifact.id}"
    assert f"The result {first.accession}" in studio
    again = page.get(f"/?from={first.id}&take=all").content.decode()
    assert Page(again).value_of("i_image") == f"generation:{first.id}"


def test_a_result_that_no_model_takes_is_not_offered(
    page: Client, author: User, negative: Checkpoint, checkpoint: Checkpoint
) -> None:
    text = make_done(owner=author, checkpoint=checkpoint)
    assert "Use as input" not in page.get(f"/generations/{text.id}").content.decode()


def test_a_strangers_file_is_not_shown(
    page: Client, stranger: Client, author: User, negative: Checkpoint
) -> None:
    upload = keep_upload(owner=author, content=grey_png(3), name="mine alone.png").upload
    for text in (f"upload:{upload.id}", "upload:x", "nothing"):
        html = stranger.get("/", {"model": "negative", "i_image": text}).content.decode()
        assert "no longer there" in html
        assert "mine alone" not in html
        assert str(upload.id) not in html
    refused = stranger.post("/studio/generate", fields(i_image=f"upload:{upload.id}"))
    assert "there is no such upload" in refused.content.decode()


def test_the_model_page_says_what_it_starts_from(page: Client, negative: Checkpoint) -> None:
    html = page.get("/models/negative").content.decode()
    assert "What is turned to its negative." in html


def test_uploads_are_listed_used_and_deleted_by_their_owner_alone(
    page: Client, author: User, reviewer: Client, negative: Checkpoint
) -> None:
    upload = keep_upload(owner=author, content=grey_png(3), name="cat.png").upload
    html = page.get("/uploads").content.decode()
    assert f"i_image=upload%3A{upload.id}" in html
    assert reviewer.post(f"/uploads/{upload.id}/delete").status_code == 403
    gone = page.post(f"/uploads/{upload.id}/delete", follow=True).content.decode()
    assert "cat.png is deleted" in gone
    assert "No pictures yet" in gone
    assert page.post(f"/uploads/{upload.id}/delete").status_code == 404
