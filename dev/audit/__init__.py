"""make audit: the locks of third_party are compared with published advisories."""
