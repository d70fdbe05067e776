"""What goes out and what comes back, written by generate.py from docs/openapi.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

from pinakes_client.calls import File


class AddedOutput(TypedDict):
    """What came of adding: how many were not in the collection before."""

    added: int
    num_items: int


class AliasInput(TypedDict):
    """The body of `POST /entities/{id}/split` and `/unsplit`."""

    alias: str


class AliasOutput(TypedDict):
    """A spelling of an entity."""

    split: bool
    text: str


class AlikeOutput(TypedDict):
    """A document that says nearly the same."""

    id: str
    percent: int
    title: str


class AmountOutput(TypedDict):
    """How much of something is in use, and how much may be; no limit where that is null."""

    current: int
    maximum: int | None


class AnswerOutput(TypedDict):
    """An answer; `text` is its sentences with their numbers, null where nothing was found.

    `unsupported` is what a language model wrote that no passage bears out.
    """

    answerer: AnswererEnum
    citations: Sequence[CitationOutput]
    confidence: float
    created_at: str
    found: bool | None
    grounded: bool
    id: str
    include_generations: bool
    links: dict[str, str]
    model: str | None
    num_passages: int
    owner: str
    question: str
    searched_for: str | None
    sentences: Sequence[SentenceOutput]
    space: str
    status: JobStatus
    status_reason: AnswerReasonOutput | None
    terminal: bool
    text: str | None
    took_ms: float
    trashed_at: str | None
    unsupported: Sequence[str]


class AnswerReasonOutput(TypedDict):
    """Why no answer came."""

    code: str
    detail: str


class AnswerSummaryList(TypedDict):
    """`AnswerSummaryList`."""

    data: Sequence[AnswerSummaryOutput]
    has_more: bool
    next_cursor: str | None


class AnswerSummaryOutput(TypedDict):
    """A question, and whether anything was found; null until it is answered."""

    answerer: AnswererEnum
    confidence: float
    created_at: str
    found: bool | None
    grounded: bool
    id: str
    include_generations: bool
    links: dict[str, str]
    model: str | None
    num_passages: int
    owner: str
    question: str
    searched_for: str | None
    space: str
    status: JobStatus
    status_reason: AnswerReasonOutput | None
    terminal: bool
    took_ms: float
    trashed_at: str | None


class ApiKeyInput(TypedDict):
    """The body of `POST /api-keys`."""

    expires_at: NotRequired[str | None]
    name: str
    scopes: NotRequired[Sequence[ScopesEnum]]


class ApiKeyList(TypedDict):
    """`ApiKeyList`."""

    data: Sequence[ApiKeyOutput]
    has_more: bool
    next_cursor: str | None


class ApiKeyOutput(TypedDict):
    """A key without its secret."""

    created_at: str
    expires_at: str | None
    id: str
    last_used_at: str | None
    name: str
    prefix: str
    revoked_at: str | None
    scopes: Sequence[ScopesEnum]


class ArtifactOutput(TypedDict):
    """A file."""

    id: str
    media_type: str
    sha256: str
    size: int
    url: str


class AttemptOutput(TypedDict):
    """One request, and what came back."""

    answer: str
    at: str
    error: str
    milliseconds: int
    status: int | None


class AxisOutput(TypedDict):
    """What the generations of a batch differ by."""

    name: str
    values: Sequence[Any]


class BatchInput(TypedDict):
    """The body of `POST /batches`: that of a generation, and what is to be varied."""

    deadline_in: NotRequired[int | None]
    expires_in: NotRequired[int | None]
    inputs: NotRequired[dict[str, InputReferenceInput]]
    model: NotRequired[str]
    n: NotRequired[int]
    params: NotRequired[dict[str, Any]]
    parent: NotRequired[str | None]
    priority: NotRequired[PriorityEnum]
    prompt: NotRequired[str]
    prompts: NotRequired[Sequence[str]]
    reference: NotRequired[str | None]
    seed: NotRequired[int | None]
    sweep: NotRequired[dict[str, Sequence[Any]]]
    tags: NotRequired[Sequence[str]]


class BatchList(TypedDict):
    """`BatchList`."""

    data: Sequence[BatchOutput]
    has_more: bool
    next_cursor: str | None


class BatchOutput(TypedDict):
    """A batch; made by `describe_batch`, written out here for the schema."""

    axes: Sequence[AxisOutput]
    counts: dict[str, int]
    created_at: str
    id: str
    links: dict[str, str]
    model: str
    owner: str
    progress: ProgressOutput
    terminal: bool
    trashed_at: str | None


class BranchOutput(TypedDict):
    """The place of a turn among those with the same parent, counted from 1."""

    place: int
    total: int


# The figures of an hour, a day, a week or a month, and of each series in it.
BucketOutput = TypedDict(
    "BucketOutput",
    {
        "compute_seconds": "float",
        "counts": "dict[str, int]",
        "from": "str",
        "mean_score": "float | None",
        "num_scores": "int",
        "ran_s": "SpreadOutput | None",
        "series": "dict[str, FiguresOutput]",
        "success_share": "float | None",
        "to": "str",
        "total": "int",
        "waited_s": "SpreadOutput | None",
    },
)


class BulkInput(TypedDict):
    """The body of `POST /generations/bulk`."""

    action: ActionEnum
    collection: NotRequired[str]
    filter: NotRequired[dict[str, str]]
    generations: NotRequired[Sequence[str]]
    search: NotRequired[dict[str, str]]
    tags: NotRequired[Sequence[str]]


class BulkOutput(TypedDict):
    """What was done: of those `selected`, so many were `changed`, and the rest is as wanted."""

    action: ActionEnum
    changed: int
    created_at: str
    finished_at: str | None
    id: str
    links: dict[str, str]
    refused: Sequence[RefusedOutput]
    selected: int
    unchanged: int
    undoable: bool
    undone_at: str | None


class ChainAskedInput(TypedDict):
    """A value that a run is asked for; without a default it must be given."""

    default: NotRequired[str | None]
    name: str


class ChainAskedOutput(TypedDict):
    """A value that a run is asked for."""

    default: str | None
    name: str


class ChainInput(TypedDict):
    """The body of `POST /chains`: a name, and the steps of the first version."""

    description: NotRequired[str]
    inputs: NotRequired[Sequence[ChainAskedInput]]
    name: str
    note: NotRequired[str]
    steps: Sequence[ChainStepInput]


class ChainList(TypedDict):
    """`ChainList`."""

    data: Sequence[ChainOutput]
    has_more: bool
    next_cursor: str | None


class ChainOutput(TypedDict):
    """A chain with its newest version."""

    changed_at: str
    created_at: str
    description: str
    id: str
    latest: ChainVersionOutput
    links: dict[str, str]
    name: str
    num_versions: int
    owner: str
    trashed_at: str | None


class ChainRunInput(TypedDict):
    """The body of `POST /chains/{id}/runs`: the values that it asks for."""

    inputs: NotRequired[dict[str, str]]
    version: NotRequired[int | None]


class ChainRunList(TypedDict):
    """`ChainRunList`."""

    data: Sequence[ChainRunOutput]
    has_more: bool
    next_cursor: str | None


class ChainRunOutput(TypedDict):
    """A run; made by `describe_run`, written out here for the schema."""

    chain: RunChainOutput
    created_at: str
    finished_at: str | None
    id: str
    inputs: dict[str, str]
    links: dict[str, str]
    owner: str
    progress: ProgressOutput
    status: JobStatus
    status_reason: RunReasonOutput | None
    status_seq: int
    steps: Sequence[ChainRunStepOutput]
    terminal: bool
    trashed_at: str | None


class ChainRunStepOutput(TypedDict):
    """A step of a run; status and generation are null until it has begun."""

    accession: str | None
    generation: str | None
    model: str | None
    name: str
    retried_from: str | None
    status: JobStatus | NullEnum


class ChainStepInput(TypedDict):
    """One step: a model, and what it is told by `text` or `template`."""

    inputs: NotRequired[dict[str, _FileSourceInput]]
    model: str
    name: str
    params: NotRequired[dict[str, Any]]
    seed: NotRequired[int | None]
    task: NotRequired[str]
    template: NotRequired[_ChainTemplateInput | None]
    text: NotRequired[str | None]
    variables: NotRequired[dict[str, _SourceInput]]


class ChainStepOutput(TypedDict):
    """One step, as it was sent."""

    inputs: dict[str, dict[str, str]]
    model: str
    name: str
    params: dict[str, Any]
    seed: int | None
    task: str
    template: dict[str, Any] | None
    text: str | None
    variables: dict[str, dict[str, str]]


class ChainVersionInput(TypedDict):
    """The body of `POST /chains/{id}/versions`."""

    inputs: NotRequired[Sequence[ChainAskedInput]]
    note: NotRequired[str]
    steps: Sequence[ChainStepInput]


class ChainVersionList(TypedDict):
    """`ChainVersionList`."""

    data: Sequence[ChainVersionOutput]
    has_more: bool
    next_cursor: str | None


class ChainVersionOutput(TypedDict):
    """The steps of a chain at one time."""

    created_at: str
    inputs: Sequence[ChainAskedOutput]
    note: str
    number: int
    steps: Sequence[ChainStepOutput]


class ChatExportOutput(TypedDict):
    """A chat with all of its turns, in the order in which they were asked."""

    answerer: AnswererEnum | NullEnum
    collections: Sequence[str]
    created_at: str
    grounded: bool
    id: str
    include_generations: bool
    links: dict[str, str]
    model: str | None
    owner: str
    source_ids: Sequence[str]
    thread: Sequence[TurnOutput]
    title: str
    trashed_at: str | None
    turns: Sequence[TurnOutput]


class ChatInput(TypedDict):
    """The body of `POST /chats`."""

    answerer: NotRequired[AnswererEnum]
    collections: NotRequired[Sequence[str]]
    grounded: NotRequired[bool]
    include_generations: NotRequired[bool]
    model: NotRequired[str | None]
    source_ids: NotRequired[Sequence[str]]
    title: NotRequired[str]


class ChatOutput(TypedDict):
    """A chat with one way through its turns."""

    answerer: AnswererEnum | NullEnum
    collections: Sequence[str]
    created_at: str
    grounded: bool
    id: str
    include_generations: bool
    links: dict[str, str]
    model: str | None
    owner: str
    source_ids: Sequence[str]
    thread: Sequence[TurnOutput]
    title: str
    trashed_at: str | None


class ChatSummaryList(TypedDict):
    """`ChatSummaryList`."""

    data: Sequence[ChatSummaryOutput]
    has_more: bool
    next_cursor: str | None


class ChatSummaryOutput(TypedDict):
    """A chat without its turns; made by `describe_chat`."""

    answerer: AnswererEnum | NullEnum
    created_at: str
    grounded: bool
    id: str
    include_generations: bool
    links: dict[str, str]
    model: str | None
    owner: str
    title: str
    trashed_at: str | None


class CitationOutput(TypedDict):
    """A quote and where it stands."""

    earlier_version: int | None
    end: int
    heading: str
    number: int
    origin: OriginOutput
    page: int | None
    passage: str | None
    quote: str
    score: float
    start: int


class CollectionInput(TypedDict):
    """The body of `POST /collections`."""

    description: NotRequired[str]
    name: str


class CollectionItemList(TypedDict):
    """`CollectionItemList`."""

    data: Sequence[CollectionItemOutput]
    has_more: bool
    next_cursor: str | None


class CollectionItemOutput(TypedDict):
    """A generation or a document in a collection."""

    added_at: str
    id: str
    link: str
    title: str
    type: TypeEnum


class CollectionItemsInput(TypedDict):
    """The body of `POST /collections/{id}/items`."""

    documents: NotRequired[Sequence[str]]
    generations: NotRequired[Sequence[str]]


class CollectionList(TypedDict):
    """`CollectionList`."""

    data: Sequence[CollectionOutput]
    has_more: bool
    next_cursor: str | None


class CollectionOutput(TypedDict):
    """A collection; `num_items` counts what the reader sees of it."""

    changed_at: str
    created_at: str
    description: str
    id: str
    links: dict[str, str]
    name: str
    num_items: int
    owner: str
    trashed_at: str | None


class ComparisonInput(TypedDict):
    """The body of `POST /comparisons`."""

    blind: NotRequired[bool]
    models: Sequence[str] | Literal["families"]
    prompt: str
    same_seed: NotRequired[bool]
    seed: NotRequired[int | None]
    tags: NotRequired[Sequence[str]]


class ComparisonList(TypedDict):
    """`ComparisonList`."""

    data: Sequence[ComparisonOutput]
    has_more: bool
    next_cursor: str | None


class ComparisonOutput(TypedDict):
    """A comparison; made by `describe_comparison`, written out here for the schema."""

    blind: bool
    counts: dict[str, int]
    created_at: str
    id: str
    links: dict[str, str]
    next_pair: Sequence[str] | None
    num_pairs: int
    num_voted: int
    owner: str
    progress: ProgressOutput
    prompt: str
    revealed: bool
    same_seed: bool
    sides: Sequence[SideOutput]
    terminal: bool
    trashed_at: str | None


class ComputeSecondsOutput(TypedDict):
    """Seconds of computing of this day (UTC); reserved are estimates for what has not ended."""

    maximum: int | None
    reserved: float
    resets_in_s: int
    used: float


class ConnectorInput(TypedDict):
    """The body of `POST /connectors`; a server needs `url`, which ends before `/chat/completions`.

    `model` is what the server calls it, or a folder below PINAKES_MODELS.
    """

    key: NotRequired[str]
    kind: ConnectorKind
    max_requests: NotRequired[int]
    model: str
    name: NotRequired[str]
    protocol: NotRequired[ProtocolEnum]
    seconds: NotRequired[int]
    slug: NotRequired[str]
    url: NotRequired[str]


class ConnectorList(TypedDict):
    """`ConnectorList`."""

    data: Sequence[ConnectorOutput]
    has_more: bool
    next_cursor: str | None


class ConnectorOutput(TypedDict):
    """A connected model; its key is never shown. `GET /models/{slug}` has its card."""

    available: bool
    created_at: str
    has_key: bool
    kind: ConnectorKind
    max_requests: int
    model: str
    name: str
    protocol: ProtocolEnum
    seconds: int
    slug: str
    unavailable_reason: str
    url: str


class CreatedApiKeyOutput(TypedDict):
    """A new key with its secret."""

    created_at: str
    expires_at: str | None
    id: str
    key: str
    last_used_at: str | None
    name: str
    prefix: str
    revoked_at: str | None
    scopes: Sequence[ScopesEnum]


class DecisionList(TypedDict):
    """`DecisionList`."""

    data: Sequence[DecisionOutput]
    has_more: bool
    next_cursor: str | None


class DecisionOutput(TypedDict):
    """One line of the record of a result; no verdict says that it was taken back."""

    act: str
    comment: str
    counts: bool
    created_at: str
    generation: str
    id: str
    item: str | None
    labels: Sequence[str]
    reviewer: str
    verdict: ReviewVerdict | NullEnum


class DeliveryList(TypedDict):
    """`DeliveryList`."""

    data: Sequence[DeliveryOutput]
    has_more: bool
    next_cursor: str | None


class DeliveryOutput(TypedDict):
    """A message for an endpoint."""

    attempts: Sequence[AttemptOutput]
    chain_run: str | None
    created_at: str
    endpoint: str
    generation: str | None
    id: str
    message_id: str
    next_attempt_at: str | None
    status: JobStatus
    terminal: bool
    type: str


class DocumentInput(TypedDict):
    """The JSON body of `POST /documents`: a text with its title, or the address of a document.

    A file is sent as `multipart/form-data` instead.
    """

    media_type: NotRequired[MediaTypeEnum]
    text: NotRequired[str]
    title: NotRequired[str]
    url: NotRequired[str]


class EdgeOutput(TypedDict):
    """Two entities; without a predicate they stand in the same passages."""

    citation: GraphCitationOutput
    count: int
    one: str
    other: str
    predicate: str | None


class EmbeddingSpaceList(TypedDict):
    """`EmbeddingSpaceList`."""

    data: Sequence[EmbeddingSpaceOutput]
    has_more: bool
    next_cursor: str | None


class EmbeddingSpaceOutput(TypedDict):
    """A space. `obstacle` is why it cannot be switched to without force, or null."""

    checks: Sequence[RecallCheckOutput]
    created_at: str
    dims: int
    embedder: SpaceEmbedderOutput
    id: int
    is_previous: bool
    name: str
    obstacle: str | None
    progress: SpaceProgressOutput
    status: EmbeddingSpaceOutputStatusEnum
    switches_when_ready: bool
    trouble: str | None


class EndpointInput(TypedDict):
    """The body of `POST /webhook-endpoints`."""

    description: NotRequired[str]
    enabled: NotRequired[bool]
    event_types: NotRequired[Sequence[str]]
    url: str


class EndpointList(TypedDict):
    """`EndpointList`."""

    data: Sequence[EndpointOutput]
    has_more: bool
    next_cursor: str | None


class EndpointOutput(TypedDict):
    """An endpoint, without its secret."""

    created_at: str
    description: str
    disabled_reason: str | None
    enabled: bool
    event_types: Sequence[EventTypesEnum]
    id: str
    previous_secret_until: str | None
    url: str
    waiting: int


class EndpointWithSecretOutput(TypedDict):
    """An endpoint with its secret, which is shown this once."""

    created_at: str
    description: str
    disabled_reason: str | None
    enabled: bool
    event_types: Sequence[EventTypesEnum]
    id: str
    previous_secret_until: str | None
    secret: str
    url: str
    waiting: int


class EntityDetailOutput(TypedDict):
    """An entity with its spellings and what was merged into it."""

    aliases: Sequence[AliasOutput]
    created_at: str
    id: str
    kind: EntityKind
    links: dict[str, str]
    merged: Sequence[str]
    merged_into: str | None
    name: str
    num_mentions: int
    num_origins: int
    owner: str


class EntityList(TypedDict):
    """`EntityList`."""

    data: Sequence[EntityOutput]
    has_more: bool
    next_cursor: str | None


class EntityOutput(TypedDict):
    """An entity; made by `describe_entity`, written out here for the schema."""

    created_at: str
    id: str
    kind: EntityKind
    links: dict[str, str]
    merged_into: str | None
    name: str
    num_mentions: int
    num_origins: int
    owner: str


class ExportInput(TypedDict):
    """The body of `POST /generations/export`."""

    filter: NotRequired[dict[str, str]]
    format: NotRequired[FormatEnum]
    generations: NotRequired[Sequence[str]]
    search: NotRequired[dict[str, str]]


class FailureOutput(TypedDict):
    """How many failed with a code."""

    code: str
    series: dict[str, int]
    total: int


class FeedbackInput(TypedDict):
    """The body of `PUT /generations/{id}/feedback`."""

    comment: NotRequired[str]
    score: int


class FeedbackList(TypedDict):
    """`FeedbackList`."""

    data: Sequence[FeedbackOutput]
    has_more: bool
    next_cursor: str | None


class FeedbackOutput(TypedDict):
    """A score, or that it was taken back (null); `counts` is false for all but the newest."""

    author: str
    comment: str
    counts: bool
    created_at: str
    generation: str
    id: str
    score: int | None


class FiguresOutput(TypedDict):
    """What is known of some generations; null where there was nothing to measure."""

    compute_seconds: float
    counts: dict[str, int]
    mean_score: float | None
    num_scores: int
    ran_s: SpreadOutput | None
    success_share: float | None
    total: int
    waited_s: SpreadOutput | None


class FileInput(TypedDict):
    """The form of `POST /documents`."""

    file: File
    on_same_name: NotRequired[OnSameNameEnum]
    title: NotRequired[str]


class FilledOutput(TypedDict):
    """How many results came into a queue."""

    added: int


class GenerationInput(TypedDict):
    """The body of `POST /generations`: a prompt, or a kept one and the values for its places.

    `webhook` names an endpoint of one's own that is told how it ends, whatever else it is told.
    """

    deadline_in: NotRequired[int | None]
    expires_in: NotRequired[int | None]
    inputs: NotRequired[dict[str, InputReferenceInput]]
    model: NotRequired[str]
    params: NotRequired[dict[str, Any]]
    parent: NotRequired[str | None]
    priority: NotRequired[PriorityEnum]
    prompt: NotRequired[str]
    reference: NotRequired[str | None]
    seed: NotRequired[int | None]
    tags: NotRequired[Sequence[str]]
    template: NotRequired[TemplateInput | None]
    webhook: NotRequired[str | None]


class GenerationList(TypedDict):
    """`GenerationList`."""

    data: Sequence[GenerationOutput]
    has_more: bool
    next_cursor: str | None


class GenerationOutput(TypedDict):
    """A generation; made by `describe_generation`, written out here for the schema."""

    accession: str
    artifacts: Sequence[ArtifactOutput]
    attempt: int
    batch: PlaceInBatchOutput | None
    created_at: str
    deadline_at: str | None
    environment: dict[str, Any]
    expires_at: str | None
    extra: dict[str, Any]
    finished_at: str | None
    id: str
    inputs: dict[str, InputOutput]
    links: dict[str, str]
    metrics: dict[str, Any]
    model: ModelReferenceOutput
    owner: str
    params: dict[str, Any]
    parent: str | None
    priority: PriorityEnum
    progress: ProgressOutput | None
    prompt: str
    provenance: str
    queue: QueueOutput | None
    reference: str | None
    reproduction: ReproductionOutput | None
    retried_from: str | None
    score: ScoreOutput | None
    seed: int
    standing: StandingEnum | NullEnum
    started_at: str | None
    status: JobStatus
    status_reason: ReasonOutput | None
    status_seq: int
    tags: Sequence[str]
    template: UsedTemplateOutput | None
    terminal: bool
    text: str | None
    trashed_at: str | None


class GraphCitationOutput(TypedDict):
    """The characters of a passage that an edge stands on."""

    end: int
    ordinal: int
    origin: OriginOutput
    passage: str
    start: int


class InputOutput(TypedDict):
    """A file that a generation starts from; where it was taken from may be gone by now."""

    artifact: str | None
    media_type: str
    sha256: str
    size: int
    upload: str | None
    url: str


class InputReferenceInput(TypedDict):
    """A file to start from: an upload, a result's artifact, or what a generation started from."""

    artifact: NotRequired[str]
    generation: NotRequired[str]
    upload: NotRequired[str]


