"""The training loop: the same for every family, repeatable, and resumable to the bit.

Everything random comes from one `torch.Generator`, whose state is saved with the network, its
running average and the optimisers. The folder that a training writes into holds, besides the best
checkpoint so far: `state.safetensors` (to resume), `log.jsonl` (one object a line) and, where
matplotlib is installed, `progress.svg`.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from genmodels.checkpoint import save_checkpoint
from genmodels.course import Course, Recipe
from genmodels.randomness import seeded
from genmodels.training_log import (
    Report,
    append_report,
    can_plot,
    draw_plot,
    forget_after,
    read_curve,
)
from genmodels.training_state import (
    TrainingState,
    UnableToTrain,
    fresh_state,
    restore_state,
    save_state,
)
from genmodels.training_watch import Watch

STATE_NAME = "state.safetensors"
LOG_NAME = "log.jsonl"
PLOT_NAME = "progress.svg"

_LOG_EVERY = 20
_TRIAL_STEPS = 3


@dataclass(frozen=True)
class Budget:
    """How long to train: whichever of these ends first. At least one must be given.

    Processor minutes are those of all threads, and the same work on a busy machine as on an idle
    one.
    """

    steps: int | None = None
    minutes: float | None = None
    processor_minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None and self.processor_minutes is None:
            raise ValueError("a budget needs steps or minutes")

    def share(self, *, step: int, seconds: float, cpu_seconds: float = 0.0) -> float:
        """How much of the budget is spent, 0 to 1 (and a little above)."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        by_work = cpu_seconds / (60 * self.processor_minutes) if self.processor_minutes else 0.0
        return max(by_steps, by_time, by_work)


@dataclass(frozen=True)
class Outcome:
    """What a training came to; the best checkpoint lies in `folder`."""

    folder: Path
    steps: int
    seconds: float
    best: float


def train(
    course: Course,
    *,
    out: Path,
    budget: Budget | None = None,
    resume: bool = False,
    commit: str = "",
    precision: str | None = None,
    save_every_seconds: float = 60.0,
    report: Callable[[Report], None] = lambda _: None,
) -> Outcome:
    """Train a course and leave its best checkpoint in `out`.

    1. Fresh or saved state; the precision that a short trial finds faster, unless one is set.
    2. Steps with clipped gradients and a scheduled rate, averaged weights beside them.
    3. Validation of the averaged half-precision weights, which is what ships; the best is kept.

    Raises UnableToTrain.
    """
    recipe = course.recipe
    limits = budget if budget is not None else Budget(minutes=recipe.minutes)
    out.mkdir(parents=True, exist_ok=True)
    state = fresh_state(course)
    if resume:
        restore_state(state, out / STATE_NAME, slug=course.slug)
        forget_after(out / LOG_NAME, state.step)
    else:
        state.precision = precision or recipe.precision or choose_precision(course)
        (out / LOG_NAME).write_text("")
    fresh = fresh_state(course).optimizers
    full_rates = [[group["lr"] for group in each.param_groups] for each in fresh]
    losses: list[list[float]] = []
    watch = Watch()
    began = time.monotonic() - state.seconds
    computing = time.process_time() - state.cpu_seconds
    saved_at = time.monotonic()
    share = limits.share(step=state.step, seconds=state.seconds, cpu_seconds=state.cpu_seconds)
    while share < 1.0 and not _is_stale(recipe, state):
        rate = schedule(recipe, share)
        _set_rates(state.optimizers, full_rates, rate)
        found, norm = _step(course, state)
        losses.append(found)
        state.seconds = time.monotonic() - began
        state.cpu_seconds = time.process_time() - computing
        share = limits.share(step=state.step, seconds=state.seconds, cpu_seconds=state.cpu_seconds)
        validates = state.step % recipe.validate_every == 0 or share >= 1.0
        if validates or state.step % _LOG_EVERY == 0:
            means = tuple(round(sum(each) / len(each), 5) for each in zip(*losses, strict=True))
            line = Report(
                step=state.step,
                seconds=round(state.seconds, 2),
                cpu_seconds=round(state.cpu_seconds, 2),
                share=round(share, 4),
                loss=means[0],
                losses=means if len(means) > 1 else None,
                gradient_norm=round(norm, 4),
                rate=round(rate, 5),
                alarms=watch.look(means, norm) or None,
                figures=dict(course.figures()) or None,
            )
            if validates:
                line = _validate(course, state, limits, out=out, commit=commit, line=line)
            append_report(out / LOG_NAME, line)
            if validates and can_plot():
                draw_plot(out / LOG_NAME, out / PLOT_NAME)
            report(line)
            losses.clear()
        is_over = share >= 1.0 or _is_stale(recipe, state)
        if is_over or time.monotonic() - saved_at > save_every_seconds:
            save_state(state, out / STATE_NAME, slug=course.slug)
            saved_at = time.monotonic()
    return Outcome(folder=out, steps=state.step, seconds=state.seconds, best=state.best)


def _is_stale(recipe: Recipe, state: TrainingState) -> bool:
    return bool(recipe.patience) and state.stale >= recipe.patience


