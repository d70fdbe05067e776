"""A person's own text file is a corpus, or is refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from genmodels.__main__ import main
from genmodels.checkpoint import read_card
from genmodels.data.location import UnableToFindData
from genmodels.text.corpora import open_own_corpus

_LINE = "Die Katze, die naß wurde, schläft.\r\n"


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = tmp_path / "Meine Katze.txt"
    path.write_bytes(b"\xef\xbb\xbf" + (_LINE * 100).encode())
    return path


def test_the_beginning_trains_and_the_end_validates(own: Path) -> None:
    corpus = open_own_corpus(own)
    [train], [validation] = corpus.train, corpus.validation
    assert train + validation == _LINE.replace("\r\n", "\n") * 100
    assert len(train) == int(0.9 * len(train + validation))
    assert corpus.vocabulary.decode(corpus.encode(corpus.train).tolist()) == train
    assert corpus.name == "Meine Katze"
    assert corpus.provenance["sha256"].keys() == {"Meine Katze.txt"}
    assert corpus.example_prompts == ("Die Katze, die naß wurde,",)


def test_it_trains_by_the_same_command(own: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = ["train", "lstm-shakespeare", "--own", str(own), "--out", str(out)]
    assert main([*command, "--steps", "1", "--precision", "float32"]) == 0
    card = read_card(out)
    assert card.slug == "lstm-meine-katze"
    assert card.name == "LSTM, Meine Katze"
    assert card.data["source"] == "own text"
    assert card.config["characters"] == "".join(sorted(set(_LINE) - {"\r"}))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"short", "5 characters; 2000 are the least"),
        ("a.txt", b"\xff\xfe" * 2000, "no UTF-8 text"),
        ("a.txt", b"ab\x00" * 2000, "NUL"),
        ("a.pdf", b"%PDF", "end with .txt"),
    ],
)
def test_what_is_no_text_is_explained(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnableToFindData, match=message):
        open_own_corpus(tmp_path / name)


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    with pytest.raises(UnableToFindData, match="cannot be read"):
        open_own_corpus(tmp_path / "none.txt")
