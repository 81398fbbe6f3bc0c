"""What the backend refuses or cannot do."""

from libs.common.errors import (
    CallerError,
    Conflict,
    InvalidInput,
    PayloadTooLarge,
    PlatformFault,
    UpstreamError,
    UpstreamTimeout,
)


class DocumentTooLarge(PayloadTooLarge):
    """The DSL document is above the limit; nothing was stored."""

    code = "document_too_large"
    title = "The document is too large"


class AppNotPublished(InvalidInput):
    """The app has no published version, so nothing can run. `extra` holds its draft's report."""

    code = "app_not_published"
    title = "The app is not published"


class DraftChanged(CallerError):
    """The draft is not the revision that the caller has seen. `extra` holds its `revision`."""

    code = "draft_changed"
    status = 412
    title = "The draft was changed"


class AppModeDiffers(Conflict):
    """A draft of another mode than the app's, whose clients use the doors of its mode."""

    code = "app_mode_differs"
    title = "The document's mode is not the app's"


class AppUnavailable(InvalidInput):
    code = "app_unavailable"
    title = "The app has no published version"


class PublishRefused(Conflict):
    """The draft has errors. `extra` holds the report."""

    code = "publish_refused"
    title = "The draft has errors"


class NotChatApp(InvalidInput):
    code = "not_chat_app"
    title = "The app's mode does not fit this route"


class NotWorkflowApp(InvalidInput):
    code = "not_workflow_app"
    title = "The app's mode does not fit this route"


class IdempotencyKeyReused(Conflict):
    """The key was used before, for another request."""

    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"


class RunFailed(CallerError):
    """The run ended without an answer. `extra` holds its id."""

    code = "run_failed"
    title = "The run failed"


class RunNotFinished(UpstreamTimeout):
    """The run goes on; the wait for it ended. `extra` holds its id."""

    code = "run_not_finished"
    title = "The run is not finished yet"


class RunSetAside(PlatformFault):
    """No worker can go on with the run; it waits for an operator. `extra` holds its id."""

    code = "run_set_aside"
    title = "The run was set aside"


class InputTooLarge(PayloadTooLarge):
    """What the run is given is above the limit; nothing was begun."""

    code = "input_too_large"
    title = "The input is too large"


class ForkImpossible(Conflict):
    """Such a run cannot begin from this one. `extra` holds the `obstacles`, as the preview does."""

    code = "fork_impossible"
    title = "The run cannot be begun from"


class ForkPreviewOutdated(Conflict):
    """What would happen is not what was shown under this digest; nothing was begun."""

    code = "fork_preview_outdated"
    title = "The preview was of something else"


class UnsafeEffectsRefused(Conflict):
    """Nodes that may do anything would execute, and nobody said yes. `extra` holds the `nodes`."""

    code = "unsafe_effects_refused"
    title = "Unsafe effects would happen again"


class SubWorkflowUnresolved(Conflict):
    """A node calls an app that cannot be called now. `extra` names the node and what is wrong."""

    code = "sub_workflow_unresolved"
    title = "A called workflow cannot run"


class NodeTestRefused(InvalidInput):
    """The node is not fit to run. `extra` holds its report."""

    code = "node_test_refused"
    title = "The node cannot run"


class DeliveryFailed(UpstreamError):
    """A mail server or a webhook's receiver did not take a message; it is sent again."""

    code = "delivery_failed"
    title = "A message was not delivered"


class DeliveryRefused(DeliveryFailed):
    """The receiver will never take the message as it is; sending it again would change nothing."""

    code = "delivery_refused"
    title = "A message will not be delivered"
