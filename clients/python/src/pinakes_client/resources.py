"""The resources for threads, written by generate.py from docs/openapi.json."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from pinakes_client import schema
from pinakes_client.calls import Call, fill, header_of, key_header, prefer_header, query_of
from pinakes_client.generation_streams import GenerationStreams
from pinakes_client.transport import (
    Download,
    Group,
    Listing,
    Transport,
    Work,
)


class Answers(Group):
    """The operations of `answers`."""

    def cancel(self, answer_id: str, /) -> Work[schema.AnswerOutput]:
        """Stop what is being written: 202 while it stops, 200 where it has ended already."""
        return self._transport.start(
            Call[schema.AnswerOutput](
                method="POST", path=fill("/answers/{answer_id}/cancel", answer_id=answer_id)
            ),
            "/answers/{id}",
        )

    def create(
        self,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[schema.QuestionInput],
    ) -> Work[schema.AnswerOutput]:
        """Ask: quotes from documents and earlier generations, or that nothing was found.

        What a language model writes takes time: 202, or 201 where `Prefer: wait=N` saw the end.
        """
        return self._transport.start(
            Call[schema.AnswerOutput](
                method="POST",
                path="/answers",
                headers={**key_header(idempotency_key), **prefer_header(wait)},
                body=body,
            ),
            "/answers/{id}",
        )

    def get(self, answer_id: str, /) -> schema.AnswerOutput:
        """One answer, with the quotes that one may still see."""
        return self._transport.read(
            Call[schema.AnswerOutput](
                method="GET", path=fill("/answers/{answer_id}", answer_id=answer_id)
            )
        )

    def list(
        self, **query: Unpack[schema.AnswersListQuery]
    ) -> Listing[schema.AnswerSummaryList, schema.AnswerSummaryOutput]:
        """The questions that one may see, newest first."""
        return self._transport.listing(
            Call[schema.AnswerSummaryList](method="GET", path="/answers", query=query_of(query))
        )

    def restore(self, answer_id: str, /) -> Work[schema.AnswerOutput]:
        """Take it out of the trash."""
        return self._transport.start(
            Call[schema.AnswerOutput](
                method="POST", path=fill("/answers/{answer_id}/restore", answer_id=answer_id)
            ),
            "/answers/{id}",
        )

    def trash(self, answer_id: str, /) -> None:
        """Put it in the trash; what is being written stops. One of a chat goes with that: 409."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/answers/{answer_id}", answer_id=answer_id))
        )


class ApiKeys(Group):
    """The operations of `api-keys`."""

    def create(self, **body: Unpack[schema.ApiKeyInput]) -> schema.CreatedApiKeyOutput:
        """Make a key; its secret is in this answer and nowhere else."""
        return self._transport.read(
            Call[schema.CreatedApiKeyOutput](method="POST", path="/api-keys", body=body)
        )

    def get(self, key_id: str, /) -> schema.ApiKeyOutput:
        """One of one's own keys, without its secret."""
        return self._transport.read(
            Call[schema.ApiKeyOutput](method="GET", path=fill("/api-keys/{key_id}", key_id=key_id))
        )

    def list(
        self, **query: Unpack[schema.ApiKeysListQuery]
    ) -> Listing[schema.ApiKeyList, schema.ApiKeyOutput]:
        """One's own keys, newest first."""
        return self._transport.listing(
            Call[schema.ApiKeyList](method="GET", path="/api-keys", query=query_of(query))
        )

    def revoke(self, key_id: str, /) -> None:
        """End a key for good."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/api-keys/{key_id}", key_id=key_id))
        )


class Artifacts(Group):
    """The operations of `artifacts`."""

    def content(self, artifact_id: str, /) -> Download:
        """The bytes of a file. They never change, so a private cache may keep them.

        With `still` in the query, the first frame of a clip (image/webp) as PNG.
        """
        return self._transport.download(
            Call[bytes](
                method="GET",
                path=fill("/artifacts/{artifact_id}/content", artifact_id=artifact_id),
            )
        )


class Batches(Group):
    """The operations of `batches`."""

    def cancel(self, batch_id: str, /) -> Work[schema.BatchOutput]:
        """Stop what has not ended: 202 while something is stopping, 200 where all has ended."""
        return self._transport.start(
            Call[schema.BatchOutput](
                method="POST", path=fill("/batches/{batch_id}/cancel", batch_id=batch_id)
            ),
            "/batches/{id}",
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.BatchInput]
    ) -> Work[schema.BatchOutput]:
        """Accept prompts x sweep x n generations, all or none."""
        return self._transport.start(
            Call[schema.BatchOutput](
                method="POST", path="/batches", headers={**key_header(idempotency_key)}, body=body
            ),
            "/batches/{id}",
        )

    def get(self, batch_id: str, /) -> schema.BatchOutput:
        """One batch; its generations are listed by `GET /generations?batch=ID`."""
        return self._transport.read(
            Call[schema.BatchOutput](
                method="GET", path=fill("/batches/{batch_id}", batch_id=batch_id)
            )
        )

    def list(
        self, **query: Unpack[schema.BatchesListQuery]
    ) -> Listing[schema.BatchList, schema.BatchOutput]:
        """The batches that one may see, newest first."""
        return self._transport.listing(
            Call[schema.BatchList](method="GET", path="/batches", query=query_of(query))
        )

    def restore(self, batch_id: str, /) -> Work[schema.BatchOutput]:
        """Take it out of the trash, with those of its generations that went there with it."""
        return self._transport.start(
            Call[schema.BatchOutput](
                method="POST", path=fill("/batches/{batch_id}/restore", batch_id=batch_id)
            ),
            "/batches/{id}",
        )

    def trash(self, batch_id: str, /) -> None:
        """Put it and its generations in the trash; what has not ended is canceled."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/batches/{batch_id}", batch_id=batch_id))
        )


