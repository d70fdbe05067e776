"""Runs of the masked encoder: gaps are filled one a pass, the surest first.

A text without gaps is weighed instead: each of its tokens is masked in turn, and how surprising it
is where it stands is what the run gives (Salazar et al. 2019, arXiv:1910.14659).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

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
from genmodels.families.transformer.bert.network import BertConfig, MaskedEncoder
from genmodels.families.transformer.exact_layers import ExactEncoder
from genmodels.nn.exact import UNIT_BITS, exact_after_norm, unit_rows
from genmodels.text.blanks import count_blanks, encode_blanks, fill_blanks
from genmodels.text.byte_pairs import MASK, BytePairs
from genmodels.text.decoding import choose_tokens
from genmodels.text.knobs import read_choice
from genmodels.text.outputs import WrittenToken
from genmodels.text.surprise import SURPRISE, mean_surprise, tell_surprise

#: Masked copies of a text that is weighed, for each pass.
_COPIES = 16


class ServedEncoder:
    """A `MaskedEncoder` in exact arithmetic; ValueError where weights leave no room for it."""

    def __init__(self, network: MaskedEncoder, device: torch.device) -> None:
        self.config: BertConfig = network.config
        self.device = device
        embedding = network.embedding.detach().double().to(device)
        # Rows scaled to root mean square 1, as the network does after every look-up.
        self._embedding = unit_rows(embedding, UNIT_BITS) * math.sqrt(self.config.d_model)
        self._encoder = ExactEncoder(network.encoder, device)
        self._head = exact_after_norm(network.embedding.to(device))

    def read(self, texts: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """Scores (masks, V) for the masked places of each text, in order, on the CPU."""
        embedded = [self._embedding[torch.tensor(each, device=self.device)] for each in texts]
        states = self._encoder.read(embedded)
        masked = [
            own[torch.tensor([token == MASK for token in text], device=self.device)]
            for own, text in zip(states, texts, strict=True)
        ]
        x = torch.cat(masked)
        scores = self._head(unit_rows(x, self._head.bits)).cpu()
        return list(torch.split(scores, [len(each) for each in masked]))


class FillingRun:
    """One text whose gaps are filled."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        text: str,
        tokens: Sequence[int],
        vocabulary: BytePairs,
        is_word: torch.Tensor,
    ) -> None:
        self._request = request
        self._text = text
        self._vocabulary = vocabulary
        self._is_word = is_word
        self._tokens = list(tokens)
        self._gaps = [place for place, token in enumerate(tokens) if token == MASK]
        self._filled: dict[int, WrittenToken] = {}
        self._candidates: dict[int, list[dict[str, Any]]] = {}
        self._choice = read_choice(request.parameters, seed=request.seed)
        self._num_candidates = int(request.parameters["candidates"])

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        return Progress(done=len(self._filled), total=len(self._gaps), unit="word")

    @property
    def done(self) -> bool:
        return len(self._filled) == len(self._gaps)

    def preview(self) -> Preview:
        """The text with what is filled so far."""
        return Preview(media_type="text/plain", text=self._answer(open_gap="___"))

    @property
    def sample(self) -> Sample:
        """The filled text; `extra` names the candidates of each gap as they were at its turn."""
        assert self.done, "a sample is asked for when the run is done"
        text = self._answer(open_gap="")
        tokens = [self._filled[place] for place in self._gaps]
        return Sample(
            content=text.encode(),
            media_type="text/plain",
            text=text,
            metrics={"tokens": float(len(tokens)), "surprise": mean_surprise(tokens)},
            extra={
                "gaps": [self._candidates[place] for place in self._gaps],
                SURPRISE: tell_surprise(tokens),
            },
        )

    def pending(self) -> list[list[int]]:
        """The text as it is now."""
        return [self._tokens]

    def advance(self, scores: Sequence[torch.Tensor]) -> None:
        """Fill the gap of which the network is surest, from the scores (gaps, V) of the open ones.

        A gap stands for a word, so only pieces that begin one are allowed.
        """
        open_gaps = [place for place in self._gaps if place not in self._filled]
        nats = scores[0].double().masked_fill(~self._is_word, -math.inf).log_softmax(dim=1)
        row = int(nats.amax(dim=1).argmax())
        place = open_gaps[row]
        [chosen] = choose_tokens(
            nats[row : row + 1],
            [self._choice],
            recent=[[token for token in self._tokens if token != MASK]],
            allowed=[self._is_word],
        )
        best = nats[row].topk(min(self._num_candidates, int(self._is_word.sum())))
        self._candidates[place] = [
            {"text": self._vocabulary.decode([token]), "probability": round(math.exp(own), 4)}
            for token, own in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ]
        self._tokens[place] = chosen.token
        word = self._vocabulary.decode([chosen.token])
        self._filled[place] = WrittenToken(word, chosen.log_probability)

    def _answer(self, *, open_gap: str) -> str:
        return fill_blanks(
            self._text,
            [
                self._filled[place].text if place in self._filled else open_gap
                for place in self._gaps
            ],
        )


