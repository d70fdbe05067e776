"""Drawing with a TarFlow: back through the blocks, one row of patches at a time.

The keys and values of patches that are there are kept, so that a row costs as much as its own
patches. The last step takes away the noise that the network was trained with, along the gradient
of its own density (arXiv:2412.06329, eq. 8; Tweedie's formula).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from genmodels.families.flow.tarflow import TarFlow, in_order


class Drawing:
    """Pictures of one run on their way, from latents (n, N, P) under sentences (n, S)."""

    def __init__(self, network: TarFlow, latents: torch.Tensor, sentences: torch.Tensor) -> None:
        self._network = network
        self.sentences = sentences
        self.condition = network.condition(sentences)
        self.finished: torch.Tensor | None = None
        self.block = network.config.num_blocks - 1
        self.row = 0
        self._enter_block(latents)

    def _enter_block(self, patches: torch.Tensor) -> None:
        #: What stands at each place in the order of the block: patches before `row`, then latents.
        self.patches = in_order(patches, self.block).clone()
        self.past = self._network.block(self.block).empty_past(len(patches))

    @property
    def place(self) -> tuple[int, int]:
        """Block and row; those at the same place can go on together. (-1, 0) before the end."""
        return self.block, self.row

    @property
    def num_left(self) -> int:
        """Passes that are left."""
        if self.finished is not None:
            return 0
        return (self.block + 1) * self._network.config.num_rows - self.row + 1

    @property
    def pictures(self) -> torch.Tensor:
        """What is there so far (n, C, Y, X): drawn rows among latents, or the end."""
        if self.finished is not None:
            return self.finished
        return self._network.join(in_order(self.patches, max(self.block, 0)))

    def take_row(self, patches: torch.Tensor, past: torch.Tensor) -> None:
        """Go on with these patches and with what they left."""
        self.patches, self.past = patches, past
        self.row += 1
        if self.row == self._network.config.num_rows:
            patches = in_order(patches, self.block)
            self.block, self.row = self.block - 1, 0
            if self.block >= 0:
                self._enter_block(patches)
            else:
                self.patches = patches


@torch.no_grad()
def advance_together(network: TarFlow, drawings: Sequence[Drawing]) -> None:
    """One pass for drawings at the same place."""
    block, row = drawings[0].place
    sizes = [len(each.patches) for each in drawings]
    if block < 0:
        noisy = torch.cat([each.pictures for each in drawings])
        sentences = torch.cat([each.sentences for each in drawings])
        found = denoise(network, noisy, sentences)
        for each, part in zip(drawings, torch.split(found, sizes), strict=True):
            each.finished = part
        return
    patches = torch.cat([each.patches for each in drawings])
    past = torch.cat([each.past for each in drawings])
    condition = torch.cat([each.condition for each in drawings])
    per_row = network.config.num_rows
    for index in range(row * per_row, (row + 1) * per_row):
        before = condition if index == 0 else patches[:, index - 1]
        patches[:, index] = network.block(block).undo_patch(index, patches[:, index], before, past)
    parts = zip(torch.split(patches, sizes), torch.split(past, sizes), strict=True)
    for each, (own_patches, own_past) in zip(drawings, parts, strict=True):
        each.take_row(own_patches.clone(), own_past.clone())


def denoise(network: TarFlow, noisy: torch.Tensor, sentences: torch.Tensor) -> torch.Tensor:
    """The mean of what noisy pictures (n, C, Y, X) came from: y + noise^2 grad log p(y)."""
    # Callers may be in inference mode, whose tensors know no gradients; their clones do.
    with torch.inference_mode(mode=False), torch.enable_grad():
        y = noisy.detach().clone().requires_grad_()
        nats = network(y, sentences.clone())[1].sum()
        (gradient,) = torch.autograd.grad(nats, y)
    return noisy - network.config.noise**2 * gradient
