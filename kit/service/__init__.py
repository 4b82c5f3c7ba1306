"""Runs a service: `Service` declares its parts; `run` opens, serves, drains and closes them.

`python -m order` serves. Other commands: `migrate`, `--check`, `settings`, `dead-letters`, `kafka-acls`, and the service's own. Not here: a
registry or container; `build(settings)` is a plain function.
"""

from kit.service.admin_verifier import AdminVerifierClient
from kit.service.main import run
from kit.service.service import Command, Job, Service
from kit.web import Resource

__all__ = ["AdminVerifierClient", "Command", "Job", "Resource", "Service", "run"]
