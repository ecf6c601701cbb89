-- +goose Up
-- What was read of each site's pages, by day (days since 1970, UTC). lengths counts bodies by length, a JSON list in steps of
-- half a power of two characters.
CREATE TABLE site_days (
    site     TEXT NOT NULL,
    day      BIGINT NOT NULL,
    articles BIGINT NOT NULL,
    bodies   BIGINT NOT NULL,
    dated    BIGINT NOT NULL,
    signed   BIGINT NOT NULL,
    lengths  TEXT NOT NULL,
    PRIMARY KEY (site, day)
);
CREATE INDEX site_days_day ON site_days (day);

-- How sites fare that ever broke. habit is what the site was like before, as JSON.
CREATE TABLE site_states (
    site  TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    since BIGINT NOT NULL,
    why   TEXT NOT NULL,
    habit TEXT NOT NULL
);
