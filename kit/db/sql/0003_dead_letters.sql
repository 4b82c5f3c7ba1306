-- Events that a consumer group gave up on, until an operator replays or drops them: Kafka keeps its copy for days only.
CREATE TABLE dead_letters (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    consumer text NOT NULL,
    topic text NOT NULL,
    partition int NOT NULL,
    record_offset bigint NOT NULL,
    key bytea,
    value bytea,
    header_names text[] NOT NULL,
    header_values bytea[] NOT NULL,
    type text NOT NULL,
    error text NOT NULL,
    message text NOT NULL,
    tries int NOT NULL,
    create_time timestamptz NOT NULL DEFAULT now(),
    UNIQUE (consumer, topic, partition, record_offset)
);
