"""Records side by side: those of about one length, filled up to the longest."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn.utils.rnn import pad_sequence

from genmodels.text.corpus import Corpus
from genmodels.text.objective import FILLER

#: Batches are drawn from stretches of so many batches of records in the order of their lengths:
#: the longer, the more alike are batches; the shorter, the less is filled up.
_STRETCH = 8


class RecordBatches:
    """The records of a part of a corpus, as rows that begin and end with the end token.

    A record longer than `context` tokens is cut into rows of which each begins where the one
    before it ended.
    """

    def __init__(self, corpus: Corpus, texts: Sequence[str], *, context: int) -> None:
        end = corpus.vocabulary.end
        assert end is not None, "records have ends"
        rows = []
        for text in texts:
            tokens = torch.tensor([end, *corpus.vocabulary.encode(text), end])
            rows += [
                tokens[start : start + context + 1] for start in range(0, len(tokens) - 1, context)
            ]
        self._rows = sorted(rows, key=len)

    def draw(self, *, num_rows: int, random: torch.Generator) -> torch.Tensor:
        """(num_rows, T + 1) of about one length, with fillers behind the shorter ones."""
        width = min(len(self._rows), _STRETCH * num_rows)
        start = int(torch.randint(len(self._rows) - width + 1, (1,), generator=random))
        chosen = torch.randint(width, (num_rows,), generator=random).tolist()
        return _fill([self._rows[start + place] for place in chosen])

    def all(self, *, num_rows: int = 64) -> list[torch.Tensor]:
        """Every row once, in batches of at most `num_rows`."""
        return [
            _fill(self._rows[start : start + num_rows])
            for start in range(0, len(self._rows), num_rows)
        ]


def _fill(rows: Sequence[torch.Tensor]) -> torch.Tensor:
    return pad_sequence(list(rows), batch_first=True, padding_value=FILLER)
