-- +goose Up
-- Which item brought an article: extracting its page again hears the feed's text as the first time.
CREATE INDEX items_article ON items (article) WHERE article <> 0;
