"""Sums that do not depend on their order, and what they are worth against float64."""

from __future__ import annotations

import math

import pytest
import torch

from genmodels.nn.exact import (
    ATTENTION_BITS,
    UNIT_BITS,
    ExactLinear,
    exact_attention,
    spare_bits,
    to_grid,
    unit_rows,
)
from genmodels.randomness import seeded


def _normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("bits", [0, 7, 20, 30])
def test_rounding_to_a_grid_gives_the_nearest_multiple(bits: int) -> None:
    x = _normal(1000) * 100
    rounded = to_grid(x, bits)
    assert torch.equal(rounded, torch.round(x * 2**bits) / 2**bits)


@pytest.mark.parametrize("width", [3, 64, 193, 512])
def test_a_linear_layer_does_not_depend_on_the_order_of_its_sum(width: int) -> None:
    weight = _normal(17, width, seed=1)
    layer = ExactLinear(weight, norm=1.0)
    x = unit_rows(_normal(9, width), layer.bits)
    order = torch.randperm(width, generator=seeded(3))
    shuffled = ExactLinear(weight[:, order], norm=1.0)
    one_by_one = torch.zeros(9, 17, dtype=torch.float64)
    for column in order.tolist():
        one_by_one += x[:, column, None] * layer.weight[:, column]
    assert torch.equal(layer(x), shuffled(x[:, order]))
    assert torch.equal(layer(x), one_by_one)
    assert torch.allclose(layer(x), x @ weight.T, atol=1e-5)


def test_a_plain_product_does_depend_on_it() -> None:
    """Otherwise the tests here could not fail."""
    weight, x = _normal(17, 512, seed=1), _normal(9, 512)
    order = torch.randperm(512, generator=seeded(3))
    assert not torch.equal(x @ weight.T, x[:, order] @ weight[:, order].T)


def test_a_row_is_the_same_in_every_batch_at_every_place() -> None:
    layer = ExactLinear(_normal(48, 96, seed=2), norm=1.0)
    rows = _normal(64, 96)
    together = layer(unit_rows(rows, layer.bits))
    for size in (1, 2, 3, 5, 8, 16, 33):
        for start in range(0, 64 - size, 7):
            part = layer(unit_rows(rows[start : start + size], layer.bits))
            assert torch.equal(part, together[start : start + size])


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_unit_rows_have_length_one_at_every_scale(scale: float) -> None:
    rows = unit_rows(_normal(50, 192) * scale, 26)
    lengths = torch.linalg.vector_norm(rows, dim=-1)
    assert torch.allclose(lengths, torch.ones_like(lengths), atol=1e-5)


def test_attention_ignores_what_a_mask_hides_and_padding_to_the_bit() -> None:
    query = unit_rows(_normal(2, 1, 8, seed=1), UNIT_BITS)
    key = unit_rows(_normal(2, 40, 8, seed=2), UNIT_BITS)
    value = to_grid(_normal(2, 40, 8, seed=3), 17)
    mask = torch.zeros(1, 40, dtype=torch.float64)
    mask[:, 13:] = -math.inf
    padded = exact_attention(query, key.mT, value, scale=math.sqrt(8), mask=mask)
    plain = exact_attention(query, key[:, :13].mT, value[:, :13], scale=math.sqrt(8), mask=None)
    assert torch.equal(padded, plain)
    weights = torch.softmax(query @ key[:, :13].mT * math.sqrt(8), dim=-1)
    assert torch.allclose(plain, weights @ value[:, :13], atol=1e-5)


def test_weights_that_leave_no_room_are_refused() -> None:
    assert spare_bits(taken=ATTENTION_BITS, reach=1.9) == 29
    with pytest.raises(ValueError, match="leave"):
        ExactLinear(_normal(2, 4) * 1e9, norm=1.0)
