"""Runs of the transformer: each continues its prompt by one character per pass.

A run joins with its whole prompt and afterwards reads one token a pass. When its cache is full it
forgets the older half: the last half context is read again from position 0, so that what it writes
is always what the network says about a text of at most `context` characters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import (
    Card,
    Fault,
    GenerationRequest,
    InvalidRequest,
    Preview,
    Progress,
    Run,
    Sample,
)
from genmodels.decoding import Choice, choose_tokens
from genmodels.families.transformer.cache import SlotCache, SlotOwner
from genmodels.families.transformer.decoder import Chunk, Decoder
from genmodels.families.transformer.vocabulary import Vocabulary
from genmodels.randomness import seeded


class TextRun:
    """One text on its way."""

    def __init__(
        self, request: GenerationRequest, *, prompt: str, vocabulary: Vocabulary, context: int
    ) -> None:
        self._request = request
        self._prompt = prompt
        self._vocabulary = vocabulary
        self._tokens = vocabulary.encode(prompt)
        self._num_prompt = len(self._tokens)
        self._context = context
        self._total = int(request.parameters["max_new_tokens"])
        self.choice = Choice(
            temperature=float(request.parameters["temperature"]),
            top_k=int(request.parameters["top_k"]),
            top_p=float(request.parameters["top_p"]),
            random=seeded(request.seed),
        )
        self.owner = SlotOwner()
        self.owner.start = max(0, self._num_prompt - context)

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        return Progress(done=self._num_written, total=self._total, unit="token")

    @property
    def done(self) -> bool:
        return self._num_written >= self._total

    def preview(self) -> Preview:
        """The text written so far, without the prompt."""
        return Preview(media_type="text/plain", text=self._text)

    @property
    def sample(self) -> Sample:
        """The text written, without the prompt; `extra` tells if the prompt was changed."""
        assert self.done, "a sample is asked for when the run is done"
        extra = {} if self._prompt == self._request.prompt else {"prompt_read": self._prompt}
        return Sample(
            content=self._text.encode(),
            media_type="text/plain",
            text=self._text,
            metrics={"tokens": float(self._total)},
            extra=extra,
        )

    def pending(self) -> Chunk:
        """What the network has to read before this run's next character."""
        owner = self.owner
        if len(self._tokens) - owner.start > self._context:
            owner.start = len(self._tokens) - self._context // 2
            owner.length = 0
        return Chunk(owner=owner, tokens=self._tokens[owner.start + owner.length :])

    def write(self, token: int) -> None:
        """Append a character."""
        self._tokens.append(token)

    @property
    def _num_written(self) -> int:
        return len(self._tokens) - self._num_prompt

    @property
    def _text(self) -> str:
        return self._vocabulary.decode(self._tokens[self._num_prompt :])


class TransformerGenerator:
    """A loaded transformer checkpoint."""

    def __init__(
        self, *, card: Card, decoder: Decoder, vocabulary: Vocabulary, cache: SlotCache
    ) -> None:
        self._card = card
        self._decoder = decoder
        self._vocabulary = vocabulary
        self._cache = cache

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return self._cache.num_slots

    def open(self, request: GenerationRequest) -> TextRun:
        """Start a run; raises InvalidRequest where no character of the prompt is known."""
        prompt = self._vocabulary.fold(request.prompt)
        if not prompt.strip():
            raise InvalidRequest(
                [
                    Fault(
                        "/prompt",
                        "unknown_characters",
                        f"{self._card.slug} knows none of these characters; it was trained on "
                        "English letters and punctuation",
                    )
                ]
            )
        return TextRun(
            request,
            prompt=prompt,
            vocabulary=self._vocabulary,
            context=self._cache.context,
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One character for each of these runs, opened here and not done."""
        texts = cast("Sequence[TextRun]", runs)
        assert not any(run.done for run in texts), "a run that is done has left"
        self._cache.claim([run.owner for run in texts])
        scores = self._decoder.read(self._cache, [run.pending() for run in texts])
        tokens = choose_tokens(scores, [run.choice for run in texts])
        for run, token in zip(texts, tokens, strict=True):
            run.write(token)
            if run.done:
                self._cache.release(run.owner)
