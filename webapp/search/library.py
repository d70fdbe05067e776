"""What the Library is asked for: its filters as they stand in the address, read once."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace

from genmodels.contract import FAMILIES
from webapp.common.problems import Problem
from webapp.generations.queries import GenerationFilter
from webapp.jobs.models import JobState
from webapp.search.requests import (
    STANDINGS,
    UNDECIDED,
    SearchRequest,
    as_stored,
    parse_search,
    read_moment,
)
from webapp.search.results import LOOK, SearchFilter

#: What the REST interface can ask for and the form has no field for. A link or a saved search
#: brings it, and the form keeps it.
CARRIED = (
    "owner", "source", "provenance", "language", "min_score", "max_score", "repeats",
    "exact",
)  # fmt: skip

#: Where the session keeps what was done to many, until the Library has told it.
BULK_DONE = "bulk_done"

#: What a search goes by, as the form offers it; the usual has no word in the address.
MODE_WORDS = {
    "": "Words and meaning",
    "keyword": "Words",
    "vector": "Meaning",
    LOOK: "Look of pictures",
}

#: Longer questions are cut for the search, and the page says so.
MAX_QUERY_LENGTH = 2000

KINDS = {"image": "Pictures", "text": "Texts", "document": "Documents"}

#: Scores by which the Library is narrowed, in whole stars.
STARS = {
    "5": "5 stars",
    "4": "4 stars or more",
    "3": "3 stars or more",
    "2": "2 stars or more",
    "1": "Any score",
}

#: What reviewers decided; only they and admins are offered it.
STANDING_WORDS = {
    name: "No decision" if name == UNDECIDED else name.capitalize() for name in STANDINGS
}

#: From where on a mean is rounded to so many stars, as `min_score` of the REST interface has it.
_LEAST_MEANS = {"5": "4.5", "4": "3.5", "3": "2.5", "2": "1.5", "1": "1"}

STATUSES: dict[str, tuple[str, tuple[JobState, ...]]] = {
    "done": ("Done", (JobState.SUCCEEDED,)),
    "active": ("Queued or running", (JobState.QUEUED, JobState.RUNNING)),
    "failed": ("Failed", (JobState.FAILED, JobState.EXPIRED)),
    "canceled": ("Canceled", (JobState.CANCELED,)),
}


@dataclass(frozen=True)
class LibraryRequest:
    """The address of a view of the Library, in types; `faults` name what was not understood.

    A kind, family or model may be several, with commas between them. `carried` is what the form
    has no field for, by name, and `asked` what it says in types.
    """

    query: str
    query_was_cut: bool
    #: What the search goes by, empty for the usual.
    mode: str
    kind: str
    family: str
    model: str
    status: str
    tag: str
    collection: str
    score: str
    standing: str
    day_from: str
    day_to: str
    created_from: dt.datetime | None
    created_to: dt.datetime | None
    #: What they failed with, where the address says it; the form has no field for it.
    code: str
    trashed: bool
    #: Whether those in the trash are among the others.
    with_trash: bool
    #: The result that a way is to begin at, while somebody looks for the other end.
    start: uuid.UUID | None
    cursor: str
    offset: int
    carried: Mapping[str, str]
    asked: SearchRequest
    faults: tuple[str, ...]

    @property
    def searching(self) -> bool:
        """Whether there is anything to search for; without it the newest come first."""
        return bool(self.query) and not self.trashed

    @property
    def narrowed(self) -> bool:
        """Whether any filter is set beside the words."""
        fields = (
            self.kind,
            self.family,
            self.model,
            self.status,
            self.tag,
            self.collection,
            self.score,
            self.standing,
            self.code,
            self.with_trash,
        )
        return any(fields) or bool(self.created_from or self.created_to or self.carried)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds asked for; empty for all."""
        return _several(self.kind)

    @property
    def parameters(self) -> dict[str, str]:
        """The search as it stands in an address, without the place in its results."""
        named = {
            "q": self.query,
            "mode": self.mode,
            "kind": self.kind,
            "family": self.family,
            "model": self.model,
            "tag": self.tag,
            "collection": self.collection,
            "standing": self.standing,
            "from": self.day_from,
            "to": self.day_to,
            **self.carried,
        }
        if self.score:
            named["min_score"] = _LEAST_MEANS[self.score]
        return {name: value for name, value in named.items() if value}

    def as_search(self) -> SearchFilter:
        """The filter of a search."""
        return replace(
            self.asked.only,
            kinds=self.kinds,
            families=_several(self.family),
            models=_several(self.model),
            tags=_several(self.tag),
            created_from=self.created_from,
            created_to=self.created_to,
            collections=self.collection_ids,
            min_score=self.min_score,
            standings=self.standings,
        )

    @property
    def standings(self) -> tuple[str, ...]:
        """The standings that are kept to, as rows hold them; empty for all."""
        return as_stored(_several(self.standing))

    @property
    def collection_ids(self) -> tuple[uuid.UUID, ...]:
        """The collections that are kept to; empty for all."""
        return tuple(uuid.UUID(value) for value in _several(self.collection))

    @property
    def min_score(self) -> float | None:
        """The lowest mean that is shown."""
        return float(_LEAST_MEANS[self.score]) if self.score else self.asked.only.min_score

    def as_searched(self) -> SearchRequest:
        """The search for all of it, as the REST interface has it."""
        return replace(self.asked, query=self.query, only=self.as_search())

    def as_filter(self, *, models_of_kind: tuple[str, ...]) -> GenerationFilter:
        """The filter of a plain list; a kind is the set of models that make it."""
        models = _several(self.model) or models_of_kind
        return GenerationFilter(
            statuses=STATUSES[self.status][1] if self.status else (),
            models=models,
            families=_several(self.family),
            tags=_several(self.tag),
            collection_ids=self.collection_ids,
            min_score=self.min_score,
            standings=self.standings,
            created_from=self.created_from,
            created_to=self.created_to,
            owner_id=self.asked.only.owner,
            codes=_several(self.code),
            trashed=None if self.with_trash else self.trashed,
        )


