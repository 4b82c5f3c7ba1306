"""Connection options of Kafka clients, from one setting."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kit.identity import CertificateFiles

_FORM = "host:port[,host:port] or tls://host:port[,host:port][?ca=FILE[&cert=FILE&key=FILE]]"


def broker_config(bootstrap: str) -> dict[str, Any]:
    """Arguments of kafka-python's clients, from `host:port[,host:port]`, or with TLS
    `tls://host:port[,host:port][?ca=FILE[&cert=FILE&key=FILE]]`.

    Without `ca` the system's trusted authorities apply. With `cert` and `key` the client authenticates with its certificate. Clients read
    the files at each connection. Raises ValueError for another form.
    """
    hosts, files = _parsed(bootstrap)
    if files is None:
        return {"bootstrap_servers": hosts}
    names = {"ca": "ssl_cafile", "cert": "ssl_certfile", "key": "ssl_keyfile"}
    return {
        "bootstrap_servers": hosts,
        "security_protocol": "SSL",
        **{names[name]: path for name, path in files.items()},
    }


def client_files(bootstrap: str) -> CertificateFiles | None:
    """The files of the client's certificate, if the setting has one. Raises ValueError for another form."""
    files = _parsed(bootstrap)[1] or {}
    if "cert" not in files:
        return None
    return CertificateFiles(Path(files["cert"]), Path(files["key"]), Path(files["ca"]))


def _parsed(bootstrap: str) -> tuple[str, dict[str, str] | None]:
    """The hosts; and the files, None without TLS."""
    if "://" not in bootstrap:
        return bootstrap, None
    scheme, _, rest = bootstrap.partition("://")
    hosts, _, query = rest.partition("?")
    options = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    client_certificate = {"cert", "key"} & options.keys()
    if (
        scheme != "tls"
        or options.keys() - {"ca", "cert", "key"}
        or urlsplit(f"//{hosts}").path
        or (client_certificate and options.keys() != {"ca", "cert", "key"})
    ):
        raise ValueError(f"expected {_FORM}, not {bootstrap}")
    return hosts, options
