"""Metrics of publishing and consuming."""

from prometheus_client import Counter, Gauge, Histogram

PUBLISHED = Counter("souk_events_published_total", "Events sent to Kafka and acknowledged.", ["type"])
OUTBOX_AGE = Gauge("souk_events_outbox_age_seconds", "Age of the oldest event that is not published yet.")
CONSUMED = Counter("souk_events_consumed_total", "Events taken in.", ["group", "type", "outcome"])
RETRIES = Counter(
    "souk_events_retries_total", "Times that events were put off after an error.", ["group", "reason"]
)
DEAD_LETTERED = Counter("souk_events_dead_lettered_total", "Events given up on.", ["group", "topic"])
DEAD_LETTERS = Gauge(
    "souk_events_dead_letters",
    "Dead letters in the group's database that no operator has replayed or dropped yet.",
    ["group", "topic"],
)
LAG = Gauge("souk_events_consumer_lag", "Events that a group has not taken in yet.", ["group", "topic"])
CHUNK_SECONDS = Histogram("souk_events_chunk_seconds", "Time to handle one polled chunk.", ["group"])
