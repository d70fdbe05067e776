"""What the world is told of a generation while it is worked on.

Every event goes to the generation's own stream and to that of its owner. Text is told as it grows:
the whole from time to time (a key frame, from which a new reader can start), and in between only
what was added.
"""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from genmodels.contract import Preview, Progress, Run
from webapp.common import live
from webapp.generations.models import Generation
from webapp.jobs.models import JobState

#: Seconds between the events of a run, between its pictures, and between whole texts.
PROGRESS_SECONDS = 0.1
PICTURE_SECONDS = 0.4
KEY_FRAME_SECONDS = 2.0

Publish = Callable[[Sequence[str], str, Mapping[str, Any]], object]


def topic_of_owner(owner_id: int) -> str:
    """The stream of everything that happens to somebody's generations."""
    return f"user:{owner_id}"


def progress_facts(progress: Progress) -> dict[str, Any]:
    """Progress as it is shown."""
    return {"done": progress.done, "total": progress.total, "unit": progress.unit}


class Broadcast:
    """Tells of one run, not more often than eyes can follow."""

    def __init__(
        self, *, generation_id: uuid.UUID, owner_id: int, publish: Publish = live.publish
    ) -> None:
        self._id = str(generation_id)
        self._topics = (self._id, topic_of_owner(owner_id))
        self._publish = publish
        self._next_at = 0.0
        self._picture_at = 0.0
        self._key_frame_at = 0.0
        self._text = ""

    @property
    def is_due(self) -> bool:
        """Whether there may be something to tell again."""
        return time.monotonic() >= self._next_at

    def tell_started(self) -> None:
        """It left the queue."""
        self._tell("generation.status", {"status": JobState.RUNNING})

    @property
    def changed(self) -> live.NewEvent:
        """Says that its row has something new: look there."""
        return live.NewEvent(self._topics, "generation.changed", {"id": self._id})

    def tell_changed(self) -> None:
        """Its row says something new."""
        event = self.changed
        self._publish(event.topics, event.type, event.data)

    def tell_progress(self, run: Run, *, pace: float = PROGRESS_SECONDS) -> None:
        """How far it is, with what there is to see, in one event; the next in `pace` seconds."""
        now = time.monotonic()
        self._next_at = now + pace
        facts = progress_facts(run.progress)
        preview = run.preview() if now >= self._picture_at else None
        if preview is None:
            self._tell("generation.progress", facts)
        elif preview.content:
            self._picture_at = now + PICTURE_SECONDS
            content = base64.b64encode(preview.content).decode()
            self._tell_preview(preview, {**facts, "data": content})
        else:
            self._tell_text(preview, facts, now)

    def _tell_text(self, preview: Preview, facts: Mapping[str, Any], now: float) -> None:
        length = len(preview.text)
        if now >= self._key_frame_at or not preview.text.startswith(self._text):
            self._key_frame_at = now + KEY_FRAME_SECONDS
            self._tell_preview(preview, {**facts, "length": length})
        else:
            added = preview.text[len(self._text) :]
            place = {"offset": len(self._text), "length": length}
            self._tell("generation.delta", {**facts, **place, "text": added})
        self._text = preview.text

    def _tell_preview(self, preview: Preview, facts: Mapping[str, Any]) -> None:
        frame = {**facts, "media_type": preview.media_type, "text": preview.text}
        self._tell("generation.preview", frame)

    def _tell(self, event_type: str, data: Mapping[str, Any]) -> None:
        self._publish(self._topics, event_type, {"id": self._id, **data})


def tell_changed(job_ids: Sequence[uuid.UUID]) -> None:
    """Tell of generations whose rows say something new, found by their jobs."""
    rows = Generation.objects.filter(job_id__in=job_ids).values_list("id", "owner_id")
    live.publish_all(
        [
            Broadcast(generation_id=generation_id, owner_id=owner_id).changed
            for generation_id, owner_id in rows
        ]
    )
