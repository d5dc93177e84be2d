-- Where records have belonged: since when each belongs where it does, and one row for every place it has left.
ALTER TABLE contribution ADD COLUMN linked_at BIGINT NOT NULL DEFAULT 0;

CREATE TABLE past_link (
    contribution BYTEA NOT NULL,
    until BIGINT NOT NULL,
    since BIGINT NOT NULL,
    link TEXT NOT NULL,
    entity BYTEA,
    model BIGINT,
    document BYTEA,
    PRIMARY KEY (contribution, until)
);
CREATE INDEX past_link_entity ON past_link (entity) WHERE entity IS NOT NULL;
CREATE INDEX past_link_until ON past_link (until);
