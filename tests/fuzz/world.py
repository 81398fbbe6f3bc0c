"""A platform of its own to throw requests at, with something behind every id."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.fuzz.doors import door_of
from tests.security.graphs import asking_a_model, node
from tests.security.planted import PLANTED, with_secret
from tests.security.stage import PROVIDER_SECRET, Belongings, bearer, belongings, imported
from tests.support.platform import Platform, running_platform
from tests.support.scripted_upstream import scripted_upstream

INFERENCE_KEY = "fuzz-inference-key-0123456789"
_SHORT = {
    "HEDDLE_INFERENCE_HTTP_KEY": INFERENCE_KEY,
    "HEDDLE_BACKEND_RUN_SECONDS": "10",
    "HEDDLE_BACKEND_CHAT_SECONDS": "10",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """`owns` is what the first workspace has, `secret_app` its app with a secret variable."""

    platform: Platform
    owns: Belongings
    model_key: str
    secret_app: str

    def url(self, service: str) -> str:
        return self.platform.replica(service).url

    def keys(self, service: str, path: str) -> list[str]:
        """Keys that open an operation."""
        if service == "inference":
            return [INFERENCE_KEY]
        match door_of(service, path):
            case "native":
                return [self.platform.admin_token]
            case "openai":
                return [self.platform.workspace_key]
            case "dify":
                return [self.owns.app_key, self.owns.chat_key, self.model_key]

    def known(self, path: str) -> dict[str, str]:
        """Values for parameters of `path` that lead somewhere. What everything else needs, the
        provider and the keys, is not named: a request could take it away."""
        ids = {
            "app_id": self.secret_app if "/secrets/" in path else self.owns.app_id,
            "run_id": self.owns.run_id,
            "task_id": self.owns.chat_run_id,
            "workflow_id": self.owns.version_id,
            "conversation_id": self.owns.conversation_id,
            "name": "KEY" if "/secrets/" in path else "groq",
        }
        return {name: value for name, value in ids.items() if f"{{{name}}}" in path}

    def secrets(self) -> dict[str, str]:
        """What no answer may hold, whoever asks."""
        environment = self.platform.environment
        passwords = {
            name: environment[name].rpartition("@")[0].rpartition(":")[2]
            for name in ("HEDDLE_DATABASE_URL", "HEDDLE_NATS_URL")
        }
        return {
            "the admin token": self.platform.admin_token,
            "the workspace key": self.platform.workspace_key,
            "the master key": environment["HEDDLE_MASTER_KEY"],
            "the inference key": INFERENCE_KEY,
            "the provider's key": PROVIDER_SECRET,
            "an app's secret": PLANTED,
            **{name: password for name, password in passwords.items() if len(password) > 8},
        }


@contextmanager
def running_world(folder: Path) -> Generator[World]:
    with (
        scripted_upstream() as upstream,
        running_platform(folder, settings=_SHORT) as platform,
        httpx.Client(base_url=platform.url, timeout=30.0) as http,
    ):
        admin = platform.admin_token
        http.put(
            "/api/providers/openai",
            json={"api_key": PROVIDER_SECRET, "base_url": upstream.url},
            headers=bearer(admin),
        ).raise_for_status()
        nodes = [node("s", "start", variables=[]), node("e", "end", outputs=[])]
        guarded = with_secret(nodes, name="Guarded", value=PLANTED)
        yield World(
            platform=platform,
            owns=belongings(http, platform.workspace_key),
            model_key=imported(http, asking_a_model(), admin)["api_key"],
            secret_app=imported(http, guarded, admin)["app_id"],
        )
