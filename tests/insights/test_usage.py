"""Usage over time as the REST interface tells it: right counts, right days, right people."""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import zoneinfo
from typing import Any

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories import make_card, make_checkpoint, make_generation, make_user
from tests.insights.makers import make_past
from webapp.accounts.models import Role, User
from webapp.catalog.models import Checkpoint
from webapp.generations.operations import trash_generation
from webapp.insights.periods import Period, cut, midnight
from webapp.insights.requests import read_usage_request
from webapp.jobs.models import JobState

pytestmark = pytest.mark.django_db

DAY = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
SPAN = {"from": "2026-03-01", "to": "2026-03-04"}


@pytest.fixture
def ada() -> User:
    return make_user(username="ada")


@pytest.fixture
def text() -> Checkpoint:
    return make_checkpoint(make_card(slug="toy-text", family="transformer"))


@pytest.fixture
def picture() -> Checkpoint:
    return make_checkpoint(make_card(slug="toy-gan", family="gan"))


def client_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def ask(user: User, **fields: str | int) -> dict[str, Any]:
    response = client_of(user).get("/api/v1/insights", {**SPAN, **fields})
    assert response.status_code == 200, response.content
    answer: dict[str, Any] = response.json()
    return answer


def series(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in answer["series"]}


def test_figures_are_those_of_a_count_by_hand(
    ada: User, text: Checkpoint, picture: Checkpoint
) -> None:
    for ran, score in ((1.0, 5.0), (2.0, 2.0), (4.0, None)):
        make_past(owner=ada, checkpoint=text, at=DAY, ran=ran, score=score)
    make_past(owner=ada, checkpoint=text, at=DAY, state=JobState.FAILED, code="deadline", ran=99)
    make_past(owner=ada, checkpoint=picture, at=DAY, waited=11, ran=8)
    make_past(owner=ada, checkpoint=picture, at=DAY, state=JobState.EXPIRED, code="expired")
    make_past(owner=ada, checkpoint=picture, at=DAY + dt.timedelta(days=1), state=JobState.QUEUED)
    make_past(owner=ada, checkpoint=picture, at=DAY - dt.timedelta(days=3), ran=5)
    answer = ask(ada)
    assert answer["total"]["counts"] == {
        "queued": 1, "running": 0, "succeeded": 4, "failed": 1, "canceled": 0, "expired": 1,
    }  # fmt: skip
    assert answer["total"]["success_share"] == pytest.approx(4 / 6, abs=1e-4)
    assert answer["total"]["mean_score"] == 3.5
    assert answer["total"]["waited_s"] == {"p50": 1.0, "p95": 9.0}
    assert answer["before"]["total"] == 1
    assert answer["before"]["ran_s"] == {"p50": 5.0, "p95": 5.0}
    text_figures = series(answer)["transformer"]
    assert text_figures["ran_s"] == {"p50": 2.0, "p95": 3.8}
    assert text_figures["compute_seconds"] == (1 + 2 + 4 + 99) / 2
    assert (text_figures["bytes"], text_figures["tokens"], text_figures["passes"]) == (300, 21, 9)
    assert series(answer)["gan"]["mean_score"] is None
    assert [each["total"] for each in answer["buckets"]] == [0, 6, 1, 0]
    assert answer["buckets"][0]["ran_s"] is None, "nothing was measured, which is not 0"
    assert answer["buckets"][1]["series"]["gan"]["ran_s"] == {"p50": 8.0, "p95": 8.0}
    assert {each["code"]: each["series"] for each in answer["failures"]} == {
        "deadline": {"transformer": 1},
        "expired": {"gan": 1},
    }


