"""The searches that ours is measured beside, each as its own documentation sets it up.

    PYTHON bench/search_peers.py ADDRESS

PYTHON has bench/requirements-search-peers.txt installed and nothing of ours, so this file imports
nothing of ours. It reads one JSON object a line and answers each with one: `load` replaces what
all methods search in, `rank` asks one of them. Passages are known by their place in the file.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import psycopg
import Stemmer
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_postgres import Column, PGEngine
from langchain_postgres import PGVectorStore as LangChainStore
from langchain_postgres.v2.hybrid_search_config import (
    HybridSearchConfig,
    reciprocal_rank_fusion,
    weighted_sum_ranking,
)
from langchain_postgres.v2.indexes import HNSWIndex, HNSWQueryOptions
from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.retrievers import QueryFusionRetriever
from llama_index.core.schema import QueryBundle, TextNode
from llama_index.core.vector_stores import MetadataFilter, MetadataFilters
from llama_index.vector_stores.postgres import PGVectorStore as LlamaIndexStore
from numpy.typing import NDArray
from pgvector.psycopg import register_vector

_PACKAGES = ("langchain-postgres", "llama-index-vector-stores-postgres", "bm25s")
#: pgvector's own, which both packages name in their examples.
_GRAPH = {"m": 16, "ef_construction": 64}
_LEAST_BREADTH = 40
_NEAREST = "SELECT place FROM vectors_alone ORDER BY embedding <=> %(vector)s LIMIT %(depth)s"
_NEAREST_OF_A_LANGUAGE = (
    "SELECT place FROM vectors_alone WHERE language = %(language)s"
    " ORDER BY embedding <=> %(vector)s LIMIT %(depth)s"
)


@dataclass(frozen=True)
class Passages:
    """N texts with a language each, "" for none, and unit vectors, float32 (N, dims)."""

    texts: Sequence[str]
    languages: Sequence[str]
    vectors: NDArray[np.float32]


@dataclass(frozen=True)
class Question:
    """A text with its vector; `language` leaves only the passages that have it."""

    text: str
    vector: list[float]
    language: str | None


#: The places of the passages found, the best first.
Method = Callable[[Question], list[int]]


def langchain(address: str, passages: Passages, depth: int) -> dict[str, Method]:
    """LangChain's PGVectorStore in hybrid mode, with each of its two fusions."""
    engine = PGEngine.from_connection_string(
        url=address.replace("postgresql:", "postgresql+asyncpg:", 1)
    )

    def config(fusion: Any, text: str) -> HybridSearchConfig:
        # Made anew for each question: a store's own keeps the words of the first one it answers.
        return HybridSearchConfig(
            tsv_column="content_tsv",
            fusion_function=fusion,
            fts_query=text,
            primary_top_k=depth,
            secondary_top_k=depth,
        )

    dims = passages.vectors.shape[1]
    columns = [Column("place", "INTEGER"), Column("language", "TEXT")]
    engine.init_vectorstore_table(
        "langchain",
        dims,
        metadata_columns=columns,
        overwrite_existing=True,
        hybrid_search_config=config(weighted_sum_ranking, ""),
    )
    store = LangChainStore.create_sync(
        engine,
        DeterministicFakeEmbedding(size=dims),
        "langchain",
        metadata_columns=[column.name for column in columns],
        index_query_options=HNSWQueryOptions(ef_search=max(depth, _LEAST_BREADTH)),
        hybrid_search_config=config(weighted_sum_ranking, ""),
    )
    store.add_embeddings(
        list(passages.texts),
        passages.vectors.tolist(),
        [
            {"place": place, "language": language}
            for place, language in enumerate(passages.languages)
        ],
    )
    store.apply_vector_index(HNSWIndex(**_GRAPH))
    store.apply_hybrid_search_index()
    with psycopg.connect(address) as connection:
        # It suggests columns for what is filtered by, and leaves their indexes to the reader.
        connection.execute("CREATE INDEX ON langchain (language)")

    def by(fusion: Any) -> Method:
        def rank(question: Question) -> list[int]:
            found = store.similarity_search_by_vector(
                question.vector,
                k=depth,
                filter=question.language and {"language": question.language},
                hybrid_search_config=config(fusion, question.text),
            )
            return [document.metadata["place"] for document in found]

        return rank

    return {
        "langchain weighted": by(weighted_sum_ranking),
        "langchain rrf": by(reciprocal_rank_fusion),
    }