class InsightsOutput(TypedDict):
    """Usage over time; `before` is of as much time right before, `people` null for authors."""

    before: TotalOutput
    buckets: Sequence[BucketOutput]
    failures: Sequence[FailureOutput]
    people: Sequence[PersonOutput] | None
    series: Sequence[SeriesOutput]
    span: SpanOutput
    total: TotalOutput


class LineageEdgeOutput(TypedDict):
    """What `origin` was to `result`."""

    kind: LineageEdgeKind
    origin: str
    result: str


class LineageNodeOutput(TypedDict):
    """Something that led to a generation or came of it; `key` is what edges call it."""

    accession: str | None
    id: str
    key: str
    link: str
    status: str | None
    title: str
    trashed: bool
    type: LineageNodeType


class LineageOutput(TypedDict):
    """A graph of nodes, the generation itself first; `truncated` where there is more of it."""

    edges: Sequence[LineageEdgeOutput]
    nodes: Sequence[LineageNodeOutput]
    start: str
    truncated: bool


class MeOutput(TypedDict):
    """The signed-in user."""

    roles: Sequence[str]
    username: str


class MergeInput(TypedDict):
    """The body of `POST /entities/{id}/merge`."""

    other: str


class ModelList(TypedDict):
    """`ModelList`."""

    data: Sequence[ModelOutput]
    has_more: bool
    next_cursor: str | None


