"""The audits of npm's graphql-http, which follow the specification of GraphQL over HTTP, against the endpoint on a port of its own."""

import asyncio
import json
import os
from pathlib import Path

from granian.constants import Interfaces
from granian.server.embed import Server

from gateway.tests.world import opened
from kit.testing import eventually, free_port

AUDITS = Path(os.environ["RUNFILES_DIR"], "npm", "audits", "audits.mjs")


async def test_the_audits_of_graphql_over_http_find_no_error_and_no_warning(tmp_path: Path) -> None:
    port = free_port()
    # One of them passes a variable to __type: with introspection off that is a document which does not validate.
    async with opened(tmp_path, introspection=True) as world:
        server = Server(world.app, "127.0.0.1", port, interface=Interfaces.ASGI, log_enabled=False)
        serving = asyncio.create_task(server.serve())

        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await eventually(listens)
        auditing = await asyncio.create_subprocess_exec(
            "node", AUDITS, f"http://127.0.0.1:{port}/graphql", stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(auditing.communicate(), 30)
        server.stop()  # type: ignore[no-untyped-call]
        await serving
    found = json.loads(said)
    assert auditing.returncode == 0
    assert len(found) >= 61
    assert [each for each in found if each["status"] in ("error", "warn")] == []
    notices = {each["id"]: each["name"] for each in found if each["status"] == "notice"}
    # What the specification leaves to a server: we answer no GET.
    assert all("GET" in name for name in notices.values()), notices
