-- A payment is due while it is open, a refund while it is PENDING, and neither ever after. A worker that woke up late may have left them
-- otherwise: then they were claimed again every 20 seconds.
UPDATE payments SET due_time = NULL WHERE status NOT IN ('PROCESSING', 'REQUIRES_ACTION') AND due_time IS NOT NULL;
UPDATE payments SET due_time = now() WHERE status IN ('PROCESSING', 'REQUIRES_ACTION') AND due_time IS NULL;
UPDATE refunds SET due_time = NULL WHERE status <> 'PENDING' AND due_time IS NOT NULL;
UPDATE refunds SET due_time = now() WHERE status = 'PENDING' AND due_time IS NULL;
ALTER TABLE payments ADD CONSTRAINT payments_due_while_open
    CHECK ((due_time IS NOT NULL) = (status IN ('PROCESSING', 'REQUIRES_ACTION')));
ALTER TABLE refunds ADD CONSTRAINT refunds_due_while_pending CHECK ((due_time IS NOT NULL) = (status = 'PENDING'));
