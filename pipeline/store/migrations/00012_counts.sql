-- +goose Up
-- When the article was published, or seen where that is unknown or later: rules that count find their matches by it.
ALTER TABLE matches ADD COLUMN dated BIGINT NOT NULL DEFAULT 0;
UPDATE matches SET dated = (SELECT CASE WHEN a.published = 0 OR a.published > a.seen THEN a.seen ELSE a.published END
    FROM articles a WHERE a.id = matches.article);
CREATE INDEX matches_dated ON matches (rule, dated, article);

-- Times in which the articles of a rule came together, and that were told (see When in package pipeline). Episodes that turn out to be
-- one go by the latest number, so that none is given twice.
CREATE TABLE count_episodes (
    rule   TEXT NOT NULL,
    number BIGINT NOT NULL,
    begins BIGINT NOT NULL,
    ends   BIGINT NOT NULL,
    PRIMARY KEY (rule, number)
);
CREATE INDEX count_episodes_ends ON count_episodes (rule, ends);
