"""The whole round of Pinakes over its REST interface, without a browser.

A prompt for each model, a search for one of the results by other words, a document, a question,
and the answer with its citations.
"""

import mimetypes
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pinakes_client import Pinakes, PinakesError
from pinakes_client.schema import GenerationOutput

GENERATION_SECONDS = 600.0
INDEXING_SECONDS = 120.0
SEED = 20260101


class UnableToShow(Exception):
    """A step came to another end than it should; the message says to which."""


@dataclass(frozen=True, kw_only=True)
class Wording:
    """A prompt, and the same thought in words that it does not contain."""

    prompt: str
    paraphrase: str


WORDINGS = {
    "image": Wording(
        prompt="a warm knitted pullover with long sleeves",
        paraphrase="woollen sweater for cold winter days",
    ),
    "text": Wording(
        prompt="QUEEN:\nMy little son is dead, and here I weep beside his grave",
        paraphrase="a mother mourning her lost child",
    ),
}

DOCUMENT_TITLE = "The lighthouse of Pharos"
DOCUMENT = """# The lighthouse of Pharos

The lighthouse stood on the island of Pharos before the harbour of Alexandria. It was finished
around 280 before our era, in the reign of Ptolemy the Second, and was more than one hundred metres
high.

## Its light

By night a fire of wood and oil burned at its top. A mirror of polished bronze threw the light far
out to sea, so that ships could find the harbour entrance in the dark.

## Its end

Three earthquakes between 956 and 1323 ruined the tower. Its last stones were built into the
fortress of Qaitbay, which still stands in its place.
"""
QUESTION = "How did ships find the harbour of Alexandria at night?"


@dataclass(frozen=True, kw_only=True)
class Made:
    """What one model made of its prompt; `path` is empty when it failed."""

    model: str
    family: str
    prompt: str
    status: str
    seconds: float
    path: str
    reason: str
    generation: str


@dataclass(frozen=True, kw_only=True)
class Found:
    """Where the result of one prompt stood when it was searched for in other words."""

    query: str
    wanted: str
    rank: int | None
    num_hits: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Answered:
    """A question, its answer and the sources that the answer names."""

    document: str
    question: str
    answer: str
    citations: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Demonstration:
    """All that was shown, and whether it went well."""

    models: list[Made]
    search: Found | None
    answer: Answered | None
    faults: list[str]

    @property
    def went_well(self) -> bool:
        """Whether every step did what it should."""
        return not self.faults

    def to_dict(self) -> dict[str, Any]:
        """Return it as one JSON object."""
        return {"went_well": self.went_well, **asdict(self)}


def demonstrate(*, client: Pinakes, folder: Path, report: Callable[[str], None]) -> Demonstration:
    """Go through the round, write the results into `folder` and return what happened.

    A step that fails becomes a fault, and the next one is tried all the same.
    """
    faults: list[str] = []
    made: list[Made] = []
    search: Found | None = None
    answer: Answered | None = None
    try:
        made = _generate(client=client, folder=folder, report=report)
        faults += [f"{one.model}: {one.reason}" for one in made if one.status != "succeeded"]
        if not made:
            faults.append("no model is available")
    except (PinakesError, UnableToShow) as failure:
        faults.append(f"generating: {failure}")
    # A picture if there is one: finding it by other words than its prompt's says most.
    wanted = next(
        (
            one
            for modality in WORDINGS
            for one in made
            if one.status == "succeeded" and one.prompt == WORDINGS[modality].prompt
        ),
        None,
    )
    try:
        if wanted is not None:
            search = _search(client=client, wanted=wanted, report=report)
            if search.rank is None:
                faults.append(f"search: {wanted.model}'s result was not found")
    except (PinakesError, UnableToShow) as failure:
        faults.append(f"search: {failure}")
    try:
        answer = _ask(client=client, report=report)
        if not answer.citations:
            faults.append("answer: it cites nothing")
    except (PinakesError, UnableToShow) as failure:
        faults.append(f"answer: {failure}")
    return Demonstration(models=made, search=search, answer=answer, faults=faults)


