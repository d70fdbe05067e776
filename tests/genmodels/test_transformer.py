"""The transformer as it is served: exact, causal, at home in any alphabet."""

from __future__ import annotations

import random
from typing import cast

import pytest
import torch

from genmodels.contract import Generator, InvalidRequest
from genmodels.families.transformer.cache import SlotCache, SlotOwner
from genmodels.families.transformer.decoder import Chunk, Decoder
from genmodels.families.transformer.generator import TransformerRun
from genmodels.families.transformer.network import Transformer, TransformerConfig
from genmodels.randomness import seeded
from genmodels.text.objective import draw_windows, windowed_loss
from genmodels.text.vocabulary import Characters
from tests.genmodels.tiny import finish, make_request, stir, tiny_transformer

_CPU = torch.device("cpu")
_CONFIG = TransformerConfig(
    vocabulary_size=11, context=64, num_layers=3, num_heads=3, d_model=48, dropout=0.0
)


@pytest.fixture
def network() -> Transformer:
    network = Transformer(_CONFIG, seeded(1)).double()
    stir(network, strength=0.1)
    return network.requires_grad_(requires_grad=False)


@pytest.fixture
def decoder(network: Transformer) -> Decoder:
    return Decoder(network, _CPU)


def _tokens(length: int, seed: int = 0) -> list[int]:
    drawn = torch.randint(_CONFIG.vocabulary_size, (length,), generator=seeded(seed))
    return cast("list[int]", drawn.tolist())


class _Reader:
    """Texts with slots of their own in a fresh cache of a decoder."""

    def __init__(self, decoder: Decoder, num_texts: int = 1) -> None:
        self._decoder = decoder
        self._cache = SlotCache(_CONFIG, num_texts, _CPU)
        self.owners = [SlotOwner() for _ in range(num_texts)]
        self._cache.claim(self.owners)

    def read(self, parts: dict[int, list[int]]) -> list[torch.Tensor]:
        """One pass over some of the texts, in the order of `parts`."""
        chunks = [Chunk(self.owners[index], tokens) for index, tokens in parts.items()]
        return list(self._decoder.read(self._cache, chunks))


def _scores(decoder: Decoder, tokens: list[int]) -> torch.Tensor:
    """What follows the tokens, read at once by themselves."""
    return _Reader(decoder).read({0: tokens})[0]


def test_the_decoder_computes_what_the_network_computes(
    network: Transformer, decoder: Decoder
) -> None:
    tokens = _tokens(64)
    reader = _Reader(decoder)
    rows = torch.stack([reader.read({0: [token]})[0] for token in tokens])
    assert torch.allclose(rows, network(torch.tensor([tokens]))[0], atol=1e-4)


def test_with_a_cache_and_without_the_scores_are_equal_to_the_bit(decoder: Decoder) -> None:
    tokens = _tokens(64)
    reader = _Reader(decoder)
    for length in range(1, 65):
        cached = reader.read({0: tokens[length - 1 : length]})[0]
        assert torch.equal(cached, _scores(decoder, tokens[:length])), length


def test_scores_are_equal_to_the_bit_in_every_company(decoder: Decoder) -> None:
    """Texts of many lengths; each pass some of them in any order, by one token or by several."""
    dice = random.Random(0)
    texts = [_tokens(dice.randint(20, 60), seed) for seed in range(10)]
    reader = _Reader(decoder, len(texts))
    num_compared = 0
    while True:
        waiting = [
            index for index, text in enumerate(texts) if reader.owners[index].length < len(text)
        ]
        if not waiting:
            break
        parts = {}
        for index in dice.sample(waiting, dice.randint(1, len(waiting))):
            start = reader.owners[index].length
            count = dice.choice([1, 1, 1, 5])
            parts[index] = texts[index][start : start + count]
        rows = reader.read(parts)
        for index, row in zip(parts, rows, strict=True):
            expected = _scores(decoder, texts[index][: reader.owners[index].length])
            assert torch.equal(row, expected), (index, reader.owners[index].length)
            num_compared += 1
    assert num_compared > 150


def test_threads_do_not_matter(decoder: Decoder) -> None:
    text = _tokens(64)
    one = _scores(decoder, text)
    torch.set_num_threads(2)
    assert torch.equal(_scores(decoder, text), one)


def test_a_run_that_lost_its_slot_goes_on_as_if_it_had_not(writer: Generator) -> None:
    """More runs than slots take turns, so each pass takes slots from those that wait."""
    requests = [
        make_request(writer, "to be" + " or" * seed, {"max_new_tokens": 6}, seed)
        for seed in range(writer.slots + 5)
    ]
    alone = [finish(writer, request) for request in requests]
    runs = [writer.open(request) for request in requests]
    while not all(run.done for run in runs):
        for part in (runs[: writer.slots], runs[-writer.slots :]):
            going = [run for run in part if not run.done]
            if going:
                writer.advance(going)
    assert [run.sample.content for run in runs] == alone


