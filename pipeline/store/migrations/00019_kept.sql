-- +goose Up
-- What is kept of articles that still have a body: bytes of the page as it is packed, of its blocks and of the body. The row goes with
-- the body. It is narrow, and its index holds all of it, so that sums over a large archive read little. policy says which of the
-- configured policies decides on the article (0: none but the general one, -1: to be looked at); level is 0 while there is a page or
-- blocks, 1 when retention took them.
CREATE TABLE kept (
    article BIGINT NOT NULL REFERENCES articles (id) ON DELETE CASCADE,
    policy  BIGINT NOT NULL,
    level   BIGINT NOT NULL,
    seen    BIGINT NOT NULL,
    page    BIGINT NOT NULL,
    blocks  BIGINT NOT NULL,
    body    BIGINT NOT NULL,
    PRIMARY KEY (article)
){{by_key}};
INSERT INTO kept (article, policy, level, seen, page, blocks, body)
    SELECT a.id, 0, a.pruned, a.seen, COALESCE((SELECT octet_length(p.body) FROM pages p WHERE p.article = a.id), 0), octet_length(a.blocks), octet_length(a.body)
    FROM articles a WHERE a.pruned < 2;
CREATE INDEX kept_oldest ON kept (policy, level, seen, article, page, blocks, body);

-- By which policies the articles up to an ID were told apart; '' while there is none but the general one.
CREATE TABLE kept_state (
    form TEXT NOT NULL,
    upto BIGINT NOT NULL
);
INSERT INTO kept_state (form, upto) VALUES ('', 9223372036854775807);
