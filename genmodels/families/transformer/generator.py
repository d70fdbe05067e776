"""Runs of the transformer: each continues its prompt by one token per pass.

A run joins with its whole prompt and afterwards reads one token a pass. When its cache is full it
forgets the older half: the last half context is read again from position 0, so that what it writes
is always what the network says about a text of at most `context` tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import Card, GenerationRequest, Run
from genmodels.families.transformer.cache import SlotCache, SlotOwner
from genmodels.families.transformer.decoder import Chunk, Decoder
from genmodels.text.kinds import Kind
from genmodels.text.runs import TextRun, write_next
from genmodels.text.vocabulary import Vocabulary


class TransformerRun(TextRun):
    """One text on its way, with its place in the cache."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        kind: Kind,
        vocabulary: Vocabulary,
        context: int,
    ) -> None:
        super().__init__(request, card=card, kind=kind, vocabulary=vocabulary)
        self._context = context
        self.owner = SlotOwner()
        self.owner.start = max(0, len(self.tokens) - context)

    def pending(self) -> Chunk:
        """What the network has to read before this run's next token."""
        owner = self.owner
        if len(self.tokens) - owner.start > self._context:
            owner.start = len(self.tokens) - self._context // 2
            owner.length = 0
        return Chunk(owner=owner, tokens=self.tokens[owner.start + owner.length :])


class TransformerGenerator:
    """A loaded transformer checkpoint."""

    def __init__(
        self,
        *,
        card: Card,
        kind: Kind,
        decoder: Decoder,
        vocabulary: Vocabulary,
        cache: SlotCache,
    ) -> None:
        self._card = card
        self._kind = kind
        self._decoder = decoder
        self._vocabulary = vocabulary
        self._cache = cache

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return self._cache.num_slots

    def open(self, request: GenerationRequest) -> TransformerRun:
        """Start a run; raises InvalidRequest where the prompt cannot be gone on with."""
        return TransformerRun(
            request,
            card=self._card,
            kind=self._kind,
            vocabulary=self._vocabulary,
            context=self._cache.context,
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One token for each of these runs, opened here and not done."""
        texts = cast("Sequence[TransformerRun]", runs)
        assert not any(run.done for run in texts), "a run that is done has left"
        self._cache.claim([run.owner for run in texts])
        write_next(self._decoder.read(self._cache, [run.pending() for run in texts]), texts)
        for run in texts:
            if run.done:
                self._cache.release(run.owner)
