"""A family that computes nothing: runs take time, and some do what prompts should never do.

A prompt is `kind:steps:anything`. Results depend on the request alone, so that whoever knows the
request knows the bytes.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint, save_checkpoint
from genmodels.contract import Card, GenerationRequest, Preview, Progress, Run, Sample

FAMILY = "rnn"
STEP_SECONDS = 0.02
SLOTS = 8


def expected_text(prompt: str, seed: int) -> str:
    """What a request comes to, by whatever way."""
    return hashlib.sha256(f"{prompt} {seed}".encode()).hexdigest() * 4


def make_checkpoint_folder(folder: Path, slug: str) -> Card:
    """A checkpoint of this family, with weights that nobody reads."""

    def describe(sha256: str) -> Card:
        return Card(
            slug=slug,
            name=slug.title(),
            family=FAMILY,
            architecture="pretended",
            summary="Pretends.",
            tasks=("text-generation",),
            modality="text",
            media_type="text/plain",
            parameters=(),
            config={},
            prompt_help="kind:steps:anything",
            max_prompt_length=200,
            data={},
            licence="Apache-2.0",
            weights_sha256=sha256,
        )

    seed = int.from_bytes(slug.encode()[:4], "big")
    weights = {"nothing": torch.full((64,), float(seed))}
    return save_checkpoint(folder / slug, weights=weights, describe=describe)


@dataclass
class PretendRun:
    """A request that waits."""

    request: GenerationRequest
    steps: int
    kind: str
    step: int = 0

    @property
    def progress(self) -> Progress:
        return Progress(self.step, self.steps, "step")

    @property
    def done(self) -> bool:
        return self.step >= self.steps

    def preview(self) -> Preview | None:
        text = expected_text(self.request.prompt, self.request.seed)
        return Preview("text/plain", text=text[: 256 * self.step // self.steps])

    @property
    def sample(self) -> Sample:
        text = expected_text(self.request.prompt, self.request.seed)
        return Sample(text.encode(), "text/plain", text=text)


def _segfault() -> None:
    ctypes.string_at(0)


def _leave() -> None:
    os._exit(9)


def _raise() -> None:
    raise RuntimeError("this prompt is cursed")


def _starve() -> None:
    raise MemoryError


def _hold_the_interpreter() -> None:
    ctypes.PyDLL(None).sleep(3600)


#: What a run does at its third step instead of going on.
MISDEEDS: dict[str, Callable[[], None]] = {
    "segfault": _segfault,
    "exit": _leave,
    "raise": _raise,
    "memory": _starve,
    "hang": _hold_the_interpreter,
}


class PretendGenerator:
    """Advances all runs by a step, and takes a moment for it."""

    slots = SLOTS

    def __init__(self, card: Card) -> None:
        self.card = card

    def open(self, request: GenerationRequest) -> Run:
        kind, steps, _ = request.prompt.split(":", 2)
        return PretendRun(request, int(steps), kind)

    def advance(self, runs: Sequence[Run]) -> None:
        time.sleep(STEP_SECONDS)
        for run in runs:
            assert isinstance(run, PretendRun)
            if run.step == 2 and run.kind in MISDEEDS:
                MISDEEDS[run.kind]()
            if run.kind == "company" and len(runs) > 1:
                raise RuntimeError("this prompt suffers nobody beside it")
            run.step += 1


PRESETS: tuple[str, ...] = ()


def load(checkpoint: Checkpoint, *, device: object, embedder: object) -> PretendGenerator:
    """A generator; there is nothing to load."""
    return PretendGenerator(checkpoint.card)