class ModelOutput(TypedDict):
    """A checkpoint; `card` is what it says about itself, parameters with their ranges included."""

    available: bool
    card: dict[str, Any]
    enabled: bool
    family: str
    loaded_in: int
    modality: str
    name: str
    slug: str
    unavailable_reason: str
    weights_sha256: str


class ModelReferenceOutput(TypedDict):
    """The checkpoint that a generation uses."""

    family: FamilyEnum
    modality: str
    routed: bool
    slug: str
    weights_sha256: str


class ModelSwitchInput(TypedDict):
    """The body of `PUT /models/{slug}/enabled`."""

    enabled: bool


class ModelVersionList(TypedDict):
    """`ModelVersionList`."""

    data: Sequence[ModelVersionOutput]
    has_more: bool
    next_cursor: str | None


class ModelVersionOutput(TypedDict):
    """Weights that a slug stands or stood for, with the card that they came with."""

    card: dict[str, Any]
    first_seen_at: str
    is_current: bool
    weights_sha256: str


class NamedEntityOutput(TypedDict):
    """As much of an entity as a reference to it needs."""

    id: str
    kind: EntityKind
    name: str


class NeighbourhoodOutput(TypedDict):
    """What lies around an entity, itself first."""

    edges: Sequence[EdgeOutput]
    nodes: Sequence[NodeOutput]


