"""schemathesis generates documents from the schema and runs them as a customer; none may cause a server error."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tests.e2e.programs import run_program
from tests.e2e.stack import StackUnderTest, stack

__all__ = ["stack"]

HERE = Path(__file__).parent
SCHEMA = HERE.parents[1] / "gateway" / "schema.graphql"
_SECONDS = 400


async def test_no_generated_document_causes_a_server_error(stack: StackUnderTest) -> None:
    async with stack.shop() as shop:
        # A new account: what the documents change or delete is its own.
        customer = await shop.register()
    output = await run_program(
        sys.executable,
        HERE / "fuzzed_documents.py",
        f"{stack.gateway}/graphql",
        SCHEMA,
        customer.token,
        seconds=_SECONDS,
        environment={"PYTHONPATH": str(Path(os.environ["RUNFILES_DIR"], "clients", "site"))},
    )
    assert "executed" in output
