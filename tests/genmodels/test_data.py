"""Data sets are found, verified, or asked for in words that help."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest

from genmodels.data import fashion_mnist, tinyshakespeare
from genmodels.data.fsdd import FSDD
from genmodels.data.location import (
    DATA_VARIABLE,
    OWN_LICENCE,
    DataFile,
    DataSet,
    UnableToFindData,
    licence_of_weights,
)
from genmodels.data.multi30k import MULTI30K

_CONTENT = b"a line\n"
_SET = DataSet(
    name="lines",
    title="Lines",
    folder="lines",
    source="GitHub someone/lines",
    licence="MIT",
    files=(DataFile("lines.txt", hashlib.sha256(_CONTENT).hexdigest()),),
)


def test_a_verified_folder_is_found_by_argument_and_by_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "lines.txt").write_bytes(_CONTENT)
    assert _SET.locate(tmp_path) == tmp_path / "lines"
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path))
    assert _SET.locate() == tmp_path / "lines"


def test_without_a_place_the_message_says_what_to_get_and_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)
    with pytest.raises(UnableToFindData) as caught:
        _SET.locate()
    for part in (DATA_VARIABLE, "GitHub someone/lines", "MIT", "lines.txt"):
        assert part in str(caught.value)


def test_a_missing_file_and_a_changed_one_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnableToFindData, match=r"lines\.txt is missing"):
        _SET.locate(tmp_path)
    (tmp_path / "lines").mkdir()
    (tmp_path / "lines" / "lines.txt").write_bytes(b"another line\n")
    with pytest.raises(UnableToFindData, match="expected"):
        _SET.locate(tmp_path)


def test_weights_keep_the_terms_that_their_data_asks_to_keep() -> None:
    assert licence_of_weights(_SET.provenance()) == OWN_LICENCE
    assert licence_of_weights(MULTI30K.provenance()) == "for research, as the data"
    assert licence_of_weights(FSDD.provenance()) == "CC BY-SA 4.0, as the data"
    assert licence_of_weights({}) == OWN_LICENCE, "of one's own data nobody else has terms"


def test_the_text_is_cut_at_nine_tenths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "tinyshakespeare"
    folder.mkdir()
    text = "abcdefghij" * 10
    (folder / "input.txt").write_text(text)
    digest = hashlib.sha256(text.encode()).hexdigest()
    known = DataSet(
        "t", "T", "tinyshakespeare", "GitHub x/y", "MIT", (DataFile("input.txt", digest),)
    )
    monkeypatch.setattr(tinyshakespeare, "TINYSHAKESPEARE", known)
    split = tinyshakespeare.read_tinyshakespeare(tmp_path)
    assert (len(split.train), len(split.validation)) == (90, 10)
    assert split.alphabet == "abcdefghij"


def test_idx_files_are_read_in_their_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "fashion-mnist"
    folder.mkdir()
    pixels = np.arange(3 * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(3, 28, 28)
    files = []
    for part in ("train", "t10k"):
        images = np.array([2051, 3, 28, 28], dtype=">i4").tobytes() + pixels.tobytes()
        labels = np.array([2049, 3], dtype=">i4").tobytes() + bytes([9, 0, 4])
        for kind, content in (("images-idx3", images), ("labels-idx1", labels)):
            packed = gzip.compress(content)
            name = f"{part}-{kind}-ubyte.gz"
            (folder / name).write_bytes(packed)
            files.append(DataFile(name, hashlib.sha256(packed).hexdigest()))
    known = DataSet("f", "F", "fashion-mnist", "GitHub x/y", "MIT", tuple(files))
    monkeypatch.setattr(fashion_mnist, "FASHION_MNIST", known)
    train, test = fashion_mnist.read_fashion_mnist(tmp_path)
    assert np.array_equal(train.pixels, pixels)
    assert test.labels.tolist() == [9, 0, 4]
