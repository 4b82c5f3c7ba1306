"""service: all targets of a service."""

load("//bazel/oci:defs.bzl", "service_image")
load("//bazel/python:defs.bzl", "py_binary", "py_library")

def service(name, srcs, deps, data = [], npm = [], ports = []):
    """Makes a service's targets: `bazel run //NAME` runs it, within the local stack if one is running.

    The targets: lib (the code, for its own tests), readme, server (python -m NAME), NAME (server, within the local stack), migrate,
    image, image_load and push.

    Args:
      name: the service and its Python package.
      srcs: its modules.
      deps: dependencies of srcs. No service is visible to another.
      data: migrations, templates and other files that it reads.
      npm: the npm packages that are bundled in its scripts.
      ports: the default ports of HTTP and gRPC.
    """
    py_library(
        name = "lib",
        srcs = srcs,
        data = data,
        visibility = [
            "//docs/site:__pkg__",
            "//tests/invariants:__pkg__",
            "//tests/lint:__pkg__",
            "//tests/manifests:__pkg__",
            "//tests/scale:__pkg__",
        ],
        deps = deps,
    )
    native.filegroup(
        name = "readme",
        srcs = ["README.md"],
        visibility = ["//docs/site:__pkg__"],
    )
    py_binary(
        name = "server",
        module = name,
        visibility = [
            "//dev:__subpackages__",
            "//tests:__subpackages__",
        ],
        deps = [":lib"],
    )
    py_binary(
        name = name,
        data = [":server"],
        module = "dev.attach",
        module_args = [
            name,
            "$(rootpath :server)",
        ],
        deps = ["//dev:attach"],
    )
    py_binary(
        name = "migrate",
        module = name,
        module_args = ["migrate"],
        deps = [":lib"],
    )
    service_image(
        name = "image",
        binary = ":server",
        common = "//bazel/oci:common",
        description = "Souk's %s service" % name,
        image = "souk/" + name,
        npm = npm,
        ports = ports,
    )
