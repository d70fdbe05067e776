"""The sentence encoder as an ONNX graph, written by hand: exact, or mostly in eight bits.

The encoder is six plain BERT layers (Devlin et al. 2019, section 3). In eight bits its dense
layers take a third of the time. Rounding everything alike would cost 1 to 4 % of nDCG@10, so two
kinds of channels are treated apart:

- A channel after a layer norm that is always large would make the steps too coarse for all the
  others. Channels are divided by a factor first, which the weights take up again (Xiao et al.
  2023, "SmoothQuant", equation 4).
- A few inner channels of each feed-forward part reach 90 times the usual size. They are computed
  beside the others, exactly (Dettmers et al. 2022, "LLM.int8()", section 3.1).

All steps are fixed beforehand, never taken from the texts at hand: a text's vector cannot depend
on the company it is computed in.

Shapes: N texts, L tokens, D width (384), H heads (12), I input and O output channels of a layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Weights = Mapping[str, NDArray[np.float32]]

WIDTH = 384
NUM_LAYERS = 6
_NUM_HEADS = 12
_EPSILON = 1e-12
_OPSET = 20
_RUNTIME_DOMAIN = "com.microsoft"

#: Inner channels of each feed-forward part that stay exact: 4 % of them.
_NUM_EXACT_CHANNELS = 64

#: How much of a channel's size the weights take up: nothing at 0, all of it at 1.
_MIGRATION = 0.7


@dataclass(frozen=True)
class ChannelRanges:
    """The smallest and largest value of each input channel, seen in ordinary texts; both (I,)."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]

    @property
    def size(self) -> NDArray[np.float32]:
        """How far each channel gets from 0."""
        return np.maximum(np.abs(self.low), np.abs(self.high))


#: By the name of the dense layer; layers that share an input stand under the first one's name.
Ranges = Mapping[str, ChannelRanges]


def build_encoder(weights: Weights, ranges: Ranges | None) -> onnx.ModelProto:
    """The graph from summed word vectors (N, L, D) and mask (N, L) to unit vectors (N, D).

    Its second output, `tokens` (N, L, D), is what the last layer says of each token.

    Without ranges it is exact, as measuring them needs it.
    """
    return _GraphBuilder(weights, ranges).build()


def dense_inputs() -> dict[str, str]:
    """The name under which a dense input's ranges are kept, to its name in the exact graph."""
    return {
        name: f"{name}.input"
        for layer in range(NUM_LAYERS)
        for name in (
            f"encoder.layer.{layer}.attention.self.query",
            f"encoder.layer.{layer}.attention.output.dense",
            f"encoder.layer.{layer}.intermediate.dense",
            f"encoder.layer.{layer}.output.dense",
        )
    }


