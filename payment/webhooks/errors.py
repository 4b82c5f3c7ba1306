"""Errors of webhooks.

SoukError
|- InvalidArgument
|  '- MalformedWebhook   the body is signed but is not an event
'- Unauthenticated
   '- BadSignature       the provider did not sign the webhook
"""

from kit.errors import InvalidArgument, Unauthenticated


class BadSignature(Unauthenticated):
    """The webhook's signature is missing, wrong or too old."""

    reason = "BAD_SIGNATURE"
    default_message = "the signature is not valid"


class MalformedWebhook(InvalidArgument):
    """The webhook's body is not an event of the provider."""

    reason = "NO_EVENT"
    default_message = "malformed webhook body"
