"""Pages of batches: the composer that makes them, the grid, and the list."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_user
from tests.pages.html import Page
from tests.pages.makers import make_batch
from tests.pages.test_studio import SCRIPT, fields
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.generations.models import Batch, Generation


def test_several_at_once_come_back_as_cards(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(how_many="4"), headers=SCRIPT)
    html = response.content.decode()
    assert Generation.objects.count() == 4
    assert html.count("<article") == 4
    assert response.headers["HX-Trigger"] == "pinakes:queue"


def test_without_scripts_the_batch_is_shown(page: Client, checkpoint: Checkpoint) -> None:
    response = page.post("/studio/generate", fields(how_many="2"), follow=True)
    batch = Batch.objects.get()
    assert response.redirect_chain[-1][0] == f"/batches/{batch.id}"
    assert response.content.decode().count("<article") == 2


def test_many_values_lead_to_their_grid(page: Client, checkpoint: Checkpoint) -> None:
    sent = fields(
        how_many="4", sweep_name="temperature", sweep_values=" 0.5, 1,1.5 ", p_temperature="1.0"
    )
    response = page.post("/studio/generate", sent, headers=SCRIPT)
    batch = Batch.objects.get()
    assert response.headers["HX-Redirect"] == f"/batches/{batch.id}"
    assert batch.total == 12
    html = page.get(f"/batches/{batch.id}").content.decode()
    assert html.count('scope="col"') == 1 + 4
    assert html.count('scope="row"') == 3
    assert "temperature 0.5" in html


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"how_many": "3"}, "How many must be one of 1, 2, 4, 8"),
        ({"sweep_name": "temperature", "sweep_values": ""}, "at least one value"),
        ({"sweep_name": "temperature", "sweep_values": "1, warm"}, "Several values: must be a"),
        ({"sweep_name": "wings", "sweep_values": "1"}, "no such parameter"),
        ({"how_many": "2", "prompt": " "}, "Prompt must not be empty"),
    ],
)
def test_what_cannot_be_is_said_and_kept(
    page: Client, checkpoint: Checkpoint, change: dict[str, str], said: str
) -> None:
    response = page.post("/studio/generate", fields(**change))
    html = response.content.decode()
    assert response.status_code == 422
    assert said in html
    assert Page(html).value_of("sweep_values") == change.get("sweep_values", "")
    assert not Generation.objects.exists()


def test_one_axis_is_laid_out_as_cards_with_headings(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    batch = make_batch(author, prompts=("one house", "two houses"))
    html = page.get(f"/batches/{batch.id}").content.decode()
    assert "<table" not in html
    assert "and 1 more prompt" in " ".join(html.split())
    assert html.count('class="cell-heading"') == 2


def test_markup_in_prompts_stays_text(page: Client, author: User, checkpoint: Checkpoint) -> None:
    batch = make_batch(author, prompts=("<b>one</b>", "<i>two</i>"))
    for address in (f"/batches/{batch.id}", "/batches"):
        html = page.get(address).content.decode()
        assert "<b>one" not in html
        assert "<i>two" not in html


def test_cancel_trash_and_restore(page: Client, author: User, checkpoint: Checkpoint) -> None:
    batch = make_batch(author, n=2)
    answer = page.post(f"/batches/{batch.id}/cancel", follow=True)
    assert "2 canceled" in answer.content.decode()
    page.post(f"/batches/{batch.id}/trash")
    assert "No batches yet" in page.get("/batches").content.decode()
    assert f"/batches/{batch.id}" in page.get("/batches?trash=1").content.decode()
    page.post(f"/batches/{batch.id}/restore")
    assert Generation.objects.kept().count() == 2


def test_a_reviewer_sees_no_buttons(page: Client, author: User, checkpoint: Checkpoint) -> None:
    batch = make_batch(author, n=2)
    page.force_login(make_user(Role.REVIEWER))
    html = page.get(f"/batches/{batch.id}").content.decode()
    assert "Cancel all" not in html
    # It is somebody else's, so it is asked for again and again instead of being told.
    assert "data-live-id" not in html
    assert 'hx-select="#batch-cells"' in html
    assert page.post(f"/batches/{batch.id}/trash").status_code == 403


def test_pages_need_the_same_queries_for_few_and_for_many(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    def count(address: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert page.get(address).status_code == 200
        return len(captured)

    small = make_batch(author, n=2)
    count("/batches")
    few = count("/batches"), count(f"/batches/{small.id}")
    large = make_batch(author, n=128, prompts=("a", "b"))
    make_batch(author, n=3)
    assert (count("/batches"), count(f"/batches/{large.id}")) == few
