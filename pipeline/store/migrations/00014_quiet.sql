-- +goose Up
-- bundle is what holds a delivery, or held it last; released when that let it go as itself, 0: it did not. digest is the delivery of the
-- digest that it is part of, silence the silence that kept it quiet; 0: none.
ALTER TABLE deliveries ADD COLUMN bundle TEXT NOT NULL DEFAULT '';
ALTER TABLE deliveries ADD COLUMN released BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN digest BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN silence BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_held ON deliveries (channel, due) WHERE state = 'held';
CREATE INDEX deliveries_members ON deliveries (digest) WHERE digest <> 0;
CREATE INDEX deliveries_silenced ON deliveries (silence) WHERE silence <> 0;
CREATE INDEX deliveries_sent ON deliveries (channel, sent) WHERE sent > 0;

-- When a person acknowledged the alert, and who.
ALTER TABLE alerts ADD COLUMN acked BIGINT NOT NULL DEFAULT 0;
ALTER TABLE alerts ADD COLUMN acked_by TEXT NOT NULL DEFAULT '';

-- What a silence names must all be so; '' and 0 name nothing. ended is when a person ended it, 0: nobody did.
CREATE TABLE silences (
    id       {{key}},
    rule     TEXT NOT NULL,
    site     TEXT NOT NULL,
    story    BIGINT NOT NULL,
    query    TEXT NOT NULL,
    created  BIGINT NOT NULL,
    until_ms BIGINT NOT NULL,
    ended    BIGINT NOT NULL DEFAULT 0,
    author   TEXT NOT NULL,
    comment  TEXT NOT NULL
);
CREATE INDEX silences_until ON silences (until_ms) WHERE ended = 0;
