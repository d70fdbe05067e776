"""Recurrent networks: trained in parallel or in windows, served a token at a time."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from genmodels.families.rnn.carried import CarryingReader, carried_loss
from genmodels.families.rnn.course import RecurrentCourse, make_network
from genmodels.families.rnn.decoder import make_decoder
from genmodels.families.rnn.generator import RecurrentRun
from genmodels.families.rnn.mingru import mix
from genmodels.families.rnn.network import RecurrentConfig, RecurrentNetwork
from genmodels.families.rnn.presets import LSTM_SHAKESPEARE
from genmodels.families.rnn.scan import scan
from genmodels.randomness import seeded
from genmodels.registry import load_generator
from genmodels.text.vocabulary import make_pieces
from tests.genmodels.tiny import (
    FAMILIES,
    finish,
    load_stirred,
    make_request,
    save_stirred,
    stir,
    tiny_corpus,
    tiny_recurrent,
)

_CELLS = ("lstm", "mingru")
_FAMILIES = {family.preset: family for family in FAMILIES if family.name == "rnn"}


@pytest.fixture(params=_CELLS)
def network(request: pytest.FixtureRequest) -> RecurrentNetwork:
    config = RecurrentConfig(
        cell=request.param,
        vocabulary_size=11,
        num_layers=3,
        width=32,
        embedding_width=16,
        dropout=0.5,
    )
    network = make_network(config, seeded(1)).double()
    stir(network, strength=0.1)
    return network.requires_grad_(requires_grad=False)


def _fresh(network: RecurrentNetwork, batch: int) -> torch.Tensor:
    return network.config.fresh_state(batch).double()


def _tokens(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(11, shape, generator=seeded(seed))


@pytest.mark.parametrize("length", [1, 16, 37])
def test_the_scan_gives_the_states_of_the_recurrence(length: int) -> None:
    gate, candidate = (
        4 * torch.randn(2, length, 5, generator=seeded(seed), dtype=torch.float64)
        for seed in (0, 1)
    )
    state = torch.rand(2, 5, generator=seeded(2), dtype=torch.float64) + 0.1
    found = mix(gate, candidate, state)
    for place in range(length):
        let_in = gate[:, place].sigmoid()
        offered = candidate[:, place]
        offered = torch.where(offered >= 0, offered + 0.5, offered.sigmoid())
        state = (1 - let_in) * state + let_in * offered
        assert torch.allclose(found[:, place], state, rtol=1e-12)


def test_the_gradient_of_the_scan_is_that_of_the_recurrence() -> None:
    parts = [torch.rand(2, 19, 3, generator=seeded(seed), dtype=torch.float64) for seed in (0, 1)]
    state = torch.rand(2, 3, generator=seeded(2), dtype=torch.float64)
    inputs = [each.requires_grad_() for each in (*parts, state)]
    assert torch.autograd.gradcheck(scan, inputs)


def test_a_text_read_in_parts_is_a_text_read_at_once(network: RecurrentNetwork) -> None:
    tokens = _tokens(2, 12)
    whole, last = network.read(tokens, _fresh(network, 2))
    first, state = network.read(tokens[:, :5], _fresh(network, 2))
    second, after = network.read(tokens[:, 5:], state.double())
    assert torch.allclose(torch.cat((first, second), dim=1), whole, atol=1e-5)
    assert torch.allclose(after, last, atol=1e-5)


def test_the_decoder_computes_what_the_network_computes(network: RecurrentNetwork) -> None:
    tokens = _tokens(2, 40)
    decoder = make_decoder(network, torch.device("cpu"))
    state = _fresh(network, 2)
    rows = []
    for place in range(40):
        outputs, state = decoder.step(tokens[:, place], state)
        rows.append(decoder.score(outputs))
    expected, _ = network.read(tokens, _fresh(network, 2))
    assert torch.allclose(torch.stack(rows, dim=1), expected.double(), atol=1e-4)


def test_scores_are_equal_to_the_bit_in_every_company_and_on_every_number_of_threads(
    network: RecurrentNetwork,
) -> None:
    decoder = make_decoder(network, torch.device("cpu"))
    tokens = _tokens(7, 6)

    def read(rows: slice) -> torch.Tensor:
        state = _fresh(network, 7)[:, rows]
        for place in range(6):
            outputs, state = decoder.step(tokens[rows, place], state)
        return torch.cat((decoder.score(outputs), *state), dim=1)

    together = read(slice(0, 7))
    for row in range(7):
        assert torch.equal(read(slice(row, row + 1))[0], together[row])
    torch.set_num_threads(2)
    assert torch.equal(read(slice(0, 7)), together)


def test_dropout_is_steady_over_time(network: RecurrentNetwork) -> None:
    if network.config.cell != "lstm":
        pytest.skip("the minGRU drops entries of its branches")
    still = torch.zeros(1, 30, dtype=torch.long)
    one, other = (network.float()(still, seeded(seed))[0, -2:] for seed in (0, 1))
    # The state of an LSTM that reads one token for ever comes to rest; another mask, another rest.
    assert torch.allclose(one[0], one[1], atol=1e-2)
    assert not torch.allclose(one[0], other[0], atol=1e-2)


@pytest.mark.parametrize("cell", _CELLS)
def test_a_long_prompt_is_read_over_several_passes(cell: str, tmp_path: Path) -> None:
    generator = load_stirred(_FAMILIES[cell], tmp_path)
    prompt = "to be, or not " * 50
    request = make_request(generator, prompt, {"max_new_tokens": 3, "temperature": 0.0}, 0)
    run = generator.open(request)
    seen = [run.progress]
    while not run.done:
        generator.advance([run])
        seen.append(run.progress)
    assert [each.done for each in seen] == [0, 1, 2, 3, 4, 5]
    assert {each.total for each in seen} == {5}
    assert len(run.sample.text) == 3


@pytest.mark.parametrize("cell", _CELLS)
def test_what_is_remembered_does_not_grow(cell: str, tmp_path: Path) -> None:
    generator = load_stirred(_FAMILIES[cell], tmp_path)
    run = generator.open(make_request(generator, "to be", {"max_new_tokens": 30}, 0))
    sizes = set()
    while not run.done:
        generator.advance([run])
        assert isinstance(run, RecurrentRun)
        sizes.add(run.state.numel())
    assert len(sizes) == 1


def test_held_out_text_is_predicted_once_with_the_state_carried(network: RecurrentNetwork) -> None:
    text = _tokens(41)
    network = network.float()
    losses: list[float] = []
    for start in range(0, 40, 10):
        part = text[start : start + 11]
        scores = network(part[None, :-1])[0].log_softmax(dim=-1)
        losses += (-scores[range(10), part[1:]]).tolist()
    found = carried_loss(network, text, num_parts=4, length=3)
    assert found == pytest.approx(sum(losses) / 40, abs=1e-5)
    assert carried_loss(network, text[:40], num_parts=4, length=3) > 0  # parts of unequal length


def test_training_reads_on_where_it_stopped(network: RecurrentNetwork) -> None:
    text = _tokens(100)
    reader = CarryingReader(network.float(), batch=4, text_length=100)
    seen = []
    for seed in range(8):
        seen.append(reader.places.tolist())
        before = reader.state.clone()
        assert reader.loss(text, length=10, random=seeded(seed)).isfinite()
        assert not torch.equal(reader.state, before)
    assert seen[0] == [0, 25, 50, 75]
    assert seen[1] == [10, 35, 60, 85]
    # 85 + 10 still fits, 95 + 10 does not, so the last text begins again.
    assert seen[3] == [30, 55, 80, 10]


def test_records_are_learned_each_from_a_fresh_state(tmp_path: Path) -> None:
    records = tuple("ab" * count for count in range(1, 9))
    corpus = replace(
        tiny_corpus(), vocabulary=make_pieces(records, list), train=records, validation=records
    )
    course = RecurrentCourse(tiny_recurrent(LSTM_SHAKESPEARE).preset, corpus)
    assert course.ship(course.network) is course.network
    assert next(course.losses(seeded(0))).isfinite()
    [metric] = course.measure(course.network)
    assert metric.samples == len(records)
    assert metric.unit == "nats/token"
    card = save_stirred(course, tmp_path)
    assert "stop" not in {parameter.name for parameter in card.parameters}
    generator = load_generator(tmp_path)
    # No character of the prompt is known, so the record is begun from nothing.
    request = make_request(generator, "zzz", {"max_new_tokens": 5, "temperature": 1.5}, 0)
    assert set(finish(generator, request).decode()) <= {"a", "b"}
