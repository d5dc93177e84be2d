DROP TABLE staging;
CREATE TABLE staging (
    delivery TEXT NOT NULL,
    position BIGINT NOT NULL,
    source_key BYTEA,
    hash BYTEA NOT NULL,
    verdict TEXT NOT NULL CHECK (verdict IN ('changed', 'unchanged', 'stale', 'rejected')),
    PRIMARY KEY (delivery, position)
);
CREATE INDEX staging_key ON staging (delivery, source_key);
