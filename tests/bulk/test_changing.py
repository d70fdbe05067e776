"""The same done to many: who may, what is told, what is taken back, and what a cut leaves."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from tests.factories import make_card, make_checkpoint, make_generation, make_user
from tests.lists import copies
from tests.pages.makers import make_done, make_failed
from webapp.accounts.models import Role, User
from webapp.bulk import operations
from webapp.bulk.acting import act_on_part
from webapp.bulk.models import Action, BulkAct
from webapp.bulk.operations import BulkWish, change_many
from webapp.bulk.queries import Selection
from webapp.collections.models import CollectionItem
from webapp.collections.operations import CollectionWish, create_collection
from webapp.generations.models import Generation
from webapp.jobs.models import JobState

pytestmark = pytest.mark.django_db
BULK = "/api/v1/generations/bulk"


@pytest.fixture(autouse=True)
def own_blobs(settings, tmp_path):
    settings.PINAKES_BLOBS = tmp_path


def client_for(user: User) -> APIClient:
    client = APIClient()
    client.force_authenticate(user)
    return client


def post(user: User, key: str = "", **body: Any) -> Any:
    headers = {"Idempotency-Key": key} if key else {}
    return client_for(user).post(BULK, body, format="json", headers=headers)


def ids(*rows: Generation) -> list[str]:
    return [str(row.id) for row in rows]


def fresh(row: Generation) -> Generation:
    return Generation.objects.select_related("job").get(id=row.id)


def test_tags_are_added_taken_off_and_taken_back():
    owner = make_user()
    first, second = make_done(owner=owner, tags=("sea",)), make_done(owner=owner)
    done = post(owner, action="tag", generations=ids(first, second), tags=["Boat", "SEA"]).json()
    assert (done["selected"], done["changed"], done["refused"]) == (2, 2, [])
    # As their owner spells them; what one had already is not taken from it later.
    assert (fresh(first).tags, fresh(second).tags) == (["sea", "Boat"], ["Boat", "sea"])
    again = post(owner, action="tag", generations=ids(first, second), tags=["boat"]).json()
    assert (again["changed"], again["unchanged"], again["undoable"]) == (0, 2, False)
    undone = client_for(owner).post(done["links"]["undo"]).json()
    assert (undone["restored"], undone["undoable"]) == (2, False)
    assert (fresh(first).tags, fresh(second).tags) == (["sea"], [])
    assert client_for(owner).post(done["links"]["undo"]).json()["restored"] == 0
    off = post(owner, action="untag", generations=ids(first, second), tags=["SEA"]).json()
    assert (off["changed"], fresh(first).tags) == (1, [])
    client_for(owner).post(off["links"]["undo"])
    assert fresh(first).tags == ["sea"]


def test_trash_cancels_and_comes_back_but_for_what_went_there_otherwise():
    owner = make_user()
    done, before = make_done(owner=owner), make_done(owner=owner)
    waiting = make_generation(owner=owner)
    post(owner, action="trash", generations=ids(before))
    act = post(owner, action="trash", generations=ids(done, before, waiting)).json()
    assert (act["changed"], act["unchanged"]) == (2, 1)
    assert fresh(waiting).job.state == JobState.CANCELED
    assert all(fresh(row).trashed_at for row in (done, before, waiting))
    tagging = post(owner, action="tag", generations=ids(done), tags=["late"]).json()
    assert [each["code"] for each in tagging["refused"]] == ["conflict"]
    assert client_for(owner).post(act["links"]["undo"]).json()["restored"] == 2
    assert fresh(done).trashed_at is None
    assert fresh(before).trashed_at is not None
    back = post(owner, action="restore", filter={"trashed": "true"}).json()
    assert (back["selected"], back["changed"]) == (1, 1)
    refused = client_for(owner).post(back["links"]["undo"])
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")


def test_what_is_not_ones_own_is_refused_one_by_one():
    owner, other = make_user(), make_user()
    mine, theirs = make_done(owner=owner), make_done(owner=other)
    missing = uuid.uuid4()
    wish: dict[str, Any] = {"action": "trash", "generations": [*ids(mine, theirs), str(missing)]}
    told = post(owner, **wish).json()
    assert told["changed"] == 1
    assert {each["id"]: each["code"] for each in told["refused"]} == {
        str(theirs.id): "not_found",
        str(missing): "not_found",
    }
    reviewer = post(make_user(Role.REVIEWER), action="trash", generations=ids(theirs)).json()
    assert [each["code"] for each in reviewer["refused"]] == ["permission_denied"]
    assert fresh(theirs).trashed_at is None
    admin = make_user(Role.ADMIN)
    tagged = post(admin, action="tag", generations=ids(theirs), tags=["seen"]).json()
    assert (tagged["changed"], fresh(theirs).tags) == (1, ["seen"])
    # An act is of whoever did it.
    assert client_for(other).get(tagged["links"]["self"]).status_code == 404
    assert client_for(other).post(tagged["links"]["undo"]).status_code == 404
    viewer = make_user()
    viewer.groups.clear()
    assert post(viewer, **wish).status_code == 403


def test_a_filter_and_a_search_select_all_that_they_find():
    owner = make_user()
    picture = make_checkpoint(make_card(slug="toy-image", family="diffusion", modality="image"))
    other = make_generation(owner=owner, checkpoint=picture)
    text = make_checkpoint()
    rows = [make_generation(owner=owner, checkpoint=text) for _ in range(3)]
    done = post(owner, action="tag", filter={"family": "transformer"}, tags=["words"]).json()
    assert (done["selected"], done["changed"]) == (3, 3)
    assert [fresh(row).tags for row in (*rows, other)] == [["words"]] * 3 + [[]]
    nothing = post(owner, action="cancel", search={"q": "nothing was indexed"}).json()
    assert (nothing["selected"], nothing["changed"]) == (0, 0)
    canceled = post(owner, action="cancel", filter={}).json()
    assert (canceled["selected"], canceled["changed"]) == (4, 4)
    assert post(owner, action="cancel", filter={}).json()["changed"] == 0


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        ({"action": "tag"}, ["/generations"]),
        ({"action": "tag", "filter": {}, "search": {"q": "x"}}, ["/generations"]),
        ({"action": "tag", "filter": {}}, ["/tags"]),
        ({"action": "tag", "filter": {}, "tags": ["a,b"]}, ["/tags/0"]),
        ({"action": "trash", "filter": {}, "tags": ["a"]}, ["/tags"]),
        ({"action": "trash", "generations": []}, ["/generations"]),
        ({"action": "burn", "filter": {}}, ["/action"]),
        ({"action": "trash", "filter": {"status": "odd", "day": "x"}}, ["/filter/day"]),
        ({"action": "trash", "filter": {"status": "odd"}}, ["/filter/status"]),
        ({"action": "trash", "search": {"mode": "odd"}}, ["/search/q", "/search/mode"]),
        ({"action": "collect", "filter": {}}, ["/collection"]),
        ({"action": "collect", "filter": {}, "collection": str(uuid.uuid4())}, ["/collection"]),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_kept(body, pointers):
    answer = post(make_user(), **body)
    assert answer.status_code == 422, answer.json()
    assert [fault["pointer"] for fault in answer.json()["errors"]] == pointers
    assert not BulkAct.objects.exists()


def test_a_collection_takes_what_its_owner_may_see():
    owner, other = make_user(), make_user()
    held = create_collection(owner=owner, wish=CollectionWish("Kept"))
    foreign = create_collection(owner=other, wish=CollectionWish("Theirs"))
    first, trashed = make_done(owner=owner), make_done(owner=owner)
    post(owner, action="trash", generations=ids(trashed))
    wish: dict[str, Any] = {"action": "collect", "generations": ids(first, trashed)}
    told = post(owner, **wish, collection=str(held.id)).json()
    assert (told["changed"], [each["id"] for each in told["refused"]]) == (1, ids(trashed))
    assert [row.generation_id for row in CollectionItem.objects.all()] == [first.id]
    again = post(owner, **wish, collection=str(held.id)).json()
    assert (again["changed"], again["unchanged"]) == (0, 1)
    assert post(owner, **wish, collection=str(foreign.id)).status_code == 422


def test_what_has_no_result_is_tried_again_once(monkeypatch):
    owner = make_user()
    failed, done = make_failed(owner=owner), make_done(owner=owner)
    told = post(owner, key="k", action="retry", generations=ids(failed, done)).json()
    assert (told["changed"], [each["code"] for each in told["refused"]]) == (1, ["conflict"])
    again = post(owner, key="k", action="retry", generations=ids(failed, done))
    assert (again.json(), again["Idempotent-Replayed"]) == (told, "true")
    assert Generation.objects.filter(retried_from=failed).count() == 1
    other = post(owner, key="k", action="retry", generations=ids(done))
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    monkeypatch.setattr(operations, "MAX_RETRIES", 1)
    many = post(owner, action="retry", generations=ids(failed, done))
    assert (many.status_code, many.json()["errors"][0]["code"]) == (422, "too_many")


def test_a_full_queue_refuses_the_rest(settings):
    owner = make_user()
    rows = [make_failed(owner=owner) for _ in range(3)]
    settings.JOBS_MAX_QUEUED_PER_OWNER = 1
    told = post(owner, action="retry", generations=ids(*rows)).json()
    assert told["changed"] == 1
    assert [each["code"] for each in told["refused"]] == ["queue_full"] * 2


def test_what_was_cut_in_the_middle_goes_on_with_its_key(monkeypatch):
    owner = make_user()
    rows = [make_done(owner=owner) for _ in range(5)]
    wish = BulkWish(Action.TAG, Selection(ids=tuple(row.id for row in rows)), ("kept",))
    monkeypatch.setattr(operations, "PART", 2)
    whole, calls = act_on_part, list[Any]()

    def cut(**given: Any) -> Any:
        calls.append(given)
        if len(calls) == 2:
            raise ConnectionError
        return whole(**given)

    monkeypatch.setattr(operations, "act_on_part", cut)
    with pytest.raises(ConnectionError):
        change_many(user=owner, wish=wish, idempotency_key="k")
    assert [bool(fresh(row).tags) for row in rows] == [True, True, False, False, False]
    open_end = BulkAct.objects.get()
    assert (open_end.num_changed, open_end.finished_at, open_end.is_undoable) == (2, None, False)
    done = change_many(user=owner, wish=wish, idempotency_key="k")
    assert (done.act.id, done.act.num_changed, done.replayed) == (open_end.id, 5, False)
    assert operations.undo_act(user=owner, act=done.act) == 5
    assert not any(fresh(row).tags for row in rows)


def test_many_are_changed_in_few_statements():
    owner = make_user()
    first = make_done(owner=owner)
    jobs = copies(first.job, 1_500)
    copies(
        Generation.objects.get(id=first.id),
        1_500,
        job=lambda number: jobs[number],
        number=lambda number: 1_000_000 + number,
    )
    for action, tags in (("tag", ["a", "b"]), ("untag", ["x"]), ("trash", [])):
        if action == "untag":
            post(owner, action="tag", filter={}, tags=["x"])
        with CaptureQueriesContext(connection) as queries:
            told = post(owner, action=action, filter={}, tags=tags).json()
        assert told["changed"] == 1_501
        assert len(queries) < 45, action
        with CaptureQueriesContext(connection) as queries:
            assert client_for(owner).post(told["links"]["undo"]).json()["restored"] == 1_501
        assert len(queries) < 45, action
    assert Generation.objects.filter(tags=["x"], trashed_at=None).count() == 1_501


def test_more_than_a_call_takes_is_refused_before_anything(monkeypatch):
    owner = make_user()
    rows = [make_done(owner=owner) for _ in range(3)]
    monkeypatch.setattr(operations, "MAX_AT_ONCE", 2)
    answer = post(owner, action="trash", filter={})
    assert answer.status_code == 422
    [fault] = answer.json()["errors"]
    assert (fault["pointer"], fault["code"]) == ("/filter", "too_many")
    assert not any(fresh(row).trashed_at for row in rows)
