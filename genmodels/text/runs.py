"""The run of one text: what was read, what was written, and when it ends.

A family keeps what its network remembers of the text beside this; the text itself, its draws, its
rules and its ending are the same for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    InvalidRequest,
    Preview,
    Progress,
    Sample,
)
from genmodels.text.decoding import RECENT, Chosen, choose_tokens
from genmodels.text.kinds import Kind
from genmodels.text.knobs import read_choice, read_stops
from genmodels.text.outputs import Writing, WrittenToken
from genmodels.text.surprise import SURPRISE, mean_surprise, tell_surprise
from genmodels.text.vocabulary import Vocabulary


class TextRun:
    """One text on its way; raises InvalidRequest for a prompt that cannot be gone on with.

    `tokens` begins with the end token where the vocabulary has one, then comes the prompt.
    """

    def __init__(
        self, request: GenerationRequest, *, card: Card, kind: Kind, vocabulary: Vocabulary
    ) -> None:
        self._request = request
        self._kind = kind
        self._vocabulary = vocabulary
        try:
            self._prompt = kind.read_prompt(request.prompt, vocabulary)
        except ValueError as error:
            raise InvalidRequest([Fault("/prompt", "unreadable", str(error))]) from error
        if vocabulary.end is None and not self._prompt.strip():
            raise _unknown_characters(card)
        start = [] if vocabulary.end is None else [vocabulary.end]
        self.tokens = start + vocabulary.encode(self._prompt)
        self._num_prompt = len(self.tokens)
        self._total = int(request.parameters["max_new_tokens"])
        self._stops = read_stops(request.parameters)
        self.choice = read_choice(request.parameters, seed=request.seed)
        is_held = kind.grammar is not None and bool(request.parameters.get("grammar", True))
        self._constraint = kind.grammar(vocabulary) if kind.grammar and is_held else None
        self._follow(self.tokens[len(start) :])
        self._text = ""
        self._written: list[WrittenToken] = []
        self._ended = False

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        return Progress(done=len(self._written), total=self._total, unit="token")

    @property
    def done(self) -> bool:
        return self._ended or len(self._written) >= self._total

    @property
    def recent(self) -> Sequence[int]:
        """The latest tokens, those of the prompt included."""
        return self.tokens[-RECENT:]

    def allowed(self) -> torch.Tensor | None:
        """Mask (V,) of what may come next, None for all."""
        return None if self._constraint is None else self._constraint.allowed()

    def preview(self) -> Preview:
        """The text written so far, without the prompt."""
        return Preview(media_type="text/plain", text=self._text)

    @property
    def sample(self) -> Sample:
        """What the kind makes of the text, with how surprising its tokens were."""
        assert self.done, "a sample is asked for when the run is done"
        tokens = tuple(self._written)
        sample = self._kind.output(
            Writing(
                request=self._request,
                prompt=self._prompt,
                text=self._text,
                tokens=tokens,
                ended=self._ended,
            )
        )
        return replace(
            sample,
            metrics={
                "tokens": float(len(tokens)),
                "surprise": mean_surprise(tokens),
                **sample.metrics,
            },
            extra={**sample.extra, SURPRISE: tell_surprise(tokens)},
        )

    def write(self, chosen: Chosen) -> None:
        """Go on with a token; the text ends at an end token or before a stop string."""
        self.tokens.append(chosen.token)
        piece = self._vocabulary.decode([chosen.token])
        self._written.append(WrittenToken(piece, chosen.log_probability))
        if chosen.token == self._vocabulary.end:
            self._ended = True
            return
        if self._constraint is not None:
            self._constraint.accept(chosen.token)
        self._text += piece
        reach = len(piece) + max(map(len, self._stops), default=0)
        places = [self._text.find(stop, max(0, len(self._text) - reach)) for stop in self._stops]
        found = [place for place in places if place >= 0]
        if found:
            self._text = self._text[: min(found)]
            self._ended = True

    def _follow(self, tokens: Sequence[int]) -> None:
        """Tell the rules of the prompt."""
        if self._constraint is None:
            return
        try:
            for token in tokens:
                self._constraint.accept(token)
        except ValueError as error:
            raise InvalidRequest([Fault("/prompt", "against_grammar", str(error))]) from error


def write_next(scores: torch.Tensor, runs: Sequence[TextRun]) -> None:
    """One token for each run from its row of `scores` (R, V) on the CPU."""
    drawn = choose_tokens(
        scores,
        [run.choice for run in runs],
        recent=[run.recent for run in runs],
        allowed=[run.allowed() for run in runs],
    )
    for run, chosen in zip(runs, drawn, strict=True):
        run.write(chosen)


def _unknown_characters(card: Card) -> InvalidRequest:
    learned = card.data.get("title", "other text")
    return InvalidRequest(
        [
            Fault(
                "/prompt",
                "unknown_characters",
                f"{card.slug} knows none of these characters; it was trained on {learned}",
            )
        ]
    )