def _generate(*, client: Pinakes, folder: Path, report: Callable[[str], None]) -> list[Made]:
    models = [model for model in client.models.list() if model["available"]]
    submitted = []
    # One prompt each that is searched for in other words; two of one prompt would be alike.
    wordings = dict(WORDINGS)
    for model in models:
        wording = wordings.pop(model["modality"], None)
        prompt = wording.prompt if wording else model["card"]["example_prompts"][0]
        report(f"prompting {model['slug']}")
        accepted = client.generations.create(model=model["slug"], prompt=prompt, seed=SEED)
        submitted.append((model, accepted))
    made = []
    for model, accepted in submitted:
        ended = accepted.wait(GENERATION_SECONDS)
        reason = ended["status_reason"]
        made.append(
            Made(
                model=model["slug"],
                family=model["family"],
                prompt=ended["prompt"],
                status=ended["status"],
                seconds=_seconds(ended),
                path=_keep(client=client, model=model["slug"], generation=ended, folder=folder),
                reason=reason["detail"] if reason else "",
                generation=ended["id"],
            )
        )
    return made


def _seconds(generation: GenerationOutput) -> float:
    """Return how long a generation ran, waiting not counted."""
    started, finished = generation["started_at"], generation["finished_at"]
    if started is None or finished is None:
        return 0.0
    ran = datetime.fromisoformat(finished) - datetime.fromisoformat(started)
    return round(ran.total_seconds(), 2)


def _keep(*, client: Pinakes, model: str, generation: GenerationOutput, folder: Path) -> str:
    """Save the first file of a generation and return its path, or nothing if it has none."""
    if not generation["artifacts"]:
        return ""
    artifact = generation["artifacts"][0]
    path = folder / f"{model}{mimetypes.guess_extension(artifact['media_type']) or '.bin'}"
    return str(client.artifacts.content(artifact["id"]).save(path))


def _search(*, client: Pinakes, wanted: Made, report: Callable[[str], None]) -> Found:
    """Look for a result in words that its prompt does not contain, until it has been indexed."""
    query = next(
        wording.paraphrase for wording in WORDINGS.values() if wording.prompt == wanted.prompt
    )
    report(f"searching for: {query}")
    started_at = time.monotonic()
    while True:
        hits = client.search(q=query, limit=10).page()["data"]
        ranks = [
            rank
            for rank, hit in enumerate(hits, start=1)
            if hit["origin"]["id"] == wanted.generation
        ]
        waited = time.monotonic() - started_at
        if ranks or waited > INDEXING_SECONDS:
            return Found(
                query=query,
                wanted=wanted.prompt,
                rank=ranks[0] if ranks else None,
                num_hits=len(hits),
                seconds=round(waited, 2),
            )
        time.sleep(0.2)


def _ask(*, client: Pinakes, report: Callable[[str], None]) -> Answered:
    """Have a document read in, and ask about it."""
    report(f"reading in: {DOCUMENT_TITLE}")
    accepted = client.documents.create(
        title=DOCUMENT_TITLE, text=DOCUMENT, media_type="text/markdown"
    )
    source = accepted.wait(INDEXING_SECONDS)
    if source["status"] != "indexed":
        raise UnableToShow(f"the document was not read: {source['status_reason']}")
    report(f"asking: {QUESTION}")
    answer = client.answers.create(question=QUESTION).wait(GENERATION_SECONDS)
    return Answered(
        document=source["title"],
        question=QUESTION,
        answer=answer["text"] or "",
        citations=[
            {
                "number": citation["number"],
                "title": citation["origin"]["title"],
                "heading": citation["heading"],
                "quote": citation["quote"],
            }
            for citation in answer["citations"]
        ],
    )
