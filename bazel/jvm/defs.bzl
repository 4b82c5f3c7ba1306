"""server_home: a Java server put together from Maven's jars, each checked against a hash in the repository."""

load("//bazel/python:interpreter.bzl", "execute")

_BUILD = """\
# One label for the whole directory: the server is started with its path.
filegroup(
    name = "server",
    srcs = ["home"],
    visibility = ["//visibility:public"],
)
"""

def _server_home_impl(rctx):
    source = rctx.path(rctx.attr.pom).dirname
    for file in rctx.attr.srcs:
        # Named one by one so that a change of any of them fetches again.
        rctx.path(file)
    rctx.report_progress("Fetching jars")
    execute(rctx, ["cp", "-rL", str(source) + "/.", "."])
    execute(rctx, ["bash", "assemble.sh"])
    rctx.delete("target")
    rctx.file("WORKSPACE", "")
    rctx.file("BUILD.bazel", _BUILD)

server_home = repository_rule(
    implementation = _server_home_impl,
    doc = "Runs assemble.sh beside the pom, which leaves the server in home/ and checks jars.sha256.",
    attrs = {
        "pom": attr.label(mandatory = True, allow_single_file = True),
        "srcs": attr.label_list(mandatory = True, allow_files = True),
    },
)
