"""What a search is asked for, and what it answers."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal

Mode = Literal["hybrid", "keyword", "vector"]
#: How passages of text are searched.
MODES: tuple[Mode, ...] = ("hybrid", "keyword", "vector")

#: Not what was written but what pictures show.
LOOK: Literal["look"] = "look"
AnyMode = Mode | Literal["look"]
ANY_MODES: tuple[AnyMode, ...] = (*MODES, LOOK)


@dataclass(frozen=True)
class SearchFilter:
    """Which of the passages that one may see are searched; empty fields filter nothing."""

    kinds: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    owner: int | None = None
    tags: tuple[str, ...] = ()
    provenances: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    created_from: datetime.datetime | None = None
    created_to: datetime.datetime | None = None
    source_ids: tuple[uuid.UUID, ...] = ()
    #: What others keep in theirs is not found by them: those one may not see hold nothing.
    collections: tuple[uuid.UUID, ...] = ()
    #: Of the mean of what people gave; what has no score is in neither.
    min_score: float | None = None
    max_score: float | None = None
    #: As reviewers decided, empty for undecided; only who sees everything finds anything by it.
    standings: tuple[str, ...] = ()
    generations_only: bool = False
    sources_only: bool = False
    except_generation: uuid.UUID | None = None
    except_passage: uuid.UUID | None = None

    def named(self) -> dict[str, Any]:
        """The filters that are asked for, as parameters of the statement."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if value not in ((), None, False)
        }


@dataclass(frozen=True)
class SearchHit:
    """A passage found, with why: `score` is the weighted sum of the two shares.

    `keyword` is the BM25 score, `similarity` the cosine of query and passage; the shares are these
    on a scale of 0 to 1 within this search. `num_repeats` counts the passages that say nearly the
    same, word for word, and that the same search would find.

    A picture found by its look stands for the prompt of its generation, and `passage_id` is the id
    of the look; `score` and `similarity` are the cosine of both.
    """

    passage_id: uuid.UUID
    kind: str
    generation_id: uuid.UUID | None
    source_id: uuid.UUID | None
    ordinal: int
    heading: str
    text: str
    start: int
    end: int
    page: int | None
    language: str
    owner_id: int
    title: str
    family: str | None
    model: str | None
    created_at: datetime.datetime
    score: float
    keyword: float
    similarity: float
    keyword_share: float
    similarity_share: float
    num_repeats: int


@dataclass(frozen=True)
class SearchPage:
    """A part of what was found. `total` counts the ranked candidates, at most a few hundred.

    `facets` has, if asked for, how many of these there are of each kind, family, model, tag,
    language, provenance and month, in each collection that the user may see (by its id), and of
    each score in whole stars. `also_searched` has, for each word that was taken for misspelt, the
    words that were searched for as well.
    """

    hits: tuple[SearchHit, ...]
    total: int
    took_ms: float
    space: str
    mode: AnyMode
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    also_searched: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
