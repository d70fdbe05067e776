"""What a request is checked for before any network sees it, and what a card keeps."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from genmodels.contract import (
    Card,
    GenerationRequest,
    Input,
    InputFacts,
    InvalidRequest,
    resolve_request,
)

_PICTURE = Input(
    name="image",
    label="Picture",
    help="What is to be changed.",
    required=True,
    max_bytes=8,
)
_MASK = Input(name="mask", label="Mask", help="White is made anew.", kind="mask", max_bytes=8)


def _card(*inputs: Input) -> Card:
    return Card(
        slug="restorer",
        name="Restorer",
        family="diffusion",
        architecture="none",
        summary="",
        tasks=("inpainting",),
        modality="image",
        media_type="image/png",
        parameters=(),
        config={},
        prompt_help="",
        max_prompt_length=10,
        data={},
        licence="MIT",
        weights_sha256="0" * 64,
        inputs=inputs,
    )


def _resolve(
    inputs: Mapping[str, bytes | InputFacts], *, card: Card | None = None
) -> GenerationRequest:
    card = card or _card(_PICTURE, _MASK)
    return resolve_request(card, prompt="a coat", parameters={}, seed=0, inputs=inputs)


def test_a_card_keeps_its_inputs_through_json_and_an_older_card_has_none() -> None:
    card = _card(_PICTURE, _MASK)
    assert Card.from_dict(card.to_dict()) == card
    older = _card().to_dict()
    del older["inputs"]
    assert Card.from_dict(older).inputs == ()


def test_the_bytes_of_inputs_are_in_the_request_and_facts_are_only_checked() -> None:
    request = _resolve({"image": b"bytes", "mask": InputFacts(8, "image/png")})
    assert request.inputs == {"image": b"bytes"}


@pytest.mark.parametrize(
    ("inputs", "fault"),
    [
        ({}, ("/inputs/image", "required")),
        ({"image": b"123456789"}, ("/inputs/image", "too_large")),
        ({"image": InputFacts(9, "image/png")}, ("/inputs/image", "too_large")),
        ({"image": InputFacts(8, "text/plain")}, ("/inputs/image", "unsupported_media_type")),
        ({"image": b"", "a/b": b""}, ("/inputs/a~1b", "unknown_input")),
    ],
)
def test_a_file_that_does_not_fit_the_card_is_a_fault(
    inputs: Mapping[str, bytes | InputFacts], fault: tuple[str, str]
) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _resolve(inputs)
    assert [(each.pointer, each.code) for each in refused.value.faults] == [fault]


def test_a_checkpoint_without_inputs_takes_none() -> None:
    assert _resolve({}, card=_card()).inputs == {}
    with pytest.raises(InvalidRequest, match="no such input; it has: none"):
        _resolve({"image": b""}, card=_card())
