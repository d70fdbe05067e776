"""The eyes of the indexing worker: pictures become vectors, in what time is left."""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from webapp.looks.operations import fill_looks, has_unseen
from webapp.looks.sentences import SentenceSpace, UnableToLook, sentence_space

if TYPE_CHECKING:
    from genmodels.alignment.loading import AlignedSpace

logger = logging.getLogger(__name__)

#: Larger pictures, which only models of others make, would take a worker's memory.
_MOST_PIXELS = 50_000_000


class Eyes:
    """Sees pictures for a turn at a time; keeps its network, and says once why it has none."""

    def __init__(self) -> None:
        self._network: AlignedSpace | None = None
        self._said = ""

    def take_turn(self, *, seconds: float, go_on: Callable[[], bool]) -> bool:
        """Look at pictures that were not seen yet; returns whether more are left.

        `go_on` is asked between batches. Without a network nothing is done.
        """
        try:
            space = sentence_space()
            if not go_on() or not has_unseen(space=space):
                return False
            until = time.monotonic() + seconds
            network = self._load(space)
            while go_on() and time.monotonic() < until:
                if not fill_looks(space=space, see=lambda contents: see(network, contents)):
                    return False
        except (UnableToLook, OSError) as error:
            if str(error) != self._said:
                self._said = str(error)
                logger.warning("pictures are not looked at: %s", error)
            return False
        self._said = ""
        return True

    def _load(self, space: SentenceSpace) -> AlignedSpace:
        """The network of the space. torch comes with it, so only where there is work."""
        if self._network is not None and self._network.card.weights_sha256 == space.weights:
            return self._network
        import torch  # noqa: PLC0415 -- a worker that sees nothing must not carry it

        from genmodels.alignment.loading import load_alignment  # noqa: PLC0415 -- as above
        from genmodels.checkpoint import UnableToLoadCheckpoint  # noqa: PLC0415 -- as above

        torch.set_num_threads(settings.PINAKES_TORCH_THREADS)
        try:
            self._network = load_alignment(settings.PINAKES_ALIGNMENT, embedder=space.embedder)
        except UnableToLoadCheckpoint as error:
            raise UnableToLook(str(error)) from error
        if self._network.card.weights_sha256 != space.weights:
            raise UnableToLook("the network is just being replaced by another")
        return self._network


def see(network: AlignedSpace, contents: Sequence[bytes]) -> list[NDArray[np.float32] | str]:
    """For each file its unit vector, or the reason why it has none; of a clip its first frame."""
    import torch  # noqa: PLC0415 -- as above

    from genmodels.alignment.sources import SIDE  # noqa: PLC0415 -- as above
    from genmodels.pictures.encoding import decode_picture  # noqa: PLC0415 -- as above

    found: list[NDArray[np.float32] | str] = []
    pictures: dict[int, torch.Tensor] = {}
    for place, content in enumerate(contents):
        found.append("it is no picture that can be read")
        try:
            if _num_pixels(content) > _MOST_PIXELS:
                found[place] = f"it has more than {_MOST_PIXELS // 1_000_000} million pixels"
                continue
            pictures[place] = decode_picture(content, side=SIDE, colours=3, ground="white")
        except Exception as error:
            logger.warning("a picture cannot be read: %s", error)
    if pictures:
        vectors = network.embed_pictures(torch.stack(list(pictures.values()))).numpy()
        for place, vector in zip(pictures, vectors, strict=True):
            found[place] = vector
    return found


def _num_pixels(content: bytes) -> int:
    with Image.open(io.BytesIO(content)) as image:
        return image.width * image.height
