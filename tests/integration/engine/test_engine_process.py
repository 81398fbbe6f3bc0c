"""The engine as a process: it starts, says that it is ready, and stops when told."""

import asyncio
import base64
import os
import signal
import sys
from pathlib import Path

import httpx

from deploy.local.layout import CHECKOUT
from deploy.local.loopback import free_port
from tests.support.databases import FreshDatabase
from tests.support.engine_harness import eventually


async def test_the_process_becomes_ready_and_stops_on_sigterm(
    migrated_database: FreshDatabase, nats_url: str, redis_url: str, tmp_path: Path
) -> None:
    port = free_port()
    environment = (
        os.environ
        | migrated_database.environment()
        | {
            "HEDDLE_NATS_URL": nats_url,
            "HEDDLE_REDIS_URL": redis_url,
            "HEDDLE_OBJECT_STORE_URL": tmp_path.as_uri(),
            "HEDDLE_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
            "HEDDLE_ENGINE_PORT": str(port),
        }
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.engine.main",
        cwd=CHECKOUT,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready() -> bool:
                assert process.returncode is None
                try:
                    return (await client.get("/readyz")).status_code == 200
                except httpx.TransportError:
                    return False

            await eventually(ready, within=30.0)
            assert (await client.get("/healthz")).status_code == 200
        process.send_signal(signal.SIGTERM)
        output, _ = await asyncio.wait_for(process.communicate(), 20)
        assert process.returncode == 0, output.decode()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
