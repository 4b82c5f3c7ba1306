"""Layers and archives of images, as containerd reads them."""

import hashlib
import json
import tarfile
from pathlib import Path

from tests.cluster.archives import Archive, Layer


def test_a_layer_has_the_folders_of_its_files_and_of_two_equal_paths_the_first(tmp_path: Path) -> None:
    layer = Layer(tmp_path / "layer.tar")
    layer.add("/usr/bin/env", b"first")
    layer.add("/usr/bin/env", b"second")
    layer.folder("/tmp", 0o1777)
    layer.close()

    with tarfile.open(layer.path) as tar:
        assert tar.getnames() == ["usr", "usr/bin", "usr/bin/env", "tmp"]
        content = tar.extractfile("usr/bin/env")
        assert content is not None
        assert content.read() == b"first"
        assert tar.getmember("tmp").mode == 0o1777


def test_an_archive_names_images_and_has_every_blob_once_under_its_digest(tmp_path: Path) -> None:
    layer = Layer(tmp_path / "layer.tar")
    layer.add("/pause", b"program")
    layer.close()

    with Archive(tmp_path / "images.tar") as archive:
        for name in ("localhost/one:souk", "localhost/two:souk"):
            archive.add_image(name, [layer.path], {"Entrypoint": ["/pause"]})

    with tarfile.open(tmp_path / "images.tar") as tar:
        blobs = {name: tar.extractfile(name) for name in tar.getnames() if name.startswith("blobs/")}
        contents = {name.rpartition("/")[2]: file.read() for name, file in blobs.items() if file}
        index = tar.extractfile("index.json")
        assert index is not None
        images = json.load(index)["manifests"]
    assert [image["annotations"]["io.containerd.image.name"] for image in images] == [
        "localhost/one:souk",
        "localhost/two:souk",
    ]
    assert len(contents) == 3
    for digest, content in contents.items():
        assert hashlib.sha256(content).hexdigest() == digest
    manifest = json.loads(contents[images[0]["digest"].removeprefix("sha256:")])
    [described] = manifest["layers"]
    assert contents[described["digest"].removeprefix("sha256:")] == layer.path.read_bytes()