def schedule(recipe: Recipe, share: float) -> float:
    """Factor of the learning rates after this share of the budget: rise, stay, fall to zero."""
    rising = (share + 1e-3) / recipe.warmup if recipe.warmup else 1.0
    falling = (1.0 - share) / recipe.decay if recipe.decay else 1.0
    return max(0.0, min(1.0, rising, falling))


def choose_precision(course: Course) -> str:
    """Return "bfloat16" where a few trial steps run faster in it than in "float32".

    Small networks, and processors without bfloat16 instructions, are slower in it. The trial works
    on the course's own network but changes neither weights, buffers nor training randomness.
    """
    seconds = {}
    # Statistics of a normalisation and counters of steps move with every loss.
    before = copy.deepcopy(course.network.state_dict())
    for precision in ("float32", "bfloat16"):
        random = seeded(course.recipe.seed)
        durations = []
        for _ in range(_TRIAL_STEPS):
            began = time.perf_counter()
            losses = course.losses(random)
            for _ in course.players():
                with autocast(precision):
                    loss = next(losses)
                loss.backward()  # type: ignore[no-untyped-call]
            durations.append(time.perf_counter() - began)
            course.network.zero_grad(set_to_none=True)
        seconds[precision] = min(durations)
    course.network.load_state_dict(before)
    return min(seconds, key=lambda precision: seconds[precision])


@contextmanager
def autocast(precision: str) -> Iterator[None]:
    """The context in which a loss of this precision is computed, on the CPU."""
    if precision == "float32":
        yield
        return
    # Going back through the fused attention takes longer in bfloat16 than all the rest of a small
    # transformer's step; written out in products, the whole step takes half the time (torch 2.13).
    with sdpa_kernel(SDPBackend.MATH), torch.autocast("cpu", dtype=torch.bfloat16):
        yield


def half_precision(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights as they ship: floating point in 16 bits, everything else as it is."""
    return {
        name: tensor.detach().half() if tensor.is_floating_point() else tensor.detach()
        for name, tensor in weights.items()
    }


def _set_rates(
    optimizers: list[torch.optim.Optimizer], full_rates: list[list[float]], factor: float
) -> None:
    for optimizer, rates in zip(optimizers, full_rates, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor


def _step(course: Course, state: TrainingState) -> tuple[list[float], float]:
    """One update of each player; their losses and the largest norm of a gradient as it came."""
    found: list[float] = []
    norms: list[float] = []
    losses = course.losses(state.random)
    for player in state.players:
        with autocast(state.precision):
            loss = next(losses)
        if not torch.isfinite(loss):
            raise UnableToTrain(f"the loss of step {state.step} is {loss.item()}")
        loss.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(player.parameters, course.recipe.clip_norm)
        for optimizer in player.optimizers:
            optimizer.step()
        # Of the whole network: a player's loss leaves gradients with the others too.
        state.network.zero_grad(set_to_none=True)
        found.append(loss.item())
        norms.append(float(norm))
    state.step += 1
    _average(course, state)
    return found, max(norms)


def _average(course: Course, state: TrainingState) -> None:
    # A young average forgets fast, so that the random start leaves it within a few hundred steps.
    decay = min(course.recipe.average_decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for kept, current in zip(
            state.average.parameters(), state.network.parameters(), strict=True
        ):
            kept.lerp_(current, 1.0 - decay)
        buffers = zip(state.average.buffers(), state.network.buffers(), strict=True)
        for kept_buffer, current_buffer in buffers:
            kept_buffer.copy_(current_buffer)


def _validate(
    course: Course, state: TrainingState, limits: Budget, *, out: Path, commit: str, line: Report
) -> Report:
    """Measure the averaged weights as they would ship, and ship them if they are the best."""
    shipped = copy.deepcopy(course.ship(state.average))
    weights = half_precision(shipped.state_dict())
    shipped.load_state_dict(weights)
    metrics = course.validate(shipped)
    value = metrics[0].value
    curve = {
        "figure": metrics[0].name,
        "unit": metrics[0].unit,
        "points": [
            [round(seconds), round(figure, 5)]
            for seconds, figure in (*read_curve(out / LOG_NAME), (line.seconds, value))
        ],
    }
    state.stale += 1
    if value < state.best:
        state.best, state.stale = value, 0
        save_checkpoint(
            out,
            weights=weights,
            describe=lambda sha256: course.card(
                weights_sha256=sha256,
                metrics=metrics,
                training=_summary(course, state, limits, curve=curve),
                commit=commit,
            ),
        )
    alarms = (*(line.alarms or ()), *course.alarms(shipped))
    return replace(
        line, validation=round(value, 5), best=round(state.best, 5), alarms=alarms or None
    )


def _summary(
    course: Course,
    state: TrainingState,
    limits: Budget,
    *,
    curve: Mapping[str, Any],
) -> dict[str, Any]:
    return {
        "steps": state.step,
        "seconds": round(state.seconds, 1),
        "cpu_seconds": round(state.cpu_seconds, 1),
        "budget": asdict(limits),
        "precision": state.precision,
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "parameters": sum(each.numel() for each in state.network.parameters()),
        "recipe": asdict(course.recipe),
        "curve": curve,
    }
