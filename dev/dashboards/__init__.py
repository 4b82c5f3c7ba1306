"""The dashboards of the local stack."""
