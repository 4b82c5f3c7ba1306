"""assembled: what a package manager (Maven, npm, pip) puts together from a lock in the repository."""

load("//bazel/python:interpreter.bzl", "VARIABLE", "execute", "install")

_TARGET = """\
filegroup(
    name = "{name}",
    srcs = {files} + glob({folders}),
    visibility = ["//visibility:public"],
)
"""

def _assembled_impl(rctx):
    source = rctx.path(rctx.attr.lock).dirname
    for file in rctx.attr.srcs:
        # Named one by one so that a change of any of them fetches again.
        rctx.path(file)
    rctx.report_progress("Fetching what is locked")
    if rctx.attr.wheels:
        # First, because it may start again when the interpreter has been fetched.
        install(rctx, rctx.attr.wheels, "site")
    execute(rctx, ["cp", "-rL", str(source) + "/.", "."])
    if rctx.path("assemble.sh").exists:
        execute(rctx, ["bash", "assemble.sh"], quiet = False, minutes = rctx.attr.minutes)
    rctx.delete("target")
    rctx.file("WORKSPACE", "")
    targets = [_target(name, srcs) for name, srcs in rctx.attr.outputs.items()]
    rctx.file("BUILD.bazel", "exports_files([\"%s\"])\n" % rctx.attr.lock.name + "".join(targets))

def _target(name, srcs):
    return _TARGET.format(
        name = name,
        files = [src for src in srcs if not src.endswith("/")],
        folders = [src + "**" for src in srcs if src.endswith("/")],
    )

assembled = repository_rule(
    implementation = _assembled_impl,
    doc = "Installs the wheels, then runs assemble.sh beside the lock, which checks every download against its hash and leaves the outputs.",
    attrs = {
        "lock": attr.label(mandatory = True, allow_single_file = True),
        "minutes": attr.int(default = 20, doc = "The time limit."),
        "outputs": attr.string_list_dict(
            mandatory = True,
            doc = "Targets and their files. `folder/` is each file in it, found from the lock's path; an action cannot depend " +
                  "soundly on a directory. `folder` is one file, used by its path, for data that tests run.",
        ),
        "srcs": attr.label_list(allow_files = True),
        "wheels": attr.label(allow_single_file = True, doc = "a lock of PyPI packages, which are installed into site/"),
    },
    environ = [VARIABLE],
)
