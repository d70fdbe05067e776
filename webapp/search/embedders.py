"""Which embedder turns text into vectors of a space, and how it is reached.

The embedder that the settings name serves the space of its name. Any other space says itself
where its embedder is. An address that came from the settings may lead anywhere; one that was typed
into a page is called under the guard of everything that is typed in (`common/outbound.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from genmodels.embedding import (
    Embedder,
    MiniLmEmbedder,
    ServiceAddress,
    UnableToEmbed,
    UnableToLoadEmbedder,
    embedder_at,
    load_built_in,
    load_embedder,
)
from webapp.common import outbound
from webapp.common.encryption import UnableToDecrypt, decrypt
from webapp.search.models import EmbeddingSpace
from webapp.search.spaces import active_space

#: The space of the embedder that comes with Pinakes.
BUILT_IN_NAME = MiniLmEmbedder.name
BUILT_IN_DIMS = MiniLmEmbedder.dims

#: Seconds that one request to a server may take, and the longest answer: 64 texts of 4,000 numbers
#: take a twelfth of it.
_REQUEST_SECONDS = 30.0
_MAX_ANSWER_BYTES = 64_000_000


class AbsentEmbedder:
    """Stands for an embedder that this process cannot have; every call says why."""

    def __init__(self, *, name: str, dims: int, reason: str) -> None:
        self.name = name
        self.dims = dims
        self.reason = reason

    def embed(
        self,
        texts: Sequence[str],  # noqa: ARG002 -- the protocol's
    ) -> NDArray[np.float32]:
        """Raise UnableToEmbed."""
        raise UnableToEmbed(self.reason)


def embedder_in_use() -> Embedder:
    """That of the active space, or what the settings name while there is none."""
    space = active_space()
    return load_embedder() if space is None else embedder_of(space)


def embedder_of(space: EmbeddingSpace) -> Embedder:
    """The embedder of a space; one that cannot be had says so when it is used."""
    if space.url and not space.is_operators:
        return _served(space)
    try:
        configured = load_embedder()
        if configured.name == space.name:
            return configured
        if space.name == BUILT_IN_NAME:
            return load_built_in()
    except UnableToLoadEmbedder as error:
        if not space.url:
            return AbsentEmbedder(name=space.name, dims=space.dims, reason=str(error))
    if space.url:
        return _served(space)
    reason = "The settings no longer name the embedder of this space."
    return AbsentEmbedder(name=space.name, dims=space.dims, reason=reason)


def _served(space: EmbeddingSpace) -> Embedder:
    try:
        key = decrypt(space.key) if space.key else ""
    except UnableToDecrypt:
        reason = "Its key was encrypted under a secret key that this site no longer has."
        return AbsentEmbedder(name=space.name, dims=space.dims, reason=reason)
    address = ServiceAddress(space.url, space.model, space.dims, key)
    return _connect(address) if space.is_operators else guarded_embedder(address)


@lru_cache(maxsize=32)
def _connect(address: ServiceAddress) -> Embedder:
    return embedder_at(address)


@lru_cache(maxsize=32)
def guarded_embedder(address: ServiceAddress) -> Embedder:
    """The embedder at an address that somebody typed in. Raises UnableToLoadEmbedder."""
    return embedder_at(address, post=_guarded_post)


def _guarded_post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    try:
        answer = outbound.post(
            url,
            body=body,
            headers=headers,
            total_seconds=_REQUEST_SECONDS,
            max_answer_bytes=_MAX_ANSWER_BYTES,
        )
    except outbound.Forbidden as error:
        raise UnableToEmbed(f"The address {error}.") from error
    except outbound.Unreachable as error:
        raise UnableToEmbed(f"The embedding server cannot be reached: {error}") from error
    return answer.status, answer.body
