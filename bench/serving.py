"""How fast a whole Pinakes serves, against its own generators and against LitServe.

    python -m bench.serving [--requests 96] [--litserve PYTHON]

The same requests go, by clients that wait for each answer, to a complete Pinakes over REST
(`Prefer: wait`) and, where PYTHON has `litserve` installed, to LitServe with the same generator,
weights and one torch thread (`bench/litserve_server.py`). The two take turns within one run, on
one machine that also carries the clients. Every answer is compared with the bytes of its own
unbatched run. Lengths differ from request to request, as they do in life.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import os
import random
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bench.load import UNLIMITED, Answered, Connection, Load, ask_in_turns
from bench.quiet import refuse_unless_quiet
from genmodels.contract import Generator, Run, resolve_request
from genmodels.registry import list_checkpoints, load_generator
from webapp.embedded.instance import Instance, running_instance

_WAIT = {"Prefer": "wait=30"}
_GPT, _FLOW = "gpt-shakespeare", "flow-fashion"
_LENGTHS = (16, 32, 48, 64, 96, 128)
_CLIENTS = (1, 4, 16, 64)
_SECONDS_TO_START = 120.0

Fetch = Callable[[Answered], bytes]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving")
    parser.add_argument("--requests", type=int, default=96, help="per number of clients")
    parser.add_argument("--litserve", default=sys.executable, metavar="PYTHON")
    options = parser.parse_args(arguments)
    refuse_unless_quiet()
    torch.set_num_threads(1)
    generators = {folder.name: load_generator(folder) for folder in list_checkpoints()}
    home = Path(tempfile.mkdtemp(prefix="pinakes-b"))
    try:
        with (
            running_instance(home=home, variables=UNLIMITED) as instance,
            _litserve(options.litserve) as rival,
        ):
            time.sleep(5)  # what starts has settled
            headers = _headers(instance)
            _measure_overhead(instance, headers, generators[_GPT])
            _measure_text(instance, headers, generators[_GPT], rival, count=options.requests)
            _measure_pictures(instance, headers, generators[_FLOW])
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _headers(instance: Instance) -> dict[str, str]:
    key = instance.manage("create_api_key", "admin", "--name", "bench").strip()
    return {"Authorization": f"Bearer {key}", **_WAIT}


@contextmanager
def _litserve(python: str) -> Iterator[str | None]:
    """The address of a LitServe with the text model, or None where it is not installed."""
    probe = subprocess.run([python, "-c", "import litserve"], capture_output=True, check=False)
    if probe.returncode:
        _say("LitServe is not installed there (pip install litserve); measured without it.")
        yield None
        return
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [python, "-m", "bench.litserve_server", str(port), _GPT, "16"]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        _wait_until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        # It leaves its own children behind.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_open(port: int) -> None:
    give_up_at = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            answered = asyncio.run(
                Connection(f"http://127.0.0.1:{port}", {}).ask("GET", "/health")
            )
        except OSError:
            answered = None
        if answered is not None and answered.status == 200:
            return
        if time.monotonic() > give_up_at:
            raise SystemExit("LitServe did not start")
        time.sleep(0.2)


def _requests(slug: str, count: int) -> list[dict[str, Any]]:
    """Requests of mixed length, the same in every run."""
    dice = random.Random(0)
    prompts = ("ROMEO:", "First Citizen:\nWe are", "KING RICHARD III:\nNow", "To be, or")
    return [
        {
            "model": slug,
            "prompt": prompts[number % len(prompts)],
            "seed": number,
            "params": {"max_new_tokens": dice.choice(_LENGTHS)},
        }
        for number in range(count)
    ]


def _run_alone(generator: Generator, wish: dict[str, Any]) -> tuple[bytes, float]:
    """The bytes of a request by itself, and the seconds it took."""
    started_at = time.perf_counter()
    run: Run = generator.open(
        resolve_request(
            generator.card, prompt=wish["prompt"], parameters=wish["params"], seed=wish["seed"]
        )
    )
    while not run.done:
        generator.advance([run])
    return run.sample.content, time.perf_counter() - started_at


def _measure_overhead(instance: Instance, headers: dict[str, str], gpt: Generator) -> None:
    """A job of about a second: directly, and over the whole path, in turns."""
    wish = {"model": _GPT, "prompt": "ROMEO:", "seed": 1, "params": {"max_new_tokens": 240}}
    direct, whole = [], []
    for number in range(-1, 12):
        seconds = _run_alone(gpt, wish)[1]
        answer = asyncio.run(
            Connection(instance.base_url, headers).ask("POST", "/api/v1/generations", wish)
        )
        assert answer.status == 201, answer.body
        if number >= 0:
            direct.append(seconds)
            whole.append(answer.seconds)
    one, other = statistics.median(direct), statistics.median(whole)
    allowed = 0.030 + 0.03 * one
    _say(
        f"whole path: {other * 1000:.0f} ms, the generator alone {one * 1000:.0f} ms: "
        f"{(other - one) * 1000:.0f} ms more (at most {allowed * 1000:.0f})"
    )


def _measure_text(
    instance: Instance,
    headers: dict[str, str],
    gpt: Generator,
    rival: str | None,
    *,
    count: int,
) -> None:
    wishes = _requests(_GPT, count)
    expected = [_run_alone(gpt, wish)[0] for wish in wishes]
    tokens = sum(wish["params"]["max_new_tokens"] for wish in wishes)
    _say(f"{_GPT}: {count} requests, {tokens} tokens, 16 to 128 each")
    alone: float | None = None
    for num_clients in _CLIENTS:
        ours = _load(instance.base_url, headers, "/api/v1/generations", wishes, num_clients)
        _check(ours, expected, lambda answer: answer.json()["text"].encode())
        alone = alone or tokens / ours.seconds
        line = _line("Pinakes", ours, tokens) + f"  {tokens / ours.seconds / alone:.2f}x of one"
        _say(f"{num_clients:>3} clients  {line}")
        if rival is None:
            continue
        theirs = _load(rival, {}, "/predict", wishes, num_clients)
        _check(theirs, expected, lambda answer: base64.b64decode(answer.json()["content"]))
        _say(f"             {_line('LitServe', theirs, tokens)}")
        _say(
            f"             ratio: throughput {theirs.seconds / ours.seconds:.2f} (at least 1), "
            f"p95 {ours.percentile(0.95) / theirs.percentile(0.95):.2f} (at most 1)"
        )


def _load(
    base_url: str, headers: dict[str, str], path: str, wishes: Sequence[object], num_clients: int
) -> Load:
    return asyncio.run(
        ask_in_turns(
            base_url,
            headers=[headers],
            method="POST",
            path=path,
            bodies=wishes,
            num_clients=num_clients,
        )
    )


def _check(load: Load, expected: Sequence[bytes], fetch: Fetch) -> None:
    for answer, content in zip(load.answers, expected, strict=True):
        if answer.status not in {200, 201} or fetch(answer) != content:
            raise SystemExit(f"not as unbatched: {answer.status} {answer.body[:500]!r}")


def _line(name: str, load: Load, units: int) -> str:
    return (
        f"{name:<9} {units / load.seconds:7.0f}/s  median {load.median * 1000:6.0f} ms  "
        f"p95 {load.percentile(0.95) * 1000:6.0f} ms"
    )


def _measure_pictures(instance: Instance, headers: dict[str, str], flow: Generator) -> None:
    """Sixteen clients against the best that the generator can do with any number of runs."""
    steps = 20
    wishes: list[dict[str, Any]] = [
        {
            "model": _FLOW,
            "prompt": "a red sneaker" if number % 2 else "a warm pullover",
            "seed": number,
            "params": {"steps": steps, "sampler": "euler"},
        }
        for number in range(64)
    ]
    offline, served = [], []
    for _ in range(3):
        offline.append(max(_offline(flow, wishes, size) for size in (4, 8)))
        load = _load(instance.base_url, headers, "/api/v1/generations", wishes, 16)
        assert all(answer.status == 201 for answer in load.answers)
        served.append(load.per_second)
        for wish in wishes:
            wish["seed"] += len(wishes)
    best, ours = statistics.median(offline), statistics.median(served)
    _say(
        f"{_FLOW}, {steps} steps, 16 clients: {ours:.2f} pictures/s, offline at best {best:.2f}: "
        f"{ours / best:.1%} (at least 95 %)"
    )


def _offline(generator: Generator, wishes: Sequence[dict[str, Any]], size: int) -> float:
    """Pictures per second in batches of `size` runs, encoded but not stored."""
    started_at = time.perf_counter()
    for start in range(0, len(wishes), size):
        runs: list[Run] = [
            generator.open(
                resolve_request(
                    generator.card,
                    prompt=wish["prompt"],
                    parameters=wish["params"],
                    seed=wish["seed"],
                )
            )
            for wish in wishes[start : start + size]
        ]
        while not runs[0].done:
            generator.advance(runs)
        for run in runs:
            assert run.sample.content
    return len(wishes) / (time.perf_counter() - started_at)


if __name__ == "__main__":
    main(sys.argv[1:])