class ChainRuns(Group):
    """The operations of `chain-runs`."""

    def cancel(self, run_id: str, /) -> Work[schema.ChainRunOutput]:
        """Begin nothing more: 202 while something is stopping, 200 where all has ended."""
        return self._transport.start(
            Call[schema.ChainRunOutput](
                method="POST", path=fill("/chain-runs/{run_id}/cancel", run_id=run_id)
            ),
            "/chain-runs/{id}",
        )

    def create(
        self,
        chain_id: str,
        /,
        *,
        idempotency_key: str | None = None,
        **body: Unpack[schema.ChainRunInput],
    ) -> Work[schema.ChainRunOutput]:
        """Begin a run: its first step is queued, the others follow by themselves."""
        return self._transport.start(
            Call[schema.ChainRunOutput](
                method="POST",
                path=fill("/chains/{chain_id}/runs", chain_id=chain_id),
                headers={**key_header(idempotency_key)},
                body=body,
            ),
            "/chain-runs/{id}",
        )

    def get(self, run_id: str, /) -> schema.ChainRunOutput:
        """One run with its steps."""
        return self._transport.read(
            Call[schema.ChainRunOutput](
                method="GET", path=fill("/chain-runs/{run_id}", run_id=run_id)
            )
        )

    def list(
        self, **query: Unpack[schema.ChainRunsListQuery]
    ) -> Listing[schema.ChainRunList, schema.ChainRunOutput]:
        """The runs of all chains that one may see, newest first."""
        return self._transport.listing(
            Call[schema.ChainRunList](method="GET", path="/chain-runs", query=query_of(query))
        )

    def of_chain(
        self, chain_id: str, /, **query: Unpack[schema.ChainRunsOfChainQuery]
    ) -> Listing[schema.ChainRunList, schema.ChainRunOutput]:
        """The runs of a chain that one may see, newest first."""
        return self._transport.listing(
            Call[schema.ChainRunList](
                method="GET",
                path=fill("/chains/{chain_id}/runs", chain_id=chain_id),
                query=query_of(query),
            )
        )

    def restore(self, run_id: str, /) -> Work[schema.ChainRunOutput]:
        """Take it out of the trash, with those of its generations that went there with it."""
        return self._transport.start(
            Call[schema.ChainRunOutput](
                method="POST", path=fill("/chain-runs/{run_id}/restore", run_id=run_id)
            ),
            "/chain-runs/{id}",
        )

    def retry(self, run_id: str, /) -> Work[schema.ChainRunOutput]:
        """Go on from the step that ended without a result; finished steps are kept."""
        return self._transport.start(
            Call[schema.ChainRunOutput](
                method="POST", path=fill("/chain-runs/{run_id}/retry", run_id=run_id)
            ),
            "/chain-runs/{id}",
        )

    def trash(self, run_id: str, /) -> None:
        """Put it and its generations in the trash; what has not ended is canceled."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/chain-runs/{run_id}", run_id=run_id))
        )


class ChainVersions(Group):
    """The operations of `chain-versions`."""

    def add(
        self,
        chain_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.ChainVersionInput],
    ) -> schema.ChainVersionOutput:
        """Write the next version; the steps of the newest again give that one."""
        return self._transport.read(
            Call[schema.ChainVersionOutput](
                method="POST",
                path=fill("/chains/{chain_id}/versions", chain_id=chain_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def get(self, chain_id: str, number: int, /) -> schema.ChainVersionOutput:
        """One of them."""
        return self._transport.read(
            Call[schema.ChainVersionOutput](
                method="GET",
                path=fill(
                    "/chains/{chain_id}/versions/{number}", chain_id=chain_id, number=number
                ),
            )
        )

    def list(
        self, chain_id: str, /, **query: Unpack[schema.ChainVersionsListQuery]
    ) -> Listing[schema.ChainVersionList, schema.ChainVersionOutput]:
        """Its versions, newest first."""
        return self._transport.listing(
            Call[schema.ChainVersionList](
                method="GET",
                path=fill("/chains/{chain_id}/versions", chain_id=chain_id),
                query=query_of(query),
            )
        )


class Chains(Group):
    """The operations of `chains`."""

    def change(
        self,
        chain_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedChainChangeInput],
    ) -> schema.ChainOutput:
        """Rename it or say something else of it; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.ChainOutput](
                method="PATCH",
                path=fill("/chains/{chain_id}", chain_id=chain_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.ChainInput]
    ) -> schema.ChainOutput:
        """Keep steps under a name; a step takes values from those before it."""
        return self._transport.read(
            Call[schema.ChainOutput](
                method="POST", path="/chains", headers={**key_header(idempotency_key)}, body=body
            )
        )

    def get(self, chain_id: str, /) -> schema.ChainOutput:
        """One chain."""
        return self._transport.read(
            Call[schema.ChainOutput](
                method="GET", path=fill("/chains/{chain_id}", chain_id=chain_id)
            )
        )

    def list(
        self, **query: Unpack[schema.ChainsListQuery]
    ) -> Listing[schema.ChainList, schema.ChainOutput]:
        """The chains that one may see, newest first; with `q`, those with this in their name."""
        return self._transport.listing(
            Call[schema.ChainList](method="GET", path="/chains", query=query_of(query))
        )

    def restore(self, chain_id: str, /) -> schema.ChainOutput:
        """Take it out of the trash, unless its name was given to another meanwhile."""
        return self._transport.read(
            Call[schema.ChainOutput](
                method="POST", path=fill("/chains/{chain_id}/restore", chain_id=chain_id)
            )
        )

    def trash(self, chain_id: str, /) -> None:
        """Put it into the trash; its runs stay, and restoring brings it back."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/chains/{chain_id}", chain_id=chain_id))
        )


class Chats(Group):
    """The operations of `chats`."""

    def change(
        self,
        chat_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedChatChangeInput],
    ) -> schema.ChatOutput:
        """Rename it, or change what it looks through; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.ChatOutput](
                method="PATCH",
                path=fill("/chats/{chat_id}", chat_id=chat_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.ChatInput]
    ) -> schema.ChatOutput:
        """Begin a chat; its questions are its turns."""
        return self._transport.read(
            Call[schema.ChatOutput](
                method="POST", path="/chats", headers={**key_header(idempotency_key)}, body=body
            )
        )

    def export(
        self, chat_id: str, /, **query: Unpack[schema.ChatsExportQuery]
    ) -> schema.ChatExportOutput:
        """A file of it: JSON with every branch, or one way through it as Markdown."""
        return self._transport.read(
            Call[schema.ChatExportOutput](
                method="GET",
                path=fill("/chats/{chat_id}/export", chat_id=chat_id),
                query=query_of(query),
            )
        )

    def get(self, chat_id: str, /, **query: Unpack[schema.ChatsGetQuery]) -> schema.ChatOutput:
        """A chat with the way through its turns that ends at the newest, or goes by `turn`."""
        return self._transport.read(
            Call[schema.ChatOutput](
                method="GET", path=fill("/chats/{chat_id}", chat_id=chat_id), query=query_of(query)
            )
        )

    def list(
        self, **query: Unpack[schema.ChatsListQuery]
    ) -> Listing[schema.ChatSummaryList, schema.ChatSummaryOutput]:
        """The chats that one may see, newest first; with `q`, those that hold all its words."""
        return self._transport.listing(
            Call[schema.ChatSummaryList](method="GET", path="/chats", query=query_of(query))
        )

    def restore(self, chat_id: str, /) -> schema.ChatSummaryOutput:
        """Take it out of the trash; again changes nothing."""
        return self._transport.read(
            Call[schema.ChatSummaryOutput](
                method="POST", path=fill("/chats/{chat_id}/restore", chat_id=chat_id)
            )
        )

    def trash(self, chat_id: str, /) -> None:
        """Put it in the trash; what is being written in it stops."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/chats/{chat_id}", chat_id=chat_id))
        )


class CollectionItems(Group):
    """The operations of `collection-items`."""

    def add(
        self, collection_id: str, /, **body: Unpack[schema.CollectionItemsInput]
    ) -> schema.AddedOutput:
        """Add all of these or, if one cannot be added, none; what is in it already stays."""
        return self._transport.read(
            Call[schema.AddedOutput](
                method="POST",
                path=fill("/collections/{collection_id}/items", collection_id=collection_id),
                body=body,
            )
        )

    def list(
        self, collection_id: str, /, **query: Unpack[schema.CollectionItemsListQuery]
    ) -> Listing[schema.CollectionItemList, schema.CollectionItemOutput]:
        """What it holds of what one may see, the latest additions first, without the trash."""
        return self._transport.listing(
            Call[schema.CollectionItemList](
                method="GET",
                path=fill("/collections/{collection_id}/items", collection_id=collection_id),
                query=query_of(query),
            )
        )

    def remove(self, collection_id: str, item_id: str, /) -> None:
        """Take a generation or document out of it; again changes nothing."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill(
                    "/collections/{collection_id}/items/{item_id}",
                    collection_id=collection_id,
                    item_id=item_id,
                ),
            )
        )


