"""Training repeats itself, goes on where it stopped, and keeps the best."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from genmodels.checkpoint import load_checkpoint
from genmodels.contract import Metric
from genmodels.course import Course, Recipe
from genmodels.training import (
    LOG_NAME,
    PLOT_NAME,
    STATE_NAME,
    Budget,
    choose_precision,
    half_precision,
    schedule,
    train,
)
from genmodels.training_log import Report
from genmodels.training_state import UnableToTrain
from genmodels.training_watch import Watch
from tests.genmodels.tiny import TinyFamily, tiny_diffusion, tiny_transformer

_RECIPE = Recipe(
    seed=0, warmup=0.1, decay=0.5, clip_norm=1.0, average_decay=0.9, validate_every=5, minutes=1
)


def _train(course: Course, out: Path, *, steps: int, resume: bool = False) -> None:
    train(course, out=out, budget=Budget(steps=steps), precision="float32", resume=resume)


def test_a_resumed_training_ends_where_an_uninterrupted_one_does(
    family: TinyFamily, tmp_path: Path
) -> None:
    steps, stop = 8, 6
    _train(family.open_course(), tmp_path / "whole", steps=steps)

    class Interrupted(Exception):
        pass

    course = family.open_course()
    losses = course.losses
    calls = 0

    def failing_losses(random: torch.Generator) -> Iterator[torch.Tensor]:
        nonlocal calls
        calls += 1
        if calls > stop:
            raise Interrupted
        return losses(random)

    course.losses = failing_losses  # type: ignore[method-assign]
    with pytest.raises(Interrupted):
        train(
            course,
            out=tmp_path / "parts",
            budget=Budget(steps=steps),
            precision="float32",
            save_every_seconds=0.0,
        )
    with (tmp_path / "parts" / LOG_NAME).open("a") as log:
        log.write('{"step": 7}\n')  # made after the state was saved, and to be made again
    _train(family.open_course(), tmp_path / "parts", steps=steps, resume=True)

    whole = load_file(tmp_path / "whole" / STATE_NAME)
    parts = load_file(tmp_path / "parts" / STATE_NAME)
    assert whole.keys() == parts.keys()
    for name, tensor in whole.items():
        assert torch.equal(tensor, parts[name]), name
    logs = [(tmp_path / name / LOG_NAME).read_text() for name in ("whole", "parts")]
    steps_of = [[json.loads(line)["step"] for line in log.splitlines()] for log in logs]
    assert steps_of[0] == steps_of[1] == [4, 8]
    checkpoints = [load_checkpoint(tmp_path / name).card for name in ("whole", "parts")]
    assert checkpoints[0].weights_sha256 == checkpoints[1].weights_sha256


def test_the_card_gives_the_figure_of_the_weights_beside_it(tmp_path: Path) -> None:
    course = tiny_transformer()
    _train(course, tmp_path, steps=8)
    checkpoint = load_checkpoint(tmp_path)
    course.network.load_state_dict(dict(checkpoint.weights))
    assert course.validate(course.ship(course.network)) == checkpoint.card.metrics
    assert all(tensor.dtype == torch.float16 for tensor in checkpoint.weights.values())


def test_the_best_weights_are_kept_when_later_ones_are_worse(tmp_path: Path) -> None:
    course = tiny_transformer()
    measured = iter([2.0, 1.0, 3.0])

    def validate(_: torch.nn.Module) -> tuple[Metric, ...]:
        return (Metric("validation_loss", next(measured), "", "", "", "", 1, 0),)

    course.validate = validate  # type: ignore[method-assign, assignment]
    outcome = train(course, out=tmp_path, budget=Budget(steps=12), precision="float32")
    assert outcome.best == 1.0
    card = load_checkpoint(tmp_path).card
    assert card.metrics[0].value == 1.0
    assert card.training["steps"] == 8


def test_the_log_has_one_object_a_line(tmp_path: Path) -> None:
    reports: list[Report] = []
    train(
        tiny_transformer(),
        out=tmp_path,
        budget=Budget(steps=8),
        precision="float32",
        report=reports.append,
    )
    lines = [json.loads(line) for line in (tmp_path / LOG_NAME).read_text().splitlines()]
    assert [line["step"] for line in lines] == [4, 8] == [report.step for report in reports]
    assert all(line["validation"] > 0 and line["loss"] > 0 for line in lines)


def test_a_loss_that_is_no_number_stops_the_training(tmp_path: Path) -> None:
    course = tiny_transformer()
    with torch.no_grad():
        course.network.head.fill_(float("nan"))
    with pytest.raises(UnableToTrain, match="nan"):
        _train(course, tmp_path, steps=2)


def test_resuming_needs_a_state_of_the_same_preset(tmp_path: Path) -> None:
    with pytest.raises(UnableToTrain, match="no "):
        _train(tiny_transformer(), tmp_path, steps=2, resume=True)
    _train(tiny_transformer(), tmp_path, steps=2)
    with pytest.raises(UnableToTrain, match="belongs to gpt-shakespeare"):
        _train(tiny_diffusion(), tmp_path, steps=4, resume=True)


def test_a_step_is_no_larger_for_a_huge_loss(tmp_path: Path) -> None:
    """Gradients are clipped by their norm, so a loss times a million gives the same update."""
    plain, huge = tiny_diffusion(), tiny_diffusion()
    losses = huge.losses
    huge.losses = lambda random: (1e6 * loss for loss in losses(random))  # type: ignore[method-assign]
    recipe = replace(plain.recipe, clip_norm=1e-3)
    for course in (plain, huge):
        course._preset = replace(course.preset, recipe=recipe)
    _train(plain, tmp_path / "plain", steps=1)
    _train(huge, tmp_path / "huge", steps=1)
    weights = plain.network.state_dict()
    for name, tensor in huge.network.state_dict().items():
        assert torch.allclose(tensor, weights[name], atol=1e-5), name


def test_the_schedule_rises_stays_and_ends_at_zero() -> None:
    rates = [schedule(_RECIPE, share / 100) for share in range(101)]
    assert rates[0] < 0.02
    assert max(rates) == 1.0
    assert rates[30] == rates[50] == 1.0
    assert rates[75] == pytest.approx(0.5)
    assert rates[100] == 0.0
    assert schedule(_RECIPE, 1.2) == 0.0


def test_a_budget_ends_by_whichever_limit_comes_first() -> None:
    assert Budget(steps=10).share(step=5, seconds=1e6) == 0.5
    assert Budget(minutes=2).share(step=999, seconds=60) == 0.5
    assert Budget(steps=10, minutes=1).share(step=1, seconds=30) == 0.5
    assert Budget(processor_minutes=2).share(step=9, seconds=900, cpu_seconds=60) == 0.5
    with pytest.raises(ValueError, match="steps or minutes"):
        Budget()


def test_the_precision_trial_leaves_no_trace(family: TinyFamily) -> None:
    course, untouched = family.open_course(), family.open_course()
    assert choose_precision(course) in {"float32", "bfloat16"}
    weights = untouched.network.state_dict()
    for name, tensor in course.network.state_dict().items():
        assert torch.equal(tensor, weights[name])
    assert all(parameter.grad is None for parameter in course.network.parameters())


def test_half_precision_keeps_whole_numbers_whole() -> None:
    halved = half_precision({"a": torch.tensor([1.0]), "b": torch.tensor([2**40])})
    assert halved["a"].dtype == torch.float16
    assert halved["b"].item() == 2**40


def test_training_ends_early_when_nothing_gets_better(tmp_path: Path) -> None:
    course = tiny_transformer(patience=2)
    measured = iter([3.0, 1.0, 2.0, 2.0, 0.5])

    def validate(_: torch.nn.Module) -> tuple[Metric, ...]:
        return (Metric("validation_loss", next(measured), "", "", "", "", 1, 0),)

    course.validate = validate  # type: ignore[method-assign, assignment]
    outcome = train(course, out=tmp_path, budget=Budget(steps=40), precision="float32")
    assert (outcome.steps, outcome.best) == (16, 1.0)
    again = train(course, out=tmp_path, budget=Budget(steps=40), precision="float32", resume=True)
    assert again.steps == 16


def test_a_plot_is_drawn_beside_the_log(tmp_path: Path) -> None:
    _train(tiny_transformer(), tmp_path, steps=8)
    plot = (tmp_path / PLOT_NAME).read_text()
    assert "<svg" in plot
    assert plot.count("<path") > 10


def test_alarms_of_a_course_are_reported(tmp_path: Path) -> None:
    course = tiny_transformer()

    def alarms(network: torch.nn.Module) -> tuple[str, ...]:
        assert network is not course.network
        return ("all alike",)

    course.alarms = alarms  # type: ignore[method-assign]
    reports: list[Report] = []
    train(
        course,
        out=tmp_path,
        budget=Budget(steps=4),
        precision="float32",
        report=reports.append,
    )
    assert reports[-1].alarms == ("all alike",)


def test_a_loss_that_jumps_and_a_huge_gradient_are_alarming() -> None:
    watch = Watch()
    for step in range(40):
        assert (
            watch.look((2.0 - 0.01 * step + 0.02 * (step % 3), -5.0), 1.0 + 0.1 * (step % 2)) == ()
        )
    [alarm] = watch.look((9.0, -5.0), 1.0)
    assert "player 1 rose to 9" in alarm
    [alarm] = watch.look((1.6, -5.0), 50.0)
    assert "times its usual length" in alarm