def llamaindex(address: str, passages: Passages, depth: int) -> dict[str, Method]:
    """LlamaIndex's PGVectorStore: its hybrid mode, and the fusion its pages suggest instead."""
    with psycopg.connect(address) as connection:
        connection.execute("DROP TABLE IF EXISTS data_llamaindex")
    dims = passages.vectors.shape[1]

    def open_store(graph: dict[str, Any] | None) -> LlamaIndexStore:
        return LlamaIndexStore.from_params(
            connection_string=address.replace("postgresql:", "postgresql+psycopg2:", 1),
            async_connection_string=address.replace("postgresql:", "postgresql+asyncpg:", 1),
            embed_dim=dims,
            hybrid_search=True,
            text_search_config="english",
            use_jsonb=True,
            indexed_metadata_keys={("language", "text")},
            hnsw_kwargs=graph,
        )

    # The graph is built when a store is opened with it, which is quicker after the rows are in.
    loading = open_store(None)
    for start in range(0, len(passages.texts), 1_000):
        loading.add(
            [
                TextNode(
                    text=passages.texts[place],
                    embedding=passages.vectors[place].tolist(),
                    metadata={"place": place, "language": passages.languages[place]},
                )
                for place in range(start, min(start + 1_000, len(passages.texts)))
            ]
        )
    index = VectorStoreIndex.from_vector_store(
        open_store(
            {
                **{f"hnsw_{name}": value for name, value in _GRAPH.items()},
                "hnsw_ef_search": max(depth, _LEAST_BREADTH),
                "hnsw_dist_method": "vector_cosine_ops",
            }
        ),
        embed_model=MockEmbedding(dims),
    )

    @cache
    def retriever(mode: str, language: str | None) -> Any:
        only = language and MetadataFilters(
            filters=[MetadataFilter(key="language", value=language)]
        )
        return index.as_retriever(
            vector_store_query_mode=mode, similarity_top_k=depth, sparse_top_k=depth, filters=only
        )

    @cache
    def fusing(language: str | None) -> QueryFusionRetriever:
        return QueryFusionRetriever(
            [retriever("default", language), retriever("sparse", language)],
            llm=MockLLM(),
            similarity_top_k=depth,
            num_queries=1,
            mode="relative_score",
            use_async=False,
        )

    def places(source: Any, question: Question) -> list[int]:
        found = source.retrieve(QueryBundle(question.text, embedding=question.vector))
        return [hit.node.metadata["place"] for hit in found]

    return {
        "llamaindex hybrid": lambda question: places(
            retriever("hybrid", question.language), question
        ),
        "llamaindex fusion": lambda question: places(fusing(question.language), question),
    }


def vectors_alone(address: str, passages: Passages, depth: int) -> dict[str, Method]:
    """Vectors by pgvector and nothing else: all compared, and through its graph."""
    with psycopg.connect(address) as connection:
        register_vector(connection)
        connection.execute("DROP TABLE IF EXISTS vectors_alone")
        connection.execute(
            "CREATE TABLE vectors_alone (place int PRIMARY KEY, language text,"
            f" embedding vector({passages.vectors.shape[1]}))"
        )
        with connection.cursor().copy(
            "COPY vectors_alone FROM STDIN WITH (FORMAT BINARY)"
        ) as copy:
            copy.set_types(["int4", "text", "vector"])
            for place, language in enumerate(passages.languages):
                copy.write_row((place, language, passages.vectors[place]))
        connection.execute("CREATE INDEX ON vectors_alone (language)")
        parameters = ", ".join(f"{name} = {value}" for name, value in _GRAPH.items())
        connection.execute(
            "CREATE INDEX ON vectors_alone USING hnsw (embedding vector_cosine_ops)"
            f" WITH ({parameters})"
        )

    def by(settings: str) -> Method:
        connection = psycopg.connect(address, options=settings, autocommit=True)
        register_vector(connection)

        def rank(question: Question) -> list[int]:
            rows = connection.execute(
                _NEAREST_OF_A_LANGUAGE if question.language else _NEAREST,
                {
                    "language": question.language,
                    "vector": np.array(question.vector, np.float32),
                    "depth": depth,
                },
            )
            return [row[0] for row in rows]

        return rank

    breadth = max(depth, _LEAST_BREADTH)
    return {
        # Filters may still go by their index, which is read through a bitmap.
        "pgvector exact": by("-c enable_indexscan=off"),
        "pgvector hnsw": by(f"-c hnsw.ef_search={breadth} -c hnsw.iterative_scan=strict_order"),
    }


