"""The embedder: the released network's vectors, alone or in company, and a folder made safely."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from genmodels.embedding import (
    HashingEmbedder,
    MiniLmEmbedder,
    UnableToLoadEmbedder,
    embedder_folder,
    load_embedder,
    open_session,
)
from genmodels.embedding_export import export_embedder
from genmodels.embedding_release import UnableToFindRelease, find_release


@pytest.fixture(scope="module")
def embedder() -> MiniLmEmbedder:
    loaded = load_embedder()
    assert isinstance(loaded, MiniLmEmbedder)
    return loaded


def test_vectors_have_the_similarities_published_with_the_release(
    embedder: MiniLmEmbedder,
) -> None:
    vectors = embedder.embed(
        [
            "The weather is lovely today.",
            "It's so sunny outside!",
            "He drove to the stadium.",
        ]
    )
    # The figures that the sentence-transformers documentation prints for this network; eight bits
    # move them by less than 0.01.
    expected = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    np.testing.assert_allclose(vectors @ vectors.T, expected, atol=1e-2)


def test_vectors_are_unit_float32_rows(embedder: MiniLmEmbedder) -> None:
    vectors = embedder.embed(["a", "", "\x00", "日本語", "😀" * 500, "\ud800 lone surrogate"])
    assert vectors.shape == (6, embedder.dims)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_texts_give_no_rows(embedder: MiniLmEmbedder) -> None:
    assert embedder.embed([]).shape == (0, embedder.dims)


def test_a_vector_does_not_depend_on_its_company(embedder: MiniLmEmbedder) -> None:
    text = "A short sentence."
    alone = embedder.embed([text])[0]
    neighbours = ["x", "word " * 200, "A sentence of a middling length, to be padded to."]
    for company in (
        [neighbours[0], text],
        [text, neighbours[1]],
        [*neighbours, text, *neighbours],
    ):
        together = embedder.embed(company)[company.index(text)]
        # A sum that comes out a float32 rounding apart may fall on another eight-bit step.
        np.testing.assert_allclose(together, alone, atol=2e-4)


def test_many_texts_of_all_lengths_have_the_vectors_that_they_have_alone(
    embedder: MiniLmEmbedder,
) -> None:
    random = np.random.default_rng(7)
    words = ["the", "harbour", "of", "winter", "engine", "paper", "seven", "runs", "slowly"]
    texts = [" ".join(random.choice(words, size=size)) for size in range(1, 120, 3)]
    shuffled = random.permutation(len(texts))
    together = embedder.embed([texts[index] for index in shuffled])
    alone = np.array([embedder.embed([texts[index]])[0] for index in shuffled])
    assert (together * alone).sum(axis=1).min() > 0.99999


def test_threads_change_nothing(embedder: MiniLmEmbedder) -> None:
    texts = [f"A text about the number {number}. " * (number % 9 + 1) for number in range(40)]
    threaded = MiniLmEmbedder(embedder_folder(), num_threads=3).embed(texts)
    single = MiniLmEmbedder(embedder_folder(), num_threads=1).embed(texts)
    np.testing.assert_array_equal(threaded, single)


def test_guarded_sums_give_the_same_vectors(embedder: MiniLmEmbedder) -> None:
    text = "Processors without wide sums take another way to the same numbers."
    vector = embedder.embed([text])[0]
    guarded = MiniLmEmbedder(embedder_folder())
    guarded._session = open_session(embedder_folder() / "encoder.onnx", guard_sums=True)
    np.testing.assert_allclose(guarded.embed([text])[0], vector, atol=1e-4)


def test_only_the_first_256_tokens_count(embedder: MiniLmEmbedder) -> None:
    beginning = "word " * 254
    vectors = embedder.embed([beginning, beginning + "something else entirely " * 50])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)


def test_an_existing_export_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "embedder"
    export_embedder(find_release(), folder)
    written = (folder / "encoder.onnx").stat().st_mtime_ns
    export_embedder(find_release(), folder)
    assert (folder / "encoder.onnx").stat().st_mtime_ns == written
    assert [path.name for path in tmp_path.iterdir()] == ["embedder"]


def test_other_weights_than_the_release_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the weights")
    with pytest.raises(UnableToFindRelease, match="not the official release"):
        export_embedder(tmp_path, tmp_path / "embedder")
    assert not (tmp_path / "embedder").exists()


def test_a_broken_folder_says_what_to_do(tmp_path: Path) -> None:
    for path in embedder_folder().iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:100])
    with pytest.raises(UnableToLoadEmbedder, match="embedding_export"):
        MiniLmEmbedder(tmp_path)


def test_the_hashing_embedder_is_deterministic_and_sees_shared_words() -> None:
    embedder = HashingEmbedder(dims=384)
    cat, same_cat, dog, tax = embedder.embed(
        ["a black cat", "a black cat", "a black dog", "tax law"]
    )
    np.testing.assert_array_equal(cat, same_cat)
    assert cat @ dog > cat @ tax
    np.testing.assert_allclose(np.linalg.norm(embedder.embed(["", "!?"]), axis=1), 1.0)


def test_tokens_stand_where_their_spans_say_and_know_their_context(
    embedder: MiniLmEmbedder,
) -> None:
    texts = ["The bank of the river.", "The bank lends money.", ""]
    river, money, nothing = embedder.embed_tokens(texts)
    assert len(nothing.ids) == 0
    words = [texts[0][start:end] for start, end in river.spans]
    assert words == ["The", "bank", "of", "the", "river", "."]
    np.testing.assert_allclose(np.linalg.norm(river.vectors, axis=1), 1, atol=1e-5)
    # The same word, meant otherwise.
    assert river.ids[1] == money.ids[1]
    assert 0.2 < float(river.vectors[1] @ money.vectors[1]) < 0.95


def test_tokens_do_not_depend_on_the_texts_beside_them(embedder: MiniLmEmbedder) -> None:
    [alone] = embedder.embed_tokens(["A violet lamp."])
    beside = embedder.embed_tokens(["A violet lamp.", "much longer " * 40, "x"])[0]
    np.testing.assert_allclose(alone.vectors, beside.vectors, atol=5e-3)


def test_words_and_their_plurals_are_known_and_typos_are_not(embedder: MiniLmEmbedder) -> None:
    assert all(map(embedder.knows_word, ("sweater", "sweaters", "winter", "cold")))
    assert not any(map(embedder.knows_word, ("sweatre", "wniter", "trasnformer", "embeding")))
