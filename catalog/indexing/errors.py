"""Errors of indexing.

SoukError
'- FailedPrecondition
   '- ReindexRunning    another process is rebuilding or repairing the index
"""

from kit.errors import FailedPrecondition


class ReindexRunning(FailedPrecondition):
    """Another process is rebuilding or repairing the index."""

    reason = "REINDEX_RUNNING"
    default_message = "the index is being rebuilt or repaired by another process"
