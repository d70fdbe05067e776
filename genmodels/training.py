"""The training loop: the same for every family, repeatable, and resumable to the bit.

Everything random comes from one `torch.Generator`, whose state is saved with the network, its
running average and the optimisers. The folder that a training writes into holds, besides the best
checkpoint so far: `state.safetensors` (to resume) and `log.jsonl` (one object a line).
"""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from genmodels.checkpoint import save_checkpoint, write_bytes_atomically
from genmodels.course import Course, Player, Recipe
from genmodels.randomness import seeded

STATE_NAME = "state.safetensors"
LOG_NAME = "log.jsonl"

_LOG_EVERY = 20
_TRIAL_STEPS = 3


class UnableToTrain(Exception):
    """The loss is no longer a number, or the saved state does not belong to this preset."""


@dataclass(frozen=True)
class Budget:
    """How long to train: whichever of the two ends first. At least one must be given."""

    steps: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ValueError("a budget needs steps or minutes")

    def share(self, *, step: int, seconds: float) -> float:
        """How much of the budget is spent, 0 to 1 (and a little above)."""
        by_steps = step / self.steps if self.steps else 0.0
        by_time = seconds / (60 * self.minutes) if self.minutes else 0.0
        return max(by_steps, by_time)


@dataclass(frozen=True)
class Report:
    """One line of the log. `validation` is there on the steps that validated.

    `loss` is the first player's; `losses` has all where there are several.
    """

    step: int
    seconds: float
    share: float
    loss: float
    gradient_norm: float
    rate: float
    losses: tuple[float, ...] | None = None
    validation: float | None = None
    best: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a training came to; the best checkpoint lies in `folder`."""

    folder: Path
    steps: int
    seconds: float
    best: float


@dataclass
class _State:
    """All that a resumed training must find as it was."""

    network: nn.Module
    average: nn.Module
    players: Sequence[Player]
    random: torch.Generator
    step: int = 0
    seconds: float = 0.0
    best: float = float("inf")
    precision: str = "float32"

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Of all players, in their order."""
        # A player that has several turns in a step is listed as often.
        return list(dict.fromkeys(each for player in self.players for each in player.optimizers))


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

    1. Fresh or saved state; the precision that a short trial finds faster, unless one is given.
    2. Steps with clipped gradients and a scheduled rate, averaged weights beside them.
    3. Validation of the averaged half-precision weights, which is what ships; the best is kept.

    Raises UnableToTrain.
    """
    recipe = course.recipe
    limits = budget if budget is not None else Budget(minutes=recipe.minutes)
    out.mkdir(parents=True, exist_ok=True)
    state = _fresh_state(course)
    if resume:
        _restore(state, out / STATE_NAME, course)
        _forget_after(out / LOG_NAME, state.step)
    else:
        state.precision = precision or choose_precision(course)
        (out / LOG_NAME).write_text("")
    fresh = _fresh_state(course).optimizers
    full_rates = [[group["lr"] for group in each.param_groups] for each in fresh]
    losses: list[list[float]] = []
    began = time.monotonic() - state.seconds
    saved_at = time.monotonic()
    share = limits.share(step=state.step, seconds=state.seconds)
    while share < 1.0:
        rate = schedule(recipe, share)
        _set_rates(state.optimizers, full_rates, rate)
        found, norm = _step(course, state)
        losses.append(found)
        state.seconds = time.monotonic() - began
        share = limits.share(step=state.step, seconds=state.seconds)
        means = tuple(round(sum(each) / len(each), 5) for each in zip(*losses, strict=True))
        line = Report(
            step=state.step,
            seconds=round(state.seconds, 2),
            share=round(share, 4),
            loss=means[0],
            losses=means if len(means) > 1 else None,
            gradient_norm=round(norm, 4),
            rate=round(rate, 5),
        )
        if state.step % recipe.validate_every == 0 or share >= 1.0:
            line = _validate(course, state, limits, out=out, commit=commit, line=line)
        if state.step % _LOG_EVERY == 0 or line.validation is not None:
            _append(out / LOG_NAME, line)
            report(line)
            losses.clear()
        if time.monotonic() - saved_at > save_every_seconds or share >= 1.0:
            _save(state, out / STATE_NAME, course)
            saved_at = time.monotonic()
    return Outcome(folder=out, steps=state.step, seconds=state.seconds, best=state.best)


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


def autocast(precision: str) -> AbstractContextManager[Any]:
    """The context in which a loss of this precision is computed, on the CPU."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast("cpu", dtype=torch.bfloat16)


