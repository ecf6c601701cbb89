-- +goose Up
-- word_table (in double braces) is the table article_words, from words to the articles that have them: full-text search of the
-- database's own kind. Its words are handed over ready; the database cuts and folds nothing.
{{word_table}}

-- What is in article_words: words of this form, of all articles up to an ID.
CREATE TABLE search_state (
    form BIGINT NOT NULL,
    upto BIGINT NOT NULL
);
INSERT INTO search_state (form, upto) VALUES (0, 0);

-- Articles whose text changed since, or was forgotten; once for each time.
CREATE TABLE search_stale (
    seq     {{key}},
    article BIGINT NOT NULL
);
