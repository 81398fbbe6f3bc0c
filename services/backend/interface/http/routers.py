"""Every door of the backend."""

from fastapi import APIRouter

from libs.common.messaging.bus import MessageBus
from services.backend.app.use_cases import UseCases
from services.backend.interface.http.callers import CallerOf
from services.backend.interface.http.dify.app_routes import AppDoor, app_router
from services.backend.interface.http.dify.conversation_routes import (
    ConversationDoor,
    conversation_router,
)
from services.backend.interface.http.dify.file_routes import FileDoor, file_router
from services.backend.interface.http.dify.form_routes import FormDoor, form_router
from services.backend.interface.http.dify.run_routes import RunDoor, run_router
from services.backend.interface.http.dify.variable_routes import VariableDoor, variable_router
from services.backend.interface.http.file_links import file_link_router
from services.backend.interface.http.native.app_routes import NativeAppDoor, native_app_router
from services.backend.interface.http.native.command_routes import (
    CommandDoor,
    native_command_router,
)
from services.backend.interface.http.native.dead_letter_routes import (
    native_dead_letter_router,
)
from services.backend.interface.http.native.delivery_routes import native_delivery_router
from services.backend.interface.http.native.draft_routes import native_draft_router
from services.backend.interface.http.native.event_routes import native_event_router
from services.backend.interface.http.native.fork_routes import ForkDoor, native_fork_router
from services.backend.interface.http.native.form_routes import (
    NativeFormDoor,
    native_form_router,
)
from services.backend.interface.http.native.key_routes import native_key_router
from services.backend.interface.http.native.node_routes import NodeDoor, native_node_router
from services.backend.interface.http.native.provider_routes import native_provider_router
from services.backend.interface.http.native.run_routes import NativeRunDoor, native_run_router
from services.backend.interface.http.native.secret_routes import native_secret_router
from services.backend.interface.http.native.start_routes import StartDoor, native_start_router
from services.backend.interface.http.openai.routes import openai_router
from services.backend.interface.http.review.routes import ReviewDoor, review_router


def all_routers(
    cases: UseCases, bus: MessageBus, *, run_seconds: float, chat_seconds: float
) -> list[APIRouter]:
    caller = CallerOf(cases.authenticate)
    return [
        native_app_router(
            NativeAppDoor(
                caller=caller,
                import_app=cases.import_app,
                publish_app=cases.publish_app,
                show_apps=cases.show_apps,
                keys=cases.app_keys,
            )
        ),
        native_draft_router(caller, cases.replace_draft, cases.show_apps),
        native_secret_router(caller, cases.environment_secrets),
        native_key_router(caller, cases.app_keys, cases.show_apps),
        native_start_router(
            StartDoor(
                caller=caller,
                start=cases.start_run,
                wait=cases.await_run,
                most_seconds=run_seconds,
            )
        ),
        native_run_router(
            NativeRunDoor(
                caller=caller,
                runs=cases.list_runs,
                show=cases.show_run,
                stop=cases.stop_run,
                resume=cases.resume_run,
            )
        ),
        *_looking_back(cases, caller, run_seconds),
        native_command_router(CommandDoor(caller=caller, command=cases.command_run)),
        *_reviews(cases, caller),
        native_dead_letter_router(caller, cases.dead_letters),
        native_event_router(caller, cases.show_run, cases.follow_run),
        native_provider_router(caller, cases.credentials),
        run_router(
            RunDoor(
                caller=caller,
                start=cases.start_run,
                stop=cases.stop_run,
                show=cases.show_run,
                follow=cases.follow_run,
                until_paused=cases.until_paused,
                links=cases.form_links,
                run_seconds=run_seconds,
            )
        ),
        *_of_apps(cases, caller),
        openai_router(bus, caller, chat_seconds=chat_seconds),
    ]


def _looking_back(cases: UseCases, caller: CallerOf, run_seconds: float) -> list[APIRouter]:
    fork, node = cases.fork_run, cases.try_node
    wait, show = cases.await_run, cases.show_run
    return [
        native_fork_router(ForkDoor(caller=caller, fork=fork, diff=cases.diff_runs, wait=wait)),
        native_node_router(
            NodeDoor(caller=caller, attempt=node, wait=wait, show=show, most_seconds=run_seconds)
        ),
    ]


def _of_apps(cases: UseCases, caller: CallerOf) -> list[APIRouter]:
    return [
        app_router(
            AppDoor(caller=caller, apps=cases.published_apps, limits=cases.upload_file.limits)
        ),
        *_files(cases, caller),
        conversation_router(
            ConversationDoor(
                caller=caller, read=cases.read_conversations, file_url=cases.file_links.url
            )
        ),
        variable_router(VariableDoor(caller=caller, variables=cases.conversation_variables)),
    ]


def _files(cases: UseCases, caller: CallerOf) -> list[APIRouter]:
    door = FileDoor(caller=caller, upload=cases.upload_file, show=cases.show_file)
    return [file_router(door), file_link_router(cases.show_file)]


def _reviews(cases: UseCases, caller: CallerOf) -> list[APIRouter]:
    forms, links = cases.forms, cases.form_links
    return [
        native_form_router(NativeFormDoor(caller=caller, forms=forms, links=links)),
        native_delivery_router(caller, cases.telling),
        form_router(FormDoor(caller=caller, forms=forms, links=links)),
        review_router(ReviewDoor(forms=forms, links=links, uploads=cases.upload_file)),
    ]