class Collections(Group):
    """The operations of `collections`."""

    def change(
        self,
        collection_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedCollectionChangeInput],
    ) -> schema.CollectionOutput:
        """Rename it or say something else of it; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.CollectionOutput](
                method="PATCH",
                path=fill("/collections/{collection_id}", collection_id=collection_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.CollectionInput]
    ) -> schema.CollectionOutput:
        """Make an empty collection; its name is unlike those of one's others."""
        return self._transport.read(
            Call[schema.CollectionOutput](
                method="POST",
                path="/collections",
                headers={**key_header(idempotency_key)},
                body=body,
            )
        )

    def get(self, collection_id: str, /) -> schema.CollectionOutput:
        """One collection; its `ETag` changes with it and with what it holds."""
        return self._transport.read(
            Call[schema.CollectionOutput](
                method="GET",
                path=fill("/collections/{collection_id}", collection_id=collection_id),
            )
        )

    def list(
        self, **query: Unpack[schema.CollectionsListQuery]
    ) -> Listing[schema.CollectionList, schema.CollectionOutput]:
        """The collections that one may see, newest first."""
        return self._transport.listing(
            Call[schema.CollectionList](method="GET", path="/collections", query=query_of(query))
        )

    def restore(self, collection_id: str, /) -> schema.CollectionOutput:
        """Take it out of the trash, unless its name was given to another meanwhile."""
        return self._transport.read(
            Call[schema.CollectionOutput](
                method="POST",
                path=fill("/collections/{collection_id}/restore", collection_id=collection_id),
            )
        )

    def trash(self, collection_id: str, /, *, if_match: str | None = None) -> None:
        """Put it into the trash; what it holds stays, and restoring brings it back."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill("/collections/{collection_id}", collection_id=collection_id),
                headers={**header_of("If-Match", if_match)},
            )
        )


class Comparisons(Group):
    """The operations of `comparisons`."""

    def cancel(self, comparison_id: str, /) -> Work[schema.ComparisonOutput]:
        """Stop what has not ended: 202 while something is stopping, 200 where all has ended."""
        return self._transport.start(
            Call[schema.ComparisonOutput](
                method="POST",
                path=fill("/comparisons/{comparison_id}/cancel", comparison_id=comparison_id),
            ),
            "/comparisons/{id}",
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.ComparisonInput]
    ) -> Work[schema.ComparisonOutput]:
        """Send one prompt to several models, or to one of every family: all or none."""
        return self._transport.start(
            Call[schema.ComparisonOutput](
                method="POST",
                path="/comparisons",
                headers={**key_header(idempotency_key)},
                body=body,
            ),
            "/comparisons/{id}",
        )

    def get(self, comparison_id: str, /) -> schema.ComparisonOutput:
        """One comparison, its sides in one's own order where it is blind."""
        return self._transport.read(
            Call[schema.ComparisonOutput](
                method="GET",
                path=fill("/comparisons/{comparison_id}", comparison_id=comparison_id),
            )
        )

    def list(
        self, **query: Unpack[schema.ComparisonsListQuery]
    ) -> Listing[schema.ComparisonList, schema.ComparisonOutput]:
        """The comparisons that one may see, newest first."""
        return self._transport.listing(
            Call[schema.ComparisonList](method="GET", path="/comparisons", query=query_of(query))
        )

    def restore(self, comparison_id: str, /) -> Work[schema.ComparisonOutput]:
        """Take it out of the trash, with those of its generations that went there with it."""
        return self._transport.start(
            Call[schema.ComparisonOutput](
                method="POST",
                path=fill("/comparisons/{comparison_id}/restore", comparison_id=comparison_id),
            ),
            "/comparisons/{id}",
        )

    def reveal(self, comparison_id: str, /) -> Work[schema.ComparisonOutput]:
        """See who made what before all pairs are voted on; later votes are not blind then."""
        return self._transport.start(
            Call[schema.ComparisonOutput](
                method="POST",
                path=fill("/comparisons/{comparison_id}/reveal", comparison_id=comparison_id),
            ),
            "/comparisons/{id}",
        )

    def trash(self, comparison_id: str, /) -> None:
        """Put it and its generations in the trash; its votes count no more meanwhile."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill("/comparisons/{comparison_id}", comparison_id=comparison_id),
            )
        )


class Connectors(Group):
    """The operations of `connectors`."""

    def change(
        self,
        slug: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedConnectorPatch],
    ) -> schema.ConnectorOutput:
        """Change what is named; with `If-Match`, only as it was read. What runs goes on."""
        return self._transport.read(
            Call[schema.ConnectorOutput](
                method="PATCH",
                path=fill("/connectors/{slug}", slug=slug),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def check(self, slug: str, /) -> schema.ConnectorOutput:
        """Look anew whether it is there; the answer says so in `available`."""
        return self._transport.read(
            Call[schema.ConnectorOutput](
                method="POST", path=fill("/connectors/{slug}/check", slug=slug)
            )
        )

    def create(self, **body: Unpack[schema.ConnectorInput]) -> schema.ConnectorOutput:
        """Connect a model, after its server was asked for it or its folder was read."""
        return self._transport.read(
            Call[schema.ConnectorOutput](method="POST", path="/connectors", body=body)
        )

    def delete(self, slug: str, /) -> None:
        """Let go of a model and its key; what it made stays, and so does its folder."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/connectors/{slug}", slug=slug))
        )

    def get(self, slug: str, /) -> schema.ConnectorOutput:
        """One connected model."""
        return self._transport.read(
            Call[schema.ConnectorOutput](method="GET", path=fill("/connectors/{slug}", slug=slug))
        )

    def list(self) -> Listing[schema.ConnectorList, schema.ConnectorOutput]:
        """Every connected model."""
        return self._transport.listing(
            Call[schema.ConnectorList](method="GET", path="/connectors")
        )


class Decisions(Group):
    """The operations of `decisions`."""

    def list(
        self, generation_id: str, /, **query: Unpack[schema.DecisionsListQuery]
    ) -> Listing[schema.DecisionList, schema.DecisionOutput]:
        """All that was ever decided on a result, newest first.

        Who has not decided is not told what others think: 409.
        """
        return self._transport.listing(
            Call[schema.DecisionList](
                method="GET",
                path=fill("/generations/{generation_id}/decisions", generation_id=generation_id),
                query=query_of(query),
            )
        )