def words_alone(passages: Passages, depth: int) -> dict[str, Method]:
    """bm25s with its defaults (Lucene's BM25) and the stemmer of its examples."""
    stemmer = Stemmer.Stemmer("english")
    searcher = bm25s.BM25()
    searcher.index(
        bm25s.tokenize(list(passages.texts), stopwords="en", stemmer=stemmer, show_progress=False),
        show_progress=False,
    )
    masks = {
        language: np.array([own == language for own in passages.languages], np.float32)
        for language in set(passages.languages)
    }

    def rank(question: Question) -> list[int]:
        tokens = bm25s.tokenize(question.text, stemmer=stemmer, show_progress=False)
        found, scores = searcher.retrieve(
            tokens,
            k=min(depth, len(passages.texts)),
            weight_mask=masks[question.language] if question.language else None,
            show_progress=False,
        )
        # It fills a short page with passages that have none of the words.
        return [int(place) for place in found[0][scores[0] > 0]]

    return {"bm25s": rank}


def _load(address: str, order: dict[str, Any]) -> tuple[dict[str, Method], dict[str, Any]]:
    with Path(order["passages"]).open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    passages = Passages(
        [row["text"] for row in rows],
        [row["language"] for row in rows],
        np.load(order["vectors"]),
    )
    depth = order["depth"]
    openers: dict[str, Callable[[], dict[str, Method]]] = {
        "bm25s": lambda: words_alone(passages, depth),
        "pgvector": lambda: vectors_alone(address, passages, depth),
        "langchain": lambda: langchain(address, passages, depth),
        "llamaindex": lambda: llamaindex(address, passages, depth),
    }
    methods: dict[str, Method] = {}
    seconds = {}
    for name, open_methods in openers.items():
        if order["only"] and name not in order["only"]:
            continue
        started = time.perf_counter()
        methods |= open_methods()
        seconds[name] = round(time.perf_counter() - started, 1)
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return methods, {"methods": list(methods), "seconds": seconds}


def _rank(method: Method, order: dict[str, Any]) -> dict[str, Any]:
    vectors = np.load(order["vectors"]).tolist()
    questions = [
        Question(text, vector, order["language"])
        for text, vector in zip(order["texts"], vectors, strict=True)
    ]
    for question in questions[: order["warm"]]:
        method(question)
    rankings, milliseconds = [], []
    for question in questions:
        started = time.perf_counter()
        rankings.append(method(question))
        milliseconds.append((time.perf_counter() - started) * 1000)
    return {"rankings": rankings, "milliseconds": milliseconds}


def _versions(address: str) -> dict[str, str]:
    with psycopg.connect(address) as connection:
        row = connection.execute(
            "SELECT extversion, current_setting('server_version') FROM pg_extension"
            " WHERE extname = 'vector'"
        ).fetchone()
    assert row is not None
    return {
        **{package: version(package) for package in _PACKAGES},
        "vector extension": row[0],
        "PostgreSQL": row[1],
    }


def main() -> None:
    """Answer orders until there are no more."""
    # What packages print must not stand between the answers.
    answers, sys.stdout = sys.stdout, sys.stderr
    address = sys.argv[1]
    methods: dict[str, Method] = {}
    for line in sys.stdin:
        order = json.loads(line)
        if order["do"] == "load":
            methods, answer = _load(address, order)
        elif order["do"] == "rank":
            answer = _rank(methods[order["method"]], order)
        else:
            answer = _versions(address)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