class NodeOutput(TypedDict):
    """An entity and how many edges away it is."""

    distance: int
    id: str
    kind: EntityKind
    name: str


class OriginOutput(TypedDict):
    """What a passage belongs to."""

    id: str
    link: str
    title: str
    type: TypeEnum


class OwnDecisionOutput(TypedDict):
    """What one decides on a result now."""

    comment: str
    decided_at: str
    labels: Sequence[str]
    verdict: ReviewVerdict


class PassageList(TypedDict):
    """`PassageList`."""

    data: Sequence[PassageOutput]
    has_more: bool
    next_cursor: str | None


class PassageOutput(TypedDict):
    """A piece of a document."""

    end: int
    heading: str
    id: str
    is_edited: bool
    is_excluded: bool
    language: str
    ordinal: int
    page: int | None
    repeat_group: str | None
    start: int
    text: str


class PassageSplit(TypedDict):
    """The body of `POST /documents/{id}/chunks/{passage}/split`."""

    at: int


class PatchedChainChangeInput(TypedDict):
    """The body of `PATCH /chains/{id}`; what is left out stays."""

    description: NotRequired[str]
    name: NotRequired[str]


class PatchedChatChangeInput(TypedDict):
    """The body of `PATCH /chats/{id}`."""

    collections: NotRequired[Sequence[str]]
    include_generations: NotRequired[bool]
    source_ids: NotRequired[Sequence[str]]
    title: NotRequired[str]


class PatchedCollectionChangeInput(TypedDict):
    """The body of `PATCH /collections/{id}`; what is left out stays."""

    description: NotRequired[str]
    name: NotRequired[str]


class PatchedConnectorPatch(TypedDict):
    """The body of `PATCH /connectors/{slug}`; an empty `key` takes the key away."""

    key: NotRequired[str]
    max_requests: NotRequired[int]
    name: NotRequired[str]
    seconds: NotRequired[int]


class PatchedDocumentChangeInput(TypedDict):
    """The body of `PATCH /documents/{id}`; what is left out stays."""

    title: NotRequired[str]


class PatchedEndpointChange(TypedDict):
    """The body of `PATCH /webhook-endpoints/{id}`."""

    description: NotRequired[str]
    enabled: NotRequired[bool]
    event_types: NotRequired[Sequence[str]]
    url: NotRequired[str]


class PatchedPassageChange(TypedDict):
    """The body of `PATCH /documents/{id}/chunks/{passage}`; what is left out stays as it is."""

    excluded: NotRequired[bool]
    heading: NotRequired[str]


class PatchedPreferencesInput(TypedDict):
    """The body of `PATCH /me/preferences`."""

    model: NotRequired[str]
    narrow_rail: NotRequired[bool | None]
    notices: NotRequired[bool]
    previews: NotRequired[bool]
    theme: NotRequired[ThemeEnum | NullEnum]


class PatchedPromptChangeInput(TypedDict):
    """The body of `PATCH /prompts/{id}`; what is left out stays."""

    description: NotRequired[str]
    name: NotRequired[str]


class PatchedReviewQueueChangeInput(TypedDict):
    """The body of `PATCH /review-queues/{id}`; what is left out stays, `only` is set whole."""

    instructions: NotRequired[str]
    labels: NotRequired[Sequence[str]]
    name: NotRequired[str]
    only: NotRequired[QueueFilterInput]
    overlap: NotRequired[int]


class PatchedSavedSearchChange(TypedDict):
    """The body of `PATCH /saved-searches/{id}`."""

    name: NotRequired[str]
    parameters: NotRequired[dict[str, str]]


class PatchedTagChangeInput(TypedDict):
    """The body of `PATCH /tags/{id}`; with `merge` it may become one with another tag."""

    merge: NotRequired[bool]
    name: NotRequired[str]


class PersonOutput(TypedDict):
    """How many generations somebody asked for."""

    compute_seconds: float
    id: int
    name: str
    series: dict[str, int]
    total: int


class PlaceInBatchOutput(TypedDict):
    """The batch that a generation belongs to, and its place in it."""

    id: str
    place: int


