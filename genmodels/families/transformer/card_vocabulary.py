"""The byte pairs that a card keeps."""

from __future__ import annotations

from genmodels.checkpoint import UnableToLoadCheckpoint
from genmodels.contract import Card
from genmodels.text.byte_pairs import BytePairs, read_byte_pairs


def read_card_vocabulary(card: Card, *, size: int) -> BytePairs:
    """The vocabulary of a card, for so many tokens; raises UnableToLoadCheckpoint."""
    try:
        vocabulary = read_byte_pairs(card.config)
    except ValueError as error:
        raise UnableToLoadCheckpoint(f"the config of {card.slug}: {error}") from error
    if vocabulary.size != size:
        raise UnableToLoadCheckpoint(
            f"the config of {card.slug} has {vocabulary.size} byte pairs for {size} tokens"
        )
    return vocabulary
