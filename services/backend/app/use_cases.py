"""Every use case of the backend, put together from what they need from outside."""

from dataclasses import dataclass
from datetime import timedelta

from libs.common.clock import Clock
from libs.common.contracts.run_limits import RunLimits
from libs.common.messaging.bus import MessageBus
from libs.common.messaging.dead_letters import DeadLetters
from libs.common.object_store.store import ObjectStore
from services.backend.app.apps.draft_reading import DraftReading
from services.backend.app.apps.engine_workflows import EngineWorkflows
from services.backend.app.apps.environment_secrets import EnvironmentSecrets
from services.backend.app.apps.import_app import ImportApp
from services.backend.app.apps.publish_app import PublishApp
from services.backend.app.apps.published_apps import PublishedApps
from services.backend.app.apps.replace_draft import ReplaceDraft
from services.backend.app.apps.show_apps import ShowApps
from services.backend.app.apps.sub_workflows import SubWorkflows
from services.backend.app.conversations.conversation_variables import ConversationVariablesOf
from services.backend.app.conversations.engine_conversations import EngineConversations
from services.backend.app.conversations.open_turn import OpenTurn
from services.backend.app.conversations.read_conversations import ReadConversations
from services.backend.app.files.accept_files import AcceptFiles
from services.backend.app.files.collect_uploads import CollectUploads
from services.backend.app.files.file_links import FileLinks
from services.backend.app.files.show_file import RunFiles, ShowFile
from services.backend.app.files.upload_file import UploadFile
from services.backend.app.identity.app_keys import AppKeys
from services.backend.app.identity.authenticate import Authenticate
from services.backend.app.identity.key_index import KeyIndex
from services.backend.app.identity.key_uses import KeyUses
from services.backend.app.models.provider_credentials import ProviderCredentials
from services.backend.app.ports.api_key_repository import ApiKeyRepository
from services.backend.app.ports.app_repository import AppRepository
from services.backend.app.ports.conversation_repository import ConversationRepository
from services.backend.app.ports.credential_repository import CredentialRepository
from services.backend.app.ports.credential_sealer import CredentialSealer
from services.backend.app.ports.delta_tail import DeltaTail
from services.backend.app.ports.document_reader import DocumentReader
from services.backend.app.ports.environment_secret_repository import EnvironmentSecretRepository
from services.backend.app.ports.file_repository import FileRepository
from services.backend.app.ports.idempotency_records import IdempotencyRecords
from services.backend.app.ports.run_repository import RunRepository
from services.backend.app.reviews.form_files import FormFiles
from services.backend.app.reviews.form_links import FormLinks
from services.backend.app.reviews.forms import Forms
from services.backend.app.reviews.telling import Telling, TellingParts, put_telling_together
from services.backend.app.runs.await_run import AwaitRun
from services.backend.app.runs.command_run import CommandRun
from services.backend.app.runs.diff_runs import DiffRuns
from services.backend.app.runs.engine_forks import EngineForks
from services.backend.app.runs.engine_runs import EngineRuns
from services.backend.app.runs.follow_run import FollowRun
from services.backend.app.runs.fork_run import ForkRun
from services.backend.app.runs.hand_over import HandOver
from services.backend.app.runs.list_runs import ListRuns
from services.backend.app.runs.record_child import RecordChild
from services.backend.app.runs.record_end import RecordEnd
from services.backend.app.runs.relay_runs import RelayRuns
from services.backend.app.runs.resume_run import ResumeRun
from services.backend.app.runs.show_run import ShowRun
from services.backend.app.runs.start_run import StartRun
from services.backend.app.runs.stop_run import StopRun
from services.backend.app.runs.try_node import TryNode
from services.backend.app.runs.until_paused import UntilPaused
from services.backend.domain.files.file_kinds import SizeLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class UploadRules:
    """`blocked` are extensions that nobody may upload; `base_url` begins links to files, which hold
    for `link_seconds` at least."""

    limits: SizeLimits
    blocked: frozenset[str] = frozenset()
    base_url: str = ""
    link_seconds: float = 7 * 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What the use cases need from outside."""

    bus: MessageBus
    clock: Clock
    index: KeyIndex
    keys: ApiKeyRepository
    apps: AppRepository
    runs: RunRepository
    conversations: ConversationRepository
    credentials: CredentialRepository
    secrets: EnvironmentSecretRepository
    idempotency: IdempotencyRecords
    documents: DocumentReader
    sealer: CredentialSealer
    tail: DeltaTail
    dead_letters: DeadLetters
    limits: RunLimits
    files: FileRepository
    objects: ObjectStore
    uploads: UploadRules
    run_files: RunFiles
    telling: TellingParts


@dataclass(frozen=True, slots=True, kw_only=True)
class UseCases:
    """One of each, shared by every door."""

    authenticate: Authenticate
    app_keys: AppKeys
    key_uses: KeyUses
    import_app: ImportApp
    replace_draft: ReplaceDraft
    environment_secrets: EnvironmentSecrets
    publish_app: PublishApp
    show_apps: ShowApps
    published_apps: PublishedApps
    start_run: StartRun
    fork_run: ForkRun
    try_node: TryNode
    diff_runs: DiffRuns
    await_run: AwaitRun
    list_runs: ListRuns
    resume_run: ResumeRun
    command_run: CommandRun
    forms: Forms
    form_links: FormLinks
    telling: Telling
    until_paused: UntilPaused
    stop_run: StopRun
    show_run: ShowRun
    follow_run: FollowRun
    relay_runs: RelayRuns
    record_end: RecordEnd
    record_child: RecordChild
    read_conversations: ReadConversations
    conversation_variables: ConversationVariablesOf
    credentials: ProviderCredentials
    dead_letters: DeadLetters
    upload_file: UploadFile
    show_file: ShowFile
    file_links: FileLinks
    collect_uploads: CollectUploads


def put_together(parts: Parts) -> UseCases:
    workflows = EngineWorkflows(parts.bus)
    engine = EngineRuns(bus=parts.bus, apps=parts.apps, workflows=workflows)
    record_end = RecordEnd(parts.runs, engine)
    follow = _follow_run(parts, engine, record_end)
    hand_over = HandOver(runs=parts.runs, engine=engine, record_end=record_end, clock=parts.clock)
    key_uses = KeyUses(parts.keys, parts.clock)
    app_keys = AppKeys(parts.keys, parts.index, parts.sealer)
    published = PublishedApps(parts.apps)
    called = SubWorkflows(published, parts.limits.max_depth)
    publish = PublishApp(
        apps=parts.apps, engine=workflows, sub_workflows=called, mails=parts.telling.mails
    )
    secrets = EnvironmentSecrets(apps=parts.apps, secrets=parts.secrets, sealer=parts.sealer)
    links = _file_links(parts)
    turns = OpenTurn(conversations=parts.conversations, record_end=record_end)
    reading = _draft_reading(parts, workflows, called)
    start = _start_run(parts, called, turns, hand_over, follow, links)
    until_paused = UntilPaused(engine=engine)
    telling = _telling(parts)
    show = ShowRun(runs=parts.runs, engine=engine, record_end=record_end)
    return UseCases(
        authenticate=Authenticate(parts.index, key_uses),
        key_uses=key_uses,
        app_keys=app_keys,
        environment_secrets=secrets,
        import_app=_import_app(parts, app_keys, reading, publish, secrets),
        replace_draft=ReplaceDraft(parts.apps, reading, publish, secrets),
        publish_app=publish,
        show_apps=ShowApps(parts.apps),
        published_apps=published,
        start_run=start,
        fork_run=_fork_run(parts, published, workflows, start, called),
        try_node=_try_node(parts, published, workflows, start, called),
        diff_runs=DiffRuns(show=show),
        await_run=AwaitRun(start=start, hand_over=hand_over, show=show, until_paused=until_paused),
        list_runs=ListRuns(runs=parts.runs, engine=engine),
        resume_run=ResumeRun(runs=parts.runs, engine=engine),
        command_run=CommandRun(runs=parts.runs, engine=engine),
        forms=_forms(parts, start),
        form_links=telling.links,
        telling=telling,
        until_paused=until_paused,
        stop_run=StopRun(runs=parts.runs, engine=engine),
        show_run=show,
        follow_run=follow,
        relay_runs=RelayRuns(runs=parts.runs, hand_over=hand_over, clock=parts.clock),
        record_end=record_end,
        record_child=RecordChild(runs=parts.runs, record_end=record_end),
        read_conversations=ReadConversations(conversations=parts.conversations),
        conversation_variables=_conversation_variables(parts, published, workflows),
        credentials=_credentials(parts),
        dead_letters=parts.dead_letters,
        upload_file=_upload_file(parts),
        show_file=_show_file(parts, links),
        file_links=links,
        collect_uploads=_collect_uploads(parts),
    )


def _follow_run(parts: Parts, engine: EngineRuns, record_end: RecordEnd) -> FollowRun:
    return FollowRun(
        bus=parts.bus, engine=engine, record_end=record_end, clock=parts.clock, tail=parts.tail
    )


def _file_links(parts: Parts) -> FileLinks:
    return FileLinks(
        sealer=parts.sealer,
        clock=parts.clock,
        base_url=parts.uploads.base_url,
        lasting=timedelta(seconds=parts.uploads.link_seconds),
    )


def _show_file(parts: Parts, links: FileLinks) -> ShowFile:
    return ShowFile(
        files=parts.files,
        objects=parts.objects,
        links=links,
        run_files=parts.run_files,
    )


def _collect_uploads(parts: Parts) -> CollectUploads:
    return CollectUploads(files=parts.files, objects=parts.objects, clock=parts.clock)


def _forms(parts: Parts, start: StartRun) -> Forms:
    return Forms(bus=parts.bus, files=FormFiles(accept=start.accept_files, files=parts.files))


def _upload_file(parts: Parts) -> UploadFile:
    return UploadFile(
        files=parts.files,
        objects=parts.objects,
        idempotency=parts.idempotency,
        clock=parts.clock,
        limits=parts.uploads.limits,
        blocked=parts.uploads.blocked,
    )


def _start_run(
    parts: Parts,
    called: SubWorkflows,
    turns: OpenTurn,
    hand_over: HandOver,
    follow: FollowRun,
    links: FileLinks,
) -> StartRun:
    return StartRun(
        apps=called.apps,
        runs=parts.runs,
        open_turn=turns,
        accept_files=AcceptFiles(files=parts.files, links=links),
        hand_over=hand_over,
        follow_run=follow,
        sub_workflows=called,
        clock=parts.clock,
        limits=parts.limits,
    )


def _credentials(parts: Parts) -> ProviderCredentials:
    return ProviderCredentials(credentials=parts.credentials, sealer=parts.sealer, bus=parts.bus)


def _telling(parts: Parts) -> Telling:
    return put_telling_together(
        parts.telling,
        bus=parts.bus,
        clock=parts.clock,
        sealer=parts.sealer,
        show_apps=ShowApps(parts.apps),
    )


def _conversation_variables(
    parts: Parts, published: PublishedApps, workflows: EngineWorkflows
) -> ConversationVariablesOf:
    return ConversationVariablesOf(
        apps=published,
        read=ReadConversations(conversations=parts.conversations),
        engine=EngineConversations(bus=parts.bus, workflows=workflows),
    )


def _draft_reading(parts: Parts, workflows: EngineWorkflows, called: SubWorkflows) -> DraftReading:
    return DraftReading(
        documents=parts.documents,
        engine=workflows,
        sub_workflows=called,
        sealer=parts.sealer,
        mails=parts.telling.mails,
    )


def _import_app(
    parts: Parts,
    keys: AppKeys,
    reading: DraftReading,
    publish: PublishApp,
    secrets: EnvironmentSecrets,
) -> ImportApp:
    return ImportApp(
        apps=parts.apps,
        keys=keys,
        reading=reading,
        publish=publish,
        secrets=secrets,
        idempotency=parts.idempotency,
        clock=parts.clock,
    )


def _fork_run(
    parts: Parts,
    apps: PublishedApps,
    workflows: EngineWorkflows,
    start: StartRun,
    called: SubWorkflows,
) -> ForkRun:
    engine = EngineForks(bus=parts.bus, workflows=workflows)
    return ForkRun(
        apps=apps,
        runs=parts.runs,
        engine=engine,
        accept_files=start.accept_files,
        start_run=start,
        sub_workflows=called,
    )


def _try_node(
    parts: Parts,
    published: PublishedApps,
    workflows: EngineWorkflows,
    start: StartRun,
    called: SubWorkflows,
) -> TryNode:
    return TryNode(
        apps=parts.apps,
        published=published,
        engine=workflows,
        runs=parts.runs,
        start_run=start,
        sub_workflows=called,
        clock=parts.clock,
    )
