"""The bar below the Library, as a plain form: what is ticked, all that match, and Undo."""

from __future__ import annotations

import re
import uuid

import pytest
from django.test import Client

from tests.factories import make_user
from tests.pages.conftest import browser_of
from tests.pages.makers import make_done, make_failed, make_picture
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.collections.models import Collection
from webapp.generations.models import Generation
from webapp.review.decision_operations import Judgement, decide


def send(page: Client, action: str, *rows: Generation, **fields: str) -> str:
    """Press a button of the bar, and read the page that comes of it."""
    sent = {"action": action, "generation": [str(row.id) for row in rows], **fields}
    answer = page.post("/library/bulk", sent, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def undo_of(html: str) -> str:
    found = re.search(r'action="(/library/bulk/[^"]+/undo)"', html)
    assert found
    return found[1]


def test_what_is_ticked_goes_to_the_trash_and_comes_back(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    kept, gone = make_done(owner=author), make_done(owner=author)
    html = page.get("/library?kind=text").content.decode()
    assert html.count("data-pick") == 2
    assert "All 2 that match" in html
    html = send(page, "trash", gone, view="kind=text")
    assert "1 generation is put in the trash." in html
    assert gone.accession not in html
    assert kept.accession in html
    # Told once.
    assert "put in the trash" not in page.get("/library").content.decode()
    answer = page.post(undo_of(html), {"view": "kind=text"})
    assert answer["Location"] == "/library?kind=text"
    html = page.get(answer["Location"]).content.decode()
    assert "Taken back on 1 generation." in html
    assert gone.accession in html


def test_all_that_match_are_those_of_the_view(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done, failed = make_done(owner=author), make_failed(owner=author)
    theirs = make_done(owner=make_user())
    send(page, "tag", view="status=failed", all="1", tags="broken, , Again")
    assert Generation.objects.get(id=failed.id).tags == ["broken", "Again"]
    assert Generation.objects.get(id=done.id).tags == []
    assert Generation.objects.get(id=theirs.id).tags == []
    send(page, "untag", view="tag=broken", all="1", tags="again")
    assert Generation.objects.get(id=failed.id).tags == ["broken"]
    # A filter that means nothing would leave everything.
    html = send(page, "trash", view="kind=smell", all="1")
    assert "Not all filters of this view are understood" in html
    assert not Generation.objects.filter(trashed_at__isnull=False).exists()


def test_a_collection_may_be_made_on_the_way(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author)
    html = send(page, "collect", done, new_collection="Boats")
    assert "1 generation is added to the collection." in html
    held = Collection.objects.get(name="Boats")
    assert [item.generation_id for item in held.items.all()] == [done.id]
    html = send(page, "collect", done, collection=str(held.id))
    assert "Nothing was changed." in html
    assert "Nothing is selected." in send(page, "collect", new_collection="More")
    assert not Collection.objects.filter(name="More").exists()


def test_the_same_form_twice_does_it_once(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    failed = make_failed(owner=author)
    key = uuid.uuid4().hex
    for _ in range(2):
        assert "1 generation is tried again." in send(page, "retry", failed, key=key)
    assert Generation.objects.filter(retried_from=failed).count() == 1
    # Another button of the same page is another wish.
    assert "1 generation is tagged." in send(page, "tag", failed, key=key, tags="x")


def test_two_are_compared_and_no_other_number(
    page: Client, author: User, stranger: Client, checkpoint: Checkpoint
) -> None:
    first, second = make_picture(owner=author), make_picture(owner=author)
    html = send(page, "compare", second, first)
    assert "data-versus-over" in html
    assert html.index(first.accession) < html.index(second.accession)
    for rows in ((first,), (first, second, make_done(owner=author))):
        assert "Select exactly two results" in send(page, "compare", *rows)
    address = f"/compare/two?left={first.id}&right={second.id}"
    assert stranger.get(address).status_code == 404
    assert page.get("/compare/two?left=x").status_code == 404


def test_the_bar_exports_what_is_ticked(
    page: Client, author: User, checkpoint: Checkpoint
) -> None:
    done, _ = make_done(owner=author), make_done(owner=author)
    answer = page.post(
        "/library/bulk", {"action": "export", "format": "jsonl", "generation": [str(done.id)]}
    )
    content = b"".join(answer.streaming_content)  # type: ignore[attr-defined]
    assert content.count(b"\n") == 1
    assert str(done.id).encode() in content
    assert "Nothing is selected." in send(page, "export", format="jsonl")
    assert "The format must be one of" in send(page, "export", done, format="exe")


def test_those_who_may_not_are_told(
    author: User, stranger: Client, reviewer: Client, checkpoint: Checkpoint
) -> None:
    done = make_done(owner=author)
    assert "It is not there, or not yours." in send(stranger, "trash", done)
    assert "Only its owner and admins may change it." in send(reviewer, "trash", done)
    assert Generation.objects.get(id=done.id).trashed_at is None
    viewer = make_user()
    viewer.groups.clear()
    sent = {"action": "trash", "generation": [str(done.id)]}
    assert browser_of(viewer).post("/library/bulk", sent).status_code == 403
    assert stranger.post("/library/bulk", {"action": "burn"}).status_code == 404
    assert stranger.post("/library/bulk", {**sent, "generation": "x"}).status_code == 404


@pytest.mark.parametrize(("query", "shown"), [("approved", {0}), ("undecided", {1})])
def test_reviewers_narrow_down_by_what_was_decided(
    page: Client, reviewer: Client, checkpoint: Checkpoint, query: str, shown: set[int]
) -> None:
    author = User.objects.get(username="ada")
    rows = [make_done(owner=author), make_done(owner=author)]
    judge = make_user(Role.REVIEWER)
    decide(reviewer=judge, generations=[rows[0].id], judgement=Judgement("approved"))
    html = reviewer.get(f"/library?standing={query}").content.decode()
    assert {place for place, row in enumerate(rows) if row.accession in html} == shown
    # Authors are neither offered the filter nor told by it what was decided.
    html = page.get(f"/library?standing={query}").content.decode()
    assert "There is no standing" in html
    assert "filter-standing" not in html
