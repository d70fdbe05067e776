"""What the card of a language model says about the texts it writes."""

from __future__ import annotations

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card
from genmodels.text.kinds import Kind, find_kind
from genmodels.text.vocabulary import Vocabulary, read_vocabulary


def read_language(card: Card, *, size: int) -> tuple[Kind, Vocabulary]:
    """Kind and vocabulary of a network for `size` tokens; raises UnableToLoadCheckpoint."""
    try:
        # The first cards were written when there was plain text only.
        kind = find_kind(str(card.config.get("kind", "text")))
        vocabulary = read_vocabulary(card.config)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"the config of {card.slug}: {error}") from error
    if vocabulary.size != size:
        raise UnableToLoadCheckpoint(
            f"the config of {card.slug} has {vocabulary.size} {vocabulary.unit}s for {size} tokens"
        )
    return kind, vocabulary
