"""The audits of npm's graphql-http, which follow the specification of GraphQL over HTTP, against the endpoint on a port of its own."""

import asyncio
import json
import os
from pathlib import Path

from gateway.tests.served import serving
from gateway.tests.world import opened

AUDITS = Path(os.environ["RUNFILES_DIR"], "npm", "audits", "audits.mjs")


async def test_the_audits_of_graphql_over_http_find_no_error_and_no_warning(tmp_path: Path) -> None:
    # One of them passes a variable to __type: with introspection off that is a document which does not validate.
    async with opened(tmp_path, introspection=True) as world, serving(world.app) as port:
        auditing = await asyncio.create_subprocess_exec(
            "node", AUDITS, f"http://127.0.0.1:{port}/graphql", stdout=asyncio.subprocess.PIPE
        )
        said, _ = await asyncio.wait_for(auditing.communicate(), 30)
    results = json.loads(said)
    assert auditing.returncode == 0
    assert len(results) >= 61
    assert [result for result in results if result["status"] in ("error", "warn")] == []
    # Notices are about optional parts of the specification.
    assert [result["name"] for result in results if result["status"] == "notice"] == []
