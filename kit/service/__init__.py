"""How a service lives. `Service` says what it is; `run` opens, serves, drains and closes it, so that no
service writes that.

`python -m order` serves; `migrate`, `--check`, `settings` and the service's own commands are the other words.
Not here: any service's business, and no registry or container: `build(settings)` is a function.
"""

from kit.service.admin_verifier import AdminVerifierClient
from kit.service.main import run
from kit.service.service import Command, Job, Service
from kit.web import Resource

__all__ = ["AdminVerifierClient", "Command", "Job", "Resource", "Service", "run"]
