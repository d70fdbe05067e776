"""An embedder on another server, against a small server of the same protocol."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from genmodels.embedding import (
    ServiceAddress,
    UnableToEmbed,
    UnableToLoadEmbedder,
    install_embedder,
    load_embedder,
)
from genmodels.embedding_service import ServiceEmbedder, service_from_environment
from tests.embedding.server import Server, running_server


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


def make_embedder(server: Server, *, dims: int = 2) -> ServiceEmbedder:
    return ServiceEmbedder(ServiceAddress(url=server.url, model="tiny", dims=dims, key="secret"))


def test_vectors_come_in_the_order_of_the_texts_with_length_1(server: Server) -> None:
    vectors = make_embedder(server).embed(["four", "", "lone \ud800"])
    np.testing.assert_allclose(vectors[0], [0.8, 0.6], atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-6)
    assert server.requests[0]["path"] == "/v1/embeddings"
    assert server.requests[0]["input"] == ["four", " ", "lone ?"]
    assert server.keys == ["Bearer secret"]


def test_many_texts_go_in_several_requests(server: Server) -> None:
    vectors = make_embedder(server).embed(["x" * size for size in range(1, 151)])
    assert [len(request["input"]) for request in server.requests] == [64, 64, 22]
    ratios = vectors[:, 0] / vectors[:, 1] * 3
    np.testing.assert_allclose(ratios, np.arange(1, 151), rtol=1e-4)


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (500, b"{}", "answered 500"),
        (302, b"{}", "answered 302"),
        (200, b"not json", "no vectors"),
        (200, b'{"data": []}', "no vectors"),
        (200, b'{"data": [{"index": 0, "embedding": [1.0]}]}', "width that was named"),
        (200, b'{"data": [{"index": 0, "embedding": [0.0, 0.0]}]}', "without direction"),
        (200, b'{"data": [{"index": 0, "embedding": [NaN, 1.0]}]}', "without direction"),
    ],
)
def test_a_bad_answer_is_refused_with_the_reason(
    server: Server, status: int, answer: bytes, said: str
) -> None:
    server.status, server.answer = status, answer
    with pytest.raises(UnableToEmbed, match=said):
        make_embedder(server).embed(["text"])
    assert len(server.requests) == 1


def test_a_server_that_is_away_is_told_so() -> None:
    embedder = ServiceEmbedder(ServiceAddress(url="http://127.0.0.1:9", model="tiny", dims=2))
    with pytest.raises(UnableToEmbed, match="cannot be reached"):
        embedder.embed(["text"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"PINAKES_EMBEDDER_MODEL": ""},
        {"PINAKES_EMBEDDER_DIMS": "many"},
        {"PINAKES_EMBEDDER_DIMS": "0"},
        {"PINAKES_EMBEDDER_URL": "file:///etc/passwd"},
    ],
)
def test_a_wrong_configuration_is_refused(wrong: dict[str, str]) -> None:
    right = {
        "PINAKES_EMBEDDER_URL": "http://localhost:1/v1",
        "PINAKES_EMBEDDER_MODEL": "tiny",
        "PINAKES_EMBEDDER_DIMS": "2",
    }
    assert service_from_environment(right).name == "service:tiny:2"
    with pytest.raises(UnableToLoadEmbedder):
        service_from_environment({**right, **wrong})


def test_the_environment_chooses_the_server(server: Server, monkeypatch) -> None:
    monkeypatch.setenv("PINAKES_EMBEDDER_URL", server.url)
    monkeypatch.setenv("PINAKES_EMBEDDER_MODEL", "tiny")
    monkeypatch.setenv("PINAKES_EMBEDDER_DIMS", "2")
    previous = install_embedder(None)
    try:
        assert load_embedder().embed(["four"]).shape == (1, 2)
    finally:
        install_embedder(previous)