class PreferencesOutput(TypedDict):
    """How the pages look and behave; null where nothing was chosen and the browser decides."""

    model: str
    narrow_rail: bool | None
    notices: bool
    previews: bool
    theme: ThemeEnum | NullEnum


class Problem(TypedDict):
    """A problem document (RFC 9457)."""

    code: Literal[
        "invalid_request",
        "malformed_body",
        "not_authenticated",
        "permission_denied",
        "not_found",
        "method_not_allowed",
        "not_acceptable",
        "unsupported_media_type",
        "conflict",
        "precondition_failed",
        "idempotency_key_reused",
        "too_large",
        "unsupported_document",
        "unsupported_picture",
        "too_many_uploads",
        "model_unavailable",
        "rate_limited",
        "too_many_streams",
        "queue_full",
        "quota_exceeded",
        "database_unavailable",
        "embedder_unavailable",
        "looks_unavailable",
        "not_seen",
        "internal_error",
    ]
    detail: str
    errors: NotRequired[Sequence[Mapping[str, Any]]]
    instance: NotRequired[str]
    request_id: NotRequired[str]
    retry_after_s: NotRequired[int]
    status: int
    title: str
    type: str


class ProgressOutput(TypedDict):
    """How far a running generation is."""

    done: int
    total: int
    unit: str


class PromptInput(TypedDict):
    """The body of `POST /prompts`: a name, and the words of the first version."""

    defaults: NotRequired[dict[str, str]]
    description: NotRequired[str]
    name: str
    note: NotRequired[str]
    text: str


class PromptLabelInput(TypedDict):
    """The body of `PUT /prompts/{id}/labels/{label}`."""

    version: int


class PromptList(TypedDict):
    """`PromptList`."""

    data: Sequence[PromptOutput]
    has_more: bool
    next_cursor: str | None


class PromptOutput(TypedDict):
    """A prompt with its newest version; `labels` has the number that each label names."""

    changed_at: str
    created_at: str
    description: str
    id: str
    labels: dict[str, int]
    latest: PromptVersionOutput
    links: dict[str, str]
    name: str
    num_versions: int
    owner: str
    trashed_at: str | None


class PromptVersionInput(TypedDict):
    """The body of `POST /prompts/{id}/versions`."""

    defaults: NotRequired[dict[str, str]]
    note: NotRequired[str]
    text: str


class PromptVersionList(TypedDict):
    """`PromptVersionList`."""

    data: Sequence[PromptVersionOutput]
    has_more: bool
    next_cursor: str | None


class PromptVersionOutput(TypedDict):
    """The words of a prompt at one time."""

    created_at: str
    defaults: dict[str, str]
    id: str
    labels: Sequence[str]
    note: str
    number: int
    text: str
    variables: Sequence[str]


class QuestionInput(TypedDict):
    """The body of `POST /answers`."""

    answerer: NotRequired[AnswererEnum]
    collections: NotRequired[Sequence[str] | None]
    include_generations: NotRequired[bool]
    k: NotRequired[int]
    question: str
    source_ids: NotRequired[Sequence[str] | None]


class QueueFilterInput(TypedDict):
    """Which results a queue takes in; empty members filter nothing."""

    families: NotRequired[Sequence[FamilyEnum]]
    max_score: NotRequired[float | None]
    models: NotRequired[Sequence[str]]
    standings: NotRequired[Sequence[StandingsEnum]]
    undecided: NotRequired[bool]


class QueueFilterOutput(TypedDict):
    """Which results a queue takes in."""

    families: Sequence[str]
    max_score: float | None
    models: Sequence[str]
    standings: Sequence[str]
    undecided: bool


class QueueOutput(TypedDict):
    """Where a waiting generation stands."""

    eta_s: int | None
    position: int


class RankedModelOutput(TypedDict):
    """A model in a ranking: its rating with the ends of its 95 % interval, and its votes."""

    family: FamilyEnum
    group: int
    high: float
    low: float
    name: str
    num_losses: int
    num_ties: int
    num_votes: int
    num_wins: int
    rating: float
    slug: str


class RankingList(TypedDict):
    """`RankingList`."""

    data: Sequence[RankingOutput]
    has_more: bool
    next_cursor: str | None


class RankingOutput(TypedDict):
    """The models of a task, the strongest first; made by `describe_ranking`."""

    models: Sequence[RankedModelOutput]
    num_groups: int
    num_votes: int
    task: str


class ReasonOutput(TypedDict):
    """Why a generation ended as it did."""

    code: str
    detail: str


class RecallCheckOutput(TypedDict):
    """One check of the graph."""

    checked_at: str
    num_queries: int
    num_vectors: int
    recall: float


class ReferenceOutput(TypedDict):
    """A result, and how near its prompt comes; scores compare within one answer only."""

    generation: GenerationOutput
    score: float
    similarity: float


class ReferencesOutput(TypedDict):
    """Results, the nearest first."""

    data: Sequence[ReferenceOutput]


class RefusedOutput(TypedDict):
    """A generation that was left as it is, and why."""

    code: str
    detail: str
    id: str


class RelationList(TypedDict):
    """`RelationList`."""

    data: Sequence[RelationOutput]
    has_more: bool
    next_cursor: str | None


class RelationOutput(TypedDict):
    """What a sentence says of two entities."""

    citation: GraphCitationOutput
    confidence: float
    extractor: str
    extractor_version: int
    id: str
    object: NamedEntityOutput
    predicate: str
    sentence: str
    subject: NamedEntityOutput


class RenderedOutput(TypedDict):
    """A prompt with its values put in."""

    text: str
    version: int


class ReproductionOutput(TypedDict):
    """What came of making a result again; the verdict is null until there is a result."""

    facts: dict[str, Any]
    original: str
    verdict: VerdictEnum | NullEnum


class RetagInput(TypedDict):
    """The body of `POST /generations/tags`."""

    add: NotRequired[Sequence[str]]
    generations: Sequence[str]
    remove: NotRequired[Sequence[str]]


class RetaggedOutput(TypedDict):
    """How many generations have other tags now."""

    changed: int


class ReviewActOutput(TypedDict):
    """What one decided in one go; of `num_standing` results it is one's newest word."""

    comment: str
    decided_at: str
    id: str
    labels: Sequence[str]
    links: dict[str, str]
    num_results: int
    num_standing: int
    verdict: ReviewVerdict


class ReviewAgreementOutput(TypedDict):
    """How far the verdicts of several on one item agree.

    `same` is the share of `num_items` on which all say the same, `alpha` Krippendorff's, which
    is
    1 for full agreement and 0 for that of chance; null where there is too little to say.
    """

    alpha: float | None
    num_items: int
    reviewers: Sequence[ReviewerTallyOutput]
    same: float | None


class ReviewDecisionInput(TypedDict):
    """The body of `POST /review-decisions`: the same for all of these, or for none.

    Items of queues count there; generations are decided on outside of any queue.
    """

    comment: NotRequired[str]
    generations: NotRequired[Sequence[str]]
    items: NotRequired[Sequence[str]]
    labels: NotRequired[Sequence[str]]
    score: NotRequired[int | None]
    verdict: ReviewVerdict


class ReviewItemList(TypedDict):
    """`ReviewItemList`."""

    data: Sequence[ReviewItemOutput]
    has_more: bool
    next_cursor: str | None


