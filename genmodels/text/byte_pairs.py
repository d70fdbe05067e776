"""Byte-level pieces: any text as tokens of a few letters each, learned from the data.

Byte-pair encoding (Sennrich et al. 2016, arXiv:1508.07909) over the bytes of UTF-8 (Radford et al.
2019): the pair of neighbours that occurs most often becomes a token, again and again. Since every
byte is a token, there is no text that has none.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tokenizers import Tokenizer
from tokenizers.decoders import ByteLevel as ByteDecoder
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel
from tokenizers.trainers import BpeTrainer

#: Tokens that stand for no text. PAD fills up rows, END closes a text, MASK hides a piece, GAP_n
#: is the n-th gap of a text whose parts are missing.
PAD, END, MASK = 0, 1, 2
NUM_GAPS = 8
_FIRST_GAP = 3
_NUM_SPECIALS = _FIRST_GAP + NUM_GAPS

#: Marks for what a network will only be told when it is trained on.
SPARE_MARKS = tuple(f"spare {number}" for number in range(1, 9))

#: How the tokenizer writes the byte of a space.
_SPACE = "Ġ"

_KIND = "byte pairs"


class BytePairs:
    """Marks, then the 256 bytes, then the learned pairs in the order in which they were learned.

    `marks` are phrases of one token each that only `mark` gives, such as the name of a task; the
    text of a person never becomes one.
    """

    def __init__(self, merges: Sequence[tuple[str, str]], marks: Sequence[str] = ()) -> None:
        self.marks = tuple(marks)
        self.merges = tuple(merges)
        self._first_piece = _NUM_SPECIALS + len(self.marks)
        # Two ways to join the same letters are two merges and one piece.
        joined = ("".join(pair) for pair in self.merges)
        pieces = list(dict.fromkeys((*sorted(ByteLevel.alphabet()), *joined)))
        table = {piece: index for index, piece in enumerate(pieces)}
        self._pieces = tuple(pieces)
        self._tokenizer = Tokenizer(BPE(vocab=table, merges=list(self.merges)))
        self._tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=True)
        self._tokenizer.decoder = ByteDecoder()
        self.size = self._first_piece + len(pieces)

    def mark(self, phrase: str) -> int:
        """The token of a mark; ValueError for a phrase that is none."""
        return _NUM_SPECIALS + self.marks.index(phrase)

    def with_marks(self, phrases: Sequence[str]) -> BytePairs:
        """The same pieces with these phrases among the marks, new ones in place of spare ones.

        Raises ValueError where there are more new ones than spare ones.
        """
        marks = list(self.marks)
        for phrase in phrases:
            if phrase in marks:
                continue
            spare = next((mark for mark in marks if mark in SPARE_MARKS), None)
            if spare is None:
                raise ValueError(f"there is no mark left for {phrase!r}")
            marks[marks.index(spare)] = phrase
        return BytePairs(self.merges, marks)

    @staticmethod
    def gap(number: int) -> int:
        """The token of the gap of this number, from 0 to NUM_GAPS - 1."""
        assert 0 <= number < NUM_GAPS, "callers count their gaps"
        return _FIRST_GAP + number

    def encode(self, text: str) -> list[int]:
        """The pieces of a text; none of them is special."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        return [self._first_piece + index for index in encoding.ids]

    def encode_many(self, texts: Sequence[str]) -> dict[str, list[int]]:
        """The pieces of each text, in a fraction of the time that one by one would take."""
        unique = list(dict.fromkeys(texts))
        encodings = self._tokenizer.encode_batch_fast(unique, add_special_tokens=False)
        return {
            text: [self._first_piece + index for index in encoding.ids]
            for text, encoding in zip(unique, encodings, strict=True)
        }

    def decode(self, tokens: Iterable[int]) -> str:
        """The text of tokens; special ones say nothing. Broken characters become replacements."""
        pieces = [token - self._first_piece for token in tokens if self.is_piece(token)]
        return str(self._tokenizer.decode(pieces)).removeprefix(" ")

    def is_piece(self, token: int) -> bool:
        """Whether a token stands for text."""
        return token >= self._first_piece

    def starts_word(self, token: int) -> bool:
        """Whether a token is a piece that begins with a space."""
        return self.is_piece(token) and self._pieces[token - self._first_piece][0] == _SPACE

    def is_whole_word(self, token: int) -> bool:
        """Whether a token is a space and at least one letter or figure, and can be a word."""
        return self.starts_word(token) and self.decode([token]).isalnum()

    def fold(self, text: str) -> str:
        """The text as it is read: composed characters, one space where several stood."""
        return " ".join(unicodedata.normalize("NFC", text).split())

    def to_config(self) -> dict[str, Any]:
        """What a card keeps; `read_byte_pairs` makes the same vocabulary of it."""
        return {
            "vocabulary": _KIND,
            "marks": list(self.marks),
            "merges": "\n".join(" ".join(pair) for pair in self.merges),
        }


def learn_byte_pairs(texts: Iterable[str], *, size: int, marks: Sequence[str] = ()) -> BytePairs:
    """A vocabulary of at most `size` tokens, marks and special tokens among them.

    Pairs that occur only once are not joined, so that little text gives a smaller vocabulary.
    """
    tokenizer = Tokenizer(BPE())
    tokenizer.pre_tokenizer = ByteLevel(add_prefix_space=True)
    trainer = BpeTrainer(
        vocab_size=size - _NUM_SPECIALS - len(marks),
        min_frequency=2,
        initial_alphabet=ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    learned = _merges_of(tokenizer)
    return BytePairs(learned, marks)


def _merges_of(tokenizer: Tokenizer) -> list[tuple[str, str]]:
    return [(left, right) for left, right in json.loads(tokenizer.to_str())["model"]["merges"]]


def read_byte_pairs(config: Mapping[str, Any]) -> BytePairs:
    """The vocabulary of a card's config; ValueError where it holds none."""
    merges, marks = config.get("merges"), config.get("marks")
    if config.get("vocabulary") != _KIND or not isinstance(merges, str):
        raise ValueError("the config holds no byte pairs")
    if not isinstance(marks, list | tuple) or not all(isinstance(each, str) for each in marks):
        raise ValueError("the marks of the config are no list of phrases")
    pairs = []
    for line in merges.split("\n") if merges else ():
        left, separator, right = line.partition(" ")
        if not separator:
            raise ValueError(f"the merge {line!r} is no pair")
        pairs.append((left, right))
    return BytePairs(pairs, tuple(marks))