def test_of_very_many_all_are_counted_and_some_measured(
    ada: User, text: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(50):
        make_past(owner=ada, checkpoint=text, at=DAY, waited=3, ran=5)
    exact = ask(ada)
    monkeypatch.setattr("webapp.insights.queries._MOST_MEASURED", 49)
    assert ask(ada) == exact


def test_filters_and_groups_count_the_same_rows(
    ada: User, text: Checkpoint, picture: Checkpoint
) -> None:
    for _ in range(3):
        make_past(owner=ada, checkpoint=text, at=DAY)
    make_past(owner=ada, checkpoint=picture, at=DAY, state=JobState.CANCELED)
    assert {name: each["total"] for name, each in series(ask(ada, by="model")).items()} == {
        "toy-text": 3,
        "toy-gan": 1,
    }
    outcomes = ask(ada, by="outcome")
    assert {name: each["total"] for name, each in series(outcomes).items()} == {
        "done": 3,
        "canceled": 1,
    }
    for narrowed in ({"family": "gan"}, {"model": "toy-gan"}, {"family": "gan,vae"}):
        assert ask(ada, **narrowed)["total"]["total"] == 1
    assert ask(ada, family="gan", model="toy-text")["total"]["total"] == 0


def test_usage_stays_when_what_was_made_is_thrown_away(ada: User, text: Checkpoint) -> None:
    generation = make_past(owner=ada, checkpoint=text, at=DAY)
    before = ask(ada)
    trash_generation(generation=generation)
    assert ask(ada) == before


def test_authors_see_their_own_and_reviewers_everybody(ada: User, text: Checkpoint) -> None:
    other, reviewer = make_user(username="other"), make_user(Role.REVIEWER)
    make_past(owner=ada, checkpoint=text, at=DAY)
    for _ in range(2):
        make_past(owner=other, checkpoint=text, at=DAY)
    assert ask(ada)["total"]["total"] == 1
    assert ask(ada, owner=ada.pk)["total"]["total"] == 1
    assert ask(ada)["people"] is None
    foreign = client_of(ada).get("/api/v1/insights", {**SPAN, "owner": str(other.pk)})
    assert foreign.status_code == 403
    assert b"other" not in foreign.content.replace(b"others", b"")
    seen = ask(reviewer)
    assert seen["total"]["num_people"] == 2
    assert [(each["name"], each["series"]) for each in seen["people"]] == [
        ("other", {"transformer": 2}),
        ("ada", {"transformer": 1}),
    ]
    assert ask(reviewer, owner=other.pk)["total"]["total"] == 2
    assert Client().get("/api/v1/insights").status_code == 401


def test_a_day_is_one_of_the_zone_that_was_asked_for(ada: User, text: Checkpoint) -> None:
    midnight = dt.datetime(2026, 3, 3, tzinfo=dt.UTC)
    for at in (midnight - dt.timedelta(microseconds=1), midnight):
        make_past(owner=ada, checkpoint=text, at=at)
    assert [each["total"] for each in ask(ada)["buckets"]] == [0, 1, 1, 0]
    there = ask(ada, zone="Asia/Tokyo")
    assert [each["total"] for each in there["buckets"]] == [0, 0, 2, 0]
    assert there["span"]["from"] == "2026-02-28T15:00:00Z"
    assert ask(ada, **{"from": midnight.isoformat(), "to": "2026-03-03"})["total"]["total"] == 1


def test_buckets_fill_their_span_where_clocks_change() -> None:
    vienna = zoneinfo.ZoneInfo("Europe/Vienna")
    for first, last, unit, count in (
        (dt.date(2026, 3, 29), dt.date(2026, 3, 30), "hour", 23),
        (dt.date(2026, 10, 20), dt.date(2026, 10, 31), "day", 11),
        (dt.date(2025, 10, 31), dt.date(2026, 10, 31), "week", 53),
        (dt.date(2020, 1, 15), dt.date(2024, 1, 15), "month", 49),
    ):
        whole = Period(midnight(first, vienna), midnight(last, vienna))
        calendar = cut(whole, vienna)
        edges = [(each.start, each.end) for each in calendar.buckets]
        assert (calendar.unit, len(edges)) == (unit, count)
        assert edges[0][0] == whole.start
        assert edges[-1][1] == whole.end
        assert all(end == start for (_, end), (start, _) in itertools.pairwise(edges))


@pytest.mark.parametrize(
    ("fields", "pointers"),
    [
        ({"spam": "1"}, ["?spam"]),
        ({"span": "2d", "by": "moon", "owner": "me"}, ["?span", "?by", "?owner"]),
        ({"span": "custom"}, ["?from"]),
        ({"span": "7d", "to": "2026-03-01"}, ["?to"]),
        ({"from": "2026-13-01", "to": "soon"}, ["?from", "?to"]),
        ({"from": "2026-03-02", "to": "2026-03-01"}, ["?to"]),
        ({"from": "0001-01-01"}, ["?from"]),
        ({"from": "2026-01-01", "to": "9999-12-31"}, ["?to"]),
        ({"zone": "../etc/passwd", "family": "gans"}, ["?zone", "?family"]),
    ],
)
def test_what_is_not_understood_is_refused_all_at_once(
    ada: User, fields: dict[str, str], pointers: list[str]
) -> None:
    for form in ({}, {"format": "csv"}):
        response = client_of(ada).get("/api/v1/insights", {**fields, **form})
        assert response.status_code == 422
        assert response["Content-Type"].startswith("application/problem+json")
        assert [each["pointer"] for each in response.json()["errors"]] == pointers


def test_a_table_has_a_line_for_each_bucket_and_series(
    ada: User, text: Checkpoint, picture: Checkpoint
) -> None:
    make_past(owner=ada, checkpoint=text, at=DAY, ran=4, score=3)
    make_past(owner=ada, checkpoint=picture, at=DAY, state=JobState.QUEUED)
    asked = client_of(ada).get("/api/v1/insights", SPAN, headers={"Accept": "text/csv"})
    assert asked["Content-Type"].startswith("text/csv")
    named = client_of(ada).get("/api/v1/insights", {**SPAN, "format": "csv"})
    assert named.content == asked.content
    lines = {row["family"]: row for row in csv.DictReader(io.StringIO(asked.content.decode()))}
    assert lines["transformer"]["from"] == "2026-03-02T00:00:00+00:00"
    assert (lines["transformer"]["ran_p50_s"], lines["transformer"]["mean_score"]) == (
        "4.0",
        "3.0",
    )
    assert (lines["gan"]["queued"], lines["gan"]["ran_p50_s"]) == ("1", "")


def test_usual_spans_end_with_today() -> None:
    now = dt.datetime(2026, 3, 29, 22, 30, tzinfo=dt.UTC)
    for span, zone, end in (
        ("7d", "", dt.datetime(2026, 3, 30, tzinfo=dt.UTC)),
        ("7d", "Europe/Vienna", dt.datetime(2026, 3, 30, 22, tzinfo=dt.UTC)),
        (
            "24h",
            "Asia/Kolkata",
            dt.datetime(2026, 3, 29, 22, 30, tzinfo=dt.UTC) + dt.timedelta(hours=1),
        ),
    ):
        request, faults = read_usage_request({"span": span, "zone": zone}, now=now)
        assert faults == []
        assert request.calendar.whole.end == end
        before = request.calendar.before(now)
        assert before.end == request.calendar.whole.start
        assert before.end - before.start == now - request.calendar.whole.start


def test_it_costs_the_same_however_much_there_is(
    ada: User, text: Checkpoint, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    client = client_of(make_user(Role.REVIEWER))
    make_past(owner=ada, checkpoint=text, at=DAY)
    # Session, user, groups, usage, the time before, scores, volumes, names.
    with django_assert_num_queries(8):
        client.get("/api/v1/insights", SPAN)
    for number in range(5):
        make_past(owner=make_user(), checkpoint=text, at=DAY + dt.timedelta(hours=number), score=4)
    with django_assert_num_queries(8):
        client.get("/api/v1/insights", SPAN)


def test_a_list_between_the_same_times_has_exactly_what_was_counted(
    ada: User, text: Checkpoint, picture: Checkpoint
) -> None:
    """What is submitted now too: its own time is that of the job that is counted."""
    generation = make_generation(owner=ada, checkpoint=text)
    assert generation.created_at == generation.job.created_at
    reviewer = client_of(make_user(Role.REVIEWER))
    wanted = make_past(
        owner=ada, checkpoint=picture, at=DAY, state=JobState.FAILED, code="deadline", trashed=True
    )
    make_past(owner=ada, checkpoint=picture, at=DAY, state=JobState.FAILED, code="timeout")
    make_past(
        owner=make_user(), checkpoint=picture, at=DAY, state=JobState.FAILED, code="deadline"
    )
    found = reviewer.get(
        "/api/v1/generations",
        {
            "from": "2026-03-02T00:00:00Z",
            "to": "2026-03-03T00:00:00Z",
            "owner": str(ada.pk),
            "code": "deadline",
            "trashed": "any",
        },
    ).json()
    assert [each["id"] for each in found["data"]] == [str(wanted.id)]
    assert reviewer.get("/api/v1/generations", {"owner": "ada"}).status_code == 422