def half_precision(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights as they ship: floating point in 16 bits, everything else as it is."""
    return {
        name: tensor.detach().half() if tensor.is_floating_point() else tensor.detach()
        for name, tensor in weights.items()
    }


def _fresh_state(course: Course) -> _State:
    return _State(
        network=course.network,
        average=copy.deepcopy(course.network).requires_grad_(requires_grad=False),
        players=course.players(),
        random=seeded(course.recipe.seed),
    )


def _set_rates(
    optimizers: list[torch.optim.Optimizer], full_rates: list[list[float]], factor: float
) -> None:
    for optimizer, rates in zip(optimizers, full_rates, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * factor


def _step(course: Course, state: _State) -> tuple[list[float], float]:
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


def _average(course: Course, state: _State) -> None:
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
    course: Course, state: _State, limits: Budget, *, out: Path, commit: str, line: Report
) -> Report:
    """Measure the averaged weights as they would ship, and ship them if they are the best."""
    shipped = copy.deepcopy(course.ship(state.average))
    weights = half_precision(shipped.state_dict())
    shipped.load_state_dict(weights)
    metrics = course.validate(shipped)
    value = metrics[0].value
    if value < state.best:
        state.best = value
        save_checkpoint(
            out,
            weights=weights,
            describe=lambda sha256: course.card(
                weights_sha256=sha256,
                metrics=metrics,
                training=_summary(course, state, limits),
                commit=commit,
            ),
        )
    return replace(line, validation=round(value, 5), best=round(state.best, 5))


def _summary(course: Course, state: _State, limits: Budget) -> dict[str, Any]:
    return {
        "steps": state.step,
        "seconds": round(state.seconds, 1),
        "budget": asdict(limits),
        "precision": state.precision,
        "device": "cpu",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "parameters": sum(each.numel() for each in state.network.parameters()),
        "recipe": asdict(course.recipe),
    }


def _append(path: Path, line: Report) -> None:
    values = {name: value for name, value in asdict(line).items() if value is not None}
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(values) + "\n")


def _forget_after(path: Path, step: int) -> None:
    """Drop the lines of steps that were made after the state was saved: they are made again."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    kept = [line for line in lines if json.loads(line)["step"] <= step]
    write_bytes_atomically(path, "".join(kept).encode())


def _tensors(state: _State) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in state.network.state_dict().items():
        yield f"network/{name}", tensor
    for name, tensor in state.average.state_dict().items():
        yield f"average/{name}", tensor
    for number, optimizer in enumerate(state.optimizers):
        for index, entries in optimizer.state_dict()["state"].items():
            for name, tensor in entries.items():
                yield f"optimizer/{number}/{index}/{name}", torch.as_tensor(tensor)
    yield "random", state.random.get_state()


def _save(state: _State, path: Path, course: Course) -> None:
    """Everything in one file, so that there is no moment when its parts disagree."""
    facts = {
        "slug": course.slug,
        "step": state.step,
        "seconds": state.seconds,
        "best": state.best,
        "precision": state.precision,
    }
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in _tensors(state)}
    write_bytes_atomically(path, save(tensors, metadata={"facts": json.dumps(facts)}))


def _restore(state: _State, path: Path, course: Course) -> None:
    if not path.is_file():
        raise UnableToTrain(f"there is no {path} to resume from")
    with _opened(path) as (facts, tensors):
        if facts["slug"] != course.slug:
            raise UnableToTrain(f"{path} belongs to {facts['slug']}, not to {course.slug}")
        state.network.load_state_dict(_under(tensors, "network/"))
        state.average.load_state_dict(_under(tensors, "average/"))
        for number, optimizer in enumerate(state.optimizers):
            entries: dict[int, dict[str, torch.Tensor]] = {}
            for name, tensor in _under(tensors, f"optimizer/{number}/").items():
                index, _, key = name.partition("/")
                entries.setdefault(int(index), {})[key] = tensor
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": entries, "param_groups": groups})
        state.random.set_state(tensors["random"])
    state.step = facts["step"]
    state.seconds = facts["seconds"]
    state.best = facts["best"]
    state.precision = facts["precision"]


@contextmanager
def _opened(path: Path) -> Iterator[tuple[dict[str, Any], dict[str, torch.Tensor]]]:
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
        yield facts, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict


def _under(tensors: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {
        name.removeprefix(prefix): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
