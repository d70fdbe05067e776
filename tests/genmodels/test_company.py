"""Layers whose rows do not depend on what else is in the batch."""

from __future__ import annotations

import pytest
import torch

from genmodels.nn.company import PointwiseConv, RowwiseLinear, is_indifferent_to_company
from genmodels.randomness import seeded


@torch.inference_mode()
@pytest.mark.parametrize("layer", [RowwiseLinear(48, 40), PointwiseConv(48, 40)])
def test_layers_of_few_rows_are_indifferent_to_company(
    layer: RowwiseLinear | PointwiseConv,
) -> None:
    shape = (40, 48) if isinstance(layer, RowwiseLinear) else (40, 48, 7, 7)
    x = torch.randn(shape, generator=seeded(3))
    together = layer(x)
    for size in (1, 2, 3, 8, 17, 33):
        assert torch.equal(layer(x[:size]), together[:size])
    plain = torch.nn.functional.linear if isinstance(layer, RowwiseLinear) else torch.conv2d
    assert torch.allclose(together, plain(x, layer.weight, layer.bias), atol=1e-5)


def test_the_trial_tells_rows_that_depend_on_their_company() -> None:
    x = torch.randn(8, 3, generator=seeded(0))
    assert is_indifferent_to_company(lambda rows: 2 * x[rows], rows=8)
    assert not is_indifferent_to_company(lambda rows: x[rows] + 1e-6 * len(x[rows]), rows=8)
