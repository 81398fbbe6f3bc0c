"""Each service starts with its own dependencies and its own folders, as its image has them."""

import base64
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.local.child_process import ChildProcess, ProcessSpec
from deploy.local.layout import CHECKOUT
from deploy.local.loopback import answers_ok, free_port
from tests.support.databases import FreshDatabase
from tests.support.eventually import eventually

pytestmark = pytest.mark.xdist_group("services-alone")

_INSTALL_SECONDS = 300
_HEALTHY_SECONDS = 40.0
_SERVICES = ("backend", "inference", "plugin", "engine")


def _alone(folder: Path, service: str) -> Path:
    """A copy of what the service's image copies; returns the interpreter of its environment."""
    for name in ("libs", "services"):
        (folder / name).mkdir()
        shutil.copy(CHECKOUT / name / "__init__.py", folder / name)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(CHECKOUT / "libs/common", folder / "libs/common", ignore=ignored)
    shutil.copytree(CHECKOUT / "services" / service, folder / "services" / service, ignore=ignored)
    python = folder / "venv" / "bin" / "python"
    uv = Path(sys.executable).parent / "uv"
    requirements = CHECKOUT / "requirements" / f"service-{service}.txt"
    for command in (
        (uv, "venv", "--quiet", "--python", sys.executable, folder / "venv"),
        (
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            python,
            "--require-hashes",
            "-r",
            requirements,
        ),
    ):
        subprocess.run([*map(str, command)], check=True, timeout=_INSTALL_SECONDS)
    return python


@pytest.mark.slow
@pytest.mark.parametrize("service", _SERVICES)
def test_a_service_needs_only_its_own_folder_and_dependencies(
    service: str,
    tmp_path: Path,
    migrated_database: FreshDatabase,
    nats_url: str,
    redis_url: str,
    object_store_url: str,
) -> None:
    folder = tmp_path / "image"
    folder.mkdir()
    python = _alone(folder, service)
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HEDDLE_DATABASE_URL": migrated_database.url,
        "HEDDLE_DATABASE_SWEEPER_URL": migrated_database.sweeper_url,
        "HEDDLE_NATS_URL": nats_url,
        "HEDDLE_REDIS_URL": redis_url,
        "HEDDLE_OBJECT_STORE_URL": object_store_url,
        "HEDDLE_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
        "HEDDLE_STATE_DIR": str(tmp_path),
        f"HEDDLE_{service.upper()}_PORT": str(port),
    }
    child = ChildProcess(
        ProcessSpec(
            name=service,
            command=(str(python), "-m", f"services.{service}.main"),
            environment=environment,
            folder=folder,
            log=tmp_path / "service.log",
        )
    )
    try:
        eventually(
            lambda: answers_ok(port, "/healthz"),
            within=_HEALTHY_SECONDS,
            what=f"{service} answers /healthz",
        )
    finally:
        child.stop()


@pytest.mark.parametrize("service", _SERVICES)
def test_a_dockerfile_copies_its_own_folder_and_no_other(service: str) -> None:
    lines = (CHECKOUT / "services" / service / "Dockerfile").read_text().splitlines()
    copied = {line.split()[1] for line in lines if line.startswith("COPY ") and "--" not in line}
    assert copied == {
        "requirements/",
        "libs/__init__.py",
        "libs/common/",
        "services/__init__.py",
        f"services/{service}/",
    }
