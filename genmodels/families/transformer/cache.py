"""Keys and values of the texts that are being written, in slots of one block of memory.

A slot only saves work: a text that lost its slot is read again and, since the arithmetic is exact,
goes on with the same bits. So slots need no promise about who still lives; whoever waited longest
gives way.
"""

from __future__ import annotations

import weakref

import torch

from genmodels.families.transformer.network import TransformerConfig


class SlotOwner:
    """Whoever keeps a text in a slot: at position 0 of the slot is token `start` of the text."""

    def __init__(self) -> None:
        self.slot = -1
        self.start = 0
        self.length = 0


class SlotCache:
    """Room for `num_slots` texts of at most `context` tokens.

    `keys` is (layers, slots, H, D, context) and `values` (layers, slots, H, context, D), float64.
    Both start as zeros: what lies behind the end of a text is masked, but must be a number.
    """

    def __init__(self, config: TransformerConfig, num_slots: int, device: torch.device) -> None:
        layers, heads = config.num_layers, config.num_heads
        width, context = config.head_width, config.context
        self.keys = torch.zeros(
            layers, num_slots, heads, width, context, dtype=torch.float64, device=device
        )
        self.values = torch.zeros(
            layers, num_slots, heads, context, width, dtype=torch.float64, device=device
        )
        self.context = context
        self.num_slots = num_slots
        self._owners: list[weakref.ref[SlotOwner] | None] = [None] * num_slots
        self._used_at = [0] * num_slots
        self._clock = 0

    def claim(self, owners: list[SlotOwner]) -> None:
        """Give each of these, at most as many as slots, a slot; those that had one keep it.

        An owner that had none, or lost it, starts with length 0.
        """
        assert len(owners) <= len(self._owners), "a pass holds no more runs than slots"
        self._clock += 1
        newcomers = []
        for owner in owners:
            if owner.slot >= 0 and self._owner_of(owner.slot) is owner:
                self._used_at[owner.slot] = self._clock
            else:
                newcomers.append(owner)
        for owner in newcomers:
            # Free slots first and low ones first, so that the slots in use lie close together.
            slot = min(
                range(len(self._owners)),
                key=lambda slot: (
                    self._used_at[slot] if self._owner_of(slot) is not None else 0,
                    slot,
                ),
            )
            self._owners[slot] = weakref.ref(owner)
            self._used_at[slot] = self._clock
            owner.slot, owner.length = slot, 0

    def release(self, owner: SlotOwner) -> None:
        """Leave the slot to others; nothing happens where it is lost already."""
        if owner.slot >= 0 and self._owner_of(owner.slot) is owner:
            self._owners[owner.slot] = None
        owner.slot = -1

    def _owner_of(self, slot: int) -> SlotOwner | None:
        reference = self._owners[slot]
        return reference() if reference is not None else None
