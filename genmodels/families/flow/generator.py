"""Runs of the Glow: pictures are drawn from latents, or a given picture is judged.

Both take one pass. Drawing shares passes with other runs (pictures/latent.py); judging does not,
since it reads in one direction and draws in the other.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
from genmodels.families.flow.anomaly import (
    NUM_DRAWS,
    bits_per_dimension,
    complexity,
    p_values,
)
from genmodels.families.flow.levels import as_pictures, dequantise
from genmodels.families.flow.model import GlowModel
from genmodels.families.flow.network import Glow
from genmodels.pictures.concepts import PromptReader, ReadPrompt
from genmodels.pictures.encoding import UnableToReadPicture, decode_picture, lay_out
from genmodels.pictures.latent import LatentGenerator, LatentRun
from genmodels.pictures.runs import PromptedRun
from genmodels.randomness import seeded

_IMAGE = "image"

#: How near the flow's view of a picture is to the typical: its latent times this.
_PULL = 0.7

#: What is white on the map of bits; levels are told in eight bits.
_MOST_BITS = 8.0


@dataclass(frozen=True)
class Judgement:
    """What the flow says of a picture (C, Y, X), in bits per dimension where not said otherwise.

    `view` is the picture with its latent pulled towards the typical. `bits` (Y, X) are the bits
    at each pixel, whose sum is the picture's. `prompt_bits` is how many bits of the whole picture
    the prompt saves.
    """

    view: torch.Tensor
    bits: torch.Tensor
    bits_per_dim: float
    complexity: float
    p_value: float
    p_value_raw: float
    prompt_bits: float

    @property
    def score(self) -> float:
        """The likelihood corrected for complexity (arXiv:1909.11480, eq. 2)."""
        return self.bits_per_dim - self.complexity


class JudgeRun(PromptedRun):
    """One picture on its way to a judgement; it takes a single pass."""

    def __init__(
        self,
        request: GenerationRequest,
        *,
        card: Card,
        prompt: ReadPrompt,
        picture: torch.Tensor,
    ) -> None:
        super().__init__(request, card=card, prompt=prompt)
        self.picture = picture
        self.judgement: Judgement | None = None

    @property
    def progress(self) -> Progress:
        return Progress(done=int(self.done), total=1, unit="pass")

    @property
    def done(self) -> bool:
        return self.judgement is not None

    def preview(self) -> Preview:
        """The picture as the network sees it."""
        return self.make_preview(self.picture)

    @property
    def sample(self) -> Sample:
        """Three panels side by side: the picture, the flow's view of it, the map of its bits."""
        found = self.judgement
        assert found is not None, "a sample is asked for when the run is done"
        rate = float(self.request.parameters["alarm_rate"])
        shown = (2 * found.bits / _MOST_BITS - 1).clamp(-1, 1).expand_as(self.picture)
        panels = torch.stack((self.picture, found.view, shown))
        unusual = found.p_value <= rate
        return self.make_sample(
            lay_out(panels, columns=3),
            {
                "bits_per_dim": round(found.bits_per_dim, 4),
                "complexity_bits_per_dim": round(found.complexity, 4),
                "anomaly_score": round(found.score, 4),
                "p_value": round(found.p_value, 4),
                "p_value_uncorrected": round(found.p_value_raw, 4),
                "prompt_bits": round(found.prompt_bits, 2),
            },
            {
                "unusual": unusual,
                "alarm_rate": rate,
                "panels": [
                    "the picture as the network sees it",
                    "the picture pulled towards what is typical",
                    f"bits at each place, black none and white {_MOST_BITS:g} or more",
                ],
                "verdict": _verdict(self.request, found, unusual=unusual),
            },
        )


def _verdict(request: GenerationRequest, found: Judgement, *, unusual: bool) -> str:
    share = f"{100 * found.p_value:.2g} % of known pictures score as high or higher"
    first = "Unlike what this network knows" if unusual else "Nothing unusual"
    helps = "fits" if found.prompt_bits > 0 else "does not fit"
    return f"{first}: {share}. The wording {request.prompt!r} {helps}."


class GlowGenerator:
    """A loaded Glow."""

    slots = LatentGenerator.slots

    def __init__(
        self, *, card: Card, network: Glow, reader: PromptReader, device: torch.device
    ) -> None:
        self._network = network
        self._reader = reader
        self._device = device
        self._drawing = LatentGenerator(
            card=card, model=GlowModel(network), reader=reader, device=device
        )

    @property
    def card(self) -> Card:
        return self._drawing.card

    def open(self, request: GenerationRequest) -> LatentRun | JudgeRun:
        """Start a run of the task that the request names."""
        content = request.inputs.get(_IMAGE)
        if request.parameters["task"] == "draw":
            if content is not None:
                raise _refusal("not_used", "only the task 'judge' takes a picture")
            return self._drawing.open(request)
        if content is None:
            raise _refusal("required", "the task 'judge' needs a picture")
        config = self._network.config
        try:
            picture = decode_picture(content, side=config.side, colours=config.colours)
        except UnableToReadPicture as error:
            raise _refusal("invalid_picture", str(error)) from error
        prompt = self._reader.read(request.prompt)
        return JudgeRun(request, card=self.card, prompt=prompt, picture=picture)

    @torch.inference_mode()
    def advance(self, runs: Sequence[Run]) -> None:
        """Finish all of these runs, opened here and not done."""
        drawn = [run for run in runs if not isinstance(run, JudgeRun)]
        if drawn:
            self._drawing.advance(drawn)
        for run in runs:
            if isinstance(run, JudgeRun):
                run.judgement = self._judge(run)

    def _judge(self, run: JudgeRun) -> Judgement:
        """Read the picture with a few noises, without the prompt and with it."""
        network, picture = self._network, run.picture.to(self._device)
        levels = dequantise(picture.expand(NUM_DRAWS, -1, -1, -1), seeded(run.request.seed))
        silence = network.no_sentence.expand(NUM_DRAWS, -1)
        told = run.prompt.vector.expand(NUM_DRAWS, -1)
        reading = network(torch.cat((levels, levels)), torch.cat((silence, told)))
        nats = reading.nats[:NUM_DRAWS]
        raw, told_bits = bits_per_dimension(reading.nats, picture.numel()).view(2, -1).mean(dim=1)
        length = complexity(picture[None]).to(raw.device)
        corrected = raw[None] - length
        view = network.inverse(_PULL * reading.latents[:NUM_DRAWS], silence)
        return Judgement(
            view=as_pictures(view)[0].cpu(),
            bits=nats.mean(dim=0).cpu() / math.log(2),
            bits_per_dim=float(raw),
            complexity=float(length),
            p_value=float(p_values(network.calibration_corrected, corrected)),
            p_value_raw=float(p_values(network.calibration_raw, raw[None])),
            prompt_bits=float(raw - told_bits) * picture.numel(),
        )


def _refusal(code: str, detail: str) -> InvalidRequest:
    return InvalidRequest([Fault(f"/inputs/{_IMAGE}", code, detail)])
