-- What the store as a whole keeps to: which hubs may use it, which landing store is its own, whether it was copied to
-- another place and is closed, and up to which seq its history was pruned.
CREATE TABLE foundation (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    needs BIGINT NOT NULL,
    landing TEXT,
    sealed TEXT,
    sealed_at BIGINT,
    pruned_seq BIGINT NOT NULL
);
INSERT INTO foundation (id, needs, pruned_seq) VALUES (1, 0, 0);
