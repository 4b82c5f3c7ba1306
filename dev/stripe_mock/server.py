"""Stripe's HTTP API over the provider: form parameters, idempotency keys (v1 rules), errors; and /mock for tests and developers.

/pay/ID?client_secret=...&key=... is a page with a card form that confirms an intent (dev.stripe_mock.pages).
/mock/payment_intents lists every intent, /mock/records every change of an intent or a refund with amount, currency and idempotency key.
/mock/authenticate/ID is the page where the buyer authenticates: browsers are asked; other clients pass (?passes=false: fail).
POST /mock/faults injects faults (dev.stripe_mock.faults).
"""

import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from dev.stripe_mock.access import key_of, require_access
from dev.stripe_mock.browser import Pages
from dev.stripe_mock.errors import ApiError, invalid
from dev.stripe_mock.faults import Faults, NextFault, operation_of
from dev.stripe_mock.lists import page_of, whole_list
from dev.stripe_mock.provider import Provider
from dev.stripe_mock.state import State

_MAX_KEY_LENGTH = 255
_KEY = re.compile(r"[^\[\]]+")
# As at Stripe: any page may call the API with its publishable key.
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "GET, POST, DELETE, OPTIONS",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Idempotency-Key",
    "Access-Control-Max-Age": "300",
}


