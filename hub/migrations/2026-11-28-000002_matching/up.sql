-- Who records without a usable number are about, by likeness: the models that say it, the keys by which candidates are
-- found, and where each such record stands.
CREATE TABLE model (
    version BIGINT PRIMARY KEY NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('filling', 'active', 'retired')),
    document BYTEA NOT NULL,
    made_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    effect BYTEA
);

CREATE TABLE match_key (
    tag BIGINT NOT NULL,
    contribution BYTEA NOT NULL,
    model BIGINT NOT NULL,
    loose BOOLEAN NOT NULL
);
-- Several rows for each record: a narrow index, and no other but that of the few loose ones.
CREATE INDEX match_key_tag ON match_key (tag);
CREATE INDEX match_key_loose ON match_key (tag) WHERE loose;

CREATE TABLE matching (
    contribution BYTEA PRIMARY KEY NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('joined', 'review')),
    entity BYTEA NOT NULL,
    model BIGINT NOT NULL,
    since BIGINT NOT NULL,
    document BYTEA NOT NULL
);
CREATE INDEX matching_state ON matching (state, since, contribution);
