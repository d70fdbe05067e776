"""Fills a running site's Library past the queue, with rows as workers would have left them.

Prompts are put together from a few words, so that many are near each other in meaning, as people's
are. Each has its own vector, a little beside that of its words, so that the graph of the space is
as hard to walk as one of different texts.
"""

from __future__ import annotations

import datetime as dt
import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bench.remembering import RememberingEmbedder

_BATCH = 1000
_NUM_PICTURES = 240
_NUM_PROMPTS = 2000
#: How far the vector of one generation lies beside that of its words.
_BESIDE = 0.15
_MODELS = ("flow-fashion", "vae-fashion", "r3gan-fashion", "vae-digits", "gpt-shakespeare")
_TAGS = ("keep", "draft", "autumn", "client", "odd", "blue", "series one", "again")
_MANNERS = ("a", "an old", "a small", "a dark", "a pale", "a striped", "a worn", "a clean")
_THINGS = (
    "boot", "coat", "bag", "shirt", "dress", "sandal", "pullover", "sneaker", "trouser", "seven",
    "four", "lamp", "harbour", "letter", "king", "garden", "winter", "bridge", "candle", "river",
)  # fmt: skip
_PLACES = (
    "for the rain", "seen from the side", "of a sailor", "with a long sleeve", "by the sea",
    "in the morning", "for a child", "from the market", "without a name", "near the gate",
    "in wool", "in leather", "that nobody wears", "of the last century", "under the stairs",
)  # fmt: skip


@dataclass(frozen=True)
class Shelved:
    """What the Library holds now, and words that some of it has."""

    num_generations: int
    questions: tuple[str, ...]
    tag: str


