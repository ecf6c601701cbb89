-- +goose Up
-- What a person decided about two stories. verdict is 'apart' (nothing but a person makes them one again) or 'together' (a person
-- made them one). A story that was merged stands for the one it was merged into. a < b.
CREATE TABLE story_verdicts (
    a       BIGINT NOT NULL REFERENCES stories (id),
    b       BIGINT NOT NULL REFERENCES stories (id),
    verdict TEXT NOT NULL,
    decided BIGINT NOT NULL,
    PRIMARY KEY (a, b)
);
CREATE INDEX story_verdicts_b ON story_verdicts (b);

-- What had been told of a story before this one was taken out of it: it is not told again.
CREATE TABLE story_told (
    story BIGINT NOT NULL REFERENCES stories (id),
    rule  TEXT NOT NULL,
    kind  TEXT NOT NULL,
    seq   BIGINT NOT NULL,
    PRIMARY KEY (story, rule, kind, seq)
);

-- How much of an article retention has taken: 0 nothing, 1 its page and its blocks, 2 its body too, 3 most of its fingerprint too.
ALTER TABLE articles ADD COLUMN pruned BIGINT NOT NULL DEFAULT 0;
CREATE INDEX articles_pruned ON articles (pruned, seen);
CREATE INDEX items_old ON items (first_seen) WHERE state <> 'open' AND (summary <> '' OR content <> '');
CREATE INDEX alerts_story ON alerts (story) WHERE story <> 0;
