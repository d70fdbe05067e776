"""The exported encoder: near the exact network on many kinds of text, the same bytes twice."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray

from genmodels.embedding import MiniLmEmbedder, open_session, open_tokenizer
from genmodels.embedding_export import export_embedder
from genmodels.embedding_graph import build_encoder
from genmodels.embedding_ranges import load_ranges, measure_ranges, save_ranges
from genmodels.embedding_release import Release, find_release, read_release

#: None of these kinds of text was there when the ranges were measured.
TEXTS = [
    "The lamp was lit long before the boats came home.",
    "¿Dónde está la biblioteca más antigua de la ciudad?",
    "def area(radius): return 3.14159 * radius ** 2",
    "色は匂へど散りぬるを我が世誰ぞ常ならむ",
    "😀 🎉 !!! ??? ### $$$ %%%",
    "a",
    "In 1887 the speed of light was measured in two directions, and no difference was found. " * 8,
]


@pytest.fixture(scope="module")
def release() -> Release:
    return read_release(find_release())


@pytest.fixture(scope="module")
def exact_vectors(release: Release, tmp_path_factory) -> NDArray[np.float32]:
    file = tmp_path_factory.mktemp("exact") / "encoder.onnx"
    onnx.save(build_encoder(release.layers, None), str(file))
    session = open_session(file)
    tokenizer = open_tokenizer(find_release() / "tokenizer.json")
    vectors = []
    for text in TEXTS:
        ids = tokenizer.encode(text).ids
        words = (release.words[ids] + release.positions[: len(ids)])[np.newaxis]
        mask = np.ones((1, len(ids)), dtype=np.float32)
        vectors.append(session.run(None, {"words": words, "mask": mask})[0][0])
    return np.array(vectors)


def test_eight_bits_stay_near_the_exact_network(
    exact_vectors: NDArray[np.float32], tmp_path: Path
) -> None:
    export_embedder(find_release(), tmp_path / "embedder")
    vectors = MiniLmEmbedder(tmp_path / "embedder").embed(TEXTS)
    cosines = (vectors * exact_vectors).sum(axis=1)
    assert cosines.min() > 0.997, cosines
    assert cosines.mean() > 0.9985, cosines


def test_two_exports_have_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        export_embedder(find_release(), tmp_path / name)
    described = [
        json.loads((tmp_path / name / "embedder.json").read_text()) for name in ("one", "two")
    ]
    assert described[0]["sha256"] == described[1]["sha256"]
    assert set(described[0]["sha256"]) == {
        "encoder.onnx",
        "encoder.weights",
        "positions.npy",
        "tokenizer.json",
        "words.npy",
    }


def test_measured_ranges_hold_what_the_text_holds_and_survive_a_file(
    release: Release, tmp_path: Path
) -> None:
    ids = [101, 2023, 2003, 1037, 3231, 102]
    words = release.words[ids] + release.positions[: len(ids)]
    measured = measure_ranges(release.layers, [words])
    save_ranges(measured, tmp_path / "ranges.safetensors")
    loaded = load_ranges(tmp_path / "ranges.safetensors")
    assert loaded.keys() == measured.keys() == load_ranges().keys()
    for name, channels in measured.items():
        assert (channels.low <= channels.high).all()
        np.testing.assert_allclose(loaded[name].high, channels.high, rtol=3e-3, atol=1e-5)
