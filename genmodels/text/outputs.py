"""What becomes of a finished text: plain text is delivered as it is, other kinds are rendered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from genmodels.contract import GenerationRequest, Sample


@dataclass(frozen=True)
class WrittenToken:
    """A token's text, and its log-probability in nats as the network saw it."""

    text: str
    log_probability: float


@dataclass(frozen=True)
class Writing:
    """A finished text.

    `prompt` is what was read of the request's, `text` what was written after it. `tokens` spell
    `text`, and a little more where a stop string cut it. `ended` tells whether the text came to
    its own end and not to that of the allowed length.
    """

    request: GenerationRequest
    prompt: str
    text: str
    tokens: tuple[WrittenToken, ...]
    ended: bool


class Output(Protocol):
    """Turns a finished text into what is kept."""

    def __call__(self, writing: Writing) -> Sample:
        """The sample without what all texts have: metrics `tokens`, extra `surprise`."""
        ...


def deliver_plain_text(writing: Writing) -> Sample:
    """The text written, without the prompt; `extra` tells if the prompt was changed."""
    changed = writing.prompt != writing.request.prompt
    return Sample(
        content=writing.text.encode(),
        media_type="text/plain",
        text=writing.text,
        extra={"prompt_read": writing.prompt} if changed else {},
    )
