"""The table `merged_accounts`, which each service that applies merges creates in its migrations."""

from piccolo.columns import UUID, Timestamptz

from kit.db import Table


class MergedAccountRow(Table, tablename="merged_accounts"):
    """A guest that was merged into an account."""

    guest_id = UUID(primary_key=True)
    into_id = UUID()
    merge_time = Timestamptz()
