"""Runs of the recurrent networks: each carries its own state, and that is all it remembers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch

from genmodels.contract import Card, GenerationRequest, Progress, Run
from genmodels.families.rnn.decoder import Decoder
from genmodels.text.kinds import Kind
from genmodels.text.runs import TextRun, write_next
from genmodels.text.vocabulary import Vocabulary

#: As many tokens of a prompt are read in one pass, so that a long one does not hold up others.
_READ_AT_ONCE = 256


class RecurrentRun(TextRun):
    """One text on its way, with the state (S, W) after what was read of it."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        kind: Kind,
        vocabulary: Vocabulary,
        state: torch.Tensor,
    ) -> None:
        super().__init__(request, card=card, kind=kind, vocabulary=vocabulary)
        self.state = state
        self.num_read = 0
        #: Passes that only read: a long prompt takes some before the first token is written.
        self._num_reading_passes = (len(self.tokens) - 1) // _READ_AT_ONCE
        self._num_passes_left = self._num_reading_passes

    @property
    def progress(self) -> Progress:
        """Passes that only read count as tokens too."""
        plain = super().progress
        read = self._num_reading_passes - self._num_passes_left
        return Progress(
            done=plain.done + read, total=plain.total + self._num_reading_passes, unit=plain.unit
        )

    def pending(self) -> list[int]:
        """What the network reads of this text in its next pass."""
        return self.tokens[self.num_read : self.num_read + _READ_AT_ONCE]

    def keep(self, state: torch.Tensor, num_read: int) -> bool:
        """Remember (S, W) after so many more tokens; True where the next is to be written."""
        self.state = state
        self.num_read += num_read
        if self.num_read == len(self.tokens):
            return True
        self._num_passes_left -= 1
        return False


class RecurrentGenerator:
    """A loaded recurrent checkpoint; `fresh_state` is (S, W)."""

    def __init__(
        self,
        *,
        card: Card,
        kind: Kind,
        decoder: Decoder,
        vocabulary: Vocabulary,
        fresh_state: torch.Tensor,
        slots: int,
    ) -> None:
        self._card = card
        self._kind = kind
        self._decoder = decoder
        self._vocabulary = vocabulary
        self._fresh_state = fresh_state
        self._slots = slots

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return self._slots

    def open(self, request: GenerationRequest) -> RecurrentRun:
        """Start a run; raises InvalidRequest where the prompt cannot be gone on with."""
        return RecurrentRun(
            request,
            card=self._card,
            kind=self._kind,
            vocabulary=self._vocabulary,
            state=self._fresh_state,
        )

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One token for each of these runs, or a part of a long prompt."""
        texts = cast("Sequence[RecurrentRun]", runs)
        assert not any(run.done for run in texts), "a run that is done has left"
        # Whoever has most to read comes first, so that rows are left from their end.
        order = sorted(texts, key=lambda run: -len(run.pending()))
        pending = [run.pending() for run in order]
        state = torch.stack([run.state for run in order], dim=1)  # (S, R, W)
        outputs: list[torch.Tensor] = []
        states: list[torch.Tensor] = []
        for place in range(len(pending[0])):
            tokens = [part[place] for part in pending if len(part) > place]
            count = len(tokens)
            rows, state = self._decoder.step(
                torch.tensor(tokens, device=state.device), state[:, :count]
            )
            staying = sum(len(part) > place + 1 for part in pending)
            outputs[:0] = rows[staying:].unbind()
            states[:0] = state[:, staying:].unbind(dim=1)
            state = state[:, :staying]
        written = [
            (run, row)
            for run, row, own, part in zip(order, outputs, states, pending, strict=True)
            if run.keep(own, len(part))
        ]
        if written:
            scores = self._decoder.score(torch.stack([row for _, row in written]))
            write_next(scores.cpu(), [run for run, _ in written])
