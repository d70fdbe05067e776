"""How large the numbers inside the sentence encoder get: measured once, kept in the repository.

The eight-bit encoder needs to know them beforehand. `python -m genmodels.embedding_ranges FOLDER`
measures them anew on the Markdown files of a folder (they come from this project's `docs`; texts
of other fields give the same quality). Another result is another vector space, so a new file needs
a new name for the embedder too.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from safetensors.numpy import load_file, save_file

from genmodels.embedding import open_session, open_tokenizer
from genmodels.embedding_graph import ChannelRanges, Ranges, Weights, build_encoder, dense_inputs
from genmodels.embedding_release import find_release, read_release

RANGES_FILE = Path(__file__).with_name("embedding_ranges.safetensors")

#: Half precision rounds down as often as up, and a range must not become smaller.
_HALF_PRECISION_MARGIN = 1.001


def load_ranges(file: Path = RANGES_FILE) -> Ranges:
    """The ranges that the shipped embedder is made with."""
    tensors = load_file(file)
    return {
        name: ChannelRanges(
            tensors[f"{name}.low"].astype(np.float32), tensors[f"{name}.high"].astype(np.float32)
        )
        for name in dense_inputs()
    }


def measure_ranges(
    weights: Weights, words_LD_of_texts: Sequence[NDArray[np.float32]]
) -> dict[str, ChannelRanges]:
    """Run the exact encoder over texts, given as summed word vectors (L, D) each."""
    model = build_encoder(weights, None)
    inputs = dense_inputs()
    for tensor in inputs.values():
        model.graph.output.append(helper.make_tensor_value_info(tensor, TensorProto.FLOAT, None))
    found: dict[str, ChannelRanges] = {}
    with tempfile.TemporaryDirectory() as folder:
        onnx.save(model, f"{folder}/encoder.onnx")
        session = open_session(Path(folder) / "encoder.onnx")
        for words_LD in words_LD_of_texts:
            mask = np.ones((1, len(words_LD)), dtype=np.float32)
            values = session.run(
                list(inputs.values()), {"words": words_LD[np.newaxis], "mask": mask}
            )
            for name, value in zip(inputs, values, strict=True):
                low_I, high_I = value[0].min(axis=0), value[0].max(axis=0)
                if name in found:
                    low_I = np.minimum(low_I, found[name].low)
                    high_I = np.maximum(high_I, found[name].high)
                found[name] = ChannelRanges(low_I, high_I)
    return found


def save_ranges(ranges: Ranges, file: Path) -> None:
    """Write them in half precision: they are margins, and the file is part of the repository."""
    tensors: dict[str, NDArray[np.float16]] = {}
    for name, channels in ranges.items():
        tensors[f"{name}.low"] = (channels.low * _HALF_PRECISION_MARGIN).astype(np.float16)
        tensors[f"{name}.high"] = (channels.high * _HALF_PRECISION_MARGIN).astype(np.float16)
    save_file(tensors, file)


def _paragraphs(folder: Path) -> Iterator[str]:
    for file in sorted(folder.rglob("*.md")):
        yield from (part.strip() for part in file.read_text("utf-8").split("\n\n") if part.strip())


def main() -> int:
    """Measure on a folder of Markdown files and replace the file of the repository."""
    parser = argparse.ArgumentParser(description="Measure what the eight-bit encoder must hold.")
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    release = read_release(find_release())
    tokenizer = open_tokenizer(find_release() / "tokenizer.json")
    texts = [
        release.words[encoding.ids] + release.positions[: len(encoding.ids)]
        for encoding in tokenizer.encode_batch(list(_paragraphs(arguments.folder)))
    ]
    save_ranges(measure_ranges(release.layers, texts), RANGES_FILE)
    sys.stderr.write(f"{len(texts)} texts, {sum(map(len, texts))} tokens\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
