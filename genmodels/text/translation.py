"""How near texts come to what a person wrote: BLEU and chrF by sacreBLEU, ROUGE-L by hand.

sacreBLEU (Post 2018, arXiv:1804.08771) prints a signature that says how texts were tokenised, so
that figures of different papers can be compared or told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF


@dataclass(frozen=True)
class TextScore:
    """A figure and the signature of the protocol that gave it."""

    value: float
    signature: str


def bleu(hypotheses: Sequence[str], references: Sequence[str], *, cased: bool) -> TextScore:
    """BLEU of a corpus, 0 to 100, after the tokenisation 13a of WMT.

    Without case it is what papers on small corpora call tokenised BLEU, whose texts are lower-case
    tokens from the start.
    """
    metric = BLEU(lowercase=not cased, tokenize="13a")
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return TextScore(round(value, 2), str(metric.get_signature()))


def chrf(hypotheses: Sequence[str], references: Sequence[str]) -> TextScore:
    """F-score of character n-grams (Popovic 2015), 0 to 100."""
    metric = CHRF()
    value = metric.corpus_score(list(hypotheses), [list(references)]).score
    return TextScore(round(value, 2), str(metric.get_signature()))


def rouge_l(hypotheses: Sequence[str], references: Sequence[str]) -> float:
    """Mean F1 of the longest common subsequence of lower-cased words (Lin 2004), 0 to 100."""
    scores = []
    for hypothesis, reference in zip(hypotheses, references, strict=True):
        said, meant = hypothesis.lower().split(), reference.lower().split()
        common = _longest_common(said, meant)
        scores.append(2 * common / (len(said) + len(meant)) if common else 0.0)
    return round(100 * sum(scores) / len(scores), 2)


def _longest_common(left: Sequence[str], right: Sequence[str]) -> int:
    row = [0] * (len(right) + 1)
    for word in left:
        diagonal = 0
        for place, other in enumerate(right, start=1):
            above = row[place]
            row[place] = diagonal + 1 if word == other else max(above, row[place - 1])
            diagonal = above
    return row[-1]
