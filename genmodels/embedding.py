"""Text to vectors without torch, so that the web process and the workers embed alike.

The sentence encoder runs in ONNX Runtime from a folder that `genmodels.embedding_export` writes
once. Its word table stays outside the graph, in half precision and memory-mapped: a process then
holds only the rows that it has looked up, where the table inside a graph would cost every process
47 MB.

Shapes: n texts, L tokens in the longest text of a batch, D dimensions.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

#: Texts longer than this are cut; the encoder was trained on sequences of at most this length.
MAX_TOKENS = 256

#: Padded tokens in one pass. More is hardly faster on a CPU, and the memory of the largest pass
#: is what a server process keeps.
_TOKENS_PER_PASS = 512

#: A text of this many tokens has a pass of its own, where it needs no padding and no mask.
_LONG_TEXT = 64

#: More threads than this would only wait for each other's memory.
_MAX_THREADS = 4

#: Changes whenever the files of the folder do, so that an old folder is never read by new code.
EXPORT_NAME = "all-minilm-l6-v2.4"

#: What /proc/cpuinfo calls the instructions that sum products of eight-bit numbers in 32 bits.
_WIDE_SUMS = ("avx512_vnni", "avx_vnni")

_REMEDY = "Delete that folder and run `python -m genmodels.embedding_export`."

_REPOSITORY_ROOT = Path(__file__).resolve().parent.parent


class UnableToLoadEmbedder(RuntimeError):
    """The embedder's files are missing or broken; the message says what to do."""


class UnableToEmbed(RuntimeError):
    """An embedder on another server gave no vectors; the same call may work later."""


class Embedder(Protocol):
    """Turns texts into unit vectors. Vectors of two embedders must never be compared."""

    @property
    def name(self) -> str:
        """Names the vector space: equal names mean comparable vectors."""
        ...

    @property
    def dims(self) -> int: ...

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (n, dims) with rows of length 1; a server's may raise UnableToEmbed."""
        ...


@dataclass(frozen=True)
class TokenVectors:
    """The tokens of a text as they are meant in it, without the marks at its ends.

    `vectors` is float32 (L, D) with rows of length 1, `ids` (L,) the words or pieces of words, and
    `spans` (L, 2) the characters of the text that each stands for.
    """

    vectors: NDArray[np.float32]
    ids: NDArray[np.int64]
    spans: NDArray[np.int64]


@runtime_checkable
class TokenEmbedder(Embedder, Protocol):
    """Turns each token of a text into a vector too, for comparisons token by token."""

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]: ...

    def knows_word(self, word: str) -> bool:
        """Whether its vocabulary has this word, in small letters: then it is spelt right."""
        ...


@dataclass(frozen=True)
class ServiceAddress:
    """Where a server with an OpenAI-compatible `/embeddings` address is, and how it is asked.

    `url` ends before `/embeddings`; `key` is sent as a Bearer token unless empty.
    """

    url: str
    model: str
    dims: int
    key: str = ""

    @property
    def space(self) -> str:
        """The name of the vector space: the same model elsewhere gives comparable vectors."""
        return f"service:{self.model}:{self.dims}"


#: Sends a body with headers to a URL; returns the status and what of the answer was read. Raises
#: OSError where nothing came back.
Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, bytes]]


@runtime_checkable
class ServedEmbedder(Embedder, Protocol):
    """An embedder on another server."""

    @property
    def address(self) -> ServiceAddress: ...


