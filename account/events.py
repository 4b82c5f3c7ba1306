"""The topic of the account service."""

from account.accounts.events import EVENTS as ACCOUNT_EVENTS
from account.guests.events import EVENTS as GUEST_EVENTS
from account.links.events import EVENTS as LINK_EVENTS
from account.sessions.events import EVENTS as SESSION_EVENTS
from kit.events import Topic

TOPIC = Topic("souk.account.v1", {**ACCOUNT_EVENTS, **SESSION_EVENTS, **LINK_EVENTS, **GUEST_EVENTS})
