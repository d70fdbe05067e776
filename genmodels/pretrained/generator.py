"""Runs of a network of `transformers`: each writes one token per pass.

Every run has passes and a cache of its own. Padding several to one length would save time on most
machines, but change the last bits of each, and the bytes of a run depend on its request alone.
Whoever needs many at a time has a server for it.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any, cast

import torch
from jinja2.exceptions import TemplateError

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
from genmodels.text.decoding import RECENT, Chosen, choose_tokens
from genmodels.text.knobs import read_choice, read_stops
from genmodels.text.outputs import WrittenToken
from genmodels.text.surprise import SURPRISE, mean_surprise, tell_surprise

#: Runs that are open at a time: each keeps the keys and values of its text.
NUM_SLOTS = 4
#: A long prompt is read in parts of so many tokens, so that a cancel need not wait for its end.
READ_AT_ONCE = 512
#: What stands for a character of which only a part has been written.
_PART_OF_A_CHARACTER = "\ufffd"


class PretrainedRun:
    """One text on its way.

    `unread` are tokens that the network has not seen yet, `read` the others, and `cache` is what
    it kept of those.
    """

    def __init__(
        self,
        request: GenerationRequest,
        *,
        source: list[int],
        unread: list[int],
        total: int,
        tokenizer: Any,  # noqa: ANN401 -- the library's own
        ends: frozenset[int],
    ) -> None:
        self._request = request
        self._tokenizer = tokenizer
        self._ends = ends
        self._total = total
        self._written: list[int] = []
        self._pieces: list[WrittenToken] = []
        self._text = ""
        self._finish_reason = ""
        self._stops = read_stops(request.parameters)
        #: What an encoder reads; empty where there is none.
        self.source = source
        self.unread = unread
        self.read: list[int] = []
        self.cache: Any = None
        self.encoded: Any = None
        self.choice = read_choice(request.parameters, seed=request.seed)

    @property
    def request(self) -> GenerationRequest:
        return self._request

    @property
    def progress(self) -> Progress:
        return Progress(done=len(self._written), total=self._total, unit="token")

    @property
    def num_written(self) -> int:
        """How many tokens it has written."""
        return len(self._written)

    @property
    def recent(self) -> Sequence[int]:
        """The latest tokens, those of the prompt included where the text goes on with it."""
        return [*self.read, *self.unread][-RECENT:]

    @property
    def done(self) -> bool:
        return bool(self._finish_reason)

    def preview(self) -> Preview:
        """The text so far, without a character that is not whole yet."""
        return Preview(media_type="text/plain", text=self._text.rstrip(_PART_OF_A_CHARACTER))

    @property
    def sample(self) -> Sample:
        """The text; `extra` tells whether the model ended it."""
        assert self.done, "a sample is asked for when the run is done"
        return Sample(
            content=self._text.encode(),
            media_type="text/plain",
            text=self._text,
            metrics={
                "tokens": float(len(self._written)),
                "surprise": mean_surprise(self._pieces),
            },
            extra={
                "finish_reason": self._finish_reason,
                SURPRISE: tell_surprise(self._pieces),
            },
        )

    def write(self, chosen: Chosen) -> None:
        """Go on with a token, or end where it, the length or a stop text says so."""
        token, before = chosen.token, self._text
        self._written.append(token)
        self.unread = [token]
        if token in self._ends:
            self._finish_reason = "stop"
        else:
            # All of it anew: how a token reads can depend on those before it. NUL is no character
            # that a database keeps.
            whole = self._tokenizer.decode(self._written, skip_special_tokens=True)
            self._text = whole.replace("\x00", "")
        self._pieces.append(WrittenToken(_added(before, self._text), chosen.log_probability))
        reach = len(self._text) - len(before) + max(map(len, self._stops), default=0)
        places = [self._text.find(stop, max(0, len(before) - reach)) for stop in self._stops]
        found = [place for place in places if place >= 0]
        if found:
            self._text = self._text[: min(found)]
            self._finish_reason = "stop"
        elif not self._finish_reason and len(self._written) >= self._total:
            self._finish_reason = "length"


def _added(before: str, after: str) -> str:
    """What a token added to a text; a part of a character shows once it is whole."""
    return after.rstrip(_PART_OF_A_CHARACTER)[len(before.rstrip(_PART_OF_A_CHARACTER)) :]


class PretrainedGenerator:
    """A network of `transformers` with its tokenizer; both are the library's own."""

    def __init__(
        self,
        *,
        card: Card,
        network: Any,  # noqa: ANN401 -- the library's own
        tokenizer: Any,  # noqa: ANN401 -- the library's own
        is_seq2seq: bool,
    ) -> None:
        self._card = card
        self._network = network
        self._tokenizer = tokenizer
        self._is_seq2seq = is_seq2seq
        self._context = card.config.get("context")
        self._ends = _end_tokens(network, tokenizer)
        # State spaces and the like keep something else than keys and values.
        self._has_cache = "past_key_values" in inspect.signature(network.forward).parameters

    @property
    def card(self) -> Card:
        return self._card

    @property
    def slots(self) -> int:
        return NUM_SLOTS

    def open(self, request: GenerationRequest) -> PretrainedRun:
        """Start a run; raises InvalidRequest where the prompt leaves no room for an answer."""
        prompt = self._encode(request)
        total = int(request.parameters["max_new_tokens"])
        if self._context is not None and not self._is_seq2seq:
            if len(prompt) >= self._context:
                detail = f"has {len(prompt)} tokens; {self._card.slug} reads {self._context}"
                raise InvalidRequest([Fault("/prompt", "too_long", detail)])
            total = min(total, self._context - len(prompt))
        if not prompt:
            raise InvalidRequest([Fault("/prompt", "unknown_characters", "holds no known token")])
        return PretrainedRun(
            request,
            source=prompt if self._is_seq2seq else [],
            unread=[self._first_token()] if self._is_seq2seq else prompt,
            total=total,
            tokenizer=self._tokenizer,
            ends=self._ends,
        )

    def _encode(self, request: GenerationRequest) -> list[int]:
        if not request.parameters.get("chat"):
            return list(self._tokenizer(request.prompt)["input_ids"])
        messages = [{"role": "user", "content": request.prompt}]
        if request.parameters["system"]:
            messages.insert(0, {"role": "system", "content": str(request.parameters["system"])})
        try:
            text = self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=True
            )
        except TemplateError as error:
            # Templates refuse what their model was not taught, such as an instruction.
            detail = f"does not fit the model's template of messages: {error}"
            raise InvalidRequest([Fault("/prompt", "invalid", detail)]) from error
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _first_token(self) -> int:
        settings = self._network.generation_config
        for name in ("decoder_start_token_id", "bos_token_id"):
            token = getattr(settings, name, None)
            if token is None:
                token = getattr(self._network.config, name, None)
            if token is not None:
                return int(token)
        assert self._tokenizer.pad_token_id is not None, "a decoder starts with some token"
        return int(self._tokenizer.pad_token_id)

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """One token, or a part of a long prompt, for each of these runs."""
        for run in cast("Sequence[PretrainedRun]", runs):
            assert not run.done, "a run that is done has left"
            scores = self._read(run)
            if scores is None:
                continue
            forced = getattr(self._network.generation_config, "forced_bos_token_id", None)
            if self._is_seq2seq and forced is not None and run.num_written == 0:
                # Some translators are told the language by their first token.
                nats = scores[0].double().log_softmax(dim=0)[int(forced)].item()
                run.write(Chosen(int(forced), nats))
                continue
            [chosen] = choose_tokens(scores, [run.choice], recent=[run.recent])
            run.write(chosen)

    def _read(self, run: PretrainedRun) -> torch.Tensor | None:
        """Scores (1, V), on the CPU, of what follows; None while there is more to read."""
        if self._is_seq2seq and run.encoded is None:
            run.encoded = self._network.get_encoder()(input_ids=self._as_rows(run.source))
        part, rest = run.unread[:READ_AT_ONCE], run.unread[READ_AT_ONCE:]
        if run.cache is None and run.read:
            # Some networks keep nothing: they read everything anew each time.
            part = [*run.read, *part]
        tokens = self._as_rows(part)
        if self._is_seq2seq:
            given: dict[str, Any] = {"encoder_outputs": run.encoded, "decoder_input_ids": tokens}
        else:
            given = {"input_ids": tokens}
        if self._has_cache:
            given |= {"past_key_values": run.cache, "use_cache": True}
        result = self._network(**given)
        run.cache = result.past_key_values if self._has_cache else None
        run.read += run.unread[:READ_AT_ONCE]
        run.unread = rest
        return None if rest else result.logits[:, -1].float().cpu()

    def _as_rows(self, tokens: Sequence[int]) -> torch.Tensor:
        return torch.tensor([tokens], device=self._network.device)


def _end_tokens(network: Any, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401 -- the library's own
    """The tokens that end a text."""
    found = network.generation_config.eos_token_id
    if found is None:
        found = tokenizer.eos_token_id
    if found is None:
        return frozenset()
    return frozenset([found] if isinstance(found, int) else found)