class MiniLmEmbedder:
    """all-MiniLM-L6-v2 (Wang et al. 2020; sentence-transformers): 384 dimensions, mean pooling.

    Its layers compute in eight bits, so a vector has a cosine of about 0.9993 with the released
    network's. What texts it is computed with moves it by less than a tenth of that. Safe to call
    from several threads. `num_threads` passes run at once; a lone text is one pass.
    """

    name = "all-MiniLM-L6-v2-q8"
    dims = 384

    def __init__(self, folder: Path, *, num_threads: int = 1) -> None:
        _check_files(folder)
        self._words_VD = np.load(folder / "words.npy", mmap_mode="r")
        self._positions_LD = np.load(folder / "positions.npy")
        self._tokenizer = open_tokenizer(folder / "tokenizer.json")
        self._session = open_session(folder / "encoder.onnx")
        self._num_threads = num_threads

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (n, 384), rows of length 1; an empty text has a vector too."""
        # A lone surrogate cannot be handed to the tokenizer, and arrives from broken file names.
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        tokens = [encoding.ids for encoding in self._tokenizer.encode_batch(clean)]
        vectors = np.empty((len(tokens), self.dims), dtype=np.float32)

        def run(indices: list[int]) -> None:
            vectors[indices] = self._encode([tokens[index] for index in indices])

        passes = list(_passes([len(ids) for ids in tokens]))
        if self._num_threads == 1 or len(passes) == 1:
            for indices in passes:
                run(indices)
        else:
            # Whole passes side by side: threads within a pass would wait for each other at each
            # of its operators. The long ones go first, so that all threads end together.
            with ThreadPoolExecutor(self._num_threads) as pool:
                list(pool.map(run, reversed(passes)))
        return vectors

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Return the tokens of each text, at most 254; none for an empty text."""
        clean = [text.encode("utf-8", "replace").decode("utf-8") for text in texts]
        encodings = self._tokenizer.encode_batch(clean)
        found: list[TokenVectors | None] = [None] * len(encodings)
        for indices in _passes([len(encoding.ids) for encoding in encodings]):
            states_NLD = self._encode([encodings[index].ids for index in indices], "tokens")
            for states_LD, index in zip(states_NLD, indices, strict=True):
                encoding = encodings[index]
                # The first and the last token mark the ends of the text.
                inner = slice(1, len(encoding.ids) - 1)
                vectors = states_LD[inner]
                found[index] = TokenVectors(
                    vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
                    np.asarray(encoding.ids[inner], dtype=np.int64),
                    np.asarray(encoding.offsets[inner], dtype=np.int64).reshape(-1, 2),
                )
        return [each for each in found if each is not None]

    def knows_word(self, word: str) -> bool:
        """Whether the word, or what it is the plural of, is one piece of the vocabulary."""
        known = self._tokenizer.token_to_id
        return known(word) is not None or (
            word.endswith("s") and known(word.removesuffix("s")) is not None
        )

    def _encode(
        self, tokens: Sequence[Sequence[int]], output: str = "vectors"
    ) -> NDArray[np.float32]:
        length = max(len(ids) for ids in tokens)
        ids_NL = np.zeros((len(tokens), length), dtype=np.int64)
        mask_NL = np.zeros((len(tokens), length), dtype=np.float32)
        for row, ids in enumerate(tokens):
            ids_NL[row, : len(ids)] = ids
            mask_NL[row, : len(ids)] = 1.0
        words_NLD = self._words_VD[ids_NL].astype(np.float32) + self._positions_LD[:length]
        (vectors,) = self._session.run([output], {"words": words_NLD, "mask": mask_NL})
        return np.asarray(vectors, dtype=np.float32)