class Documents(Group):
    """The operations of `documents`."""

    def cancel(self, source_id: str, /) -> Work[schema.SourceOutput]:
        """Stop reading it; the version before, if there is one, stays found."""
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST", path=fill("/documents/{source_id}/cancel", source_id=source_id)
            ),
            "/documents/{id}",
        )

    def change(
        self,
        source_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedDocumentChangeInput],
    ) -> schema.SourceOutput:
        """Give it another title; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.SourceOutput](
                method="PATCH",
                path=fill("/documents/{source_id}", source_id=source_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def chunk_change(
        self,
        source_id: str,
        passage_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedPassageChange],
    ) -> schema.PassageOutput:
        """Set the heading of a passage, or take it out of search; its text is the document's."""
        return self._transport.read(
            Call[schema.PassageOutput](
                method="PATCH",
                path=fill(
                    "/documents/{source_id}/chunks/{passage_id}",
                    source_id=source_id,
                    passage_id=passage_id,
                ),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def chunk_join(
        self, source_id: str, passage_id: str, /, *, if_match: str | None = None
    ) -> schema.PassageOutput:
        """Make one of a passage and the next, with what stands between them."""
        return self._transport.read(
            Call[schema.PassageOutput](
                method="POST",
                path=fill(
                    "/documents/{source_id}/chunks/{passage_id}/join",
                    source_id=source_id,
                    passage_id=passage_id,
                ),
                headers={**header_of("If-Match", if_match)},
            )
        )

    def chunk_split(
        self,
        source_id: str,
        passage_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PassageSplit],
    ) -> Sequence[schema.PassageOutput]:
        """Make two of a passage, the second from character `at` of its text on."""
        return self._transport.read(
            Call[Sequence[schema.PassageOutput]](
                method="POST",
                path=fill(
                    "/documents/{source_id}/chunks/{passage_id}/split",
                    source_id=source_id,
                    passage_id=passage_id,
                ),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def chunks(
        self, source_id: str, /, **query: Unpack[schema.DocumentsChunksQuery]
    ) -> Listing[schema.PassageList, schema.PassageOutput]:
        """The pieces that it was cut into, in the order of its text.

        Changes of any of them may depend on the `ETag` of this answer or of the document.
        """
        return self._transport.listing(
            Call[schema.PassageList](
                method="GET",
                path=fill("/documents/{source_id}/chunks", source_id=source_id),
                query=query_of(query),
            )
        )

    def create(
        self,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[schema.DocumentInput],
    ) -> Work[schema.SourceOutput]:
        """Bring a document: 202 while it is read, 200 for what was here already.

        The bytes are the key: sending the same document again is safe and makes nothing new. Other
        bytes under the same name are its next version, unless `on_same_name` is `keep_both`; an
        address that came before is fetched again.
        """
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST",
                path="/documents",
                headers={**key_header(idempotency_key), **prefer_header(wait)},
                body=body,
            ),
            "/documents/{id}",
        )

    def create_from_file(
        self,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[schema.FileInput],
    ) -> Work[schema.SourceOutput]:
        """Bring a document: 202 while it is read, 200 for what was here already.

        The bytes are the key: sending the same document again is safe and makes nothing new. Other
        bytes under the same name are its next version, unless `on_same_name` is `keep_both`; an
        address that came before is fetched again.
        """
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST",
                path="/documents",
                headers={**key_header(idempotency_key), **prefer_header(wait)},
                form=body,
            ),
            "/documents/{id}",
        )

    def fetch(self, source_id: str, /) -> Work[schema.SourceOutput]:
        """Fetch it from its address again, as its next version."""
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST", path=fill("/documents/{source_id}/fetch", source_id=source_id)
            ),
            "/documents/{id}",
        )

    def get(self, source_id: str, /) -> schema.SourceOutput:
        """One document; its `ETag` changes with all that it says."""
        return self._transport.read(
            Call[schema.SourceOutput](
                method="GET", path=fill("/documents/{source_id}", source_id=source_id)
            )
        )

    def list(
        self, **query: Unpack[schema.DocumentsListQuery]
    ) -> Listing[schema.SourceList, schema.SourceOutput]:
        """The documents that one may see, newest first."""
        return self._transport.listing(
            Call[schema.SourceList](method="GET", path="/documents", query=query_of(query))
        )

    def restore(self, source_id: str, /) -> Work[schema.SourceOutput]:
        """Take it out of the trash."""
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST", path=fill("/documents/{source_id}/restore", source_id=source_id)
            ),
            "/documents/{id}",
        )

    def restore_version(self, source_id: str, number: int, /) -> Work[schema.SourceOutput]:
        """Read the bytes of an earlier version again, as the next one."""
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST",
                path=fill(
                    "/documents/{source_id}/versions/{number}/restore",
                    source_id=source_id,
                    number=number,
                ),
            ),
            "/documents/{id}",
        )

    def retry(self, source_id: str, /) -> Work[schema.SourceOutput]:
        """Read it again if that was stopped or failed; otherwise nothing changes."""
        return self._transport.start(
            Call[schema.SourceOutput](
                method="POST", path=fill("/documents/{source_id}/retry", source_id=source_id)
            ),
            "/documents/{id}",
        )

    def trash(self, source_id: str, /) -> None:
        """Put it in the trash, where it is neither found nor cited."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/documents/{source_id}", source_id=source_id))
        )

    def versions(
        self, source_id: str, /, **query: Unpack[schema.DocumentsVersionsQuery]
    ) -> Listing[schema.VersionList, schema.VersionOutput]:
        """Its versions, newest first; one of them can be found, the others are kept for quotes."""
        return self._transport.listing(
            Call[schema.VersionList](
                method="GET",
                path=fill("/documents/{source_id}/versions", source_id=source_id),
                query=query_of(query),
            )
        )


class EmbeddingSpaces(Group):
    """The operations of `embedding-spaces`."""

    def check(self, space_id: int, /) -> schema.EmbeddingSpaceOutput:
        """Have a worker check the graph now; the result joins `checks`."""
        return self._transport.read(
            Call[schema.EmbeddingSpaceOutput](
                method="POST", path=fill("/embedding-spaces/{space_id}/check", space_id=space_id)
            )
        )

    def create(self, **body: Unpack[schema.SpaceInput]) -> schema.EmbeddingSpaceOutput:
        """Add a space, which workers then fill; there is one of each embedder."""
        return self._transport.read(
            Call[schema.EmbeddingSpaceOutput](method="POST", path="/embedding-spaces", body=body)
        )

    def drop(self, space_id: int, /) -> None:
        """Drop a space with its vectors, filled or not; not the one that is searched."""
        self._transport.read(
            Call[None](
                method="DELETE", path=fill("/embedding-spaces/{space_id}", space_id=space_id)
            )
        )

    def get(self, space_id: int, /) -> schema.EmbeddingSpaceOutput:
        """One space."""
        return self._transport.read(
            Call[schema.EmbeddingSpaceOutput](
                method="GET", path=fill("/embedding-spaces/{space_id}", space_id=space_id)
            )
        )

    def list(self) -> Listing[schema.EmbeddingSpaceList, schema.EmbeddingSpaceOutput]:
        """Every space, the one that is searched first."""
        return self._transport.listing(
            Call[schema.EmbeddingSpaceList](method="GET", path="/embedding-spaces")
        )

    def rollback(self, space_id: int, /) -> schema.EmbeddingSpaceOutput:
        """Go back from this space, which is searched, to the one before; answers with that."""
        return self._transport.read(
            Call[schema.EmbeddingSpaceOutput](
                method="POST",
                path=fill("/embedding-spaces/{space_id}/rollback", space_id=space_id),
            )
        )

    def switch(
        self, space_id: int, /, **body: Unpack[schema.SwitchInput]
    ) -> schema.EmbeddingSpaceOutput:
        """Have all searches look here; `force` leaves out whether it is ready."""
        return self._transport.read(
            Call[schema.EmbeddingSpaceOutput](
                method="POST",
                path=fill("/embedding-spaces/{space_id}/switch", space_id=space_id),
                body=body,
            )
        )


class Entities(Group):
    """The operations of `entities`."""

    def get(self, entity_id: str, /) -> schema.EntityDetailOutput:
        """One entity with its spellings."""
        return self._transport.read(
            Call[schema.EntityDetailOutput](
                method="GET", path=fill("/entities/{entity_id}", entity_id=entity_id)
            )
        )

    def list(
        self, **query: Unpack[schema.EntitiesListQuery]
    ) -> Listing[schema.EntityList, schema.EntityOutput]:
        """What one's documents and generations name, most mentioned first."""
        return self._transport.listing(
            Call[schema.EntityList](method="GET", path="/entities", query=query_of(query))
        )

    def merge(
        self, entity_id: str, /, **body: Unpack[schema.MergeInput]
    ) -> schema.EntityDetailOutput:
        """Show another entity as this one from now on; `unmerge` of the other undoes it."""
        return self._transport.read(
            Call[schema.EntityDetailOutput](
                method="POST",
                path=fill("/entities/{entity_id}/merge", entity_id=entity_id),
                body=body,
            )
        )

    def neighbours(
        self, entity_id: str, /, **query: Unpack[schema.EntitiesNeighboursQuery]
    ) -> schema.NeighbourhoodOutput:
        """What lies around it: what is said of it first, then what stands in its passages."""
        return self._transport.read(
            Call[schema.NeighbourhoodOutput](
                method="GET",
                path=fill("/entities/{entity_id}/neighbours", entity_id=entity_id),
                query=query_of(query),
            )
        )

    def relations(
        self, entity_id: str, /, **query: Unpack[schema.EntitiesRelationsQuery]
    ) -> Listing[schema.RelationList, schema.RelationOutput]:
        """What is said of it, each with the sentence that says it."""
        return self._transport.listing(
            Call[schema.RelationList](
                method="GET",
                path=fill("/entities/{entity_id}/relations", entity_id=entity_id),
                query=query_of(query),
            )
        )

    def split(
        self, entity_id: str, /, **body: Unpack[schema.AliasInput]
    ) -> schema.EntityDetailOutput:
        """Take a spelling out with its mentions; answers with what it stands for now."""
        return self._transport.read(
            Call[schema.EntityDetailOutput](
                method="POST",
                path=fill("/entities/{entity_id}/split", entity_id=entity_id),
                body=body,
            )
        )

    def unmerge(self, entity_id: str, /) -> schema.EntityDetailOutput:
        """Let a merged entity stand by itself again."""
        return self._transport.read(
            Call[schema.EntityDetailOutput](
                method="POST", path=fill("/entities/{entity_id}/unmerge", entity_id=entity_id)
            )
        )

    def unsplit(
        self, entity_id: str, /, **body: Unpack[schema.AliasInput]
    ) -> schema.EntityDetailOutput:
        """Put a spelling that was split off this entity back; answers with the entity."""
        return self._transport.read(
            Call[schema.EntityDetailOutput](
                method="POST",
                path=fill("/entities/{entity_id}/unsplit", entity_id=entity_id),
                body=body,
            )
        )


