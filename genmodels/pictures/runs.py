"""What the runs of all families of pictures share: the prompt that was read, and the sample."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import torch

from genmodels.contract import Card, GenerationRequest, Preview, Sample
from genmodels.pictures.concepts import ReadPrompt
from genmodels.pictures.encoding import encode_png

_PREVIEW_UPSCALE = 4


class PromptedRun:
    """The part of a run that does not depend on the family; pictures are (C, Y, X) in -1..1."""

    def __init__(self, request: GenerationRequest, *, card: Card, prompt: ReadPrompt) -> None:
        self._request = request
        self._card = card
        self.prompt = prompt

    @property
    def request(self) -> GenerationRequest:
        return self._request

    def make_preview(self, picture: torch.Tensor) -> Preview:
        """A small PNG of what there is so far."""
        return Preview(
            media_type="image/png", content=encode_png(picture, upscale=_PREVIEW_UPSCALE)
        )

    def make_sample(
        self, picture: torch.Tensor, metrics: Mapping[str, float], extra: Mapping[str, object]
    ) -> Sample:
        """The picture with its recipe inside; `extra` also names the nearest concept."""
        request, nearest = self._request, self.prompt.nearest
        similarity = round(nearest.similarity, 4)
        told: dict[str, object] = {
            "nearest_concept": nearest.name,
            "similarity": similarity,
            "familiar": nearest.familiar,
        }
        if not nearest.familiar:
            told["note"] = (
                f"This prompt is far from everything that {self._card.slug} knows; "
                f"the nearest is {nearest.name!r}."
            )
        content = encode_png(
            picture,
            upscale=int(request.parameters["upscale"]),
            recipe=recipe_of(request, self._card),
        )
        return Sample(
            content=content,
            media_type="image/png",
            metrics={**metrics, "prompt_similarity": similarity},
            extra={**told, **extra},
        )


def recipe_of(request: GenerationRequest, card: Card) -> dict[str, object]:
    """All that it takes to draw a picture again, as it lies in its file."""
    return {
        "model": card.slug,
        "weights_sha256": card.weights_sha256,
        "prompt": request.prompt,
        "parameters": dict(request.parameters),
        "seed": request.seed,
        "pinakes": _product_version(),
        **_given(request.inputs),
    }


def _given(inputs: Mapping[str, bytes]) -> dict[str, dict[str, str]]:
    """What a recipe says of the files that came with a request: their hashes."""
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in inputs.items()}
    return {"inputs": hashes} if hashes else {}


def _product_version() -> str:
    try:
        return version("pinakes")
    except PackageNotFoundError:
        # Running from a source tree that was never installed.
        return "unknown"
