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

from genmodels.embedding import UnableToEmbed, UnableToLoadEmbedder

#: Texts in one request: servers limit it, and a lost request should cost little.
_TEXTS_PER_REQUEST = 64

#: Seconds that a server may be silent.
_TIMEOUT = 30.0

#: Bytes of the longest answer that is read; 64 texts of 4,000 numbers take a twelfth of it.
_MAX_ANSWER_BYTES = 64_000_000

#: Characters of a text that are sent: more than any usual embedder reads.
_MAX_CHARACTERS = 32_000


class ServiceEmbedder:
    """Vectors of a model on another server. Safe to call from several threads.

    `url` ends before `/embeddings`. The name of the space tells model and width, not the address:
    the same model elsewhere gives comparable vectors.
    """

    def __init__(self, *, url: str, model: str, dims: int, key: str = "") -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise UnableToLoadEmbedder(f"PINAKES_EMBEDDER_URL must be http or https, not {url!r}.")
        self.name = f"service:{model}:{dims}"
        self.dims = dims
        self._url = f"{url.rstrip('/')}/embeddings"
        self._model = model
        self._headers = {"Content-Type": "application/json"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        # A redirect would carry the key to an address that nobody configured.
        self._opener = urllib.request.build_opener(_RefusedRedirect)

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
        body = {"model": self._model, "input": clean, "encoding_format": "float"}
        request = urllib.request.Request(  # noqa: S310 -- the scheme was checked
            self._url, json.dumps(body).encode(), self._headers, method="POST"
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT) as response:
                content = response.read(_MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            raise UnableToEmbed(f"The embedding server answered {error.code}.") from error
        except (OSError, http.client.HTTPException) as error:
            raise UnableToEmbed(f"The embedding server cannot be reached: {error}") from error
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
                f"The embedding server's vectors have the shape {vectors.shape}, "
                f"expected {(num_texts, self.dims)}: is PINAKES_EMBEDDER_DIMS right?"
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
        url=environment["PINAKES_EMBEDDER_URL"],
        model=model,
        dims=int(dims),
        key=environment.get("PINAKES_EMBEDDER_KEY", ""),
    )


class _RefusedRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nothing: the answer then counts as the error that it is."""