class WeighingRun:
    """One text of which every token is asked how likely it is in its place."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        text: str,
        tokens: Sequence[int],
        vocabulary: BytePairs,
    ) -> None:
        self._request = request
        self._text = text
        self._vocabulary = vocabulary
        self._tokens = list(tokens)
        self._nats: list[float] = []
        self._passes = 0

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        total = math.ceil(len(self._tokens) / _COPIES)
        return Progress(done=self._passes, total=total, unit="step")

    @property
    def done(self) -> bool:
        return len(self._nats) == len(self._tokens)

    def preview(self) -> Preview:
        """The text as far as it is weighed."""
        known = self._vocabulary.decode(self._tokens[: len(self._nats)])
        return Preview(media_type="text/plain", text=known)

    @property
    def sample(self) -> Sample:
        """The text as it came, with the surprise of each token and its pseudo-perplexity."""
        assert self.done, "a sample is asked for when the run is done"
        tokens = [
            WrittenToken(
                (" " if self._vocabulary.starts_word(token) and place else "")
                + self._vocabulary.decode([token]),
                own,
            )
            for place, (token, own) in enumerate(zip(self._tokens, self._nats, strict=True))
        ]
        mean = sum(self._nats) / len(self._nats)
        return Sample(
            content=self._text.encode(),
            media_type="text/plain",
            text=self._text,
            metrics={
                "tokens": float(len(tokens)),
                "surprise": mean_surprise(tokens),
                "pseudo_perplexity": round(math.exp(-mean), 3),
            },
            extra={SURPRISE: tell_surprise(tokens)},
        )

    def pending(self) -> list[list[int]]:
        """Copies of the text, each with another token masked."""
        start = len(self._nats)
        places = range(start, min(start + _COPIES, len(self._tokens)))
        return [[*self._tokens[:place], MASK, *self._tokens[place + 1 :]] for place in places]

    def advance(self, scores: Sequence[torch.Tensor]) -> None:
        """Look up each masked token in the scores (1, V) of its copy."""
        start = len(self._nats)
        for place, own in enumerate(scores, start=start):
            nats = own[0].double().log_softmax(dim=0)
            self._nats.append(float(nats[self._tokens[place]]))
        self._passes += 1


class BertGenerator:
    """A loaded masked encoder."""

    def __init__(
        self, *, card: Card, encoder: ServedEncoder, vocabulary: BytePairs, slots: int
    ) -> None:
        self._card = card
        self._encoder = encoder
        self._vocabulary = vocabulary
        self._slots = slots
        self._is_word = torch.tensor(
            [vocabulary.is_whole_word(token) for token in range(vocabulary.size)]
        )

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return self._slots

    def open(self, request: GenerationRequest) -> FillingRun | WeighingRun:
        """Start a run; raises InvalidRequest for a text that is too long."""
        text = self._vocabulary.fold(request.prompt)
        tokens = encode_blanks(text, self._vocabulary.encode, lambda _: MASK)
        longest = self._encoder.config.context
        if len(tokens) > longest:
            detail = f"has {len(tokens)} word pieces; {longest} are the most"
            raise InvalidRequest([Fault("/prompt", "too_long", detail)])
        if count_blanks(text):
            return FillingRun(
                request,
                text=text,
                tokens=tokens,
                vocabulary=self._vocabulary,
                is_word=self._is_word,
            )
        return WeighingRun(request, text=text, tokens=tokens, vocabulary=self._vocabulary)

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One gap, or some tokens, for each of these runs, opened here and not done."""
        texts = cast("Sequence[FillingRun | WeighingRun]", runs)
        assert not any(run.done for run in texts), "a run that is done has left"
        pending = [run.pending() for run in texts]
        scores = iter(self._encoder.read([text for each in pending for text in each]))
        for run, own in zip(texts, pending, strict=True):
            run.advance([next(scores) for _ in own])
