"""The catalogue of every subject that crosses a service's wall.

Four shapes: `Subject` (request and one reply), `StreamSubject` (request and numbered parts),
`Broadcast` (everyone who listens now, nothing kept) and `DurableSubject` (kept in JetStream until
each named consumer has acknowledged it).
"""

import re
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar
from uuid import UUID

from pydantic import BaseModel

from libs.common.contracts.chat import ChatCall, ChatCallPart, ModelList, ModelQuery
from libs.common.contracts.code_execution import CodeCall, CodeResult
from libs.common.contracts.command_execution import CommandCall, CommandResult
from libs.common.contracts.conversation_variables import (
    ChangeVariable,
    ConversationDeleted,
    ConversationVariable,
    ConversationVariables,
    VariablesQuery,
)
from libs.common.contracts.credentials import CredentialChanged, CredentialQuery, SealedCredential
from libs.common.contracts.document_text import DocumentCall, DocumentText
from libs.common.contracts.environment_secrets import SealedSecrets, SecretsQuery
from libs.common.contracts.form_deliveries import DeliverForm, FormDeliveries, FormOpened
from libs.common.contracts.forms import (
    FormList,
    FormQuery,
    FormsQuery,
    FormSubmitted,
    FormView,
    SubmitForm,
)
from libs.common.contracts.http_call import HttpCall, HttpResult
from libs.common.contracts.keyed_calls import (
    AttachCall,
    AttachedResult,
    CallCancelled,
    CancelCall,
)
from libs.common.contracts.providers import ProviderList, ProviderQuery
from libs.common.contracts.run_commands import (
    AbortRun,
    AcceptRun,
    ChildAccepted,
    CommandAccepted,
    Doorbell,
    PauseRun,
    ResumeRun,
    RunAccepted,
    RunEnded,
    UpdateVariables,
)
from libs.common.contracts.run_events import RunEventMessage
from libs.common.contracts.run_forks import ForkPlan, PlanFork
from libs.common.contracts.run_queries import (
    RunEventsPage,
    RunEventsQuery,
    RunQuery,
    RunsQuery,
    RunSummaries,
    RunTrace,
    RunView,
    TraceQuery,
)
from libs.common.contracts.state_changes import StateChanged
from libs.common.contracts.tool_call import ToolCall, ToolList, ToolQuery, ToolResult
from libs.common.contracts.workflows import RegisterWorkflow, ValidateWorkflow, ValidationReport

Req = TypeVar("Req", bound=BaseModel)
Rep = TypeVar("Rep", bound=BaseModel)

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
SHARDS = 64
CELL = "main"


@dataclass(frozen=True, slots=True)
class Subject(Generic[Req, Rep]):
    """Request-reply, answered by one member of the service's queue group."""

    name: str
    request: type[Req]
    reply: type[Rep]
    instance: str = ""

    def at(self, instance: str) -> Self:
        """The same call addressed to one process: `instance` is its incarnation id."""
        return replace(self, name=f"{self.name}.{token(instance)}", instance=instance)

    @property
    def family(self) -> str:
        """The name without the process it is addressed to."""
        return self.name.removesuffix(f".{self.instance}")


@dataclass(frozen=True, slots=True)
class StreamSubject(Generic[Req, Rep]):
    """A request answered by numbered parts and an end marker."""

    name: str
    request: type[Req]
    part: type[Rep]
    instance: str = ""

    def at(self, instance: str) -> Self:
        """The same call addressed to one process: `instance` is its incarnation id."""
        return replace(self, name=f"{self.name}.{token(instance)}", instance=instance)

    @property
    def family(self) -> str:
        """The name without the process it is addressed to."""
        return self.name.removesuffix(f".{self.instance}")


@dataclass(frozen=True, slots=True)
class Broadcast(Generic[Rep]):
    """Core publish: heard by whoever listens now."""

    name: str
    message: type[Rep]


@dataclass(frozen=True, slots=True)
class DurableSubject(Generic[Rep]):
    """Kept in the JetStream stream `stream`.

    `work_queue` True: one consumer group takes each message away (doorbells). False: every named
    durable consumer sees every message (facts such as `run_ended`).
    """

    name: str
    stream: str
    message: type[Rep]
    work_queue: bool


def token(value: str) -> str:
    """`value` as one subject token. Raises ValueError for anything but letters, digits, - and _."""
    if not _TOKEN.fullmatch(value):
        msg = f"{value!r} cannot be part of a subject"
        raise ValueError(msg)
    return value


def shard_of(tenant_id: UUID) -> int:
    """The shard that a tenant's runs live in."""
    return tenant_id.int % SHARDS


