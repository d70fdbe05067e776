"""Pictures of a checkpoint side by side, to look at."""

from __future__ import annotations

from pathlib import Path

import torch

from genmodels.checkpoint import Checkpoint
from genmodels.embedding import Embedder
from genmodels.families.hybrid.guidance import paint
from genmodels.families.hybrid.latent_course import GUIDANCE, SAMPLER, STEPS
from genmodels.families.hybrid.painter import Painter, restore_network
from genmodels.families.hybrid.prompts import PromptBank, find_token_embedder
from genmodels.families.hybrid.vaegan_course import reconstruct
from genmodels.pictures.encoding import lay_out
from genmodels.randomness import seeded
from genmodels.scenes.drawing import as_network_sees
from genmodels.scenes.pool import SEEN, UNSEEN, draw_part, make_part

_COLUMNS = 10


def draw_sheet(
    checkpoint: Checkpoint,
    *,
    rows: int,
    seed: int,
    embedder: Embedder | None,
    data: Path | None,
) -> torch.Tensor:
    """A sheet (C, Y, X): the first captions of the seen part, then of the unseen one.

    A column is a caption, and its rows are other noise. Of an autoencoder, every second row is
    what it makes of the row above.
    """
    del data  # scenes are drawn by rule
    network = restore_network(checkpoint).eval()
    if not isinstance(network, Painter):
        scenes = make_part(SEEN, _COLUMNS) + make_part(UNSEEN, _COLUMNS)
        pictures = as_network_sees(draw_part(scenes))
        shown = reconstruct(network, pictures)
        pairs = zip(pictures.split(_COLUMNS), shown.split(_COLUMNS), strict=True)  # type: ignore[no-untyped-call]
        return lay_out(torch.cat([row for pair in pairs for row in pair]), columns=_COLUMNS)
    parts = make_part(SEEN, _COLUMNS // 2) + make_part(UNSEEN, _COLUMNS // 2)
    captions = PromptBank(find_token_embedder(embedder), [each.caption for each in parts])
    drawn = paint(
        network,
        captions.take(torch.arange(_COLUMNS).repeat(rows)),
        seeded(seed),
        sampler=SAMPLER,
        steps=STEPS,
        guidance=GUIDANCE,
    )
    return lay_out(drawn, columns=_COLUMNS)