def read_library_request(
    fields: Mapping[str, str], *, collections: Mapping[str, str], sees_standing: bool = False
) -> LibraryRequest:
    """Read the address; what is not understood is left out and named in `faults`.

    `collections` are those that the reader may keep to: names by id. Who does not see what
    reviewers decided cannot narrow down by it.
    """
    faults: list[str] = []

    def choice(name: str, allowed: Mapping[str, object] | tuple[str, ...]) -> str:
        known = []
        for value in _several(fields.get(name, "")):
            if value in allowed:
                known.append(value)
            else:
                faults.append(f"There is no {name} “{value[:40]}”; it is left out.")
        return ",".join(known)

    def day(name: str) -> tuple[str, dt.datetime | None]:
        raw = fields.get(name, "")
        moment = read_moment(raw, whole_day=name == "to") if raw else None
        if raw and moment is None:
            faults.append(f"“{raw[:40]}” is not a date; it is left out.")
        return raw if moment else "", moment

    query = " ".join(fields.get("q", "").replace("\x00", " ").split())
    raw_offset = fields.get("offset", "")
    day_from, created_from = day("from")
    day_to, created_to = day("to")
    score = choice("score", STARS)
    for stars, least in _LEAST_MEANS.items():
        # So it stands in a saved search; the form has a field for it.
        if not score and fields.get("min_score") == least:
            score = stars
    if score:
        fields = {name: value for name, value in fields.items() if name != "min_score"}
    carried, asked = _read_carried(fields, faults)
    mode = carried.pop("mode", "")
    status = fields.get("status", "")
    if status and status not in STATUSES:
        faults.append(f"There is no status “{status[:40]}”; it is left out.")
        status = ""
    return LibraryRequest(
        query=query[:MAX_QUERY_LENGTH],
        query_was_cut=len(query) > MAX_QUERY_LENGTH,
        mode="" if mode == "hybrid" else mode,
        kind=choice("kind", KINDS),
        family=choice("family", FAMILIES),
        model=fields.get("model", "").replace("\x00", ""),
        status=status,
        tag=fields.get("tag", "").strip().replace("\x00", ""),
        collection=choice("collection", collections),
        score=score,
        standing=choice("standing", STANDINGS if sees_standing else ()),
        day_from=day_from,
        day_to=day_to,
        created_from=created_from,
        created_to=created_to,
        code=fields.get("code", "").replace("\x00", ""),
        trashed=fields.get("trash") == "1",
        with_trash=fields.get("trash") == "any",
        start=_read_start(fields.get("start", ""), faults),
        cursor=fields.get("cursor", ""),
        offset=int(raw_offset[:6]) if raw_offset.isascii() and raw_offset.isdigit() else 0,
        carried=carried,
        asked=asked,
        faults=tuple(faults),
    )


def _read_start(raw: str, faults: list[str]) -> uuid.UUID | None:
    try:
        return uuid.UUID(raw) if raw else None
    except ValueError:
        faults.append("The address names no result to begin at; it is left out.")
        return None


def _read_carried(
    fields: Mapping[str, str], faults: list[str]
) -> tuple[dict[str, str], SearchRequest]:
    """The mode and what the form has no field for, without what is not understood."""
    carried = {name: fields[name] for name in ("mode", *CARRIED) if fields.get(name)}
    try:
        return carried, parse_search({"q": "any", **carried})
    except Problem as problem:
        wrong = {fault.pointer.removeprefix("?"): fault.detail for fault in problem.errors}
    for name, detail in wrong.items():
        faults.append(f"The {name} {detail}; it is left out.")
    kept = {name: value for name, value in carried.items() if name not in wrong}
    return kept, parse_search({"q": "any", **kept})


def _several(raw: str) -> tuple[str, ...]:
    return tuple(value for value in raw.split(",") if value)
