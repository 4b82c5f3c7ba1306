"""The commit that is built, from Bazel's stable status, which bazel/oci/status.sh writes."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Release:
    """Version, revision and time of the commit, for images and SBOMs."""

    version: str
    revision: str
    created: str

    @classmethod
    def read(cls, status: Path) -> "Release":
        """Reads a file of lines `KEY value`; raises KeyError for a build without bazel/oci/status.sh."""
        values = dict(line.partition(" ")[::2] for line in status.read_text().splitlines())
        return cls(
            version=values["STABLE_VERSION"],
            revision=values["STABLE_REVISION"],
            created=values["STABLE_CREATED"],
        )
