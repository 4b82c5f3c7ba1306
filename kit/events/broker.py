"""What every Kafka client is told of the brokers, from one setting."""

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kit.identity import CertificateFiles

_FORM = "host:port[,host:port] or tls://host:port[,host:port][?ca=FILE[&cert=FILE&key=FILE]]"


def broker_config(bootstrap: str) -> dict[str, Any]:
    """Arguments of kafka-python's clients, from `host:port[,host:port]`, or by TLS
    `tls://host:port[,host:port][?ca=FILE[&cert=FILE&key=FILE]]`.

    Without `ca` the brokers' certificates must be signed by who is generally trusted. With `cert` and `key` the client has a certificate of
    its own, by which brokers know it. Clients read the files at each connection. Raises ValueError for another form.
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
    """The files of the client's certificate; None when the setting names none. Raises ValueError for another form."""
    files = _parsed(bootstrap)[1] or {}
    if "cert" not in files:
        return None
    return CertificateFiles(Path(files["cert"]), Path(files["key"]), Path(files["ca"]))


def _parsed(bootstrap: str) -> tuple[str, dict[str, str] | None]:
    """The hosts, and by TLS the files."""
    if "://" not in bootstrap:
        return bootstrap, None
    scheme, _, rest = bootstrap.partition("://")
    hosts, _, query = rest.partition("?")
    given = {name: values[0] for name, values in parse_qs(query, keep_blank_values=True).items()}
    certified = {"cert", "key"} & given.keys()
    if (
        scheme != "tls"
        or given.keys() - {"ca", "cert", "key"}
        or urlsplit(f"//{hosts}").path
        or (certified and given.keys() != {"ca", "cert", "key"})
    ):
        raise ValueError(f"Kafka is at {_FORM}, not {bootstrap}")
    return hosts, given
