"""Other people's searches in a process of their own, under a Python that has them installed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from numpy.typing import NDArray

from webapp.embedded.postgres import SUPERUSER, Postgres

_DATABASE = "peers"


@dataclass(frozen=True)
class PeerAnswers:
    """What a method found for each question, as places of passages, and how long it took."""

    rankings: Sequence[Sequence[int]]
    milliseconds: Sequence[float]


class Peers:
    """The process that runs bench/search_peers.py; use `peers_beside` to start it."""

    def __init__(self, process: subprocess.Popen[str], folder: Path) -> None:
        self._process, self._folder = process, folder

    def versions(self) -> dict[str, str]:
        """The version of each package by its name."""
        return self._order(do="versions")

    def load(
        self,
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        *,
        depth: int,
        languages: Sequence[str] | None = None,
        only: Sequence[str] = (),
    ) -> list[str]:
        """Replace what they search in, and return the names of the methods there are now.

        `vectors` is (N, dims); `depth` is how many passages each question will get; `only` names
        the packages to load, all if empty.
        """
        with (self._folder / "passages.jsonl").open("w", encoding="utf-8") as file:
            for place, text in enumerate(texts):
                # Postgres keeps no zero bytes, in ours as little as in theirs.
                row = {
                    "text": text.replace("\0", ""),
                    "language": languages[place] if languages else "",
                }
                file.write(json.dumps(row) + "\n")
        answer = self._order(
            do="load",
            passages=file.name,
            vectors=self._save("passages", vectors),
            depth=depth,
            only=list(only),
        )
        sys.stderr.write(f"peers loaded {len(texts):,} passages: {answer['seconds']} s\n")
        methods: list[str] = answer["methods"]
        return methods

    def rank(
        self,
        method: str,
        texts: Sequence[str],
        vectors: NDArray[np.float32],
        *,
        language: str | None = None,
        num_warm: int = 0,
    ) -> PeerAnswers:
        """Ask a method all questions, after the first `num_warm` of them untimed."""
        answer = self._order(
            do="rank",
            method=method,
            texts=list(texts),
            vectors=self._save("questions", vectors),
            language=language,
            warm=num_warm,
        )
        return PeerAnswers(answer["rankings"], answer["milliseconds"])

    def _save(self, name: str, vectors: NDArray[np.float32]) -> str:
        path = self._folder / f"{name}.npy"
        np.save(path, vectors)
        return str(path)

    def _order(self, **order: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps(order) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise SystemExit("The peers ended early; their message stands above.") from None
        line = self._process.stdout.readline()
        if not line:
            # A peer that fails is no peer that was beaten.
            raise SystemExit(f"The peers failed to {order['do']}; their message stands above.")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def peers_beside(server: Postgres, python: Path) -> Iterator[Peers]:
    """Start the peers under another Python, with an empty database of their own in our server."""
    with psycopg.connect(
        server.url_as(SUPERUSER, database="postgres"), autocommit=True
    ) as session:
        session.execute(f"CREATE DATABASE {_DATABASE}")
        # Some write a row at a time; how long their loading takes is not what is measured.
        session.execute(f"ALTER DATABASE {_DATABASE} SET synchronous_commit = off")
    address = server.url_as(SUPERUSER, database=_DATABASE)
    script = Path(__file__).with_name("search_peers.py")
    with started([str(python), str(script), address]) as peers:
        sys.stderr.write(f"peers: {peers.versions()}\n")
        yield peers


@contextmanager
def started(command: Sequence[str]) -> Iterator[Peers]:
    """Start a program that takes the orders of Peers, and end it afterwards."""
    with tempfile.TemporaryDirectory(prefix="pinakes-peers-") as folder:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            yield Peers(process, Path(folder))
        finally:
            # Closes what it reads, on which it ends; unlike close() also when it has ended before.
            process.communicate()