def run_live(tenant_id: UUID, run_id: UUID) -> Broadcast[RunEventMessage]:
    """Where a run's owner publishes committed events and text deltas."""
    name = f"engine.run.{CELL}.{shard_of(tenant_id)}.{tenant_id}.{run_id}.live"
    return Broadcast(name, RunEventMessage)


def run_wake(run_id: UUID) -> Broadcast[Doorbell]:
    """A wake-up for the owner of a run: it has commands to drain."""
    return Broadcast(f"engine.run.{CELL}.wake.{run_id}", Doorbell)


ACCEPT_RUN = Subject("engine.runs.accept", AcceptRun, RunAccepted)
ABORT_RUN = Subject("engine.runs.abort", AbortRun, CommandAccepted)
RESUME_RUN = Subject("engine.runs.resume", ResumeRun, CommandAccepted)
PAUSE_RUN = Subject("engine.runs.pause", PauseRun, CommandAccepted)
UPDATE_VARIABLES = Subject("engine.runs.update_variables", UpdateVariables, CommandAccepted)
FORM = Subject("engine.forms.view", FormQuery, FormView)
FORMS = Subject("engine.forms.list", FormsQuery, FormList)
FORM_DELIVERIES = Subject("engine.forms.deliveries", FormQuery, FormDeliveries)
SUBMIT_FORM = Subject("engine.forms.submit", SubmitForm, FormSubmitted)
RUN_VIEW = Subject("engine.runs.view", RunQuery, RunView)
RUNS = Subject("engine.runs.list", RunsQuery, RunSummaries)
RUN_TRACE = Subject("engine.runs.trace", TraceQuery, RunTrace)
RUN_EVENTS = Subject("engine.runs.events", RunEventsQuery, RunEventsPage)
PLAN_FORK = Subject("engine.runs.plan_fork", PlanFork, ForkPlan)
REGISTER_WORKFLOW = Subject("engine.workflows.register", RegisterWorkflow, ValidationReport)
CONVERSATION_VARIABLES = Subject(
    "engine.conversations.variables", VariablesQuery, ConversationVariables
)
CHANGE_VARIABLE = Subject("engine.conversations.change", ChangeVariable, ConversationVariable)
VALIDATE_WORKFLOW = Subject("engine.workflows.validate", ValidateWorkflow, ValidationReport)
RUN_DOORBELL = DurableSubject(f"engine.doorbell.{CELL}", "ENGINE_DOORBELLS", Doorbell, True)
RUN_ENDED = DurableSubject(f"engine.ended.{CELL}", "ENGINE_FACTS", RunEnded, False)
CHILD_ACCEPTED = DurableSubject(f"engine.child.{CELL}", "ENGINE_FACTS", ChildAccepted, False)
FORM_OPENED = DurableSubject(f"engine.forms.opened.{CELL}", "ENGINE_FACTS", FormOpened, False)
RUN_WAKE_ALL = Broadcast(f"engine.run.{CELL}.wake.*", Doorbell)

CHAT = StreamSubject("inference.chat", ChatCall, ChatCallPart)
CHAT_ATTACH = StreamSubject("inference.chat.attach", AttachCall, ChatCallPart)
CHAT_CANCEL = Subject("inference.calls.cancel", CancelCall, CallCancelled)
PROVIDERS = Subject("inference.providers", ProviderQuery, ProviderList)
MODELS = Subject("inference.models", ModelQuery, ModelList)

RUN_CODE = Subject("plugin.code.run", CodeCall, CodeResult)
FETCH_HTTP = Subject("plugin.http.fetch", HttpCall, HttpResult)
RUN_COMMAND = Subject("plugin.commands.run", CommandCall, CommandResult)
READ_DOCUMENT = Subject("plugin.documents.read", DocumentCall, DocumentText)
CALL_TOOL = Subject("plugin.tools.call", ToolCall, ToolResult)
TOOLS = Subject("plugin.tools.list", ToolQuery, ToolList)
PLUGIN_ATTACH = Subject("plugin.calls.attach", AttachCall, AttachedResult)
PLUGIN_CANCEL = Subject("plugin.calls.cancel", CancelCall, CallCancelled)

CREDENTIAL = Subject("backend.credentials.get", CredentialQuery, SealedCredential)
CREDENTIAL_CHANGED = Broadcast("backend.credentials.changed", CredentialChanged)
ENVIRONMENT_SECRETS = Subject("backend.secrets.get", SecretsQuery, SealedSecrets)
DELIVER_FORM = DurableSubject("backend.forms.deliver", "BACKEND_WORK", DeliverForm, True)
CONVERSATION_DELETED = DurableSubject(
    "backend.conversations.deleted", "BACKEND_FACTS", ConversationDeleted, False
)

STATE_CHANGED = Broadcast("state.changed", StateChanged)
