"""What every Kafka client is told of the brokers, from one setting."""

from typing import Any
from urllib.parse import parse_qs, urlsplit


def broker(bootstrap: str) -> dict[str, Any]:
    """Arguments of kafka-python's clients, from `host:port[,host:port]`, or by TLS `tls://host:port[,host:port][?ca=FILE]`.

    Without a file the brokers' certificates must be signed by who is generally trusted. Raises ValueError for another form.
    """
    if "://" not in bootstrap:
        return {"bootstrap_servers": bootstrap}
    scheme, _, rest = bootstrap.partition("://")
    hosts, _, query = rest.partition("?")
    told = parse_qs(query, keep_blank_values=True)
    if scheme != "tls" or told.keys() - {"ca"} or urlsplit(f"//{hosts}").path:
        raise ValueError(
            f"Kafka is at host:port[,host:port] or tls://host:port[,host:port][?ca=FILE], not {bootstrap}"
        )
    authority = {"ssl_cafile": told["ca"][0]} if "ca" in told else {}
    return {"bootstrap_servers": hosts, "security_protocol": "SSL", **authority}
