-- When a product's availability was told last: at most once a second, however many replicas tell.
CREATE TABLE availability_told (
    product_id uuid PRIMARY KEY,
    told_time timestamptz NOT NULL
);
