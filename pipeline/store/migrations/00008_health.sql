-- +goose Up
-- passes is 1 for messages about Wirewatch itself (health, tests): they do not wait behind matches that are being held.
ALTER TABLE deliveries ADD COLUMN passes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX deliveries_passing ON deliveries (channel, pos) WHERE state = 'open' AND passes = 1;

-- Since when a feed has failed, poll after poll; 0: its last poll was good.
ALTER TABLE feeds ADD COLUMN failing_since BIGINT NOT NULL DEFAULT 0;

-- What the operator was told last of each thing that Wirewatch lives on ("feed:NAME", "site:HOST", "channel:NAME"). trouble is one
-- word, '' while it is well; seq counts the messages about it, and is the seq of their alerts.
CREATE TABLE conditions (
    subject TEXT PRIMARY KEY,
    trouble TEXT NOT NULL,
    since   BIGINT NOT NULL,
    seq     BIGINT NOT NULL
);