class ReviewItemOutput(TypedDict):
    """A result in a queue, without what others decided on it.

    `held_until` is until when it is one's own to decide on; `own` is null before one has.
    """

    added_at: str
    generation: str
    held_until: str | None
    id: str
    links: dict[str, str]
    num_decisions: int
    own: OwnDecisionOutput | None
    queue: str


class ReviewProgressOutput(TypedDict):
    """How far a queue is: `done` have as many decisions as the overlap asks for."""

    done: int
    own: int
    total: int


class ReviewQueueInput(TypedDict):
    """The body of `POST /review-queues`."""

    instructions: NotRequired[str]
    labels: NotRequired[Sequence[str]]
    name: str
    only: NotRequired[QueueFilterInput]
    overlap: NotRequired[int]


class ReviewQueueList(TypedDict):
    """`ReviewQueueList`."""

    data: Sequence[ReviewQueueOutput]
    has_more: bool
    next_cursor: str | None


class ReviewQueueOutput(TypedDict):
    """A queue of results that reviewers go through."""

    closed_at: str | None
    created_at: str
    creator: str
    id: str
    instructions: str
    labels: Sequence[str]
    links: dict[str, str]
    name: str
    only: QueueFilterOutput
    overlap: int
    review: ReviewProgressOutput


class ReviewerTallyOutput(TypedDict):
    """What one reviewer decided in a queue, as it counts now."""

    approved: int
    flagged: int
    rejected: int
    reviewer: str


class RunChainOutput(TypedDict):
    """The chain and version that a run is of."""

    id: str
    name: str
    version: int


class RunReasonOutput(TypedDict):
    """Why a run ended as it did, or why its next step has to wait, and which step that is."""

    code: str
    detail: str
    step: str


class SavedSearchFaultOutput(TypedDict):
    """A parameter that is not understood any more."""

    code: str
    detail: str
    pointer: str


class SavedSearchInput(TypedDict):
    """The body of `POST /saved-searches`."""

    name: str
    parameters: dict[str, str]


class SavedSearchLinksOutput(TypedDict):
    """Where it is, and where it is run."""

    library: str
    search: str
    self: str


class SavedSearchList(TypedDict):
    """`SavedSearchList`."""

    data: Sequence[SavedSearchOutput]
    has_more: bool
    next_cursor: str | None


class SavedSearchOutput(TypedDict):
    """A search with a name."""

    created_at: str
    faults: Sequence[SavedSearchFaultOutput]
    id: str
    links: SavedSearchLinksOutput
    name: str
    parameters: dict[str, str]
    updated_at: str


class ScoreOutput(TypedDict):
    """What people think of a result: the mean of the newest score of each, from 1 to 5."""

    mean: float
    num_scores: int


class ScorePartsOutput(TypedDict):
    """Why a passage was found."""

    keyword: float
    keyword_share: float
    similarity: float
    similarity_share: float


class SearchHitOutput(TypedDict):
    """A passage found."""

    created_at: str
    end: int
    family: str | None
    heading: str
    id: str
    kind: str
    language: str
    model: str | None
    ordinal: int
    origin: OriginOutput
    page: int | None
    repeats: int
    score: float
    score_parts: ScorePartsOutput
    start: int
    text: str


class SearchOutput(TypedDict):
    """A part of what was found, best first."""

    also_searched: dict[str, Sequence[str]]
    data: Sequence[SearchHitOutput]
    facets: dict[str, dict[str, int]]
    has_more: bool
    mode: ModeEnum
    next_cursor: str | None
    space: str
    took_ms: float
    total: int


class SentenceOutput(TypedDict):
    """A sentence of an answer, and the numbers of the passages that bear it out."""

    citations: Sequence[int]
    text: str


class SeriesOutput(TypedDict):
    """The figures of a family, a model or an outcome, and what its results are made of."""

    bytes: int
    compute_seconds: float
    counts: dict[str, int]
    mean_score: float | None
    name: str
    num_scores: int
    passes: int
    ran_s: SpreadOutput | None
    success_share: float | None
    tokens: int
    total: int
    waited_s: SpreadOutput | None


class SideOutput(TypedDict):
    """One result; who made it, and what tells it, is null until one may know."""

    artifacts: Sequence[ArtifactOutput]
    generation: str | None
    letter: SideLetter
    model: ModelReferenceOutput | None
    progress: ProgressOutput | None
    seed: int | None
    status: JobStatus
    status_reason: ReasonOutput | None
    terminal: bool
    text: str | None


class SourceList(TypedDict):
    """`SourceList`."""

    data: Sequence[SourceOutput]
    has_more: bool
    next_cursor: str | None


class SourceOutput(TypedDict):
    """A document; made by `describe_source`, written out here for the schema."""

    created_at: str
    fetched_at: str | None
    file_name: str
    id: str
    links: dict[str, str]
    media_type: str
    nearly_same_as: Sequence[AlikeOutput]
    num_characters: int | None
    num_pages: int | None
    num_passages: int | None
    owner: str
    page_is: PageIsEnum
    progress: dict[str, Any] | None
    sha256: str
    size: int
    status: DocumentStatus
    status_reason: SourceReasonOutput | None
    status_seq: int
    terminal: bool
    title: str
    trashed_at: str | None
    url: str | None
    version: int | None


class SourceReasonOutput(TypedDict):
    """Why a document was not read."""

    code: str
    detail: str


class SpaceEmbedderOutput(TypedDict):
    """What makes the vectors; the key is never shown."""

    has_key: bool
    kind: SpaceEmbedderOutputKindEnum
    model: str
    url: str


class SpaceInput(TypedDict):
    """The body of `POST /embedding-spaces`; a server needs `url`, `model` and `dims`."""

    dims: NotRequired[int]
    embedder: EmbedderEnum
    key: NotRequired[str]
    model: NotRequired[str]
    switches_when_ready: NotRequired[bool]
    url: NotRequired[str]


class SpaceProgressOutput(TypedDict):
    """How full it is; `per_second` and `ends_at` are null while nothing moves."""

    done: int
    ends_at: str | None
    per_second: float | None
    total: int
    unit: str


# Which time was counted, and how it was cut.
SpanOutput = TypedDict(
    "SpanOutput", {"by": "ByEnum", "from": "str", "to": "str", "unit": "UnitEnum", "zone": "str"}
)


class SpreadOutput(TypedDict):
    """Seconds that half of them took at most, and that 95 of 100 did."""

    p50: float
    p95: float


class SwitchInput(TypedDict):
    """The body of `POST /embedding-spaces/{id}/switch`."""

    force: NotRequired[bool]


class TagInput(TypedDict):
    """The body of `POST /tags`."""

    name: str


class TagList(TypedDict):
    """`TagList`."""

    data: Sequence[TagOutput]
    has_more: bool
    next_cursor: str | None


class TagOutput(TypedDict):
    """A tag; `num_generations` leaves out the trash."""

    created_at: str
    id: str
    links: dict[str, str]
    name: str
    num_generations: int


class TagsOfGeneration(TypedDict):
    """The tags of a generation, as its owner spells them."""

    tags: Sequence[str]


class TakeNextInput(TypedDict):
    """The body of `POST /review-queues/{id}/next`: the item after which to look, if any."""

    after: NotRequired[str | None]


class TakenBackOutput(TypedDict):
    """On how many results a decision counts no more."""

    taken_back: int


class TakenItemOutput(TypedDict):
    """What one was given; null where nothing in the queue is left for one."""

    item: ReviewItemOutput | None


