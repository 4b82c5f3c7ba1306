"""Maps error categories to the codes of each transport."""

from dataclasses import dataclass

from kit.errors.tree import Category, SoukError


@dataclass(frozen=True, slots=True)
class TransportCodes:
    """The gRPC status number, HTTP status and GraphQL code of a category."""

    grpc: int
    http: int
    graphql: str


# gRPC numbers: google.rpc.Code.
TABLE = {
    Category.INVALID_ARGUMENT: TransportCodes(3, 400, "BAD_USER_INPUT"),
    Category.UNAUTHENTICATED: TransportCodes(16, 401, "UNAUTHENTICATED"),
    Category.PERMISSION_DENIED: TransportCodes(7, 403, "FORBIDDEN"),
    Category.NOT_FOUND: TransportCodes(5, 404, "NOT_FOUND"),
    Category.ALREADY_EXISTS: TransportCodes(6, 409, "ALREADY_EXISTS"),
    Category.FAILED_PRECONDITION: TransportCodes(9, 409, "FAILED_PRECONDITION"),
    Category.ABORTED: TransportCodes(10, 409, "FAILED_PRECONDITION"),
    Category.RESOURCE_EXHAUSTED: TransportCodes(8, 429, "RATE_LIMITED"),
    Category.UNAVAILABLE: TransportCodes(14, 503, "SERVICE_UNAVAILABLE"),
    Category.DEADLINE_EXCEEDED: TransportCodes(4, 504, "DEADLINE_EXCEEDED"),
    Category.INTERNAL: TransportCodes(13, 500, "INTERNAL"),
}

# Reasons that are GraphQL codes of their own.
REASONS_AS_GRAPHQL_CODES = {
    "OUT_OF_STOCK",
    "PRICE_CHANGED",
    "VERSION_CONFLICT",
    "IDEMPOTENCY_CONFLICT",
}

_BY_GRPC = {codes.grpc: category for category, codes in TABLE.items()}


def grpc_code(error: SoukError) -> int:
    """The google.rpc.Code of an error."""
    return TABLE[error.category].grpc


def http_status(error: SoukError) -> int:
    """The HTTP status of an error."""
    return TABLE[error.category].http


def graphql_code(error: SoukError) -> str:
    """The `extensions.code` of an error."""
    return error.reason if error.reason in REASONS_AS_GRAPHQL_CODES else TABLE[error.category].graphql


def category_from_grpc(code: int) -> Category:
    """The category of a google.rpc.Code; INTERNAL for codes that Souk does not use."""
    return _BY_GRPC.get(code, Category.INTERNAL)
