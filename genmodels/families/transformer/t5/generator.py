"""Runs of the encoder-decoder: each writes one token of all its hypotheses per pass.

In its first pass a run reads its source. With temperature 0 it searches with a beam; above, it
draws one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import torch

from genmodels.contract import (
    Card,
    GenerationRequest,
    Preview,
    Progress,
    Run,
    Sample,
)
from genmodels.families.transformer.t5.decoder import CachedEncoderDecoder, Memory
from genmodels.families.transformer.t5.tasks import Assignment, understand, writable
from genmodels.text.beam import BeamSearch, Hypothesis
from genmodels.text.byte_pairs import END, PAD, BytePairs
from genmodels.text.decoding import RECENT, choose_tokens
from genmodels.text.knobs import read_choice
from genmodels.text.outputs import WrittenToken
from genmodels.text.surprise import SURPRISE, mean_surprise, tell_surprise


class Drawing:
    """One text that is drawn token by token, seen like a beam of one."""

    def __init__(self, request: GenerationRequest, *, longest: int, allowed: torch.Tensor) -> None:
        self._choice = read_choice(request.parameters, seed=request.seed)
        self._longest = longest
        self._allowed = allowed
        self._text = Hypothesis()
        self.done = False

    @property
    def alive(self) -> list[Hypothesis]:
        return [self._text]

    def ranked(self) -> list[Hypothesis]:
        return [self._text]

    def advance(self, scores: torch.Tensor) -> list[int]:
        """Draw from `scores` (1, V); the only row goes on with itself."""
        text = self._text
        allowed = self._allowed
        if not text.tokens:
            allowed = allowed.clone()
            allowed[END] = False
        [chosen] = choose_tokens(
            scores, [self._choice], recent=[text.tokens[-RECENT:]], allowed=[allowed]
        )
        nats = chosen.log_probability
        if chosen.token == END:
            self._text = Hypothesis(text.tokens, text.nats, text.total + nats)
            self.done = True
        else:
            self._text = Hypothesis(
                (*text.tokens, chosen.token), (*text.nats, nats), text.total + nats
            )
            self.done = len(self._text.tokens) >= self._longest
        return [0]


class T5Run:
    """One text on its way."""

    def __init__(
        self, request: GenerationRequest, *, assignment: Assignment, vocabulary: BytePairs
    ) -> None:
        self._request = request
        self._vocabulary = vocabulary
        self.assignment = assignment
        self._total = int(request.parameters["max_new_tokens"])
        self._penalty = float(request.parameters["length_penalty"])
        self.search: BeamSearch | Drawing
        allowed = writable(assignment.task, vocabulary)
        if float(request.parameters["temperature"]) > 0.0:
            self.width = 1
            self.search = Drawing(request, longest=self._total, allowed=allowed)
        else:
            self.width = int(request.parameters["beams"])
            self.search = BeamSearch(
                width=self.width,
                end=END,
                longest=self._total,
                penalty=self._penalty,
                allowed=allowed,
            )
        self.memory: Memory | None = None
        self._passes = 0

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        return Progress(done=self._passes, total=self._total, unit="token")

    @property
    def done(self) -> bool:
        return self.search.done

    def preview(self) -> Preview:
        """The best text so far."""
        return Preview(media_type="text/plain", text=self._answer(self.search.ranked()[0]))

    @property
    def sample(self) -> Sample:
        """The best text; `extra` has the others that were finished, the task and the surprise."""
        assert self.done, "a sample is asked for when the run is done"
        ranked = self.search.ranked()
        best = ranked[0]
        tokens = [
            WrittenToken(self._piece(token, first=place == 0), nats)
            for place, (token, nats) in enumerate(zip(best.tokens, best.nats, strict=True))
        ]
        text = self._answer(best)
        extra: dict[str, Any] = {"task": self.assignment.task}
        if not self._request.prompt.strip().endswith(self.assignment.text):
            extra["prompt_read"] = self.assignment.text
        if len(ranked) > 1:
            extra["candidates"] = [
                {"text": self._answer(each), "score": round(each.score(self._penalty), 3)}
                for each in ranked
            ]
        return Sample(
            content=text.encode(),
            media_type="text/plain",
            text=text,
            metrics={
                "tokens": float(len(tokens)),
                "surprise": mean_surprise(tokens) if tokens else 0.0,
            },
            extra={**extra, SURPRISE: tell_surprise(tokens)},
        )

    def pending(self) -> list[int]:
        """What each hypothesis reads next; a text begins behind PAD."""
        return [each.tokens[-1] if each.tokens else PAD for each in self.search.alive]

    def advance(self, scores: torch.Tensor) -> None:
        """Go on with the scores (W, V) of what follows each hypothesis."""
        parents = self.search.advance(scores)
        self._passes += 1
        if self.search.done:
            self.memory = None
        else:
            assert self.memory is not None, "a run that is read has a memory"
            self.memory.follow(parents)

    def _answer(self, hypothesis: Hypothesis) -> str:
        return self.assignment.answer(hypothesis.tokens, self._vocabulary)

    def _piece(self, token: int, *, first: bool) -> str:
        """A token as a part of the text, with the space before a word but not before the first."""
        text = self._vocabulary.decode([token])
        return f" {text}" if self._vocabulary.starts_word(token) and not first else text


class T5Generator:
    """A loaded encoder-decoder checkpoint."""

    def __init__(
        self,
        *,
        card: Card,
        decoder: CachedEncoderDecoder,
        vocabulary: BytePairs,
        tasks: tuple[str, ...],
        cuts: tuple[str, ...],
        slots: int,
    ) -> None:
        self._card = card
        self._decoder = decoder
        self._vocabulary = vocabulary
        self._tasks = tasks
        self._cuts = cuts
        self._slots = slots

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return self._slots

    def open(self, request: GenerationRequest) -> T5Run:
        """Start a run; raises InvalidRequest for a text that is too long or lacks its gaps."""
        assignment = understand(
            request.prompt,
            task=str(request.parameters["task"]),
            tasks=self._tasks,
            cuts=self._cuts,
            vocabulary=self._vocabulary,
            longest=self._decoder.config.source_length,
        )
        return T5Run(request, assignment=assignment, vocabulary=self._vocabulary)

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One token for each of these runs, opened here and not done."""
        texts = cast("Sequence[T5Run]", runs)
        assert not any(run.done for run in texts), "a run that is done has left"
        newcomers = [run for run in texts if run.memory is None]
        if newcomers:
            memories = self._decoder.remember(
                [run.assignment.source for run in newcomers], [run.width for run in newcomers]
            )
            for run, memory in zip(newcomers, memories, strict=True):
                run.memory = memory
        held = [run.memory for run in texts if run.memory is not None]
        for run, scores in zip(
            texts, self._decoder.read(held, [run.pending() for run in texts]), strict=True
        ):
            run.advance(scores)