class _GraphBuilder:
    """Collects nodes and constants; each method appends a piece and returns its output's name."""

    def __init__(self, weights: Weights, ranges: Ranges | None) -> None:
        self._weights = weights
        self._ranges = ranges
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.ModelProto:
        self._node("Cast", "mask", output="mask_of_integers", to=TensorProto.INT32)
        least = self._node("ReduceMin", "mask", keepdims=0)
        self._node("Less", least, self._constant("half", np.float32(0.5)), output="is_padded")
        hidden = self._layer_norm("words", "embeddings.LayerNorm")
        for layer in range(NUM_LAYERS):
            hidden = self._layer(hidden, f"encoder.layer.{layer}")
        self._pool(hidden)
        self._node("Identity", hidden, output="tokens")
        graph = helper.make_graph(
            self._nodes,
            "sentence_encoder",
            [
                helper.make_tensor_value_info("words", TensorProto.FLOAT, ["N", "L", WIDTH]),
                helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", "L"]),
            ],
            [
                helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", WIDTH]),
                helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["N", "L", WIDTH]),
            ],
            initializer=list(self._constants.values()),
        )
        return helper.make_model(
            graph,
            opset_imports=[
                helper.make_opsetid("", _OPSET),
                helper.make_opsetid(_RUNTIME_DOMAIN, 1),
            ],
            # The newest version of the file format that the oldest supported runtime reads.
            ir_version=10,
            producer_name="pinakes",
        )

    def _layer(self, hidden: str, name: str) -> str:
        own = f"{name}.attention.self"
        names = [f"{own}.query", f"{own}.key", f"{own}.value"]
        query, key, value = self._dense(hidden, names)
        mixed = self._attention(query, key, value, name)
        [attended] = self._dense(mixed, [f"{name}.attention.output.dense"])
        # Added before the layer norm, not within: the runtime's fused operator is three times
        # slower than the two.
        hidden = self._layer_norm(
            self._node("Add", hidden, attended), f"{name}.attention.output.LayerNorm"
        )
        outer = self._feed_forward(hidden, name)
        return self._layer_norm(self._node("Add", hidden, outer), f"{name}.output.LayerNorm")

    def _attention(self, query: str, key: str, value: str, name: str) -> str:
        """Without padding there is no mask, and the runtime has a path that is a third faster."""

        def branch(suffix: str, inputs: Sequence[str]) -> onnx.GraphProto:
            output = f"{name}.attention.{suffix}"
            node = helper.make_node(
                "MultiHeadAttention",
                [query, key, value, *inputs],
                [output],
                domain=_RUNTIME_DOMAIN,
                num_heads=_NUM_HEADS,
            )
            shape = helper.make_tensor_value_info(output, TensorProto.FLOAT, ["N", "L", WIDTH])
            return helper.make_graph([node], suffix, [], [shape])

        return self._node(
            "If",
            "is_padded",
            then_branch=branch("padded", ["", "mask_of_integers"]),
            else_branch=branch("unpadded", []),
        )

    def _feed_forward(self, hidden: str, name: str) -> str:
        first, second = f"{name}.intermediate.dense", f"{name}.output.dense"
        if self._ranges is None:
            [inner] = self._dense(hidden, [first])
            return self._dense(self._node("Gelu", inner), [second])[0]
        exact, others = _split_channels(self._ranges[second])
        [inner] = self._dense(hidden, [first], outputs=others)
        [outer] = self._dense(self._node("Gelu", inner), [second], inputs=others)
        loud = self._exact_dense(
            hidden,
            f"{first}.exact",
            self._weights[f"{first}.weight"].T[:, exact],
            self._weights[f"{first}.bias"][exact],
        )
        weight = self._constant(
            f"{second}.exact.weight", self._weights[f"{second}.weight"].T[exact]
        )
        loud = self._node("MatMul", self._node("Gelu", loud), weight)
        return self._node("Add", outer, loud)

    def _dense(
        self,
        hidden: str,
        names: Sequence[str],
        *,
        inputs: NDArray[np.int64] | None = None,
        outputs: NDArray[np.int64] | None = None,
    ) -> list[str]:
        """The dense layers that share an input, reduced to some of their channels where told."""
        weights = [self._weights[f"{name}.weight"].T for name in names]
        biases = [self._weights[f"{name}.bias"] for name in names]
        if self._ranges is None:
            # The name by which the input's range is measured.
            shared = self._node("Identity", hidden, output=f"{names[0]}.input")
            return [
                self._exact_dense(shared, *layer)
                for layer in zip(names, weights, biases, strict=True)
            ]
        ranges = self._ranges[names[0]]
        low_I, high_I = ranges.low, ranges.high
        if inputs is not None:
            weights = [weight[inputs] for weight in weights]
            low_I, high_I = low_I[inputs], high_I[inputs]
        if outputs is not None:
            weights = [weight[:, outputs] for weight in weights]
            biases = [bias[outputs] for bias in biases]
        if _follows_layer_norm(names[0]):
            divisor_I = _divisor(ranges, weights)
            factor = self._constant(f"{names[0]}.factor", 1 / divisor_I)
            hidden = self._node("Mul", hidden, factor)
            weights = [weight * divisor_I[:, None] for weight in weights]
            low_I, high_I = low_I / divisor_I, high_I / divisor_I
        low = min(0.0, float(low_I.min()))
        high = max(0.0, float(high_I.max()))
        scale = self._constant(f"{names[0]}.step", np.float32((high - low) / 255))
        zero = self._constant(f"{names[0]}.zero", np.uint8(round(-low / (high - low) * 255)))
        steps = self._node("QuantizeLinear", hidden, scale, zero)
        return [
            self._rounded_dense((steps, scale, zero), *layer)
            for layer in zip(names, weights, biases, strict=True)
        ]

    def _exact_dense(
        self, hidden: str, name: str, weight_IO: NDArray[np.float32], bias_O: NDArray[np.float32]
    ) -> str:
        product = self._node("MatMul", hidden, self._constant(f"{name}.weight", weight_IO))
        return self._node("Add", product, self._constant(f"{name}.bias", bias_O))

    def _rounded_dense(
        self,
        rounded: tuple[str, str, str],
        name: str,
        weight_IO: NDArray[np.float32],
        bias_O: NDArray[np.float32],
    ) -> str:
        """`rounded` names the steps of the input, the size of one, and the step that means 0."""
        steps, scale, zero = rounded
        scale_O = (np.abs(weight_IO).max(axis=0) / 127).astype(np.float32)
        rounded_IO = np.rint(weight_IO / scale_O).astype(np.int8)
        return self._node(
            "MatMulIntegerToFloat",
            steps,
            self._constant(f"{name}.weight", rounded_IO),
            scale,
            self._constant(f"{name}.weight_step", scale_O),
            zero,
            "",
            self._constant(f"{name}.bias", bias_O),
            domain=_RUNTIME_DOMAIN,
        )

    def _pool(self, hidden: str) -> None:
        """Mean over the tokens that are not padding, then length 1."""
        self._constant("axis_1", np.array([1], dtype=np.int64))
        # The length is normalised away, so the sum need not be divided by the number of tokens.
        total = self._node("MatMul", self._node("Unsqueeze", "mask", "axis_1"), hidden)
        flat = self._node("Squeeze", total, "axis_1")
        self._nodes.append(helper.make_node("LpNormalization", [flat], ["vectors"], axis=-1, p=2))

    def _layer_norm(self, hidden: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self._weights[f"{name}.weight"])
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._node("LayerNormalization", hidden, weight, bias, axis=-1, epsilon=_EPSILON)

    def _node(
        self, operator: str, *inputs: str, output: str = "", domain: str = "", **attributes: Any
    ) -> str:
        output = output or f"{operator}_{len(self._nodes)}"
        self._nodes.append(
            helper.make_node(operator, list(inputs), [output], domain=domain, **attributes)
        )
        return output

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        if name not in self._constants:
            array = np.ascontiguousarray(value).reshape(np.shape(value))
            self._constants[name] = numpy_helper.from_array(array, name)
        return name


def _follows_layer_norm(name: str) -> bool:
    return name.endswith((".self.query", ".intermediate.dense"))


def _divisor(ranges: ChannelRanges, weights: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    """How much smaller each channel is made, (I,); their geometric mean is 1."""
    weight_I = np.max([np.abs(weight).max(axis=1) for weight in weights], axis=0)
    divisor_I = ranges.size.astype(np.float64) ** _MIGRATION / weight_I ** (1 - _MIGRATION)
    result: NDArray[np.float32] = divisor_I / np.exp(np.log(divisor_I).mean())
    return result.astype(np.float32)


def _split_channels(ranges: ChannelRanges) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The loudest channels, which stay exact, and the others; both in ascending order."""
    loudest = np.argsort(-ranges.size, kind="stable")
    return np.sort(loudest[:_NUM_EXACT_CHANNELS]), np.sort(loudest[_NUM_EXACT_CHANNELS:])
