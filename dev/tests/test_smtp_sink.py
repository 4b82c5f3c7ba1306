"""The mail sink keeps received mails over a restart."""

import json
import smtplib
import threading
from email.message import EmailMessage
from pathlib import Path
from urllib.request import urlopen

from aiosmtpd.controller import Controller

from dev.smtp_sink import Mails, web
from kit.testing import free_port

ORDER = "ord_01kb8w3n5te1p8m4z5s0v6q7r2"


def _send(port: int, message_id: str, text: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = "a@b.test", "j@b.test", "News", message_id
    mail.set_content(text)
    with smtplib.SMTP("127.0.0.1", port) as client:
        client.send_message(mail)
        assert client.has_extn("pipelining")


def test_received_mails_survive_a_restart(tmp_path: Path) -> None:
    file, port = tmp_path / "mails.jsonl", free_port()
    controller = Controller(Mails(file), hostname="127.0.0.1", port=port)
    controller.start()
    _send(port, "<1@b.test>", f"about {ORDER} and {ORDER}.")
    _send(port, "<2@b.test>", "about nothing")
    controller.stop()
    with file.open("a") as truncated:
        truncated.write('{"id": "<3@b.')

    received = Mails(file).received
    assert [(mail["id"], mail["to"], mail["orders"]) for mail in received] == [
        ("<1@b.test>", ["j@b.test"], [ORDER]),
        ("<2@b.test>", ["j@b.test"], []),
    ]
    assert Mails(file).ids == {"<1@b.test>", "<2@b.test>"}


def test_received_mails_are_returned_from_a_number_on() -> None:
    mails = Mails()
    mails.received = [{"id": "<1@b.test>"}, {"id": "<2@b.test>"}]
    server = web(mails, free_port())
    threading.Thread(target=server.serve_forever).start()
    try:
        with urlopen(f"http://127.0.0.1:{server.server_port}/received?from=1") as response:
            assert json.load(response) == [{"id": "<2@b.test>"}]
    finally:
        server.shutdown()
