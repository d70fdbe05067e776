"""What a training must find as it was when it goes on: saved and restored in one file."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import nn

from genmodels.checkpoint import write_bytes_atomically
from genmodels.course import Course, Player
from genmodels.randomness import seeded


class UnableToTrain(Exception):
    """The loss is no longer a number, or the saved state does not belong to this preset."""


@dataclass
class TrainingState:
    """All that a resumed training must find as it was."""

    network: nn.Module
    average: nn.Module
    players: Sequence[Player]
    random: torch.Generator
    step: int = 0
    seconds: float = 0.0
    #: Of all threads: what of `seconds` was not spent waiting for others on the machine.
    cpu_seconds: float = 0.0
    best: float = float("inf")
    #: Validations since the best.
    stale: int = 0
    precision: str = "float32"

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Of all players, in their order."""
        # A player that has several turns in a step is listed as often.
        return list(dict.fromkeys(each for player in self.players for each in player.optimizers))


def fresh_state(course: Course) -> TrainingState:
    return TrainingState(
        network=course.network,
        average=copy.deepcopy(course.network).requires_grad_(requires_grad=False),
        players=course.players(),
        random=seeded(course.recipe.seed),
    )


def _tensors(state: TrainingState) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in state.network.state_dict().items():
        yield f"network/{name}", tensor
    for name, tensor in state.average.state_dict().items():
        yield f"average/{name}", tensor
    for number, optimizer in enumerate(state.optimizers):
        for index, entries in optimizer.state_dict()["state"].items():
            for name, tensor in entries.items():
                yield f"optimizer/{number}/{index}/{name}", torch.as_tensor(tensor)
    yield "random", state.random.get_state()


def save_state(state: TrainingState, path: Path, *, slug: str) -> None:
    """Everything in one file, so that there is no moment when its parts disagree."""
    facts = {
        "slug": slug,
        "step": state.step,
        "seconds": state.seconds,
        "cpu_seconds": state.cpu_seconds,
        "best": state.best,
        "stale": state.stale,
        "precision": state.precision,
    }
    tensors = {name: tensor.detach().clone().contiguous() for name, tensor in _tensors(state)}
    write_bytes_atomically(path, save(tensors, metadata={"facts": json.dumps(facts)}))


def restore_state(state: TrainingState, path: Path, *, slug: str) -> None:
    """Fill a fresh state from the file; raises UnableToTrain where it is another preset's."""
    if not path.is_file():
        raise UnableToTrain(f"there is no {path} to resume from")
    with _opened(path) as (facts, tensors):
        if facts["slug"] != slug:
            raise UnableToTrain(f"{path} belongs to {facts['slug']}, not to {slug}")
        state.network.load_state_dict(_under(tensors, "network/"))
        state.average.load_state_dict(_under(tensors, "average/"))
        for number, optimizer in enumerate(state.optimizers):
            entries: dict[int, dict[str, torch.Tensor]] = {}
            moved = [each for group in optimizer.param_groups for each in group["params"]]
            for name, tensor in _under(tensors, f"optimizer/{number}/").items():
                index, _, key = name.partition("/")
                entries.setdefault(int(index), {})[key] = _laid_out_like(moved[int(index)], tensor)
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": entries, "param_groups": groups})
        state.random.set_state(tensors["random"])
    state.step = facts["step"]
    state.seconds = facts["seconds"]
    state.cpu_seconds = facts.get("cpu_seconds", 0.0)
    state.best = facts["best"]
    state.stale = facts.get("stale", 0)
    state.precision = facts["precision"]


def _laid_out_like(parameter: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """The tensor in the parameter's order of memory, where it is one of its size.

    Fused optimisers go through the memory of both side by side, whatever their strides say: with
    channels last in one of them alone, each weight would be moved by another's average.
    """
    if tensor.shape != parameter.shape:
        return tensor
    return torch.empty_like(parameter, dtype=tensor.dtype).copy_(tensor)


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
