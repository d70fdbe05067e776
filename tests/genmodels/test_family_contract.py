"""What holds for every family, whatever it generates."""

from __future__ import annotations

import json
import random as stdlib_random
from pathlib import Path

import pytest
import torch

from genmodels.checkpoint import load_checkpoint, read_card, save_checkpoint
from genmodels.contract import Card, Generator, Run
from genmodels.randomness import seeded
from genmodels.registry import find_family
from tests.genmodels.tiny import (
    TinyFamily,
    describe,
    finish,
    make_request,
    save_stirred,
    stir,
)


def test_card_survives_json(family: TinyFamily, tmp_path: Path) -> None:
    card = save_stirred(family.open_course(), tmp_path)
    assert Card.from_dict(json.loads(json.dumps(card.to_dict()))) == read_card(tmp_path)
    assert card.family == family.name


def test_defaults_of_every_parameter_are_allowed(generator: Generator) -> None:
    for parameter in generator.card.parameters:
        assert parameter.parse(parameter.default) == parameter.default
        assert parameter.label
        assert parameter.help


def test_every_weight_gets_a_gradient(family: TinyFamily) -> None:
    course = family.open_course()
    stir(course.network)
    # The losses of all players together, none of which has made its update.
    sum(course.losses(seeded(0)), torch.zeros(())).backward()
    for name, parameter in course.network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_a_fresh_network_depends_on_its_seed_alone(family: TinyFamily) -> None:
    torch.rand(3)  # moves the global state, which must not matter
    first = family.open_course().network.state_dict()
    second = family.open_course().network.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_loss_falls_on_eight_examples(family: TinyFamily) -> None:
    course = family.open_course()
    players = course.players()
    if len(players) > 1:
        pytest.skip("losses that pull against each other need not fall; the family's tests look")

    def loss_now() -> float:
        with torch.no_grad():
            return sum(next(course.losses(seeded(seed))).item() for seed in range(5)) / 5

    before = loss_now()
    random = seeded(1)
    for _ in range(20):
        next(course.losses(random)).backward()
        for optimizer in players[0].optimizers:
            optimizer.step()
            optimizer.zero_grad()
    assert loss_now() < 0.9 * before


def test_same_seed_same_bytes_and_another_seed_others(
    family: TinyFamily, generator: Generator
) -> None:
    request = make_request(generator, family.prompts[0], family.long, seed=5)
    other = make_request(generator, family.prompts[0], family.long, seed=6)
    assert finish(generator, request) == finish(generator, request)
    assert finish(generator, request) != finish(generator, other)


def test_the_global_random_state_does_not_matter(family: TinyFamily, generator: Generator) -> None:
    request = make_request(generator, family.prompts[0], family.long, seed=5)
    before = finish(generator, request)
    torch.rand(10)
    assert finish(generator, request) == before


def test_company_that_joins_and_leaves_changes_no_byte(
    family: TinyFamily, generator: Generator
) -> None:
    """Many runs of all lengths, each pass with another random part of them, in random order."""
    requests = [
        make_request(generator, family.prompts[seed % 3], parameters, seed=seed)
        for seed in range(6)
        for parameters in (family.short, family.long)
    ]
    alone = [finish(generator, request) for request in requests]
    dice = stdlib_random.Random(0)
    waiting = [(index, generator.open(request)) for index, request in enumerate(requests)]
    finished: dict[int, bytes] = {}
    sizes = set()
    while waiting:
        chosen = dice.sample(waiting, dice.randint(1, min(len(waiting), generator.slots)))
        generator.advance([run for _, run in chosen])
        sizes.add(len(chosen))
        for index, run in chosen:
            if run.done:
                finished[index] = run.sample.content
        waiting = [(index, run) for index, run in waiting if not run.done]
    assert [finished[index] for index in range(len(requests))] == alone
    assert len(sizes) > 2  # families that draw in one pass need three passes for all


def test_progress_counts_up_to_its_total(family: TinyFamily, generator: Generator) -> None:
    run = generator.open(make_request(generator, family.prompts[0], family.long, seed=1))
    seen = [run.progress]
    while not run.done:
        generator.advance([run])
        seen.append(run.progress)
    assert [progress.done for progress in seen] == list(range(seen[-1].total + 1))
    assert len({(progress.total, progress.unit) for progress in seen}) == 1


def test_a_running_run_has_something_to_see(family: TinyFamily, generator: Generator) -> None:
    run: Run = generator.open(make_request(generator, family.prompts[0], family.long, seed=1))
    generator.advance([run])
    preview = run.preview()
    assert preview is not None
    assert preview.media_type == (family.previews or generator.card.media_type)
    assert preview.text or preview.content


def test_saved_and_loaded_weights_are_equal(family: TinyFamily, tmp_path: Path) -> None:
    course = family.open_course()
    stir(course.network)
    shipped = course.ship(course.network)
    save_checkpoint(tmp_path, weights=shipped.state_dict(), describe=describe(course))
    network = find_family(family.name).restore_network(load_checkpoint(tmp_path))
    kept = shipped.state_dict()
    assert all(torch.equal(kept[name], tensor) for name, tensor in network.state_dict().items())
    assert course.validate(network)[0].value == course.validate(shipped)[0].value


@pytest.mark.parametrize("seed", [0, 2**63 - 1])
def test_the_ends_of_the_seed_range_work(
    family: TinyFamily, generator: Generator, seed: int
) -> None:
    request = make_request(generator, family.prompts[0], family.short, seed=seed)
    assert finish(generator, request)
