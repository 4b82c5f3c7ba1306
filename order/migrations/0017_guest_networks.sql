-- Of a guest's unpaid order, the digest of the network that it was placed from; removed when the order is no longer PENDING.
ALTER TABLE orders ADD COLUMN guest_network text;