class Feedback(Group):
    """The operations of `feedback`."""

    def list(
        self, generation_id: str, /, **query: Unpack[schema.FeedbackListQuery]
    ) -> Listing[schema.FeedbackList, schema.FeedbackOutput]:
        """One's own scores of it, newest first; for reviewers and admins everybody's."""
        return self._transport.listing(
            Call[schema.FeedbackList](
                method="GET",
                path=fill("/generations/{generation_id}/feedback", generation_id=generation_id),
                query=query_of(query),
            )
        )

    def put(
        self, generation_id: str, /, **body: Unpack[schema.FeedbackInput]
    ) -> schema.FeedbackOutput:
        """Score it, in place of what one said before."""
        return self._transport.read(
            Call[schema.FeedbackOutput](
                method="PUT",
                path=fill("/generations/{generation_id}/feedback", generation_id=generation_id),
                body=body,
            )
        )

    def take_back(self, generation_id: str, /) -> None:
        """Have one's score count no more; again changes nothing."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill("/generations/{generation_id}/feedback", generation_id=generation_id),
            )
        )


class GenerationTags(Group):
    """The operations of `generation-tags`."""

    def get(self, generation_id: str, /) -> schema.TagsOfGeneration:
        """The tags of a generation."""
        return self._transport.read(
            Call[schema.TagsOfGeneration](
                method="GET",
                path=fill("/generations/{generation_id}/tags", generation_id=generation_id),
            )
        )

    def set(
        self,
        generation_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.TagsOfGeneration],
    ) -> schema.TagsOfGeneration:
        """Give it these in place of those that it has; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.TagsOfGeneration](
                method="PUT",
                path=fill("/generations/{generation_id}/tags", generation_id=generation_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )


class Generations(GenerationStreams):
    """The operations of `generations`."""

    def bulk(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.BulkInput]
    ) -> schema.BulkOutput:
        """Do the same to many; those that one may not change are refused one by one."""
        return self._transport.read(
            Call[schema.BulkOutput](
                method="POST",
                path="/generations/bulk",
                headers={**key_header(idempotency_key)},
                body=body,
            )
        )

    def bulk_get(self, act_id: str, /) -> schema.BulkOutput:
        """What was done to many by one call of one's own."""
        return self._transport.read(
            Call[schema.BulkOutput](
                method="GET", path=fill("/generations/bulk/{act_id}", act_id=act_id)
            )
        )

    def bulk_undo(self, act_id: str, /) -> schema.UndoneOutput:
        """Take back tags or trash where that still stands; again changes nothing."""
        return self._transport.read(
            Call[schema.UndoneOutput](
                method="POST", path=fill("/generations/bulk/{act_id}/undo", act_id=act_id)
            )
        )

    def cancel(self, generation_id: str, /) -> Work[schema.GenerationOutput]:
        """Stop it: 202 while it is stopping, 200 where it has ended already."""
        return self._transport.start(
            Call[schema.GenerationOutput](
                method="POST",
                path=fill("/generations/{generation_id}/cancel", generation_id=generation_id),
            ),
            "/generations/{id}",
        )

    def create(
        self,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[schema.GenerationInput],
    ) -> Work[schema.GenerationOutput]:
        """Accept a prompt: 202, or 201 where `Prefer: wait=N` saw the end."""
        return self._transport.start(
            Call[schema.GenerationOutput](
                method="POST",
                path="/generations",
                headers={**key_header(idempotency_key), **prefer_header(wait)},
                body=body,
            ),
            "/generations/{id}",
        )

    def export(self, **body: Unpack[schema.ExportInput]) -> Download:
        """One's own generations as JSONL, CSV, or ZIP with their files, while they are read."""
        return self._transport.download(
            Call[bytes](method="POST", path="/generations/export", body=body)
        )

    def get(self, generation_id: str, /) -> schema.GenerationOutput:
        """One generation; its `ETag` changes with all that it says."""
        return self._transport.read(
            Call[schema.GenerationOutput](
                method="GET",
                path=fill("/generations/{generation_id}", generation_id=generation_id),
            )
        )

    def input_content(self, generation_id: str, name: str, /) -> Download:
        """The bytes that a generation starts from, also after their upload was deleted."""
        return self._transport.download(
            Call[bytes](
                method="GET",
                path=fill(
                    "/generations/{generation_id}/inputs/{name}/content",
                    generation_id=generation_id,
                    name=name,
                ),
            )
        )

    def lineage(
        self, generation_id: str, /, **query: Unpack[schema.GenerationsLineageQuery]
    ) -> schema.LineageOutput:
        """All that led to it and came of it, of what one may see."""
        return self._transport.read(
            Call[schema.LineageOutput](
                method="GET",
                path=fill("/generations/{generation_id}/lineage", generation_id=generation_id),
                query=query_of(query),
            )
        )

    def list(
        self, **query: Unpack[schema.GenerationsListQuery]
    ) -> Listing[schema.GenerationList, schema.GenerationOutput]:
        """The generations that one may see, newest first."""
        return self._transport.listing(
            Call[schema.GenerationList](method="GET", path="/generations", query=query_of(query))
        )

    def references(
        self, **query: Unpack[schema.GenerationsReferencesQuery]
    ) -> schema.ReferencesOutput:
        """One's own results whose prompts come nearest; a new one may name one as `reference`."""
        return self._transport.read(
            Call[schema.ReferencesOutput](
                method="GET", path="/generations/references", query=query_of(query)
            )
        )

    def reproduce(
        self, generation_id: str, /, *, idempotency_key: str | None = None
    ) -> Work[schema.GenerationOutput]:
        """Make its result again, as a new generation that ends with a verdict."""
        return self._transport.start(
            Call[schema.GenerationOutput](
                method="POST",
                path=fill("/generations/{generation_id}/reproduce", generation_id=generation_id),
                headers={**key_header(idempotency_key)},
            ),
            "/generations/{id}",
        )

    def reproductions(
        self, generation_id: str, /
    ) -> Listing[schema.GenerationList, schema.GenerationOutput]:
        """The generations that were to make its result again, newest first."""
        return self._transport.listing(
            Call[schema.GenerationList](
                method="GET",
                path=fill(
                    "/generations/{generation_id}/reproductions", generation_id=generation_id
                ),
            )
        )

    def restore(self, generation_id: str, /) -> Work[schema.GenerationOutput]:
        """Take it out of the trash."""
        return self._transport.start(
            Call[schema.GenerationOutput](
                method="POST",
                path=fill("/generations/{generation_id}/restore", generation_id=generation_id),
            ),
            "/generations/{id}",
        )

    def retag(self, **body: Unpack[schema.RetagInput]) -> schema.RetaggedOutput:
        """Add tags to all of these generations and take others away: all or none."""
        return self._transport.read(
            Call[schema.RetaggedOutput](method="POST", path="/generations/tags", body=body)
        )

    def retry(self, generation_id: str, /) -> Work[schema.GenerationOutput]:
        """Run one that ended without a result again, as a new generation linked to it."""
        return self._transport.start(
            Call[schema.GenerationOutput](
                method="POST",
                path=fill("/generations/{generation_id}/retry", generation_id=generation_id),
            ),
            "/generations/{id}",
        )

    def similar(
        self, generation_id: str, /, **query: Unpack[schema.GenerationsSimilarQuery]
    ) -> Listing[schema.SearchOutput, schema.SearchHitOutput]:
        """What comes closest in meaning to its prompt, itself left out.

        With `by=look`, the pictures that look like its own.
        """
        return self._transport.listing(
            Call[schema.SearchOutput](
                method="GET",
                path=fill("/generations/{generation_id}/similar", generation_id=generation_id),
                query=query_of(query),
            )
        )

    def trash(self, generation_id: str, /) -> None:
        """Put it in the trash; restoring brings it back."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill("/generations/{generation_id}", generation_id=generation_id),
            )
        )


class Insights(Group):
    """The operations of `insights`."""

    def get(self, **query: Unpack[schema.InsightsGetQuery]) -> schema.InsightsOutput:
        """How many generations there were, how long they took and how they were liked."""
        return self._transport.read(
            Call[schema.InsightsOutput](method="GET", path="/insights", query=query_of(query))
        )


class Me(Group):
    """The operations of `me`."""

    def get(self) -> schema.MeOutput:
        """Who this key or session is."""
        return self._transport.read(Call[schema.MeOutput](method="GET", path="/me"))

    def preferences_change(
        self, **body: Unpack[schema.PatchedPreferencesInput]
    ) -> schema.PreferencesOutput:
        """Change those named; the others stay."""
        return self._transport.read(
            Call[schema.PreferencesOutput](method="PATCH", path="/me/preferences", body=body)
        )

    def preferences_get(self) -> schema.PreferencesOutput:
        """How the pages look and behave for who is signed in."""
        return self._transport.read(
            Call[schema.PreferencesOutput](method="GET", path="/me/preferences")
        )


class ModelVersions(Group):
    """The operations of `model-versions`."""

    def list(self, slug: str, /) -> Listing[schema.ModelVersionList, schema.ModelVersionOutput]:
        """The weights that this slug has stood for since the site knows it, newest first.

        Generations name theirs in `model.weights_sha256`.
        """
        return self._transport.listing(
            Call[schema.ModelVersionList](
                method="GET", path=fill("/models/{slug}/versions", slug=slug)
            )
        )


class Models(Group):
    """The operations of `models`."""

    def get(self, slug: str, /) -> schema.ModelOutput:
        """One model."""
        return self._transport.read(
            Call[schema.ModelOutput](method="GET", path=fill("/models/{slug}", slug=slug))
        )

    def list(self) -> Listing[schema.ModelList, schema.ModelOutput]:
        """Every model, those that are not available with the reason.

        Admins are told of those that are switched off too.
        """
        return self._transport.listing(Call[schema.ModelList](method="GET", path="/models"))

    def switch(self, slug: str, /, **body: Unpack[schema.ModelSwitchInput]) -> schema.ModelOutput:
        """Let requests for it in, or refuse them from now on with `model_unavailable`."""
        return self._transport.read(
            Call[schema.ModelOutput](
                method="PUT", path=fill("/models/{slug}/enabled", slug=slug), body=body
            )
        )


class PromptLabels(Group):
    """The operations of `prompt-labels`."""

    def drop(self, template_id: str, label: str, /) -> None:
        """Take a label away; again changes nothing."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill(
                    "/prompts/{template_id}/labels/{label}", template_id=template_id, label=label
                ),
            )
        )

    def set(
        self,
        template_id: str,
        label: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PromptLabelInput],
    ) -> schema.PromptOutput:
        """Have a label name a version, whichever it named before."""
        return self._transport.read(
            Call[schema.PromptOutput](
                method="PUT",
                path=fill(
                    "/prompts/{template_id}/labels/{label}", template_id=template_id, label=label
                ),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )


class PromptVersions(Group):
    """The operations of `prompt-versions`."""

    def add(
        self,
        template_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PromptVersionInput],
    ) -> schema.PromptVersionOutput:
        """Write the next version; the words of the newest again give that one."""
        return self._transport.read(
            Call[schema.PromptVersionOutput](
                method="POST",
                path=fill("/prompts/{template_id}/versions", template_id=template_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def get(self, template_id: str, number: int, /) -> schema.PromptVersionOutput:
        """One of them."""
        return self._transport.read(
            Call[schema.PromptVersionOutput](
                method="GET",
                path=fill(
                    "/prompts/{template_id}/versions/{number}",
                    template_id=template_id,
                    number=number,
                ),
            )
        )

    def list(
        self, template_id: str, /, **query: Unpack[schema.PromptVersionsListQuery]
    ) -> Listing[schema.PromptVersionList, schema.PromptVersionOutput]:
        """All of them, newest first."""
        return self._transport.listing(
            Call[schema.PromptVersionList](
                method="GET",
                path=fill("/prompts/{template_id}/versions", template_id=template_id),
                query=query_of(query),
            )
        )


class Prompts(Group):
    """The operations of `prompts`."""

    def change(
        self,
        template_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedPromptChangeInput],
    ) -> schema.PromptOutput:
        """Rename it or say something else of it; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.PromptOutput](
                method="PATCH",
                path=fill("/prompts/{template_id}", template_id=template_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.PromptInput]
    ) -> schema.PromptOutput:
        """Keep a prompt under a name; places for values are names in double braces."""
        return self._transport.read(
            Call[schema.PromptOutput](
                method="POST", path="/prompts", headers={**key_header(idempotency_key)}, body=body
            )
        )

    def get(self, template_id: str, /) -> schema.PromptOutput:
        """One prompt."""
        return self._transport.read(
            Call[schema.PromptOutput](
                method="GET", path=fill("/prompts/{template_id}", template_id=template_id)
            )
        )

    def list(
        self, **query: Unpack[schema.PromptsListQuery]
    ) -> Listing[schema.PromptList, schema.PromptOutput]:
        """The prompts that one may see, newest first."""
        return self._transport.listing(
            Call[schema.PromptList](method="GET", path="/prompts", query=query_of(query))
        )

    def render(
        self, template_id: str, /, **body: Unpack[schema.TemplateUseFields]
    ) -> schema.RenderedOutput:
        """The text with its values put in, and nothing else done."""
        return self._transport.read(
            Call[schema.RenderedOutput](
                method="POST",
                path=fill("/prompts/{template_id}/render", template_id=template_id),
                body=body,
            )
        )

    def restore(self, template_id: str, /) -> schema.PromptOutput:
        """Take it out of the trash, unless its name was given to another meanwhile."""
        return self._transport.read(
            Call[schema.PromptOutput](
                method="POST", path=fill("/prompts/{template_id}/restore", template_id=template_id)
            )
        )

    def trash(self, template_id: str, /) -> None:
        """Put it into the trash; restoring brings it back."""
        self._transport.read(
            Call[None](
                method="DELETE", path=fill("/prompts/{template_id}", template_id=template_id)
            )
        )


class Rankings(Group):
    """The operations of `rankings`."""

    def list(
        self, **query: Unpack[schema.RankingsListQuery]
    ) -> Listing[schema.RankingList, schema.RankingOutput]:
        """How strong models are by everybody's votes, for every task that has any."""
        return self._transport.listing(
            Call[schema.RankingList](method="GET", path="/rankings", query=query_of(query))
        )


class ReviewDecisions(Group):
    """The operations of `review-decisions`."""

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.ReviewDecisionInput]
    ) -> schema.ReviewActOutput:
        """Decide the same on all of these or on none; what one decided before counts no more.

        A score is given as feedback. Where one of them has no result or is in the trash, 409.
        """
        return self._transport.read(
            Call[schema.ReviewActOutput](
                method="POST",
                path="/review-decisions",
                headers={**key_header(idempotency_key)},
                body=body,
            )
        )

    def get(self, act: str, /) -> schema.ReviewActOutput:
        """What one decided in one go, and on how many results it is one's newest word."""
        return self._transport.read(
            Call[schema.ReviewActOutput](
                method="GET", path=fill("/review-decisions/{act}", act=act)
            )
        )

    def undo(self, act: str, /) -> schema.TakenBackOutput:
        """Have it count no more where one has not decided anew since; again takes back nothing.

        The record keeps it, with a line that says that it was taken back.
        """
        return self._transport.read(
            Call[schema.TakenBackOutput](
                method="POST", path=fill("/review-decisions/{act}/undo", act=act)
            )
        )