class HashingEmbedder:
    """Signed hashing of words and their letter triples: instant, deterministic, knows no meaning.

    Stands in for a trained embedder in tests, where texts that share words must come out close.
    """

    def __init__(self, dims: int = 384) -> None:
        self.dims = dims
        self.name = f"hashing-{dims}"

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return float32 (n, dims), rows of length 1; a text without words gets the first axis."""
        vectors = np.zeros((len(texts), self.dims), dtype=np.float32)
        for row, text in enumerate(texts):
            for feature, weight in _hashed_features(text):
                digest = hashlib.blake2b(
                    feature.encode("utf-8", "replace"), digest_size=8
                ).digest()
                number = int.from_bytes(digest, "big")
                vectors[row, (number >> 1) % self.dims] += weight if number & 1 else -weight
            if not vectors[row].any():
                vectors[row, 0] = 1.0
        norms: NDArray[np.float32] = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / norms

    def embed_tokens(self, texts: Sequence[str]) -> list[TokenVectors]:
        """Each word as a text of its own: a hash knows no context."""
        return [self._tokens(text) for text in texts]

    def knows_word(self, word: str) -> bool:
        """No word: a hash has no vocabulary."""
        del word
        return False

    def _tokens(self, text: str) -> TokenVectors:
        words = list(re.finditer(r"\w+", text))
        vectors = self.embed([word.group() for word in words])
        ids = [zlib.crc32(word.group().casefold().encode("utf-8", "replace")) for word in words]
        spans = [word.span() for word in words]
        return TokenVectors(
            vectors, np.asarray(ids, np.int64), np.asarray(spans, np.int64).reshape(-1, 2)
        )


def _hashed_features(text: str) -> Iterator[tuple[str, float]]:
    for word in re.findall(r"\w+", text.casefold()):
        yield word, 1.0
        for start in range(len(word) - 2):
            yield f"{word[start : start + 3]}~", 0.3


def open_tokenizer(file: Path) -> Tokenizer:
    """The tokenizer of a tokenizer.json, cutting at MAX_TOKENS and not padding."""
    from tokenizers import Tokenizer  # noqa: PLC0415 -- not every process embeds

    tokenizer = Tokenizer.from_str(file.read_text("utf-8"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(max_length=MAX_TOKENS)
    return tokenizer


def open_session(file: Path, *, guard_sums: bool | None = None) -> InferenceSession:
    """The ONNX Runtime session of an encoder, on one thread per call.

    `guard_sums` trades half the speed for sums of eight-bit products that cannot overflow; by
    default only where this processor needs it. Both ways give the same numbers.
    """
    # ONNX Runtime costs 40 MB, so a process that never embeds does not pay for it.
    import onnxruntime  # noqa: PLC0415 -- see above

    if guard_sums is None:
        guard_sums = not _sums_are_wide()
    levels = onnxruntime.GraphOptimizationLevel
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # The arena keeps the largest pass it ever saw; texts vary in length, so that is all waste.
    options.enable_cpu_mem_arena = False
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    # The graph is written as it shall run. The guard is one of the further optimisations, and the
    # fusions named below are slower than what they replace.
    options.graph_optimization_level = (
        levels.ORT_ENABLE_EXTENDED if guard_sums else levels.ORT_ENABLE_BASIC
    )
    options.add_session_config_entry("session.x64quantprecision", "1" if guard_sums else "0")
    return onnxruntime.InferenceSession(
        str(file),
        options,
        providers=["CPUExecutionProvider"],
        disabled_optimizers=["SkipLayerNormFusion", "BiasGeluFusion"],
    )


def _sums_are_wide() -> bool:
    """Whether sums of eight-bit products cannot overflow: older Intel and AMD processors' can."""
    if platform.machine().lower() not in {"x86_64", "amd64"}:
        return True
    try:
        description = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return False
    return any(name in description.split() for name in _WIDE_SUMS)


