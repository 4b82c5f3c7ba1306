"""python -m dev.stripe_mock --port N --state FOLDER [--host ADDRESS] [--webhook URL] [--webhook-secret SECRET]."""

import argparse
import signal
import threading
from pathlib import Path

from dev.stripe_mock.provider import Provider
from dev.stripe_mock.server import Api, serve
from dev.stripe_mock.state import State
from dev.stripe_mock.webhooks import Deliverer


def main() -> None:
    """Serves until SIGTERM."""
    parser = argparse.ArgumentParser(description="A mock of Stripe.")
    parser.add_argument("--host", default="127.0.0.1", help="listen address")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--state", type=Path, required=True, help="folder for the SQLite file")
    parser.add_argument(
        "--webhook",
        action="append",
        default=[],
        help="webhook URL; with several, each attempt uses the next one",
    )
    parser.add_argument(
        "--webhook-secret", default="whsec_souk_development", help="signing secret of webhooks"
    )
    arguments = parser.parse_args()
    state = State(arguments.state)
    provider = Provider(state, base=f"http://127.0.0.1:{arguments.port}")
    api = Api(state, provider)
    server = serve(api, arguments.port, host=arguments.host)
    deliverer = Deliverer(api, state, provider, urls=arguments.webhook, secret=arguments.webhook_secret)
    deliverer.start()
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    server.serve_forever()
    deliverer.stop()
    deliverer.join()


if __name__ == "__main__":
    main()
