-- The staging list in pages: a row of a delivery takes some bytes of a page instead of a row of the table and two of
-- indexes. The list is disposable: deliveries that have one are inspected again when their turn comes, and endings that
-- wait are left to the feed's next snapshot. A delivery that is half applied must be applied before this.
DROP TABLE staging;
CREATE TABLE staging (
    delivery TEXT NOT NULL,
    first BIGINT NOT NULL,
    last BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    stale BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    keyless BIGINT NOT NULL,
    present BIGINT NOT NULL,
    fresh BIGINT NOT NULL,
    page BYTEA NOT NULL,
    PRIMARY KEY (delivery, first)
);
UPDATE delivery SET inspected_counter = NULL WHERE state IN ('ready', 'held') AND checkpoint = 0;
UPDATE delivery SET endings = 'none' WHERE endings = 'waiting';
