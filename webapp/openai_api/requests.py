"""What OpenAI's clients send, read into wishes of this site."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework import serializers

from genmodels.contract import Card, Fault
from webapp.common.interface import StrictSerializer, Text, WholeNumber
from webapp.common.problems import Problem, invalid

MAX_CHOICES = 8
MAX_PICTURES = 10
MAX_INPUTS = 256

#: Answers from documents, as a model: what is quoted, or written by the language model in use.
ANSWERS_MODEL = "answers"

_PARTS_ARE_TEXT = "only parts of type text can be read"


class _Wide(StrictSerializer):
    """Fields that clients send along although they change nothing here."""

    model = Text(max_length=200)
    user = Text(required=False, allow_null=True, allow_blank=True)
    metadata = serializers.DictField(
        child=Text(max_length=512), required=False, allow_null=True, default=dict
    )
    store = serializers.BooleanField(required=False, allow_null=True)


class _Sampled(_Wide):
    """What chats and completions have in common."""

    stream = serializers.BooleanField(required=False, allow_null=True, default=False)
    stream_options = serializers.DictField(required=False, allow_null=True)
    n = WholeNumber(required=False, allow_null=True, min_value=1, max_value=MAX_CHOICES)
    max_tokens = WholeNumber(required=False, allow_null=True, min_value=1)
    temperature = serializers.FloatField(required=False, allow_null=True)
    top_p = serializers.FloatField(required=False, allow_null=True)
    seed = WholeNumber(required=False, allow_null=True, min_value=0)
    stop = serializers.JSONField(required=False, allow_null=True)
    presence_penalty = serializers.FloatField(required=False, allow_null=True)
    frequency_penalty = serializers.FloatField(required=False, allow_null=True)

    def validate_stop(self, value: object) -> str | None:
        """One string; a list may hold one."""
        if isinstance(value, list) and len(value) <= 1:
            value = value[0] if value else None
        if value is not None and not isinstance(value, str):
            raise serializers.ValidationError("must be one string", "unsupported_value")
        return value

    def validate_presence_penalty(self, value: float | None) -> float | None:
        """Accepted where it says nothing."""
        return _only_zero(value)

    def validate_frequency_penalty(self, value: float | None) -> float | None:
        """Accepted where it says nothing."""
        return _only_zero(value)


def _only_zero(value: float | None) -> float | None:
    if value:
        raise serializers.ValidationError("is not supported", "unsupported_value")
    return value


class MessageInput(StrictSerializer):
    """One message of a conversation."""

    role = serializers.ChoiceField(choices=("system", "developer", "user", "assistant"))
    content = serializers.JSONField()
    name = Text(required=False, allow_null=True)

    def validate_content(self, value: object) -> str:
        """A text, or a list of parts that are texts."""
        if isinstance(value, str):
            return value
        if not isinstance(value, list):
            raise serializers.ValidationError("must be a string or a list of parts", "invalid")
        texts = []
        for part in value:
            if not isinstance(part, dict) or part.get("type") != "text":
                raise serializers.ValidationError(_PARTS_ARE_TEXT, "unsupported_value")
            if not isinstance(part.get("text"), str):
                raise serializers.ValidationError("a text part needs a text", "invalid")
            texts.append(part["text"])
        return "\n".join(texts)


class ChatInput(_Sampled):
    """The body of `POST /chat/completions`."""

    messages = MessageInput(many=True, allow_empty=False)
    max_completion_tokens = WholeNumber(required=False, allow_null=True, min_value=1)
    response_format = serializers.DictField(required=False, allow_null=True)

    def validate_response_format(self, value: Mapping[str, object] | None) -> object:
        """Plain text only: nothing here promises JSON."""
        if value is not None and value != {"type": "text"}:
            raise serializers.ValidationError(
                "only {type: text} is supported", "unsupported_value"
            )
        return value


class CompletionInput(_Sampled):
    """The body of `POST /completions`."""

    prompt = serializers.JSONField()
    echo = serializers.BooleanField(required=False, allow_null=True)
    best_of = WholeNumber(required=False, allow_null=True)

    def validate_prompt(self, value: object) -> str:
        """One text; a list may hold one."""
        if isinstance(value, list) and len(value) == 1:
            value = value[0]
        if not isinstance(value, str):
            raise serializers.ValidationError("must be one string", "unsupported_value")
        return value

    def validate_echo(self, value: bool | None) -> bool | None:  # noqa: FBT001 -- the framework's
        """The prompt is known to who sent it."""
        if value:
            raise serializers.ValidationError("is not supported", "unsupported_value")
        return value


class ImageInput(_Wide):
    """The body of `POST /images/generations`; a checkpoint has one size."""

    prompt = Text(trim_whitespace=False)
    n = WholeNumber(required=False, allow_null=True, min_value=1, max_value=MAX_PICTURES)
    size = serializers.ChoiceField(choices=("auto",), required=False, allow_null=True)
    response_format = serializers.ChoiceField(
        choices=("b64_json", "url"), required=False, allow_null=True
    )
    output_format = serializers.ChoiceField(choices=("png",), required=False, allow_null=True)
    seed = WholeNumber(required=False, allow_null=True, min_value=0)


class EmbeddingInput(_Wide):
    """The body of `POST /embeddings`."""

    input = serializers.JSONField()
    encoding_format = serializers.ChoiceField(
        choices=("float", "base64"), required=False, allow_null=True
    )
    dimensions = WholeNumber(required=False, allow_null=True)

    def validate_input(self, value: object) -> list[str]:
        """A text or a list of texts, none empty."""
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not texts:
            raise serializers.ValidationError("must be a string or a list of strings", "invalid")
        if len(texts) > MAX_INPUTS:
            raise serializers.ValidationError(f"at most {MAX_INPUTS} texts", "too_many")
        if not all(isinstance(text, str) and text for text in texts):
            detail = "every text must be a string with at least one character"
            raise serializers.ValidationError(detail, "invalid")
        return texts


@dataclass(frozen=True)
class Words:
    """The prompt of a text model, and what it is told before."""

    prompt: str
    instruction: str = ""


def words_of(messages: Sequence[Mapping[str, str]], card: Card) -> Words:
    """A conversation as one prompt.

    A model with a place for instructions gets those there. All else is one text in its order,
    without names of roles, which models that continue texts have never seen.
    """
    has_place = any(parameter.name == "system" for parameter in card.parameters)
    told = [each["content"] for each in messages if each["role"] in {"system", "developer"}]
    said = [
        each["content"]
        for each in messages
        if not has_place or each["role"] not in {"system", "developer"}
    ]
    return Words("\n\n".join(said), "\n\n".join(told) if has_place else "")


def parameters_for(
    card: Card, body: Mapping[str, Any], *, instruction: str = ""
) -> dict[str, Any]:
    """The parameters of a card that a body sets; raises a Problem for what the card lacks."""
    wished = {
        "max_new_tokens": body.get("max_completion_tokens") or body.get("max_tokens"),
        "temperature": body.get("temperature"),
        "top_p": body.get("top_p"),
        "stop": body.get("stop"),
        "system": instruction or None,
    }
    known = {parameter.name for parameter in card.parameters}
    set_ones = {name: value for name, value in wished.items() if value is not None}
    faults = [
        Fault(f"/{_SENT_AS.get(name, name)}", "unsupported_parameter", f"{card.slug} has none")
        for name in set_ones
        if name not in known
    ]
    if faults:
        raise invalid(faults)
    return set_ones


_SENT_AS = {"max_new_tokens": "max_tokens", "system": "messages"}


def collection_of(body: Mapping[str, Any]) -> uuid.UUID | None:
    """The collection that `metadata` names for grounding; raises a Problem for no id."""
    text = (body.get("metadata") or {}).get("collection")
    if text is None:
        return None
    try:
        return uuid.UUID(text)
    except ValueError:
        raise invalid([Fault("/metadata/collection", "invalid", "must be an id")]) from None


def no_such_model(name: str) -> Problem:
    """The 404 that clients know."""
    return Problem(404, "not_found", f"The model {name!r} does not exist; GET models lists all.")
