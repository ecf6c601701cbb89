-- +goose Up
-- An archive is in the order of publication, and finds by it what else was published under a URL at a time.
DROP INDEX IF EXISTS articles_published;
CREATE INDEX articles_published ON articles (published, canonical);

-- What the archives that were imported call articles, stories and events (kind): key is a digest of kind and name. opened is 1 of a story
-- or an event that an import opened: should it turn out to be one that stood before, it becomes part of that one. run is the reading of
-- an archive that met an article last.
CREATE TABLE archive_keys (
    key    {{blob}} NOT NULL PRIMARY KEY,
    kind   TEXT NOT NULL,
    id     BIGINT NOT NULL,
    opened BIGINT NOT NULL,
    run    BIGINT NOT NULL
){{by_key}};
CREATE INDEX archive_keys_articles ON archive_keys (id, run) WHERE kind = 'article';

-- Imported articles whose relation is to an article that has not come yet.
CREATE TABLE archive_awaited (
    key     {{blob}} NOT NULL,
    article BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    PRIMARY KEY (key, article)
){{by_key}};

-- What another store had told of an article, before an archive brought it here: it is not told again.
CREATE TABLE article_told (
    article BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    rule    TEXT NOT NULL,
    kind    TEXT NOT NULL,
    seq     BIGINT NOT NULL,
    PRIMARY KEY (article, rule, kind, seq)
);
