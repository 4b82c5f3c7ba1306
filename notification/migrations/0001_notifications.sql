-- Whom to write to, as the account service tells it.
CREATE TABLE recipients (
    account_id uuid PRIMARY KEY,
    name text NOT NULL,
    email text NOT NULL,
    update_time timestamptz NOT NULL
);

-- One row for each fact and recipient. `context` is what its template tells; `recipient` is empty until it is SENT. due_time is when it is tried
-- next: a lease while somebody does.
CREATE TABLE notifications (
    id uuid PRIMARY KEY,
    account_id uuid NOT NULL,
    order_id uuid,
    template text NOT NULL,
    context jsonb NOT NULL,
    subject text NOT NULL,
    recipient text NOT NULL,
    status text NOT NULL CHECK (status IN ('QUEUED', 'SENT', 'FAILED')),
    attempts integer NOT NULL,
    due_time timestamptz,
    create_time timestamptz NOT NULL,
    send_time timestamptz
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX notifications_due ON notifications (due_time) WHERE due_time IS NOT NULL;
CREATE INDEX notifications_of_account ON notifications (account_id, create_time DESC, id DESC);
CREATE INDEX notifications_of_order ON notifications (order_id, create_time DESC, id DESC) WHERE order_id IS NOT NULL;
CREATE INDEX notifications_newest ON notifications (create_time DESC, id DESC);