def test_a_slot_is_free_when_its_owner_is_gone_or_has_left() -> None:
    cache = SlotCache(_CONFIG, 2, _CPU)
    first, second, third = SlotOwner(), SlotOwner(), SlotOwner()
    cache.claim([first, second])
    cache.release(first)
    cache.claim([third])
    assert (second.slot, third.slot) == (1, 0)
    del second
    fourth = SlotOwner()
    cache.claim([fourth])
    assert fourth.slot == 1
    fourth.length = 9
    cache.claim([fourth])
    assert fourth.length == 9
    cache.claim([first])  # takes the slot of the one that waited longest
    assert first.slot == 0
    third.length = 5
    cache.claim([third])
    assert (third.slot, third.length) == (1, 0)


def test_a_position_does_not_see_what_follows_it(network: Transformer) -> None:
    tokens = torch.tensor([_tokens(20)])
    changed = tokens.clone()
    changed[0, 12:] = (changed[0, 12:] + 1) % _CONFIG.vocabulary_size
    before, after = network(tokens), network(changed)
    assert torch.allclose(before[:, :12], after[:, :12], atol=1e-12)
    assert not torch.allclose(before[:, 12:], after[:, 12:])


def test_only_the_last_context_characters_count(writer: Generator) -> None:
    ending = "that is the question. to"
    parameters = {"max_new_tokens": 30, "temperature": 0.5}
    short = make_request(writer, ending, dict(parameters), 3)
    long = make_request(writer, "not " * 50 + ending, dict(parameters), 3)
    assert len(ending) == writer.card.config["context"]
    assert finish(writer, short) == finish(writer, long)


def test_a_text_longer_than_the_context_is_what_reading_its_ending_again_gives(
    writer: Generator,
) -> None:
    """After the window moved, the next character is that of a run that starts with the rest."""
    context = int(writer.card.config["context"])
    greedy = {"max_new_tokens": 3 * context, "temperature": 0.0}
    run = cast("TransformerRun", writer.open(make_request(writer, "to be", dict(greedy), 0)))
    restarts = 0
    while not run.done:
        chunk = run.pending()
        writer.advance([run])
        if len(chunk.tokens) == context // 2:
            restarts += 1
            text = "to be" + run.preview().text
            ending = text[:-1][-(context // 2) :]
            if ending.strip():
                again = make_request(writer, ending, {"max_new_tokens": 1, "temperature": 0.0}, 0)
                assert finish(writer, again).decode() == text[-1]
    assert restarts >= 3
    assert len(run.sample.text) == 3 * context


def test_the_sample_is_the_continuation_alone(writer: Generator) -> None:
    run = writer.open(make_request(writer, "to be", {"max_new_tokens": 7}, 0))
    while not run.done:
        writer.advance([run])
    assert len(run.sample.text) == 7
    assert run.sample.content.decode() == run.sample.text
    assert run.sample.extra.keys() == {"surprise"}


def test_a_prompt_that_was_changed_is_told(writer: Generator) -> None:
    run = writer.open(make_request(writer, "tó b\u00e9\U0001f3ad", {"max_new_tokens": 1}, 0))
    writer.advance([run])
    assert run.sample.extra["prompt_read"] == "to be"


@pytest.mark.parametrize("prompt", ["漢字", "\U0001f3ad\U0001f3ad", "漢 字", "\u0301"])
def test_a_prompt_of_unknown_characters_is_refused(writer: Generator, prompt: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        writer.open(make_request(writer, prompt, {}, 0))
    assert [fault.pointer for fault in caught.value.faults] == ["/prompt"]


def test_folding_keeps_what_it_can() -> None:
    vocabulary = Characters("".join(sorted(set("abcdefghijklmnopqrstuvwxyzABCDE'- \n.,!"))))
    assert vocabulary.fold("caf\u00e9\r\nna\u00efve\rx") == "cafe\nnaive\nx"
    assert vocabulary.fold("\u201cwell\u201d\u2014it\u2019s\u2026") == "'well'--it's..."
    assert vocabulary.fold("\uff41\uff42\ufb01 \u00df\u00c6") == "abfi ssAE"
    assert vocabulary.fold("\u4e2d\U0001f600") == ""


def test_every_unicode_character_folds_to_known_ones() -> None:
    vocabulary = tiny_transformer().vocabulary
    text = "".join(chr(code) for code in range(0x11000) if not 0xD800 <= code < 0xE000)
    vocabulary.encode(vocabulary.fold(text))


def test_windows_are_parts_of_the_text_and_reach_both_ends() -> None:
    text = torch.arange(12)
    windows = draw_windows(text, num_windows=200, length=4, random=seeded(0))
    assert torch.equal(windows - windows[:, :1], torch.arange(5).expand(200, 5))
    assert windows.min() == 0
    assert windows.max() == 11


def test_the_validation_loss_counts_every_character_once(network: Transformer) -> None:
    text = torch.tensor(_tokens(101))
    losses = []
    for start in range(0, 100, 16):
        part = text[start : start + 17]
        scores = network(part[None, :-1])[0].log_softmax(dim=-1)
        losses.extend((-scores[range(len(part) - 1), part[1:]]).tolist())
    assert len(losses) == 100
    measured = windowed_loss(network, text, length=16, num_windows=4)
    assert measured == pytest.approx(sum(losses) / 100, abs=1e-5)
