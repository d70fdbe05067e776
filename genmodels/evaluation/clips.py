"""Whether clips show what was asked for: the digit in every frame, its direction and its speed.

The digit is followed by its centre of mass, and each frame is judged as handwriting around it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch.nn import functional

from genmodels.clips.corpus import ClipCorpus, film
from genmodels.clips.encoding import decode_clip
from genmodels.clips.rendering import DIGIT
from genmodels.clips.wordings import DIRECTIONS, EVERY, SPEEDS, Mover, plain_name
from genmodels.contract import Generator, Metric, Run, resolve_request
from genmodels.evaluation.judge import FrozenJudge
from genmodels.randomness import seeded

#: A clip keeps its digit where so many of its frames show it.
_KEPT = 0.85

#: Clips that are drawn for a figure, at most: each is sixteen pictures.
MOST_CLIPS = 160


def measure_clips(
    generator: Generator, corpus: ClipCorpus, judge: FrozenJudge, *, samples: int, seed: int
) -> tuple[Metric, ...]:
    """The figures of clips of one digit, beside those of real ones from held-out handwriting."""
    count = min(samples, MOST_CLIPS)
    order = torch.randperm(len(EVERY), generator=seeded(seed)).tolist()
    movers = [EVERY[order[place % len(EVERY)]] for place in range(count)]
    drawn = draw_clips(generator, [plain_name((mover,)) for mover in movers], seed=seed)
    real = film([(mover,) for mover in movers], corpus.held_out, seeded(seed))
    return tuple(
        Metric(
            name=f"{name}{ending}",
            value=round(value, 4),
            unit="share of frames" if name == "frame_digit_accuracy" else "share of clips",
            data=corpus.title,
            split="none" if not ending else "clips from MNIST's test part",
            protocol=(
                f"{count} clips of one digit, the card's defaults; followed by its middle, "
                f"read by the judge {judge.sha256[:12]}; a digit is kept where "
                f"{_KEPT:.0%} of the frames show it"
            ),
            samples=count,
            seed=seed,
        )
        for clips, ending in ((drawn, ""), (real, "_of_real_clips"))
        for name, value in judge_clips(clips, movers, judge)
    )


def judge_clips(
    clips: torch.Tensor, movers: Sequence[Mover], judge: FrozenJudge
) -> Iterator[tuple[str, float]]:
    """Names and values of the figures of clips (B, F, Y, X) in -1..1 of these movers."""
    places = follow(clips)
    asked = torch.tensor([mover.digit for mover in movers])
    seen = read_digits(clips, places, judge) == asked[:, None]  # (B, F)
    yield "frame_digit_accuracy", float(seen.double().mean())
    kept = seen.double().mean(dim=1) >= _KEPT
    yield "digit_persistence", float(kept.double().mean())
    steps = find_steps(places)
    names = list(DIRECTIONS)
    ways = torch.tensor(list(DIRECTIONS.values()))
    went = (steps @ ways.T).argmax(dim=1)
    right = went == torch.tensor([names.index(mover.direction) for mover in movers])
    yield "direction_accuracy", float(right.double().mean())
    paces = torch.tensor(list(SPEEDS.values()))
    pace = (steps.norm(dim=1)[:, None] - paces).abs().argmin(dim=1)
    in_time = pace == torch.tensor([list(SPEEDS).index(mover.speed) for mover in movers])
    yield "speed_accuracy", float(in_time.double().mean())


def follow(clips: torch.Tensor) -> torch.Tensor:
    """(B, F, 2): where the middle of what is bright lies, across and down, in pixels."""
    # Faint noise all over would draw it to the middle of the frame.
    bright = ((clips + 1) / 2 - 0.25).clamp(min=0.0)
    total = bright.sum(dim=(2, 3)).clamp(min=1e-6)
    side = torch.arange(clips.shape[3], dtype=clips.dtype)
    across = (bright.sum(dim=2) @ side) / total
    down = (bright.sum(dim=3) @ side) / total
    return torch.stack((across, down), dim=2)


def find_steps(places: torch.Tensor) -> torch.Tensor:
    """(B, 2): pixels a frame, by least squares over all frames."""
    number = torch.arange(places.shape[1], dtype=places.dtype)
    number = number - number.mean()
    return torch.einsum("bfp,f->bp", places, number) / number.square().sum()


def read_digits(clips: torch.Tensor, places: torch.Tensor, judge: FrozenJudge) -> torch.Tensor:
    """(B, F): the likeliest digit of each frame, seen at twice its size around its place."""
    frames, side = clips.flatten(0, 1)[:, None], clips.shape[3]
    turned = torch.zeros(len(frames), 2, 3)
    turned[:, 0, 0] = turned[:, 1, 1] = DIGIT / side
    turned[:, :, 2] = (places.flatten(0, 1) + 0.5) * (2 / side) - 1
    size = [len(frames), 1, 2 * DIGIT, 2 * DIGIT]
    grid = functional.affine_grid(turned, size, align_corners=False)
    # Outside it is black, which is -1 in clips.
    seen = functional.grid_sample(frames + 1, grid, align_corners=False) - 1
    with torch.inference_mode():
        return judge.network.classify(seen).argmax(dim=1).view(clips.shape[:2])


def draw_clips(generator: Generator, prompts: Sequence[str], *, seed: int) -> torch.Tensor:
    """(B, F, Y, X) in -1..1: a clip for each prompt, each with its own seed."""
    clips = []
    for place, prompt in enumerate(prompts):
        request = resolve_request(
            generator.card, prompt=prompt, parameters={"upscale": 1}, seed=seed + place
        )
        run: Run = generator.open(request)
        while not run.done:
            generator.advance([run])
        clips.append(decode_clip(run.sample.content))
    return torch.stack(clips)
