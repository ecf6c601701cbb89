-- +goose Up
-- visit is when the page of a done item is looked at again, 0: not any more. etag and last_modified are the validators of its page as
-- it was read last. doubt is the fingerprint of a suspiciously short text that the last look found, 0: none.
ALTER TABLE items ADD COLUMN visit BIGINT NOT NULL DEFAULT 0;
ALTER TABLE items ADD COLUMN etag TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN last_modified TEXT NOT NULL DEFAULT '';
ALTER TABLE items ADD COLUMN doubt BIGINT NOT NULL DEFAULT 0;
CREATE INDEX items_visit ON items (visit, host) WHERE state = 'done' AND visit > 0;

-- withdrawn is since when the page is gone (404, 410), 0: it is there as far as is known.
ALTER TABLE articles ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;
CREATE INDEX articles_versions ON articles (of_id) WHERE relation = 'version';

-- Who was told of an article first, for updates.
CREATE INDEX alerts_article ON alerts (article, rule) WHERE article <> 0;
