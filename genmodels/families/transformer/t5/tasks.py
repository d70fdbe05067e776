"""What a prompt asks for: its task, the text behind it, and what becomes of the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from genmodels.contract import Fault, InvalidRequest, Parameter
from genmodels.families.transformer.t5.examples import RESTORE
from genmodels.families.transformer.t5.gaps import encode_gaps, fill_gaps
from genmodels.text.blanks import count_blanks
from genmodels.text.byte_pairs import END, NUM_GAPS, BytePairs


@dataclass(frozen=True)
class Assignment:
    """A prompt as it is understood: `source` is what the encoder reads, `text` what it says."""

    task: str
    text: str
    source: tuple[int, ...]

    def answer(self, written: Sequence[int], vocabulary: BytePairs) -> str:
        """The text of what was written; a text with gaps comes back with the gaps filled."""
        if self.task == RESTORE:
            return fill_gaps(self.text, written, vocabulary)
        return vocabulary.decode(written)


def task_knob(tasks: Sequence[str]) -> Parameter:
    """Which task a prompt is for where it does not say so itself."""
    return Parameter(
        name="task",
        kind="choice",
        default=tasks[0],
        choices=tuple(tasks),
        label="Task",
        help="What to do with the text. A task that stands before the text, with a colon, wins.",
        essential=True,
    )


def understand(
    prompt: str,
    *,
    task: str,
    tasks: Sequence[str],
    cuts: Sequence[str],
    vocabulary: BytePairs,
    longest: int,
) -> Assignment:
    """Read a prompt; raises InvalidRequest for one that is empty, too long or lacks its gaps.

    A text of one of the tasks `cuts` loses what is beyond `longest` tokens.
    """
    text = prompt.strip()
    for name in tasks:
        found = re.match(re.escape(name) + r"\s*:", text, flags=re.IGNORECASE)
        if found:
            task, text = name, text[found.end() :]
            break
    text = vocabulary.fold(text)
    if not text:
        raise _refusal("required", "has a task and no text")
    if task == RESTORE:
        blanks = count_blanks(text)
        if not 1 <= blanks <= NUM_GAPS:
            raise _refusal(
                "gaps", f"has {blanks} gaps; write 1 to {NUM_GAPS} of them as ___ to be filled"
            )
        pieces = encode_gaps(text, vocabulary)
    else:
        pieces = vocabulary.encode(text)
    if task in cuts and len(pieces) >= longest:
        pieces = pieces[: longest - 1]
        text = vocabulary.decode(pieces)
    if len(pieces) >= longest:
        raise _refusal(
            "too_long", f"has {len(pieces)} word pieces; {longest - 1} are the most for {task!r}"
        )
    return Assignment(task=task, text=text, source=(vocabulary.mark(task), *pieces))


def writable(task: str, vocabulary: BytePairs) -> torch.Tensor:
    """Mask (V,) of the tokens that an answer may hold: pieces, the end, and gaps to restore."""
    mask = torch.tensor([vocabulary.is_piece(token) for token in range(vocabulary.size)])
    mask[END] = True
    if task == RESTORE:
        mask[[vocabulary.gap(number) for number in range(NUM_GAPS)]] = True
    return mask


def _refusal(code: str, detail: str) -> InvalidRequest:
    return InvalidRequest([Fault("/prompt", code, detail)])
