-- Orders of guests whose payment failed, with the digest of the network that they were placed from. They are deleted after an hour.
CREATE TABLE failed_guest_payments (
    order_id uuid PRIMARY KEY,
    guest_network text NOT NULL,
    fail_time timestamptz NOT NULL
);
CREATE INDEX failed_guest_payments_of_network ON failed_guest_payments (guest_network, fail_time);
CREATE INDEX failed_guest_payments_oldest ON failed_guest_payments (fail_time);