class TemplateInput(TypedDict):
    """The member `template` of `POST /generations`."""

    id: str
    label: NotRequired[str | None]
    variables: NotRequired[dict[str, Any]]
    version: NotRequired[int | None]


class TemplateUseFields(TypedDict):
    """Which version, by number or label, and the values for its places."""

    label: NotRequired[str | None]
    variables: NotRequired[dict[str, Any]]
    version: NotRequired[int | None]


class TotalOutput(TypedDict):
    """The figures of everything, and how many people asked for it."""

    compute_seconds: float
    counts: dict[str, int]
    mean_score: float | None
    num_people: int
    num_scores: int
    ran_s: SpreadOutput | None
    success_share: float | None
    total: int
    waited_s: SpreadOutput | None


class TurnGenerationOutput(TypedDict):
    """The generation that replies."""

    accession: str
    id: str
    link: str


class TurnInput(TypedDict):
    """The body of `POST /chats/{id}/turns`."""

    parent: NotRequired[str | None]
    question: str


class TurnOutput(TypedDict):
    """A question in a chat with its reply; made by `describe_turn`."""

    answer: AnswerOutput | None
    branch: BranchOutput
    chat: str
    created_at: str
    generation: TurnGenerationOutput | None
    id: str
    links: dict[str, str]
    parent: str | None
    question: str
    status: JobStatus
    terminal: bool
    text: str | None


class UndoneOutput(TypedDict):
    """An act that was taken back, and on how many generations that changed something now."""

    action: ActionEnum
    changed: int
    created_at: str
    finished_at: str | None
    id: str
    links: dict[str, str]
    refused: Sequence[RefusedOutput]
    restored: int
    selected: int
    unchanged: int
    undoable: bool
    undone_at: str | None


class UploadInput(TypedDict):
    """A picture: PNG, JPEG, WebP or BMP, as a field of a form."""

    file: File


class UploadList(TypedDict):
    """`UploadList`."""

    data: Sequence[UploadOutput]
    has_more: bool
    next_cursor: str | None


class UploadOutput(TypedDict):
    """A picture to start from; made by `describe_upload`, written out here for the schema."""

    created_at: str
    height: int
    id: str
    links: dict[str, str]
    media_type: str
    name: str
    sha256: str
    size: int
    width: int


class UsageOutput(TypedDict):
    """What one may use, and what one uses."""

    compute_seconds_today: ComputeSecondsOutput
    queued: AmountOutput
    running: AmountOutput
    weight: float


class UsedTemplateOutput(TypedDict):
    """The kept prompt that a prompt was made from."""

    id: str
    variables: dict[str, str]
    version: int


class VersionList(TypedDict):
    """`VersionList`."""

    data: Sequence[VersionOutput]
    has_more: bool
    next_cursor: str | None


class VersionOutput(TypedDict):
    """A version of a document; made by `describe_version`, written out here for the schema."""

    created_at: str
    file_name: str
    indexed_at: str | None
    is_current: bool
    media_type: str
    num_characters: int | None
    num_pages: int | None
    num_passages: int | None
    number: int
    sha256: str
    size: int
    status: DocumentStatus
    status_reason: SourceReasonOutput | None


class VoteInput(TypedDict):
    """The body of `POST /comparisons/{id}/votes`: `first` is the first side of the pair."""

    pair: Sequence[SideLetter]
    verdict: VoteVerdict


class VoteList(TypedDict):
    """`VoteList`."""

    data: Sequence[VoteOutput]
    has_more: bool
    next_cursor: str | None


class VoteOutput(TypedDict):
    """A vote; `counts` is false for those that the voter has replaced."""

    blind: bool
    counts: bool
    created_at: str
    id: str
    pair: Sequence[str]
    verdict: VoteVerdict
    voter: str


class _ChainTemplateInput(TypedDict):
    """A kept prompt, with the number or the label of a version."""

    id: str
    label: NotRequired[str | None]
    version: NotRequired[int | None]


class _FileSourceInput(TypedDict):
    """Where a file comes from: one of `step`, `upload` and `artifact`."""

    artifact: NotRequired[str]
    step: NotRequired[str]
    upload: NotRequired[str]


class _SourceInput(TypedDict):
    """Where a value comes from: one of `input`, `step` and `value`."""

    input: NotRequired[str]
    output: NotRequired[OutputEnum]
    step: NotRequired[str]
    value: NotRequired[str]


ActionEnum: TypeAlias = Literal["tag", "untag", "collect", "trash", "restore", "cancel", "retry"]


AnswererEnum: TypeAlias = Literal["quotes", "connector"]


ByEnum: TypeAlias = Literal["family", "model", "outcome"]


ConnectorKind: TypeAlias = Literal["server", "folder"]


DocumentStatus: TypeAlias = Literal[
    "queued", "running", "canceling", "indexed", "failed", "canceled", "expired"
]


EmbedderEnum: TypeAlias = Literal["built_in", "service"]


EmbeddingSpaceOutputStatusEnum: TypeAlias = Literal[
    "active", "filling", "ready", "unchecked", "poor"
]


EntityKind: TypeAlias = Literal[
    "person",
    "organisation",
    "place",
    "work",
    "event",
    "name",
    "term",
    "date",
    "quantity",
    "family",
    "checkpoint",
    "tag",
    "setting",
]


EventTypesEnum: TypeAlias = Literal[
    "generation.succeeded",
    "generation.failed",
    "generation.canceled",
    "generation.expired",
    "chain_run.succeeded",
    "chain_run.failed",
    "chain_run.canceled",
    "chain_run.expired",
]


FamilyEnum: TypeAlias = Literal[
    "rnn",
    "transformer",
    "autoregressive",
    "vae",
    "gan",
    "flow",
    "diffusion",
    "hybrid",
    "connected",
]


FormatEnum: TypeAlias = Literal["csv", "jsonl", "zip"]


GenerationEvent: TypeAlias = Mapping[str, Any]


JobStatus: TypeAlias = Literal[
    "queued", "running", "succeeded", "failed", "canceled", "expired", "canceling"
]


LineageEdgeKind: TypeAlias = Literal[
    "parent",
    "retry",
    "reference",
    "reproduction",
    "input",
    "prompt",
    "batch",
    "upload",
    "chat",
    "citation",
    "collection",
]


LineageNodeType: TypeAlias = Literal[
    "generation", "prompt", "batch", "upload", "chat", "answer", "collection"
]


MediaTypeEnum: TypeAlias = Literal[
    "text/plain", "text/markdown", "text/html", "text/csv", "application/jsonl"
]


ModeEnum: TypeAlias = Literal["hybrid", "keyword", "vector", "look"]


NullEnum: TypeAlias = None


OnSameNameEnum: TypeAlias = Literal["replace", "keep_both"]


OutputEnum: TypeAlias = Literal["text", "first_line", "whole", "prompt"]


OwnEvent: TypeAlias = Mapping[str, Any]


PageIsEnum: TypeAlias = Literal["page", "slide", "chapter", "row"]


PriorityEnum: TypeAlias = Literal["high", "normal", "low"]


ProtocolEnum: TypeAlias = Literal["chat", "completion"]


ReviewVerdict: TypeAlias = Literal["approved", "rejected", "flagged"]


ScopesEnum: TypeAlias = Literal["read", "write", "manage"]


SideLetter: TypeAlias = Literal["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L"]


