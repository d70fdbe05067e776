"""What is told of a run, and how often."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.conf import settings

from genmodels.contract import GenerationRequest, Preview, Progress, Sample
from tests.generations.described import faults_of, names_of
from webapp.generations import broadcast as module
from webapp.generations.broadcast import Broadcast


class Writer:
    """A run that has written so much."""

    request = GenerationRequest("a prompt", {}, 1)
    done = False
    sample = Sample(b"", "text/plain")
    progress = Progress(1, 2, "token")

    def __init__(self) -> None:
        self.shown: Preview | None = Preview("text/plain", text="")

    def preview(self) -> Preview | None:
        return self.shown


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr("webapp.generations.broadcast.time.monotonic", lambda: now[0])
    return now


@pytest.fixture
def told() -> list[tuple[str, dict[str, Any]]]:
    return []


@pytest.fixture
def broadcast(told: list[Any]) -> Broadcast:
    def publish(topics: Any, kind: str, data: Any) -> None:
        assert topics[1] == "user:7"
        assert data["id"] == topics[0]
        told.append((kind, data))

    return Broadcast(generation_id=uuid.uuid4(), owner_id=7, publish=publish)


def test_text_is_told_by_what_was_added_and_now_and_then_whole(clock, told, broadcast):
    run = Writer()
    for text in ("a", "ab", "abc", "abcd"):
        run.shown = Preview("text/plain", text=text)
        broadcast.tell_progress(run)
        clock[0] += 0.8
    for kind, data in told:
        assert faults_of(kind, data, schema="GenerationEvent") == []
    frames = [(kind, data["text"]) for kind, data in told if kind != "generation.progress"]
    assert [data["done"] for _, data in told] == [1, 1, 1, 1]
    assert frames == [
        ("generation.preview", "a"),
        ("generation.delta", "b"),
        ("generation.delta", "c"),
        ("generation.preview", "abcd"),
    ]
    deltas = [data for kind, data in told if kind == "generation.delta"]
    assert [(data["offset"], data["length"]) for data in deltas] == [(1, 2), (2, 3)]


def test_text_that_was_changed_is_told_whole(clock, told, broadcast):
    run = Writer()
    for text in ("a house", "a horse"):
        run.shown = Preview("text/plain", text=text)
        broadcast.tell_progress(run)
    assert [kind for kind, _ in told if kind != "generation.progress"] == [
        "generation.preview",
        "generation.preview",
    ]


def test_nothing_is_due_before_eyes_could_follow(clock, told, broadcast):
    assert broadcast.is_due
    broadcast.tell_progress(Writer())
    assert not broadcast.is_due
    clock[0] += module.PROGRESS_SECONDS
    assert broadcast.is_due


def test_pictures_come_less_often_than_progress(clock, told, broadcast):
    run = Writer()
    run.shown = Preview("image/png", content=b"a picture")
    for _ in range(9):
        broadcast.tell_progress(run)
        clock[0] += 0.1
    for kind, data in told:
        assert faults_of(kind, data, schema="GenerationEvent") == []
    kinds = [kind for kind, _ in told]
    assert len(kinds) == 9
    assert 2 <= kinds.count("generation.preview") <= 3


def test_a_family_without_previews_tells_its_progress(clock, told, broadcast):
    run = Writer()
    run.shown = None
    broadcast.tell_progress(run)
    assert [kind for kind, _ in told] == ["generation.progress"]


def test_the_description_and_the_page_name_the_same_events():
    page = (settings.BASE_DIR / "docs" / "live-streams.md").read_text(encoding="utf-8")
    told = {line.split("`")[1] for line in page.splitlines() if line.startswith("| `")}
    assert names_of("OwnEvent") == {name for name in told if not name.startswith("GET ")}
    assert names_of("GenerationEvent") < names_of("OwnEvent")
