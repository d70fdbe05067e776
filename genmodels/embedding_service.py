"""An embedder behind an OpenAI-compatible `/embeddings` address, instead of the built-in one.

Many servers speak it, also for a local sentence-transformers folder: vLLM, Ollama, llama.cpp,
text-embeddings-inference. Only the standard library is needed.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from genmodels.embedding import Post, ServiceAddress, UnableToEmbed, UnableToLoadEmbedder

#: Texts in one request: servers limit it, and a lost request should cost little.
_TEXTS_PER_REQUEST = 64

#: Seconds that a server may be silent.
_TIMEOUT_SECONDS = 30.0

#: Bytes of the longest answer that is read; 64 texts of 4,000 numbers take a twelfth of it.
_MAX_ANSWER_BYTES = 64_000_000

#: Characters of a text that are sent: more than any usual embedder reads.
_MAX_CHARACTERS = 32_000


class ServiceEmbedder:
    """Vectors of a model on another server. Safe to call from several threads."""

    def __init__(self, address: ServiceAddress, *, post: Post | None = None) -> None:
        if urlsplit(address.url).scheme not in {"http", "https"}:
            raise UnableToLoadEmbedder(
                f"PINAKES_EMBEDDER_URL must be http or https, not {address.url!r}."
            )
        self.address = address
        self.name = address.space
        self.dims = address.dims
        self._post = post or _DirectPost()
        self._url = f"{address.url.rstrip('/')}/embeddings"
        self._headers = {"Content-Type": "application/json"}
        if address.key:
            self._headers["Authorization"] = f"Bearer {address.key}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (n, dims), rows of length 1. Raises UnableToEmbed."""
        vectors = np.empty((len(texts), self.dims), dtype=np.float32)
        for start in range(0, len(texts), _TEXTS_PER_REQUEST):
            batch = texts[start : start + _TEXTS_PER_REQUEST]
            vectors[start : start + len(batch)] = self._request(batch)
        return vectors

    def _request(self, texts: Sequence[str]) -> NDArray[np.float32]:
        # Servers refuse an empty text, and JSON cannot hold a lone surrogate.
        clean = [
            text[:_MAX_CHARACTERS].encode("utf-8", "replace").decode("utf-8") or " "
            for text in texts
        ]
        body = {"model": self.address.model, "input": clean, "encoding_format": "float"}
        try:
            status, content = self._post(self._url, json.dumps(body).encode(), self._headers)
        except (OSError, http.client.HTTPException) as error:
            raise UnableToEmbed(f"The embedding server cannot be reached: {error}") from error
        if not 200 <= status < 300:
            raise UnableToEmbed(f"The embedding server answered {status}.")
        if len(content) > _MAX_ANSWER_BYTES:
            raise UnableToEmbed("The embedding server's answer is too long.")
        return self._vectors(content, len(texts))

    def _vectors(self, content: bytes, num_texts: int) -> NDArray[np.float32]:
        try:
            rows = {row["index"]: row["embedding"] for row in json.loads(content)["data"]}
            vectors = np.array([rows[index] for index in range(num_texts)], dtype=np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise UnableToEmbed("The embedding server's answer holds no vectors.") from error
        if vectors.shape != (num_texts, self.dims):
            raise UnableToEmbed(
                f"The embedding server sent vectors of the shape {vectors.shape}, "
                f"not {(num_texts, self.dims)}; the width that was named may be wrong."
            )
        norms: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not (np.isfinite(norms).all() and norms.all()):
            raise UnableToEmbed("The embedding server sent a vector without direction.")
        return vectors / norms


def service_from_environment(environment: Mapping[str, str]) -> ServiceEmbedder:
    """The embedder that the PINAKES_EMBEDDER_* variables describe. Raises UnableToLoadEmbedder."""
    model = environment.get("PINAKES_EMBEDDER_MODEL", "")
    dims = environment.get("PINAKES_EMBEDDER_DIMS", "")
    if not model:
        raise UnableToLoadEmbedder("PINAKES_EMBEDDER_URL needs PINAKES_EMBEDDER_MODEL beside it.")
    # pgvector indexes half-precision vectors up to this width.
    if not dims.isdecimal() or not 1 <= int(dims) <= 4000:
        raise UnableToLoadEmbedder(
            f"PINAKES_EMBEDDER_DIMS must be the width of the vectors, 1 to 4000, not {dims!r}."
        )
    return ServiceEmbedder(
        ServiceAddress(
            url=environment["PINAKES_EMBEDDER_URL"],
            model=model,
            dims=int(dims),
            key=environment.get("PINAKES_EMBEDDER_KEY", ""),
        )
    )


class _DirectPost:
    """Sends to wherever the operator's settings say, by way of the system's proxies."""

    def __init__(self) -> None:
        # A redirect would carry the key to an address that nobody configured.
        self._opener = urllib.request.build_opener(_RefusedRedirect)

    def __call__(self, url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
        request = urllib.request.Request(  # noqa: S310 -- the scheme was checked
            url, body, dict(headers), method="POST"
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                return response.status, response.read(_MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            return error.code, b""


class _RefusedRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing: the answer then counts as the error that it is."""
