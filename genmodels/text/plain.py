"""Plain text: any beginning is folded to known characters and gone on with."""

from __future__ import annotations

from genmodels.text.kinds import Kind
from genmodels.text.outputs import deliver_plain_text
from genmodels.text.vocabulary import Vocabulary


def read_prompt(prompt: str, vocabulary: Vocabulary) -> str:
    """The prompt in what the vocabulary can say."""
    return vocabulary.fold(prompt)


KIND = Kind(
    name="text",
    modality="text",
    media_type="text/plain",
    tasks=("text-generation",),
    read_prompt=read_prompt,
    output=deliver_plain_text,
)
