"""What the gateway is told."""

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from kit.settings import BaseSettings, setting

_FIVE_SECONDS = timedelta(seconds=5)
_TEN_SECONDS = timedelta(seconds=10)
_OWN_PLAYGROUND = Path(__file__).with_name("playground")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(BaseSettings):
    """Addresses of the services, and limits of what a request may ask."""

    http_port: int = setting("Port of GraphQL and the playground", development=8000, least=0, most=65535)
    grpc_port: int = setting("Not used: the gateway serves no gRPC", default=0)
    account_address: str = setting("account's gRPC, host:port", development="127.0.0.1:9001")
    catalog_address: str = setting("catalog's gRPC, host:port", development="127.0.0.1:9002")
    order_address: str = setting("order's gRPC, host:port", development="127.0.0.1:9003")
    payment_address: str = setting("payment's gRPC, host:port", development="127.0.0.1:9004")
    notification_address: str = setting("notification's gRPC, host:port", development="127.0.0.1:9005")
    request_seconds: timedelta = setting(
        "Seconds that a request may take in all", default=_TEN_SECONDS, least=0.1, most=60
    )
    introspection: bool = setting("Whether the schema may be asked for", default=False, development=True)
    playground: bool = setting("Whether /playground is served", default=False, development=True)
    suggestions: bool = setting("Whether errors guess what was meant", default=False, development=True)
    playground_files: Path = setting("Folder of the playground's files", default=_OWN_PLAYGROUND)
    max_depth: int = setting("Deepest nesting of a document's fields", default=12, least=1)
    max_aliases: int = setting("Most aliases of a document", default=30, least=0)
    max_directives: int = setting("Most directives of a document", default=50, least=0)
    max_tokens: int = setting("Most tokens of a document", default=2000, least=1)
    max_characters: int = setting("Most characters of a document", default=20_000, least=1)
    max_body_bytes: int = setting("Largest body of a request, bytes", default=1024 * 1024, least=1)
    max_account_sockets: int = setting(
        "Most open sockets of one account, on each replica", default=20, least=1
    )
    max_socket_operations: int = setting("Most operations at once on one socket", default=50, least=1)
    socket_init_seconds: timedelta = setting(
        "Seconds within which a socket must sign in", default=_FIVE_SECONDS, least=0.1, most=60
    )
    socket_origins: tuple[str, ...] = setting(
        "Origins whose pages may open sockets beside the gateway's own, e.g. https://shop.example; *: any",
        default=(),
    )
    proxy_hops: int = setting(
        "Trusted proxies in front: which entry of X-Forwarded-For, from its end, is the client; 0: none",
        default=0,
        least=0,
        most=10,
    )
