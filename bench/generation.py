"""How fast our GPT writes, beside `transformers` with a network of the same size.

    python -m bench.generation [--rounds 5] [--tokens 200] [--anyway]

Seven ways take turns in one run, on one torch thread, with the same prompt and the same draws
(temperature 0.8, nothing cut off): ours with its cache; ours reading everything anew for each
token, in the exact arithmetic that serves (`genmodels/nn/exact.py`) and as the plain network in
float32; `generate` of `transformers` with and without its cache, on a GPT-2 of random weights with
our width, layers, heads and vocabulary; then sixteen texts at a time, ours and theirs. The
ratios of the medians are the figures to quote: absolute speeds differ between machines. Seconds
are those of the processor, which what runs beside changes less than those of the clock.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
import transformers

from bench.quiet import refuse_unless_quiet
from genmodels.checkpoint import SHIPPED_CHECKPOINTS, load_checkpoint
from genmodels.contract import Generator, resolve_request
from genmodels.randomness import seeded
from genmodels.registry import find_family, load_generator
from genmodels.text.decoding import Choice, choose_tokens

_SLUG = "gpt-shakespeare"
_PROMPT = "KING RICHARD III:\nWhat is"
_TEMPERATURE = 0.8
_COMPANY = 16


def main(arguments: Sequence[str]) -> None:
    """Print tokens per second of each way, and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.generation")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--tokens", type=int, default=200)
    parser.add_argument("--anyway", action="store_true", help="measure on a busy machine too")
    options = parser.parse_args(arguments)
    if not options.anyway:
        refuse_unless_quiet()
    torch.set_num_threads(1)
    ways = _ways(options.tokens)
    speeds: dict[str, list[float]] = {name: [] for name in ways}
    for round_number in range(options.rounds + 1):
        for name, (write, num_texts) in ways.items():
            started_at = time.process_time()
            write(round_number)
            seconds = time.process_time() - started_at
            if round_number:  # the first round warms up
                speeds[name].append(num_texts * options.tokens / seconds)
    for name, found in speeds.items():
        sys.stdout.write(f"{name:<32} {statistics.median(found):9.1f} tokens/s\n")
    for over, under in (
        ("ours", "ours without cache"),
        ("ours", "ours in float32 without cache"),
        ("ours", "transformers"),
        ("transformers", "transformers without cache"),
        (f"ours, {_COMPANY} texts", f"transformers, {_COMPANY} texts"),
    ):
        ratio = statistics.median(speeds[over]) / statistics.median(speeds[under])
        paired = [a / b for a, b in zip(speeds[over], speeds[under], strict=True)]
        sys.stdout.write(
            f"{over} / {under}: {ratio:.2f}   (by rounds {min(paired):.2f} to {max(paired):.2f})\n"
        )


def _ways(num_tokens: int) -> dict[str, tuple[Callable[[int], None], int]]:
    """By name: what writes `num_tokens` tokens of each text from a seed, and how many texts."""
    generator = load_generator(SHIPPED_CHECKPOINTS / _SLUG)
    checkpoint = load_checkpoint(SHIPPED_CHECKPOINTS / _SLUG)
    network = find_family("transformer").restore_network(checkpoint).eval()
    config = checkpoint.card.config
    prompt = [config["characters"].index(character) for character in _PROMPT]
    if len(prompt) + num_tokens > config["context"]:
        raise SystemExit(f"at most {config['context'] - len(prompt)} tokens fit the context")
    theirs = _same_size(config)
    sizes = [sum(each.numel() for each in net.parameters()) for net in (network, theirs)]
    sys.stdout.write(f"parameters: ours {sizes[0]:,}, theirs {sizes[1]:,}\n")

    def ours(seed: int, num_texts: int) -> None:
        _write_ours(generator, num_tokens, range(seed, seed + num_texts))

    def library(seed: int, num_texts: int, *, cached: bool) -> None:
        _write_theirs(theirs, prompt, num_tokens, seed, num_texts, cached=cached)

    return {
        "ours": (lambda seed: ours(seed, 1), 1),
        "ours without cache": (lambda seed: _write_anew(generator, num_tokens, seed), 1),
        "ours in float32 without cache": (
            lambda seed: _write_plainly(network, prompt, num_tokens, seed),
            1,
        ),
        "transformers": (lambda seed: library(seed, 1, cached=True), 1),
        "transformers without cache": (lambda seed: library(seed, 1, cached=False), 1),
        f"ours, {_COMPANY} texts": (lambda seed: ours(seed, _COMPANY), _COMPANY),
        f"transformers, {_COMPANY} texts": (
            lambda seed: library(seed, _COMPANY, cached=True),
            _COMPANY,
        ),
    }


def _same_size(config: Any) -> Any:
    """A GPT-2 of random weights with the sizes of our GPT."""
    torch.manual_seed(0)
    made = transformers.GPT2Config(
        vocab_size=config["vocabulary_size"],
        n_positions=config["context"],
        n_embd=config["d_model"],
        n_layer=config["num_layers"],
        n_head=config["num_heads"],
        bos_token_id=None,
        eos_token_id=None,
    )
    return transformers.GPT2LMHeadModel(made).eval()


def _write_ours(generator: Generator, num_tokens: int, seeds: Sequence[int]) -> None:
    parameters = {"max_new_tokens": num_tokens, "temperature": _TEMPERATURE}
    runs = [
        generator.open(
            resolve_request(generator.card, prompt=_PROMPT, parameters=parameters, seed=seed)
        )
        for seed in seeds
    ]
    while not runs[0].done:
        generator.advance(runs)


def _write_anew(generator: Generator, num_tokens: int, seed: int) -> None:
    """A run for each token, which is told all that was written before."""
    text = _PROMPT
    parameters = {"max_new_tokens": 1, "temperature": _TEMPERATURE}
    for place in range(num_tokens):
        request = resolve_request(
            generator.card, prompt=text, parameters=parameters, seed=seed + place
        )
        run = generator.open(request)
        generator.advance([run])
        text += run.sample.text


@torch.inference_mode()
def _write_plainly(
    network: torch.nn.Module, prompt: Sequence[int], num_tokens: int, seed: int
) -> None:
    choice = Choice(temperature=_TEMPERATURE, top_k=0, top_p=1.0, random=seeded(seed))
    tokens = list(prompt)
    for _ in range(num_tokens):
        scores = network(torch.tensor([tokens]))[:, -1]
        tokens.append(choose_tokens(scores, [choice])[0].token)


def _write_theirs(
    network: Any,
    prompt: Sequence[int],
    num_tokens: int,
    seed: int,
    num_texts: int,
    *,
    cached: bool,
) -> None:
    torch.manual_seed(seed)
    tokens = torch.tensor([prompt] * num_texts)
    written = network.generate(
        tokens,
        attention_mask=torch.ones_like(tokens),
        max_new_tokens=num_tokens,
        min_new_tokens=num_tokens,
        do_sample=True,
        temperature=_TEMPERATURE,
        top_k=0,
        use_cache=cached,
    )
    assert written.shape[1] == len(prompt) + num_tokens, "every text has the full length"


if __name__ == "__main__":
    main(sys.argv[1:])