class ReviewItems(Group):
    """The operations of `review-items`."""

    def get(self, review_item_id: str, /) -> schema.ReviewItemOutput:
        """One result in a queue, with what one decided on it."""
        return self._transport.read(
            Call[schema.ReviewItemOutput](
                method="GET",
                path=fill("/review-items/{review_item_id}", review_item_id=review_item_id),
            )
        )

    def list(
        self, queue_id: str, /, **query: Unpack[schema.ReviewItemsListQuery]
    ) -> Listing[schema.ReviewItemList, schema.ReviewItemOutput]:
        """What a queue holds without the trash, newest first."""
        return self._transport.listing(
            Call[schema.ReviewItemList](
                method="GET",
                path=fill("/review-queues/{queue_id}/items", queue_id=queue_id),
                query=query_of(query),
            )
        )

    def next(
        self, queue_id: str, /, **body: Unpack[schema.TakeNextInput]
    ) -> schema.TakenItemOutput:
        """Be given the next open item, and hold its place for 30 minutes.

        What one held in this queue before is free again. A closed queue hands out nothing: 409.
        """
        return self._transport.read(
            Call[schema.TakenItemOutput](
                method="POST",
                path=fill("/review-queues/{queue_id}/next", queue_id=queue_id),
                body=body,
            )
        )

    def release(self, review_item_id: str, /) -> schema.ReviewItemOutput:
        """Let go of the place that one holds, so that others are given it."""
        return self._transport.read(
            Call[schema.ReviewItemOutput](
                method="POST",
                path=fill("/review-items/{review_item_id}/release", review_item_id=review_item_id),
            )
        )