SpaceEmbedderOutputKindEnum: TypeAlias = Literal["built_in", "service", "settings"]


StandingEnum: TypeAlias = Literal["approved", "rejected", "flagged", "disputed"]


StandingsEnum: TypeAlias = Literal["approved", "rejected", "flagged", "disputed"]


ThemeEnum: TypeAlias = Literal["system", "paper", "night"]


TypeEnum: TypeAlias = Literal["generation", "document"]


UnitEnum: TypeAlias = Literal["hour", "day", "week", "month"]


VerdictEnum: TypeAlias = Literal["bit_exact", "perceptually_equal", "diverged"]


VoteVerdict: TypeAlias = Literal["first", "second", "tie", "both_bad"]


class AnswersListQuery(TypedDict):
    """The parameters of `answers.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    trashed: NotRequired[bool]


class ApiKeysListQuery(TypedDict):
    """The parameters of `api_keys.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class BatchesListQuery(TypedDict):
    """The parameters of `batches.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    trashed: NotRequired[bool]


class ChainRunsListQuery(TypedDict):
    """The parameters of `chain_runs.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    status: NotRequired[Sequence[Literal["canceled", "expired", "failed", "running", "succeeded"]]]
    trashed: NotRequired[bool]


class ChainRunsOfChainQuery(TypedDict):
    """The parameters of `chain_runs.of_chain`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    status: NotRequired[Sequence[Literal["canceled", "expired", "failed", "running", "succeeded"]]]
    trashed: NotRequired[bool]


class ChainVersionsListQuery(TypedDict):
    """The parameters of `chain_versions.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class ChainsListQuery(TypedDict):
    """The parameters of `chains.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    q: NotRequired[str]
    trashed: NotRequired[bool]


class ChatsExportQuery(TypedDict):
    """The parameters of `chats.export`."""

    as_: NotRequired[Literal["json", "markdown"]]
    turn: NotRequired[str]


class ChatsGetQuery(TypedDict):
    """The parameters of `chats.get`."""

    turn: NotRequired[str]


class ChatsListQuery(TypedDict):
    """The parameters of `chats.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    q: NotRequired[str]
    trashed: NotRequired[bool]


class CollectionItemsListQuery(TypedDict):
    """The parameters of `collection_items.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class CollectionsListQuery(TypedDict):
    """The parameters of `collections.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    trashed: NotRequired[bool]


class ComparisonsListQuery(TypedDict):
    """The parameters of `comparisons.list`."""

    blind: NotRequired[bool]
    cursor: NotRequired[str]
    limit: NotRequired[int]
    mine: NotRequired[bool]
    trashed: NotRequired[bool]


class DecisionsListQuery(TypedDict):
    """The parameters of `decisions.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class DocumentsChunksQuery(TypedDict):
    """The parameters of `documents.chunks`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class DocumentsListQuery(TypedDict):
    """The parameters of `documents.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    trashed: NotRequired[bool]


class DocumentsVersionsQuery(TypedDict):
    """The parameters of `documents.versions`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class EntitiesListQuery(TypedDict):
    """The parameters of `entities.list`."""

    cursor: NotRequired[str]
    kind: NotRequired[
        Literal[
            "checkpoint",
            "date",
            "event",
            "family",
            "name",
            "organisation",
            "person",
            "place",
            "quantity",
            "setting",
            "tag",
            "term",
            "work",
        ]
    ]
    limit: NotRequired[int]
    q: NotRequired[str]


class EntitiesNeighboursQuery(TypedDict):
    """The parameters of `entities.neighbours`."""

    depth: NotRequired[int]
    limit: NotRequired[int]


class EntitiesRelationsQuery(TypedDict):
    """The parameters of `entities.relations`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class FeedbackListQuery(TypedDict):
    """The parameters of `feedback.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class GenerationsLineageQuery(TypedDict):
    """The parameters of `generations.lineage`."""

    limit: NotRequired[int]


class GenerationsListQuery(TypedDict):
    """The parameters of `generations.list`."""

    batch: NotRequired[str]
    code: NotRequired[str]
    cursor: NotRequired[str]
    family: NotRequired[str]
    from_: NotRequired[str]
    limit: NotRequired[int]
    mine: NotRequired[str]
    model: NotRequired[str]
    owner: NotRequired[str]
    status: NotRequired[str]
    tag: NotRequired[str]
    to: NotRequired[str]
    trashed: NotRequired[str]


class GenerationsReferencesQuery(TypedDict):
    """The parameters of `generations.references`."""

    limit: NotRequired[int]
    model: NotRequired[str]
    prompt: str


class GenerationsSimilarQuery(TypedDict):
    """The parameters of `generations.similar`."""

    by: NotRequired[Literal["look", "meaning"]]
    limit: NotRequired[int]


class InsightsGetQuery(TypedDict):
    """The parameters of `insights.get`."""

    by: NotRequired[Literal["family", "model", "outcome"]]
    family: NotRequired[str]
    format: NotRequired[Literal["csv", "json"]]
    from_: NotRequired[str]
    model: NotRequired[str]
    owner: NotRequired[int]
    span: NotRequired[Literal["1y", "24h", "30d", "7d", "90d", "custom"]]
    to: NotRequired[str]
    zone: NotRequired[str]


class PromptVersionsListQuery(TypedDict):
    """The parameters of `prompt_versions.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class PromptsListQuery(TypedDict):
    """The parameters of `prompts.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    trashed: NotRequired[bool]


class RankingsListQuery(TypedDict):
    """The parameters of `rankings.list`."""

    blind: NotRequired[bool]
    mine: NotRequired[bool]
    task: NotRequired[str]


class ReviewItemsListQuery(TypedDict):
    """The parameters of `review_items.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    open: NotRequired[bool]
    standing: NotRequired[str]


class ReviewQueuesListQuery(TypedDict):
    """The parameters of `review_queues.list`."""

    closed: NotRequired[bool]
    cursor: NotRequired[str]
    limit: NotRequired[int]


class SearchCallQuery(TypedDict):
    """The parameters of `search.__call__`."""

    collection: NotRequired[str]
    cursor: NotRequired[str]
    exact: NotRequired[str]
    facets: NotRequired[bool]
    family: NotRequired[str]
    from_: NotRequired[str]
    kind: NotRequired[str]
    language: NotRequired[str]
    limit: NotRequired[int]
    max_score: NotRequired[float]
    min_score: NotRequired[float]
    mode: NotRequired[str]
    model: NotRequired[str]
    offset: NotRequired[int]
    owner: NotRequired[int]
    provenance: NotRequired[str]
    q: NotRequired[str]
    repeats: NotRequired[bool]
    source: NotRequired[str]
    standing: NotRequired[str]
    tag: NotRequired[str]
    to: NotRequired[str]


class TagsListQuery(TypedDict):
    """The parameters of `tags.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
    prefix: NotRequired[str]


class UploadsListQuery(TypedDict):
    """The parameters of `uploads.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class UploadsSimilarQuery(TypedDict):
    """The parameters of `uploads.similar`."""

    by: NotRequired[Literal["look"]]
    limit: NotRequired[int]


class VotesListQuery(TypedDict):
    """The parameters of `votes.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]


class WebhookDeliveriesListQuery(TypedDict):
    """The parameters of `webhook_deliveries.list`."""

    cursor: NotRequired[str]
    limit: NotRequired[int]
