-- +goose Up
-- What a report counts, on the line of time on which articles stand (see dated in package store): all of it is in the index, so that a
-- report on years reads no article, whose body lies in its row.
CREATE INDEX articles_dated ON articles ((CASE WHEN published = 0 OR published > seen THEN seen ELSE published END), site, relation, story, id);