class Api:
    """Requests -> responses; one at a time, because the state is not thread-safe."""

    def __init__(self, state: State, provider: Provider) -> None:
        self.lock = threading.Lock()
        self.faults = Faults()
        self.webhooks = NextFault()
        self._state = state
        self._provider = provider
        self._pages = Pages(state, provider)

    def post(self, path: str, form: str, key: str) -> tuple[int, str, bool]:
        """Status, body and whether the response is replayed: a repeated key gets the stored response."""
        operation = self._operation(path)
        fingerprint = hashlib.sha256(f"{path}?{form}".encode()).hexdigest()
        if len(key) > _MAX_KEY_LENGTH:
            return _failure(invalid("Idempotency-Key is too long.", "Idempotency-Key"))
        with self.lock, self._state.change(key):
            if key and (stored := self._state.response(key)):
                request, status, body = stored
                if request != fingerprint:
                    error = {"type": "idempotency_error", "message": "Keys are for one request only."}
                    return _failure(ApiError(400, error))
                return status, body, True
            status, body, executed = self._execute(operation, parameters(form))
            if key and executed:
                self._state.save_response(key, fingerprint, status, body)
            return status, body, False

    def get(self, target: str) -> tuple[int, str]:
        """Status and body; only lists of intents and refunds are paginated."""
        path, query = urlsplit(target).path, parameters(urlsplit(target).query)
        match path.strip("/").split("/"):
            case ["v1", "payment_intents", intent_id]:
                return self._read(lambda: self._expanded(self._provider.intent(intent_id), target))
            case ["v1", "setup_intents", intent_id]:
                return self._read(lambda: self._expanded(self._provider.setups.get(intent_id), target))
            case ["v1", "payment_methods", method_id]:
                return self._read(lambda: self._provider.methods.get(method_id))
            case ["v1", "customers", customer_id, "payment_methods"]:
                return self._read(lambda: whole_list(path, self._provider.methods.of_customer(customer_id)))
            case ["v1", "refunds", refund_id]:
                return self._read(lambda: self._provider.refund(refund_id))
            case ["v1", "charges"]:
                charges = self._provider.charges
                return self._read(lambda: whole_list(path, charges(query.get("payment_intent", ""))))
            case ["v1", "setup_attempts"]:
                setup_id = query.get("setup_intent", "")
                return self._read(lambda: whole_list(path, self._provider.setups.attempts(setup_id)))
            case ["v1", "refunds"]:
                refunds = self._provider.refunds
                return self._read(lambda: page_of(path, refunds(query.get("payment_intent")), query))
            case ["v1", "payment_intents"]:
                return self._read(lambda: page_of(path, self._provider.intents(), query))
            case ["mock", "payment_intents"]:
                return self._read(lambda: whole_list(path, self._provider.intents()))
            case ["mock", "records"]:
                return self._read(lambda: whole_list(path, self._state.records()))
            case ["mock", "authenticate", intent_id]:
                passes = query.get("passes", "true") == "true"
                return self._read(lambda: self._pages.authenticate(intent_id, passes))
        return _failure(invalid(f"Unrecognized request URL ({path}).", status=404))[:2]

    def page(self, target: str) -> tuple[str, str] | None:
        """A page and the address to continue at, one of them empty; None if the path is none of the pages."""
        parts = urlsplit(target)
        with self.lock, self._state.change():
            return self._pages.answer(parts.path, parameters(parts.query))

    def check_access(self, method: str, target: str, form: str, authorization: str) -> tuple[int, str] | None:
        """The error response to a caller whose key does not allow the call."""
        parts = urlsplit(target)
        params = {**parameters(parts.query), **parameters(form)}
        try:
            with self.lock:
                require_access(self._state, method, parts.path, key_of(authorization, params), params)
        except ApiError as error:
            return _failure(error)[:2]
        return None

    def delete(self, target: str) -> tuple[int, str]:
        """Status and body."""
        match urlsplit(target).path.strip("/").split("/"):
            case ["v1", "customers", customer_id]:
                return self._read(lambda: self._provider.methods.delete_customer(customer_id))
        return _failure(invalid("Unrecognized request URL.", status=404))[:2]

    def inject(self, body: bytes) -> None:
        """POST /mock/faults."""
        request = json.loads(body)
        with self.lock, self._state.change():
            if request.get("keys") == "forgotten":
                self._state.delete_responses()
            else:
                self._set_fault(request)

    def _set_fault(self, request: Mapping[str, Any]) -> None:
        if "refunds" in request:
            self._provider.next_refunds = NextFault.parse("refunds", request)
        elif "webhooks" in request:
            self.webhooks = NextFault.parse("webhooks", request)
        else:
            self.faults = Faults.parse(request)

    def take_fault(self, path: str) -> Faults | None:
        """The fault of this call, if any."""
        with self.lock:
            return self.faults if self.faults.take(operation_of(path)) else None

    def _operation(self, path: str) -> Callable[[Mapping[str, Any]], Any] | None:
        match path.strip("/").split("/"):
            case ["v1", "payment_intents"]:
                return self._provider.create_intent
            case ["v1", "payment_intents", intent_id, "confirm"]:
                return lambda params: self._provider.confirm_intent(intent_id, params)
            case ["v1", "payment_intents", intent_id, "cancel"]:
                return lambda params: self._provider.cancel_intent(intent_id, params)
            case ["v1", "refunds"]:
                return self._provider.create_refund
        return self._saving_operation(path)

    def _saving_operation(self, path: str) -> Callable[[Mapping[str, Any]], Any] | None:
        methods, setups = self._provider.methods, self._provider.setups
        match path.strip("/").split("/"):
            case ["v1", "customers"]:
                return methods.create_customer
            case ["v1", "payment_methods"]:
                return methods.create
            case ["v1", "payment_methods", method_id, "attach"]:
                return lambda params: methods.attach(method_id, params)
            case ["v1", "payment_methods", method_id, "detach"]:
                return lambda params: methods.detach(method_id, params)
            case ["v1", "setup_intents"]:
                return setups.create
            case ["v1", "setup_intents", intent_id, "cancel"]:
                return lambda params: setups.cancel(intent_id, params)
            case ["v1", "setup_intents", intent_id, "confirm"]:
                return lambda params: setups.confirm(intent_id, params)
        return None

    def _expanded(self, intent: dict[str, Any], target: str) -> dict[str, Any]:
        return self._provider.methods.expanded(intent, parameters(urlsplit(target).query))

    def _execute(
        self, operation: Callable[[Mapping[str, Any]], Any] | None, params: Mapping[str, Any]
    ) -> tuple[int, str, bool]:
        """Status, body, and whether to store the response under its key: not if the request was invalid."""
        try:
            if operation is None:
                raise invalid("Unrecognized request URL.", status=404)
            return 200, json.dumps(operation(params)), True
        except ApiError as error:
            return error.status, json.dumps({"error": error.error}), error.status == 402

    def _read(self, read: Callable[[], Any]) -> tuple[int, str]:
        with self.lock, self._state.change():
            try:
                return 200, json.dumps(read())
            except ApiError as error:
                return error.status, json.dumps({"error": error.error})


