"""py_proto_library: the Python of protos, with type stubs.

Protos lie under proto/; a proto's path there is its import path, among protos as in Python:
proto/souk/order/v1/order.proto becomes souk.order.v1.order_pb2. There are no gRPC stubs:
kit.rpc reads the services from the descriptors.
"""

load("//bazel/python:defs.bzl", "PySourcesInfo")

_ROOT = "proto"

ProtosInfo = provider(
    doc = "Protos that others may import.",
    fields = {"protos": "depset of File: the protos, of deps too"},
)

def _py_proto_library_impl(ctx):
    protos = depset(ctx.files.srcs, transitive = [dep[ProtosInfo].protos for dep in ctx.attr.deps])
    outputs = []
    for proto in ctx.files.srcs:
        base = proto.basename[:-len(".proto")]
        outputs += [ctx.actions.declare_file(base + suffix) for suffix in ["_pb2.py", "_pb2.pyi"]]

    args = ctx.actions.args()
    args.add("--proto_path=" + _ROOT)
    args.add_all([f for f in ctx.files._common_protos], format_each = "--proto_path=%s", expand_directories = False, map_each = _site_packages, uniquify = True)
    for option in ["--python_out", "--pyi_out"]:
        args.add(option, ctx.bin_dir.path + "/" + _ROOT)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = ctx.executable._protoc,
        arguments = [args],
        inputs = depset(ctx.files._common_protos, transitive = [protos]),
        outputs = outputs,
        mnemonic = "PyProto",
        progress_message = "Generating the Python of %s" % ctx.label,
    )

    runtime = [ctx.attr._protobuf[PySourcesInfo], ctx.attr._common[PySourcesInfo]]
    deps = [dep[PySourcesInfo] for dep in ctx.attr.deps] + runtime
    sources = PySourcesInfo(
        files = depset(outputs + ctx.files.data, transitive = [dep.files for dep in deps]),
        imports = depset(
            [ctx.workspace_name + "/" + _ROOT],
            order = "preorder",
            transitive = [dep.imports for dep in deps],
        ),
    )
    return [
        DefaultInfo(
            files = depset(outputs),
            runfiles = ctx.runfiles(transitive_files = sources.files),
        ),
        ProtosInfo(protos = protos),
        sources,
    ]

def _site_packages(file):
    before, found, _ = file.path.partition("/site-packages/")
    return before + "/site-packages" if found else None

py_proto_library = rule(
    implementation = _py_proto_library_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".proto"], mandatory = True),
        "data": attr.label_list(
            allow_files = [".json"],
            doc = "service_config.json: deadlines and retries, read by kit.rpc",
        ),
        "deps": attr.label_list(providers = [ProtosInfo, PySourcesInfo]),
        "_common": attr.label(default = "@pypi//googleapis_common_protos", providers = [PySourcesInfo]),
        "_common_protos": attr.label(default = "@pypi//googleapis_common_protos", allow_files = True),
        "_protobuf": attr.label(default = "@pypi//protobuf", providers = [PySourcesInfo]),
        "_protoc": attr.label(default = "//bazel/proto:protoc", executable = True, cfg = "exec"),
    },
)
