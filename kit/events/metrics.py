"""Metrics of publishing and consuming."""

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("souk_events_published_total", "Events sent to Kafka and acknowledged.", ["type"])
OUTBOX_AGE = Gauge("souk_events_outbox_age_seconds", "Age of the oldest unpublished event.")
CONSUMED = Counter("souk_events_consumed_total", "Events consumed.", ["group", "type", "outcome"])
RETRIES = Counter("souk_events_retries_total", "Retries after a handler error.", ["group", "reason"])
DEAD_LETTERED = Counter(
    "souk_events_dead_lettered_total", "Events sent to the dead-letter topic.", ["group", "topic"]
)
DEAD_LETTERS = Gauge(
    "souk_events_dead_letters",
    "Dead letters in the group's database, until an operator replays or drops them.",
    ["group", "topic"],
)
LAG = Gauge("souk_events_consumer_lag", "Consumer lag, in events.", ["group", "topic"])
BATCH_SECONDS = Histogram("souk_events_batch_seconds", "Time to handle one polled batch.", ["group"])