class ReviewQueues(Group):
    """The operations of `review-queues`."""

    def agreement(self, queue_id: str, /) -> schema.ReviewAgreementOutput:
        """How far reviewers agree on what several decided on, and what each decided."""
        return self._transport.read(
            Call[schema.ReviewAgreementOutput](
                method="GET", path=fill("/review-queues/{queue_id}/agreement", queue_id=queue_id)
            )
        )

    def change(
        self,
        queue_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedReviewQueueChangeInput],
    ) -> schema.ReviewQueueOutput:
        """Change what it is called, asks and takes in from now on; what it holds stays."""
        return self._transport.read(
            Call[schema.ReviewQueueOutput](
                method="PATCH",
                path=fill("/review-queues/{queue_id}", queue_id=queue_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def close(self, queue_id: str, /) -> schema.ReviewQueueOutput:
        """Hand out no more of it; what was decided stays. Again changes nothing."""
        return self._transport.read(
            Call[schema.ReviewQueueOutput](
                method="POST", path=fill("/review-queues/{queue_id}/close", queue_id=queue_id)
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.ReviewQueueInput]
    ) -> schema.ReviewQueueOutput:
        """Make a queue and take in the newest results that it asks for, at most 10,000."""
        return self._transport.read(
            Call[schema.ReviewQueueOutput](
                method="POST",
                path="/review-queues",
                headers={**key_header(idempotency_key)},
                body=body,
            )
        )

    def fill(self, queue_id: str, /) -> schema.FilledOutput:
        """Take in what has come since and fits, at most 10,000 of the newest."""
        return self._transport.read(
            Call[schema.FilledOutput](
                method="POST", path=fill("/review-queues/{queue_id}/fill", queue_id=queue_id)
            )
        )

    def get(self, queue_id: str, /) -> schema.ReviewQueueOutput:
        """One queue, with how far it is and what of that is one's own."""
        return self._transport.read(
            Call[schema.ReviewQueueOutput](
                method="GET", path=fill("/review-queues/{queue_id}", queue_id=queue_id)
            )
        )

    def list(
        self, **query: Unpack[schema.ReviewQueuesListQuery]
    ) -> Listing[schema.ReviewQueueList, schema.ReviewQueueOutput]:
        """The queues, newest first; `closed` tells the closed ones instead of the others."""
        return self._transport.listing(
            Call[schema.ReviewQueueList](
                method="GET", path="/review-queues", query=query_of(query)
            )
        )

    def reopen(self, queue_id: str, /) -> schema.ReviewQueueOutput:
        """Hand items out again."""
        return self._transport.read(
            Call[schema.ReviewQueueOutput](
                method="POST", path=fill("/review-queues/{queue_id}/reopen", queue_id=queue_id)
            )
        )


class SavedSearches(Group):
    """The operations of `saved-searches`."""

    def change(
        self,
        saved_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedSavedSearchChange],
    ) -> schema.SavedSearchOutput:
        """Rename it, or put another search there; with `If-Match`, only as it was read."""
        return self._transport.read(
            Call[schema.SavedSearchOutput](
                method="PATCH",
                path=fill("/saved-searches/{saved_id}", saved_id=saved_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.SavedSearchInput]
    ) -> schema.SavedSearchOutput:
        """Give a search a name; it must be one that would run now."""
        return self._transport.read(
            Call[schema.SavedSearchOutput](
                method="POST",
                path="/saved-searches",
                headers={**key_header(idempotency_key)},
                body=body,
            )
        )

    def delete(self, saved_id: str, /) -> None:
        """Forget it; what it finds stays."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/saved-searches/{saved_id}", saved_id=saved_id))
        )

    def get(self, saved_id: str, /) -> schema.SavedSearchOutput:
        """One of one's own; `links.search` runs it."""
        return self._transport.read(
            Call[schema.SavedSearchOutput](
                method="GET", path=fill("/saved-searches/{saved_id}", saved_id=saved_id)
            )
        )

    def list(self) -> Listing[schema.SavedSearchList, schema.SavedSearchOutput]:
        """One's own, by name."""
        return self._transport.listing(
            Call[schema.SavedSearchList](method="GET", path="/saved-searches")
        )


class Search(Group):
    """The operations of `search`."""

    def __call__(
        self, **query: Unpack[schema.SearchCallQuery]
    ) -> Listing[schema.SearchOutput, schema.SearchHitOutput]:
        """Find by words and by meaning what one may see, in generations and documents alike.

        `mode=look` finds pictures by what they show, whatever their prompts say: `score` is the
        cosine of picture and question, at most 200 are ranked, and `source`, `language`,
        `repeats`, `exact` and `facets` are refused.
        """
        return self._transport.listing(
            Call[schema.SearchOutput](method="GET", path="/search", query=query_of(query))
        )


class Tags(Group):
    """The operations of `tags`."""

    def change(
        self,
        tag_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedTagChangeInput],
    ) -> schema.TagOutput:
        """Rename it on all of one's generations.

        Where one has a tag of that name, 409; with `merge` the two become that one, and it is
        answered.
        """
        return self._transport.read(
            Call[schema.TagOutput](
                method="PATCH",
                path=fill("/tags/{tag_id}", tag_id=tag_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.TagInput]
    ) -> schema.TagOutput:
        """Make a tag that nothing has yet; giving one to a generation makes it as well."""
        return self._transport.read(
            Call[schema.TagOutput](
                method="POST", path="/tags", headers={**key_header(idempotency_key)}, body=body
            )
        )

    def delete(self, tag_id: str, /, *, if_match: str | None = None) -> None:
        """Take it off all of one's generations, those in the trash as well."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill("/tags/{tag_id}", tag_id=tag_id),
                headers={**header_of("If-Match", if_match)},
            )
        )

    def get(self, tag_id: str, /) -> schema.TagOutput:
        """One of one's own tags."""
        return self._transport.read(
            Call[schema.TagOutput](method="GET", path=fill("/tags/{tag_id}", tag_id=tag_id))
        )

    def list(
        self, **query: Unpack[schema.TagsListQuery]
    ) -> Listing[schema.TagList, schema.TagOutput]:
        """One's own tags by name, with how many generations have each."""
        return self._transport.listing(
            Call[schema.TagList](method="GET", path="/tags", query=query_of(query))
        )


class Turns(Group):
    """The operations of `turns`."""

    def again(
        self,
        chat_id: str,
        turn_id: str,
        /,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
    ) -> Work[schema.TurnOutput]:
        """Ask the same once more, as another branch."""
        return self._transport.start(
            Call[schema.TurnOutput](
                method="POST",
                path=fill(
                    "/chats/{chat_id}/turns/{turn_id}/again", chat_id=chat_id, turn_id=turn_id
                ),
                headers={**key_header(idempotency_key), **prefer_header(wait)},
            ),
            "/chats/{chat_id}/turns/{id}",
            chat_id=chat_id,
        )

    def cancel(self, chat_id: str, turn_id: str, /) -> Work[schema.TurnOutput]:
        """Stop the reply that is being written: 202 while it stops, 200 where it has ended."""
        return self._transport.start(
            Call[schema.TurnOutput](
                method="POST",
                path=fill(
                    "/chats/{chat_id}/turns/{turn_id}/cancel", chat_id=chat_id, turn_id=turn_id
                ),
            ),
            "/chats/{chat_id}/turns/{id}",
            chat_id=chat_id,
        )

    def create(
        self,
        chat_id: str,
        /,
        *,
        idempotency_key: str | None = None,
        wait: float | None = None,
        **body: Unpack[schema.TurnInput],
    ) -> Work[schema.TurnOutput]:
        """Put a question: 201 with the reply, or 202 where it is still to be written."""
        return self._transport.start(
            Call[schema.TurnOutput](
                method="POST",
                path=fill("/chats/{chat_id}/turns", chat_id=chat_id),
                headers={**key_header(idempotency_key), **prefer_header(wait)},
                body=body,
            ),
            "/chats/{chat_id}/turns/{id}",
            chat_id=chat_id,
        )

    def get(self, chat_id: str, turn_id: str, /) -> schema.TurnOutput:
        """One question with its reply."""
        return self._transport.read(
            Call[schema.TurnOutput](
                method="GET",
                path=fill("/chats/{chat_id}/turns/{turn_id}", chat_id=chat_id, turn_id=turn_id),
            )
        )


class Uploads(Group):
    """The operations of `uploads`."""

    def content(self, upload_id: str, /) -> Download:
        """The bytes of the PNG."""
        return self._transport.download(
            Call[bytes](
                method="GET", path=fill("/uploads/{upload_id}/content", upload_id=upload_id)
            )
        )

    def create(self, **body: Unpack[schema.UploadInput]) -> schema.UploadOutput:
        """Bring a picture: 201, or 200 for one that is here already.

        What is kept is a PNG drawn anew from its pixels, turned upright, at most 1,024 pixels on
        a side, without metadata. The picture is the key: sending it again makes nothing new.
        """
        return self._transport.read(
            Call[schema.UploadOutput](method="POST", path="/uploads", form=body)
        )

    def delete(self, upload_id: str, /) -> None:
        """Take it off the list; generations that started from it keep its bytes."""
        self._transport.read(
            Call[None](method="DELETE", path=fill("/uploads/{upload_id}", upload_id=upload_id))
        )

    def get(self, upload_id: str, /) -> schema.UploadOutput:
        """One upload."""
        return self._transport.read(
            Call[schema.UploadOutput](
                method="GET", path=fill("/uploads/{upload_id}", upload_id=upload_id)
            )
        )

    def list(
        self, **query: Unpack[schema.UploadsListQuery]
    ) -> Listing[schema.UploadList, schema.UploadOutput]:
        """One's own uploads, newest first."""
        return self._transport.listing(
            Call[schema.UploadList](method="GET", path="/uploads", query=query_of(query))
        )

    def similar(
        self, upload_id: str, /, **query: Unpack[schema.UploadsSimilarQuery]
    ) -> Listing[schema.SearchOutput, schema.SearchHitOutput]:
        """The pictures of generations that look like an upload."""
        return self._transport.listing(
            Call[schema.SearchOutput](
                method="GET",
                path=fill("/uploads/{upload_id}/similar", upload_id=upload_id),
                query=query_of(query),
            )
        )


class Usage(Group):
    """The operations of `usage`."""

    def get(self) -> schema.UsageOutput:
        """One's own limits, and what is used of them now."""
        return self._transport.read(Call[schema.UsageOutput](method="GET", path="/usage"))


class Votes(Group):
    """The operations of `votes`."""

    def give(self, comparison_id: str, /, **body: Unpack[schema.VoteInput]) -> schema.VoteOutput:
        """Say which of two results is better, in place of what one said before.

        201 for a new vote, 200 where it was said before.
        """
        return self._transport.read(
            Call[schema.VoteOutput](
                method="POST",
                path=fill("/comparisons/{comparison_id}/votes", comparison_id=comparison_id),
                body=body,
            )
        )

    def list(
        self, comparison_id: str, /, **query: Unpack[schema.VotesListQuery]
    ) -> Listing[schema.VoteList, schema.VoteOutput]:
        """One's own votes on it, newest first; for reviewers and admins everybody's."""
        return self._transport.listing(
            Call[schema.VoteList](
                method="GET",
                path=fill("/comparisons/{comparison_id}/votes", comparison_id=comparison_id),
                query=query_of(query),
            )
        )


class WebhookDeliveries(Group):
    """The operations of `webhook-deliveries`."""

    def get(self, delivery_id: str, /) -> schema.DeliveryOutput:
        """One message with its attempts."""
        return self._transport.read(
            Call[schema.DeliveryOutput](
                method="GET",
                path=fill("/webhook-deliveries/{delivery_id}", delivery_id=delivery_id),
            )
        )

    def list(
        self, endpoint_id: str, /, **query: Unpack[schema.WebhookDeliveriesListQuery]
    ) -> Listing[schema.DeliveryList, schema.DeliveryOutput]:
        """What was sent, newest first; kept for 30 days."""
        return self._transport.listing(
            Call[schema.DeliveryList](
                method="GET",
                path=fill("/webhook-endpoints/{endpoint_id}/deliveries", endpoint_id=endpoint_id),
                query=query_of(query),
            )
        )

    def resend(self, delivery_id: str, /) -> Work[schema.DeliveryOutput]:
        """Send a message that has ended once more, under the same message id."""
        return self._transport.start(
            Call[schema.DeliveryOutput](
                method="POST",
                path=fill("/webhook-deliveries/{delivery_id}/resend", delivery_id=delivery_id),
            ),
            "/webhook-deliveries/{id}",
        )


class WebhookEndpoints(Group):
    """The operations of `webhook-endpoints`."""

    def change(
        self,
        endpoint_id: str,
        /,
        *,
        if_match: str | None = None,
        **body: Unpack[schema.PatchedEndpointChange],
    ) -> schema.EndpointOutput:
        """Change what is named; with `If-Match`, only as it was read.

        Switching it on forgets its failures.
        """
        return self._transport.read(
            Call[schema.EndpointOutput](
                method="PATCH",
                path=fill("/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id),
                headers={**header_of("If-Match", if_match)},
                body=body,
            )
        )

    def create(
        self, *, idempotency_key: str | None = None, **body: Unpack[schema.EndpointInput]
    ) -> schema.EndpointWithSecretOutput:
        """Add an endpoint; its secret is in this answer."""
        return self._transport.read(
            Call[schema.EndpointWithSecretOutput](
                method="POST",
                path="/webhook-endpoints",
                headers={**key_header(idempotency_key)},
                body=body,
            )
        )

    def delete(self, endpoint_id: str, /) -> None:
        """Remove it with its log; what waits is not sent."""
        self._transport.read(
            Call[None](
                method="DELETE",
                path=fill("/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id),
            )
        )

    def get(self, endpoint_id: str, /) -> schema.EndpointOutput:
        """One endpoint."""
        return self._transport.read(
            Call[schema.EndpointOutput](
                method="GET",
                path=fill("/webhook-endpoints/{endpoint_id}", endpoint_id=endpoint_id),
            )
        )

    def list(self) -> Listing[schema.EndpointList, schema.EndpointOutput]:
        """One's endpoints."""
        return self._transport.listing(
            Call[schema.EndpointList](method="GET", path="/webhook-endpoints")
        )

    def rotate(self, endpoint_id: str, /) -> schema.EndpointWithSecretOutput:
        """Give it a new secret; for a day messages are signed with both."""
        return self._transport.read(
            Call[schema.EndpointWithSecretOutput](
                method="POST",
                path=fill(
                    "/webhook-endpoints/{endpoint_id}/rotate-secret", endpoint_id=endpoint_id
                ),
            )
        )

    def test(self, endpoint_id: str, /) -> Work[schema.DeliveryOutput]:
        """Send a message of the type `webhook.test`."""
        return self._transport.start(
            Call[schema.DeliveryOutput](
                method="POST",
                path=fill("/webhook-endpoints/{endpoint_id}/test", endpoint_id=endpoint_id),
            ),
            "/webhook-deliveries/{id}",
        )


class Resources:
    """Every group of the interface."""

    def __init__(self, transport: Transport) -> None:
        self.answers = Answers(transport)
        self.api_keys = ApiKeys(transport)
        self.artifacts = Artifacts(transport)
        self.batches = Batches(transport)
        self.chain_runs = ChainRuns(transport)
        self.chain_versions = ChainVersions(transport)
        self.chains = Chains(transport)
        self.chats = Chats(transport)
        self.collection_items = CollectionItems(transport)
        self.collections = Collections(transport)
        self.comparisons = Comparisons(transport)
        self.connectors = Connectors(transport)
        self.decisions = Decisions(transport)
        self.documents = Documents(transport)
        self.embedding_spaces = EmbeddingSpaces(transport)
        self.entities = Entities(transport)
        self.feedback = Feedback(transport)
        self.generation_tags = GenerationTags(transport)
        self.generations = Generations(transport)
        self.insights = Insights(transport)
        self.me = Me(transport)
        self.model_versions = ModelVersions(transport)
        self.models = Models(transport)
        self.prompt_labels = PromptLabels(transport)
        self.prompt_versions = PromptVersions(transport)
        self.prompts = Prompts(transport)
        self.rankings = Rankings(transport)
        self.review_decisions = ReviewDecisions(transport)
        self.review_items = ReviewItems(transport)
        self.review_queues = ReviewQueues(transport)
        self.saved_searches = SavedSearches(transport)
        self.search = Search(transport)
        self.tags = Tags(transport)
        self.turns = Turns(transport)
        self.uploads = Uploads(transport)
        self.usage = Usage(transport)
        self.votes = Votes(transport)
        self.webhook_deliveries = WebhookDeliveries(transport)
        self.webhook_endpoints = WebhookEndpoints(transport)
