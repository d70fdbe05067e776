"""Reads of answers, with only those words whose origin the reader may still see."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from webapp.accounts.models import User
from webapp.common.pagination import Page, PageRequest, paginate
from webapp.common.refusals import UnableToFind
from webapp.generations.models import Generation
from webapp.grounding.models import Answer, Citation
from webapp.knowledge.models import Source


class UnableToFindAnswer(UnableToFind):
    """There is no such answer, or it is not the user's to see."""

    what = "answer"


@dataclass(frozen=True)
class ReadSentence:
    """A sentence as its reader may see it, with the citations that bear it out."""

    text: str
    citations: tuple[Citation, ...]
    begins_line: bool = False


@dataclass(frozen=True)
class ReadAnswer:
    """The words of an answer for one reader.

    `unsupported` is what the language model wrote without a quote that holds; `reply` the whole of
    what it wrote freely. `citations` are those of `sentences`, in order.
    """

    sentences: tuple[ReadSentence, ...]
    unsupported: tuple[str, ...]
    reply: str

    @property
    def citations(self) -> list[Citation]:
        """Every citation of every sentence."""
        return [each for sentence in self.sentences for each in sentence.citations]

    @property
    def text(self) -> str:
        """All of it as one text, with the numbers of its citations in brackets."""
        return self.reply or " ".join(
            # A sentence may be broken over lines in its document; only `quote` keeps it so.
            " ".join([*sentence.text.split(), *_marks(sentence.citations)])
            for sentence in self.sentences
        )


def _marks(citations: Sequence[Citation]) -> list[str]:
    return [f"[{number}]" for number in dict.fromkeys(each.number for each in citations)]


def list_answers(*, user: User, page: PageRequest, trashed: bool = False) -> Page[Answer]:
    """The questions that the user may see, newest first; not those of conversations."""
    rows = Answer.objects.visible_to(user).asked_alone().select_related("owner", "job")
    return paginate(rows.filter(trashed_at__isnull=not trashed), page)


def get_answer(*, user: User, answer_id: uuid.UUID) -> Answer:
    """One answer; raises UnableToFindAnswer. Its words are `read_answer`."""
    rows = Answer.objects.visible_to(user).select_related("owner", "job")
    answer = rows.filter(id=answer_id).first()
    if answer is None:
        raise UnableToFindAnswer(str(answer_id))
    return answer


def read_answer(*, user: User, answer: Answer) -> ReadAnswer:
    """The words of an answer that the user may see now."""
    return read_answers(user=user, answers=[answer])[answer.id]


def read_answers(*, user: User, answers: Sequence[Answer]) -> dict[uuid.UUID, ReadAnswer]:
    """`read_answer` for many, in as many queries as for one.

    A sentence of a language model is shown while all of its quotes are: it was made from each of
    them. What it wrote without support is shown while all that it had been shown can be seen.
    """
    citations: dict[uuid.UUID, list[Citation]] = defaultdict(list)
    for citation in _citations(user, answers):
        citations[citation.answer_id].append(citation)
    writers = [answer for answer in answers if answer.model]
    written = _written(writers) if writers else {}
    hidden = _hidden_origins(user, writers)
    return {
        answer.id: _read(
            citations[answer.id],
            written.get(answer.id) if answer.model else None,
            is_free=not answer.grounded,
            shows_unsupported=hidden.isdisjoint(answer.consulted),
        )
        for answer in answers
    }


@dataclass(frozen=True)
class _Line:
    """A statement with the number of its citations, hidden ones too."""

    id: uuid.UUID
    text: str
    begins_line: bool
    num_citations: int


def _written(answers: Sequence[Answer]) -> dict[uuid.UUID, list[_Line]]:
    found: dict[uuid.UUID, list[_Line]] = defaultdict(list)
    rows = (
        Answer.objects.filter(id__in=[answer.id for answer in answers], statements__isnull=False)
        .values_list("id", "statements__id", "statements__text", "statements__begins_line")
        .annotate(num_citations=Count("statements__citations"))
        .order_by("statements__ordinal")
    )
    for answer_id, *line in rows:
        found[answer_id].append(_Line(*line))
    return found


def _read(
    citations: list[Citation],
    lines: list[_Line] | None,
    *,
    is_free: bool,
    shows_unsupported: bool,
) -> ReadAnswer:
    if lines is None:
        return ReadAnswer(tuple(ReadSentence(each.quote, (each,)) for each in citations), (), "")
    if is_free:
        return ReadAnswer((), (), "\n".join(line.text for line in lines))
    sentences: list[ReadSentence] = []
    unsupported: list[str] = []
    for line in lines:
        own = tuple(each for each in citations if each.statement_id == line.id)
        if not line.num_citations:
            unsupported.append(line.text)
        elif len(own) == line.num_citations:
            sentences.append(ReadSentence(line.text, own, line.begins_line))
    return ReadAnswer(tuple(sentences), tuple(unsupported) if shows_unsupported else (), "")


def _citations(user: User, answers: Sequence[Answer]) -> list[Citation]:
    sources = Source.objects.visible_to(user).kept()
    generations = Generation.objects.visible_to(user).kept()
    return list(
        Citation.objects.filter(answer__in=[answer.id for answer in answers])
        .filter(Q(source__in=sources) | Q(generation__in=generations))
        .select_related("source", "generation", "passage")
        .defer("passage__terms", "passage__bm25", "terms")
        .order_by("answer", "ordinal")
    )


def _hidden_origins(user: User, answers: Sequence[Answer]) -> set[uuid.UUID]:
    """What these answers were made from and the user may not see, or not any more."""
    consulted = {origin for answer in answers for origin in answer.consulted}
    if not consulted:
        return set()
    sources = Source.objects.visible_to(user).kept().filter(id__in=consulted)
    generations = Generation.objects.visible_to(user).kept().filter(id__in=consulted)
    return (
        consulted
        - set(sources.values_list("id", flat=True))
        - set(generations.values_list("id", flat=True))
    )
