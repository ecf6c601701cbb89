-- +goose Up
-- Stories of one happening. An event goes by the id of the story that opened it; 0 is a story from before there were events, which is
-- alone in its own. Events that turn out to be one need no row of their own: all of their stories get the same number.
ALTER TABLE stories ADD COLUMN event BIGINT NOT NULL DEFAULT 0;
CREATE INDEX stories_event ON stories (event) WHERE event <> 0;

-- What articles are about that opened a story, for the index of events. Rows go when they are older than its window.
CREATE TABLE article_terms (
    article BIGINT PRIMARY KEY REFERENCES articles (id) ON DELETE CASCADE,
    seen    BIGINT NOT NULL,
    terms   {{blob}}
);
CREATE INDEX article_terms_seen ON article_terms (seen);
