-- Rules of prices: tax rates and shipping. They are small; processes cache all of them with the revision, which every write raises.
-- Writing an order compares the revision, so a process with older rules places nothing.
CREATE EXTENSION IF NOT EXISTS btree_gist;

-- One row. The settings are null until the first process of the shop writes its own.
CREATE TABLE pricing_state (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    revision bigint NOT NULL,
    prices_include_tax boolean,
    tax_rounding text,
    tax_level text,
    home_country text
);
INSERT INTO pricing_state (revision) VALUES (1);

-- `treatment` is null where prices and tax relate as in the whole shop.
CREATE TABLE tax_countries (
    country text PRIMARY KEY,
    treatment text CHECK (treatment IN ('INCLUDED', 'ADDED', 'REPLACED')),
    version integer NOT NULL
);

-- Empty region and postal_prefix: the whole country. `ppm` are millionths. No end is null, and so is no start.
CREATE TABLE tax_rates (
    id uuid PRIMARY KEY,
    country text NOT NULL REFERENCES tax_countries,
    position integer NOT NULL,
    region text NOT NULL,
    postal_prefix text NOT NULL,
    class text NOT NULL,
    name text NOT NULL,
    ppm integer NOT NULL CHECK (ppm BETWEEN 0 AND 1000000),
    combine text NOT NULL CHECK (combine IN ('ADD', 'REPLACE')),
    reason text NOT NULL,
    valid_from timestamptz,
    valid_until timestamptz,
    UNIQUE (country, position),
    CONSTRAINT tax_rates_overlap EXCLUDE USING gist (
        country WITH =, region WITH =, postal_prefix WITH =, class WITH =, name WITH =, tstzrange(valid_from, valid_until) WITH &&
    )
);

CREATE TABLE shipping_zones (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    version integer NOT NULL
);

CREATE TABLE zone_places (
    zone_id uuid NOT NULL REFERENCES shipping_zones ON DELETE CASCADE,
    position integer NOT NULL,
    country text NOT NULL,
    region text NOT NULL,
    postal_prefix text NOT NULL,
    PRIMARY KEY (zone_id, position),
    CONSTRAINT zone_places_once UNIQUE (country, region, postal_prefix)
);

CREATE TABLE shipping_methods (
    id uuid PRIMARY KEY,
    zone_id uuid NOT NULL REFERENCES shipping_zones ON DELETE CASCADE,
    position integer NOT NULL,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('DELIVERY', 'PICKUP')),
    tax_class text NOT NULL,
    min_days integer,
    max_days integer,
    UNIQUE (zone_id, position)
);

-- The price, in minor units, from band_start (inclusive) to band_end (exclusive; null: no end) in minor units or grams.
CREATE TABLE shipping_rates (
    method_id uuid NOT NULL REFERENCES shipping_methods ON DELETE CASCADE,
    position integer NOT NULL,
    currency text NOT NULL,
    measure text NOT NULL CHECK (measure IN ('SUBTOTAL', 'WEIGHT')),
    basis text NOT NULL CHECK (basis IN ('AFTER_DISCOUNTS', 'BEFORE_DISCOUNTS')),
    band_start bigint NOT NULL CHECK (band_start >= 0),
    band_end bigint CHECK (band_end > band_start),
    price bigint NOT NULL CHECK (price >= 0),
    PRIMARY KEY (method_id, position),
    CONSTRAINT shipping_rates_overlap EXCLUDE USING gist (method_id WITH =, currency WITH =, int8range(band_start, band_end) WITH &&)
);
