-- Type words, replaced per database before the text runs: {{key}} is a primary key that the database counts up and never
-- gives twice, {{blob}} is bytes. Times are Unix milliseconds and 0 where unknown, booleans 0 or 1, lists JSON text.

-- +goose Up
CREATE TABLE feeds (
    name          TEXT PRIMARY KEY,
    kind          TEXT NOT NULL,
    url           TEXT NOT NULL,
    every_ms      BIGINT NOT NULL,
    cron          TEXT NOT NULL,
    active        BIGINT NOT NULL,
    address       TEXT NOT NULL,
    etag          TEXT NOT NULL DEFAULT '',
    last_modified TEXT NOT NULL DEFAULT '',
    moved_to      TEXT NOT NULL DEFAULT '',
    moved_seen    BIGINT NOT NULL DEFAULT 0,
    retired       BIGINT NOT NULL DEFAULT 0,
    next_poll     BIGINT NOT NULL,
    last_poll     BIGINT NOT NULL DEFAULT 0,
    last_ok       BIGINT NOT NULL DEFAULT 0,
    failures      BIGINT NOT NULL DEFAULT 0,
    error         TEXT NOT NULL DEFAULT '',
    warning       TEXT NOT NULL DEFAULT '',
    title         TEXT NOT NULL DEFAULT '',
    entries       BIGINT NOT NULL DEFAULT 0,
    baselined     BIGINT NOT NULL DEFAULT 0
);

-- claimed_by, revisions and reopened are the store's own: whose claim is open, how often and when last the item was opened
-- again. guid goes first in the identity: a database that takes the feed for the rarer one would read all of a feed's items.
CREATE TABLE items (
    id            {{key}},
    feed          TEXT NOT NULL,
    guid          TEXT NOT NULL,
    canonical     TEXT NOT NULL,
    host          TEXT NOT NULL,
    origin        TEXT NOT NULL,
    quiet         BIGINT NOT NULL,
    state         TEXT NOT NULL,
    due           BIGINT NOT NULL,
    attempts      BIGINT NOT NULL,
    claims        BIGINT NOT NULL DEFAULT 0,
    error         TEXT NOT NULL,
    first_seen    BIGINT NOT NULL,
    first_try     BIGINT NOT NULL DEFAULT 0,
    article       BIGINT NOT NULL DEFAULT 0,
    fallback      BIGINT NOT NULL DEFAULT 0,
    updated       BIGINT NOT NULL,
    published     BIGINT NOT NULL,
    published_raw TEXT NOT NULL,
    url           TEXT NOT NULL,
    title         TEXT NOT NULL,
    author        TEXT NOT NULL,
    tags          TEXT NOT NULL,
    claimed_by    TEXT NOT NULL DEFAULT '',
    revisions     BIGINT NOT NULL DEFAULT 0,
    reopened      BIGINT NOT NULL DEFAULT 0,
    summary       TEXT NOT NULL,
    content       TEXT NOT NULL,
    UNIQUE (guid, feed)
);
CREATE INDEX items_canonical ON items (canonical) WHERE canonical <> '';
CREATE INDEX items_due ON items (host, due) WHERE state = 'open';
CREATE INDEX items_dead ON items (id) WHERE state = 'dead';

CREATE TABLE stories (
    id          {{key}},
    title       TEXT NOT NULL,
    created     BIGINT NOT NULL,
    merged_into BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX stories_merged ON stories (merged_into) WHERE merged_into <> 0;

CREATE TABLE articles (
    id        {{key}},
    story     BIGINT NOT NULL REFERENCES stories (id),
    feed      TEXT NOT NULL,
    url       TEXT NOT NULL,
    canonical TEXT NOT NULL,
    site      TEXT NOT NULL,
    site_name TEXT NOT NULL,
    title     TEXT NOT NULL,
    authors   TEXT NOT NULL,
    tags      TEXT NOT NULL,
    published BIGINT NOT NULL,
    date      TEXT NOT NULL,
    lang      TEXT NOT NULL,
    agency    TEXT NOT NULL,
    source    TEXT NOT NULL,
    paywalled BIGINT NOT NULL,
    why       TEXT NOT NULL,
    relation  TEXT NOT NULL,
    of_id     BIGINT NOT NULL,
    score     DOUBLE PRECISION NOT NULL,
    seen      BIGINT NOT NULL,
    sketch    {{blob}},
    body      TEXT NOT NULL,
    blocks    TEXT NOT NULL
);
CREATE INDEX articles_canonical ON articles (canonical, id);
CREATE INDEX articles_story ON articles (story, id);
CREATE INDEX articles_seen ON articles (seen);
CREATE INDEX articles_site ON articles (site, id);

-- size is that of the body before it was compressed by zstd.
CREATE TABLE pages (
    article       BIGINT PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    url           TEXT NOT NULL,
    final_url     TEXT NOT NULL,
    status        BIGINT NOT NULL,
    content_type  TEXT NOT NULL,
    etag          TEXT NOT NULL,
    last_modified TEXT NOT NULL,
    fetched       BIGINT NOT NULL,
    size          BIGINT NOT NULL,
    body          {{blob}}
);

CREATE TABLE matches (
    article  BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    rule     TEXT NOT NULL,
    channels TEXT NOT NULL,
    spans    TEXT NOT NULL,
    PRIMARY KEY (article, rule)
);
CREATE INDEX matches_rule ON matches (rule, article);

-- story and article are 0 for alerts about neither; what such an alert says stands in payload.
CREATE TABLE alerts (
    id      {{key}},
    rule    TEXT NOT NULL,
    subject TEXT NOT NULL,
    kind    TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    created BIGINT NOT NULL,
    story   BIGINT NOT NULL,
    article BIGINT NOT NULL,
    spans   TEXT NOT NULL,
    payload TEXT NOT NULL,
    UNIQUE (rule, subject, kind, seq)
);

-- pos is the place in the channel's queue; a replay takes a new one at the end. said is what the first attempt says of the
-- story and its outlets, so that every attempt says the same; '' before it.
CREATE TABLE deliveries (
    id       {{key}},
    uid      TEXT NOT NULL UNIQUE,
    alert    BIGINT NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    channel  TEXT NOT NULL,
    pos      BIGINT NOT NULL,
    state    TEXT NOT NULL,
    due      BIGINT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    error    TEXT NOT NULL DEFAULT '',
    created  BIGINT NOT NULL,
    sent     BIGINT NOT NULL DEFAULT 0,
    said     TEXT NOT NULL DEFAULT '',
    UNIQUE (alert, channel),
    UNIQUE (channel, pos)
);
CREATE INDEX deliveries_open ON deliveries (channel, pos) WHERE state = 'open';

CREATE TABLE hosts (
    name    TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL
);

CREATE TABLE channels (
    name    TEXT PRIMARY KEY,
    next_at BIGINT NOT NULL
);

-- owner is '' when nobody holds the key.
CREATE TABLE leases (
    kind     TEXT NOT NULL,
    key      TEXT NOT NULL,
    owner    TEXT NOT NULL,
    until_ms BIGINT NOT NULL,
    expired  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (kind, key)
);

-- What happened to articles, in commit order: the duplicate index of every process reads on from its last seq.
CREATE TABLE changes (
    seq     {{key}},
    kind    TEXT NOT NULL,
    article BIGINT NOT NULL
);
