"""What Bazel's stable status says of the commit that is built: bazel/oci/status.sh writes it."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Release:
    """The commit as images and their bills of materials tell it."""

    version: str
    revision: str
    created: str

    @classmethod
    def read(cls, status: Path) -> "Release":
        """From a file of lines `KEY value`; raises KeyError for a build without bazel/oci/status.sh."""
        found = dict(line.partition(" ")[::2] for line in status.read_text().splitlines())
        return cls(
            version=found["STABLE_VERSION"],
            revision=found["STABLE_REVISION"],
            created=found["STABLE_CREATED"],
        )
