"""Writes an image's SBOM as SPDX 2.3: the packages of its base layer, the Python distributions of its program, what is compiled into these,
and the npm packages in its scripts. licenses.json has the licenses, and the compiled-in libraries, that no metadata state.
"""

import argparse
import hashlib
import json
import re
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bazel.oci.components import Component, compiled_in, npm_packages
from bazel.oci.release import Release

_NO_ASSERTION = "NOASSERTION"
_PUBLIC_DOMAIN = {
    "licenseId": "LicenseRef-public-domain",
    "extractedText": "The authors have put this into the public domain.",
}
# Names in older metadata -> SPDX identifiers.
_LICENSES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Apache Software License 2.0": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "The Unlicense (Unlicense)": "Unlicense",
}
_IDENTIFIERS = {*_LICENSES.values(), "0BSD", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "LGPL-2.1-or-later"}


def license_of(metadata: Message) -> str:
    """The SPDX identifier of a distribution's license, if its metadata have a known one."""
    if expression := metadata["License-Expression"]:
        return str(expression)
    classifiers = metadata.get_all("Classifier") or []
    named = [str(line).split(" :: ")[-1] for line in classifiers if line.startswith("License :: ")]
    for text in [str(metadata["License"] or ""), *named]:
        if (spdx := _LICENSES.get(text, text)) in _IDENTIFIERS:
            return spdx
    return _NO_ASSERTION


def identifier(*parts: str) -> str:
    """An SPDX identifier."""
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", "-".join(parts))


def package(kind: str, name: str, version: str, purl: str, **fields: str) -> dict[str, Any]:
    """A package; properties that were not examined are NOASSERTION."""
    return {
        "SPDXID": identifier(kind, name),
        "name": name,
        "versionInfo": version,
        "downloadLocation": _NO_ASSERTION,
        "filesAnalyzed": False,
        "licenseConcluded": _NO_ASSERTION,
        "licenseDeclared": _NO_ASSERTION,
        "copyrightText": _NO_ASSERTION,
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
        ],
        **fields,
    }


def debian_package(fields: dict[str, str], licenses: dict[str, str]) -> dict[str, Any]:
    """A package of the base layer."""
    name, version = fields["Package"], fields["Version"]
    purl = f"pkg:deb/debian/{quote(name)}@{quote(version, safe='')}?arch={fields['Architecture']}"
    homepage = {"homepage": fields["Homepage"]} if "Homepage" in fields else {}
    license_id = licenses.get(name, _NO_ASSERTION)
    supplier = f"Person: {fields['Maintainer']}"
    return package("deb", name, version, purl, licenseDeclared=license_id, supplier=supplier, **homepage)


def component_package(kind: str, component: Component) -> dict[str, Any]:
    """A library inside of a package; `kind` makes its identifier unique."""
    license_id = component.license or _NO_ASSERTION
    result = package(kind, component.name, component.version, component.purl, licenseDeclared=license_id)
    result["SPDXID"] = identifier(kind, component.name, component.version or "unknown")
    return result if component.version else {key: result[key] for key in result if key != "versionInfo"}


def pypi_package(metadata_file: Path, licenses: dict[str, str]) -> dict[str, Any]:
    """A Python distribution."""
    metadata = HeaderParser().parsestr(metadata_file.read_text())
    name = re.sub(r"[-_.]+", "-", str(metadata["Name"])).lower()
    version = str(metadata["Version"])
    purl = f"pkg:pypi/{name}@{quote(version, safe='')}"
    license_id = licenses.get(name) or license_of(metadata)
    return package("pypi", name, version, purl, licenseDeclared=license_id)


def document(
    image: str,
    license_id: str,
    release: Release,
    contents: list[dict[str, Any]],
    inside: dict[str, list[dict[str, Any]]],
) -> dict[str, Any]:
    """The SBOM. `inside` has what is compiled into a package, by the package's identifier."""
    itself = package(
        "image",
        image,
        release.version,
        f"pkg:oci/{image.rpartition('/')[2]}?tag={quote(release.version, safe='')}",
        licenseDeclared=license_id,
        primaryPackagePurpose="CONTAINER",
    )
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", itself["SPDXID"])]
    relations += [(itself["SPDXID"], "CONTAINS", item["SPDXID"]) for item in contents]
    relations += [(outer, "CONTAINS", item["SPDXID"]) for outer, items in inside.items() for item in items]
    contents = [*contents, *(item for items in inside.values() for item in items)]
    content = json.dumps([itself, contents], sort_keys=True).encode()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{image}-{release.version}",
        # Unique for every content; the URL does not exist.
        "documentNamespace": f"https://souk.example/spdx/{image}/{hashlib.sha256(content).hexdigest()}",
        "creationInfo": {"created": release.created, "creators": ["Tool: souk-bazel-oci"]},
        "hasExtractedLicensingInfos": [_PUBLIC_DOMAIN],
        "packages": [itself, *contents],
        "relationships": [
            {"spdxElementId": subject, "relationshipType": kind, "relatedSpdxElement": target}
            for subject, kind, target in relations
        ],
    }


def main() -> None:
    """Writes the SBOM of one image."""
    parser = argparse.ArgumentParser(description=__doc__, fromfile_prefix_chars="@")
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--license", required=True)
    parser.add_argument("--status", type=Path, required=True)
    parser.add_argument("--base", type=Path, required=True, help="list of the packages in the base layer")
    parser.add_argument("--licenses", type=Path, required=True)
    parser.add_argument("--npm-lock", type=Path, required=True, help="package-lock.json")
    parser.add_argument("--npm", action="append", default=[], help="an npm package in the image")
    parser.add_argument("distributions", nargs="*", type=Path, help="their .dist-info folders")
    args = parser.parse_args()

    licenses = json.loads(args.licenses.read_text())
    contents = [debian_package(fields, licenses["debian"]) for fields in json.loads(args.base.read_text())]
    inside = {}
    for path in sorted(args.distributions, key=lambda path: path.name):
        distribution = pypi_package(path / "METADATA", licenses["pypi"])
        contents.append(distribution)
        components = compiled_in(path, licenses["bundled"].get(distribution["name"], {}))
        kind = f"in-{distribution['name']}"
        inside[distribution["SPDXID"]] = [component_package(kind, item) for item in components]
    contents += [component_package("npm", item) for item in npm_packages(args.npm_lock, args.npm)]
    sbom = document(args.image, args.license, Release.read(args.status), contents, inside)
    args.output.write_text(json.dumps(sbom, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