def _passes(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group short texts of similar length; a long text stays alone."""
    group: list[int] = []
    for index in sorted(range(len(lengths)), key=lengths.__getitem__):
        size = lengths[index]
        if group and (size >= _LONG_TEXT or size * (len(group) + 1) > _TOKENS_PER_PASS):
            yield group
            group = []
        group.append(index)
    if group:
        yield group


def embedder_folder() -> Path:
    """Where the exported files are: PINAKES_EMBEDDER, or var/embedder of the repository."""
    configured = os.environ.get("PINAKES_EMBEDDER")
    root = Path(configured) if configured else _REPOSITORY_ROOT / "var" / "embedder"
    return root / EXPORT_NAME


_installed: Embedder | None = None
_built_in: MiniLmEmbedder | None = None
_install_lock = threading.Lock()


def load_embedder() -> Embedder:
    """Return the embedder of this process, loading it on the first call.

    It is the server's that PINAKES_EMBEDDER_URL names, or else the built-in one, which is exported
    first where nobody has yet. Raises UnableToLoadEmbedder. Safe to call from several
    threads and processes at once.
    """
    global _installed  # noqa: PLW0603 -- one embedder per process is the point
    if _installed is None:
        with _install_lock:
            if _installed is None:
                _installed = _make_embedder()
    return _installed


def load_token_embedder() -> TokenEmbedder:
    """The embedder of this process if it knows tokens, or else the built-in one beside it."""
    embedder = load_embedder()
    return embedder if isinstance(embedder, TokenEmbedder) else load_built_in()


def load_built_in() -> MiniLmEmbedder:
    """The built-in embedder, whatever that of this process is. Raises UnableToLoadEmbedder."""
    global _built_in  # noqa: PLW0603 -- as above
    if isinstance(_installed, MiniLmEmbedder):
        return _installed
    with _install_lock:
        if _built_in is None:
            _built_in = _load_built_in()
    return _built_in


def embedder_at(address: ServiceAddress, *, post: Post | None = None) -> Embedder:
    """The embedder on a server; `post` sends its requests where the plain way is too trusting.

    Raises UnableToLoadEmbedder for an address that is none.
    """
    from genmodels.embedding_service import (  # noqa: PLC0415 -- it imports this module
        ServiceEmbedder,
    )

    return ServiceEmbedder(address, post=post)


def _make_embedder() -> Embedder:
    if os.environ.get("PINAKES_EMBEDDER_URL"):
        from genmodels.embedding_service import (  # noqa: PLC0415 -- it imports this module
            service_from_environment,
        )

        return service_from_environment(os.environ)
    return _load_built_in()


def _load_built_in() -> MiniLmEmbedder:
    folder = embedder_folder()
    if not (folder / "embedder.json").exists():
        _export_in_child_process()
    return MiniLmEmbedder(folder, num_threads=_configured_threads())


def install_embedder(embedder: Embedder | None) -> Embedder | None:
    """Make `load_embedder` return this one from now on (None: load anew); return the old one."""
    global _installed
    with _install_lock:
        previous, _installed = _installed, embedder
    return previous


def _configured_threads() -> int:
    value = os.environ.get("PINAKES_EMBEDDER_THREADS", "")
    if not value:
        return min(_MAX_THREADS, os.cpu_count() or 1)
    if not value.isdecimal() or int(value) < 1:
        raise UnableToLoadEmbedder(f"PINAKES_EMBEDDER_THREADS must be 1 or more, not {value!r}.")
    return int(value)


def _export_in_child_process() -> None:
    # In a child, because the export needs the `onnx` package and 200 MB that a server would keep.
    child = subprocess.run(
        [sys.executable, "-m", "genmodels.embedding_export"],
        cwd=_REPOSITORY_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if child.returncode != 0:
        reason = child.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise UnableToLoadEmbedder(f"The embedder could not be exported: {reason[0]}")


def _check_files(folder: Path) -> None:
    """Raise UnableToLoadEmbedder unless every file has the size that the export wrote down."""
    try:
        description = json.loads((folder / "embedder.json").read_text("utf-8"))
        wrong = [
            name
            for name, size in description["bytes"].items()
            if (folder / name).stat().st_size != size
        ]
    except (OSError, ValueError, KeyError) as error:
        raise UnableToLoadEmbedder(f"{folder} cannot be read ({error}). {_REMEDY}") from error
    if wrong:
        raise UnableToLoadEmbedder(f"{folder} is damaged: {', '.join(wrong)}. {_REMEDY}")