def fill_library(count: int, *, owner_name: str, report: Callable[[str], None]) -> Shelved:
    """Give a person so many generations that succeeded, with results, passages and vectors."""
    from django.db import connection

    from genmodels.embedding import load_embedder
    from webapp.accounts.models import User
    from webapp.search.operations import ensure_space
    from webapp.search.spaces import partition_name
    from webapp.search.term_counting import refresh_term_statistics

    owner = User.objects.get(username=owner_name)
    embedder = RememberingEmbedder(load_embedder())
    space = ensure_space(embedder=embedder)
    filler = _Filler(owner, embedder, space, count)
    indexes = ("passage_terms", f"{partition_name(space)}_graph")
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = ANY(%s)", [list(indexes)]
        )
        definitions = [row[0] for row in cursor.fetchall()]
        # An index is built in a fraction of the time that its growth takes.
        for index in indexes:
            cursor.execute(f"DROP INDEX {index}")
        for start in range(0, count, _BATCH):
            filler.add(range(start, min(start + _BATCH, count)))
            if (start // _BATCH) % 10 == 9:
                report(f"{start + _BATCH:,} generations")
        cursor.execute("SET maintenance_work_mem = '1GB'")
        for definition in definitions:
            cursor.execute(definition)
        cursor.execute("VACUUM ANALYZE")
    refresh_term_statistics()
    return Shelved(count, ("a boot for the rain", "striped bag", "winter by the sea"), _TAGS[0])


class _Filler:
    def __init__(self, owner: Any, embedder: RememberingEmbedder, space: Any, count: int) -> None:
        from webapp.catalog.models import Checkpoint
        from webapp.common.storage import store_bytes
        from webapp.generations.tag_operations import name_tags

        self._owner, self._embedder, self._space, self._count = owner, embedder, space, count
        self._dice = random.Random(0)
        self._numbers = np.random.default_rng(0)
        name_tags(owner=owner, tags=_TAGS)
        rows = {row.slug: row for row in Checkpoint.objects.filter(slug__in=_MODELS)}
        self._checkpoints = [rows[slug] for slug in _MODELS]
        pictures = [_picture(self._numbers) for _ in range(_NUM_PICTURES)]
        self._pictures = [(store_bytes(content), len(content)) for content in pictures]
        all_prompts = [f"{a} {b} {c}" for a in _MANNERS for b in _THINGS for c in _PLACES]
        self._prompts = self._dice.sample(all_prompts, _NUM_PROMPTS)
        self._until = dt.datetime.now(dt.UTC)

    def add(self, numbers: range) -> None:
        """Store these generations and everything that belongs to them, in one transaction.

        Workers look for what has a result and no passage: they must never see it half done.
        """
        from django.db import connection, transaction

        from webapp.generations.models import Artifact, Generation, Response
        from webapp.jobs.models import Job
        from webapp.search.models import Passage
        from webapp.search.operations import new_passage
        from webapp.search.segments import Segment
        from webapp.search.spaces import dense_literal
        from webapp.search.storing import insert_vectors

        made = [self._generation(number) for number in numbers]
        responses = [
            Response(generation=each, fence=1, text=self._text(each), metrics={}) for each in made
        ]
        passages = [
            new_passage(
                owner=self._owner,
                kind=each.checkpoint.modality,
                ordinal=0,
                segment=Segment(each.prompt, 0, len(each.prompt)),
                generation=each,
            )
            for each in made
        ]
        vectors = self._vectors([each.prompt for each in made])
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL statement_timeout = 0")
            Job.objects.bulk_create([each.job for each in made], batch_size=_BATCH)
            Generation.objects.bulk_create(made, batch_size=_BATCH)
            Response.objects.bulk_create(responses, batch_size=_BATCH)
            Artifact.objects.bulk_create(
                [
                    Artifact(response=each, sha256=sha256, size=size, media_type="image/png")
                    for each in responses
                    if each.generation.checkpoint.modality == "image"
                    for sha256, size in [self._dice.choice(self._pictures)]
                ],
                batch_size=_BATCH,
            )
            Passage.objects.bulk_create(passages, batch_size=_BATCH)
            rows = [
                (passage.id, dense_literal(vector))
                for passage, vector in zip(passages, vectors, strict=True)
            ]
            insert_vectors(space=self._space, rows=rows)

    def _generation(self, number: int) -> Any:
        from webapp.common.ids import uuid7
        from webapp.generations.models import Generation
        from webapp.jobs.models import Job, JobState

        checkpoint = self._dice.choice(self._checkpoints)
        # One a minute, the last one now.
        made_at = self._until - dt.timedelta(minutes=self._count - number)
        job = Job(
            id=uuid7(),
            kind="generation",
            owner=self._owner,
            queue=f"family.{checkpoint.family}",
            attempt_seconds=60,
            state=JobState.SUCCEEDED,
            attempt=1,
            created_at=made_at,
            started_at=made_at,
            finished_at=made_at + dt.timedelta(seconds=1),
        )
        rated = self._dice.random() < 0.2
        return Generation(
            id=uuid7(),
            owner=self._owner,
            job=job,
            checkpoint=checkpoint,
            checkpoint_revision=checkpoint.revision,
            prompt=self._dice.choice(self._prompts),
            seed=self._dice.randrange(2**31),
            tags=self._dice.sample(_TAGS, self._dice.choice((0, 0, 1, 2))),
            mean_score=float(self._dice.randint(1, 5)) if rated else None,
            num_scores=int(rated),
            created_at=made_at,
        )

    def _text(self, generation: Any) -> str:
        if generation.checkpoint.modality != "text":
            return ""
        return " ".join(self._dice.choice(self._prompts) for _ in range(12))

    def _vectors(self, prompts: list[str]) -> NDArray[np.float32]:
        """Unit vectors (n, D), each a little beside that of its prompt."""
        vectors = self._embedder.embed(prompts)
        noise = self._numbers.standard_normal(vectors.shape).astype(np.float32)
        moved = vectors + _BESIDE * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        unit: NDArray[np.float32] = moved / np.linalg.norm(moved, axis=1, keepdims=True)
        return unit


def _picture(numbers: np.random.Generator) -> bytes:
    """A PNG of 28 x 28 squares, 224 pixels a side, as many kilobytes as those of the models."""
    levels = numbers.integers(0, 256, (28, 28), dtype=np.uint8)
    levels[numbers.random((28, 28)) < 0.5] = 0
    written = io.BytesIO()
    Image.fromarray(levels).resize((224, 224), Image.Resampling.NEAREST).save(written, "PNG")
    return written.getvalue()