def parameters(form: str) -> dict[str, Any]:
    """Stripe's form encoding: metadata[order_id]=x is {"metadata": {"order_id": "x"}}."""
    result: dict[str, Any] = {}
    for name, value in parse_qsl(form, keep_blank_values=True):
        *outer, last = _KEY.findall(name)
        target = result
        for key in outer:
            target = target.setdefault(key, {})
        target[last] = value
    return result


def serve(api: Api, port: int, *, host: str = "127.0.0.1") -> ThreadingHTTPServer:
    """An HTTP server; `serve_forever` runs it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            is_browser = "text/html" in self.headers.get("Accept", "")
            if (is_browser or self.path.startswith("/pay/")) and (page := api.page(self.path)):
                return self._show(*page)
            authorization = self.headers.get("Authorization", "")
            is_api = self.path.startswith("/v1/")
            denied = api.check_access("GET", self.path, "", authorization) if is_api else None
            return self._respond(*(denied or api.get(self.path)))

        def do_DELETE(self) -> None:
            denied = api.check_access("DELETE", self.path, "", self.headers.get("Authorization", ""))
            self._respond(*(denied or api.delete(self.path)))

        def do_OPTIONS(self) -> None:
            self._respond(204, "")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = urlsplit(self.path).path
            if path == "/mock/faults":
                try:
                    api.inject(body)
                except ValueError as error:
                    return self._respond(400, json.dumps({"error": str(error)}))
                return self._respond(200, "{}")
            authorization = self.headers.get("Authorization", "")
            if denied := api.check_access("POST", self.path, body.decode(), authorization):
                return self._respond(*denied)
            fault = api.take_fault(path)
            if fault and not fault.after:
                return self._fail(fault)
            status, text, replayed = api.post(path, body.decode(), self.headers.get("Idempotency-Key", ""))
            if fault:
                return self._fail(fault)
            return self._respond(status, text, {"Idempotent-Replayed": "true"} if replayed else {})

        def _fail(self, fault: Faults) -> None:
            if fault.code:
                error = invalid("Injected fault.", code=fault.code, status=fault.status)
                return self._respond(error.status, json.dumps({"error": error.error}))
            if fault.status:
                return self._respond(
                    fault.status, '{"error": {"type": "api_error", "message": "injected fault"}}'
                )
            self.close_connection = True
            return None

        def _show(self, page: str, location: str) -> None:
            headers = {"Location": location} if location else {}
            self._respond(303 if location else 200, page, headers, kind="text/html; charset=utf-8")

        def _respond(
            self,
            status: int,
            text: str,
            headers: Mapping[str, str] | None = None,
            *,
            kind: str = "application/json",
        ) -> None:
            encoded = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(encoded)))
            for name, value in {**_CORS, **(headers or {})}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(encoded)

        def log_message(self, format: str, *args: Any) -> None:
            """Does not log requests."""

    # Sends small responses at once (TCP_NODELAY).
    Handler.wbufsize = -1
    Handler.disable_nagle_algorithm = True
    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    # By default five connections wait to be accepted, and others for a second or longer.
    server.socket.listen(128)
    return server


def _failure(error: ApiError) -> tuple[int, str, bool]:
    return error.status, json.dumps({"error": error.error}), False
