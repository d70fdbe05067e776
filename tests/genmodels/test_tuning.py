"""Going on from a checkpoint: what moves, what stays, and what the card says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from genmodels.checkpoint import (
    Checkpoint,
    UnableToLoadCheckpoint,
    load_checkpoint,
)
from genmodels.families.rnn.presets import LSTM_SHAKESPEARE
from genmodels.nn.low_rank import LowRank
from genmodels.nn.muon import Muon, orthogonalize
from genmodels.text.tuning import ALL, HEAD, LORA, TunableCourse, TuningCourse
from genmodels.training import Budget, train
from tests.genmodels.tiny import (
    describe,
    stir,
    tiny_bert,
    tiny_recurrent,
    tiny_t5,
    tiny_transformer,
)

_COURSES: dict[str, Callable[[], TunableCourse]] = {
    "gpt": tiny_transformer,
    "lstm": lambda: tiny_recurrent(LSTM_SHAKESPEARE),
    "t5": tiny_t5,
    "bert": tiny_bert,
}


def _start(course: TunableCourse) -> Checkpoint:
    stir(course.network, strength=0.05)
    weights = {
        name: tensor.clone() for name, tensor in course.ship(course.network).state_dict().items()
    }
    return Checkpoint(describe(course)("0" * 64), weights)


@pytest.mark.parametrize("name", _COURSES)
@pytest.mark.parametrize("way", [HEAD, LORA, ALL])
def test_what_moves_is_what_was_asked_for(name: str, way: str, tmp_path: Path) -> None:
    start = _start(_COURSES[name]())
    course = TuningCourse(_COURSES[name](), start, way=way)
    output = {id(each) for each in course._course.output_parameters()}
    outputs = {key for key, each in course.network.named_parameters() if id(each) in output}
    outputs = {key.removeprefix("model.") for key in outputs}
    train(course, out=tmp_path, budget=Budget(steps=4), precision="float32")
    tuned = load_checkpoint(tmp_path)
    moved = {
        key: tuned.weights[key].float() - tensor.half().float()
        for key, tensor in start.weights.items()
        if tensor.is_floating_point() and not torch.equal(tuned.weights[key], tensor.half())
    }
    assert moved
    if way == HEAD:
        assert set(moved) <= outputs
    elif way == LORA:
        assert not any("embedding" in key or "bias" in key or key == "head" for key in moved)
    else:
        assert any("embedding" in key for key in moved)
    tuning = tuned.card.training["tuning"]
    assert (tuning["from"], tuning["train"]) == (start.card.slug, way)
    assert tuned.card.slug == f"{start.card.slug}-{way}"


def test_low_rank_differences_are_those_of_trained_factors() -> None:
    """The same as learning A and B themselves, by autograd and Adam."""
    torch.manual_seed(0)
    weight = nn.Parameter(torch.randn(6, 5))
    origin = weight.detach().clone()
    target, x = torch.randn(7, 6), torch.randn(7, 5)
    optimizer = LowRank([weight], lr=0.01, rank=2, scale=4.0, seed=9)
    start = torch.randn(2, 5, generator=torch.Generator().manual_seed(9)) / 5**0.5
    down, up = nn.Parameter(start), nn.Parameter(torch.zeros(6, 2))
    adam = torch.optim.Adam([down, up], lr=0.01, betas=(0.9, 0.99))
    for _ in range(5):
        (x @ weight.T - target).square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()
        (x @ (origin + 2.0 * up @ down).T - target).square().mean().backward()
        adam.step()
        adam.zero_grad()
    torch.testing.assert_close(weight.detach(), (origin + 2.0 * up @ down).detach())
    torch.testing.assert_close(optimizer.state[weight]["up"], up.detach())
    assert torch.linalg.matrix_rank(weight.detach() - origin) == 2
    assert optimizer.num_learned() == 2 * (6 + 5)


def test_another_preset_s_weights_are_refused() -> None:
    start = _start(tiny_t5())
    with pytest.raises(UnableToLoadCheckpoint, match="do not fit"):
        TuningCourse(tiny_transformer(), start, way=ALL)
    with pytest.raises(ValueError, match="no way to train 'some'"):
        TuningCourse(tiny_t5(), start, way="some")


def test_muon_moves_along_an_orthogonal_matrix() -> None:
    random = torch.Generator().manual_seed(0)
    for shape in ((4, 9), (9, 4)):
        gradient = torch.randn(2, *shape, generator=random)
        moved = orthogonalize(gradient)
        values = torch.linalg.svdvals(moved)
        assert 0.6 < values.min() <= values.max() < 1.3
        left, _, right = torch.linalg.svd(gradient, full_matrices=False)
        nearest = left @ right
        cosine = (moved * nearest).sum() / (moved.norm() * nearest.norm())
        assert cosine > 0.97
    with pytest.raises(ValueError, match="matrices"):
        Muon([nn.Parameter(torch.zeros(3))], lr=0.1)


def test_muon_agrees_with_the_one_of_torch() -> None:
    random = torch.Generator().manual_seed(0)
    start = torch.randn(12, 8, generator=random)
    ours, theirs = nn.Parameter(start.clone()), nn.Parameter(start.clone())
    mine = Muon([ours], lr=0.02, weight_decay=0.1)
    other = torch.optim.Muon([theirs], lr=0.02, weight_decay=0.1)
    for _ in range(4):
        gradient = torch.randn(12, 8, generator=random)
        for parameter, optimizer in ((ours, mine), (theirs, other)):
            parameter.grad = gradient.clone()
            optimizer.step()
    # That one iterates in bfloat16.
    torch.testing.assert_close(ours, theirs, atol=2e-3, rtol=0)
    assert (ours - start).abs().max() > 1e-2
