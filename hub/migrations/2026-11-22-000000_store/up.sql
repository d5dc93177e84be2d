-- One portable tree for SQLite and PostgreSQL: TEXT, BIGINT, BYTEA (16-byte tokens and encoded documents), no autoincrement.

CREATE TABLE writer (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    epoch TEXT NOT NULL,
    key_id TEXT NOT NULL,
    holder TEXT NOT NULL,
    generation BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    next_seq BIGINT NOT NULL,
    merge_rules TEXT NOT NULL
);

CREATE TABLE feed_state (
    feed TEXT PRIMARY KEY NOT NULL,
    apply_counter BIGINT NOT NULL,
    as_of_instant BIGINT NOT NULL,
    as_of_sequence BIGINT NOT NULL,
    as_of_digest BYTEA NOT NULL,
    delivery TEXT NOT NULL,
    fingerprint TEXT NOT NULL
);

CREATE TABLE delivery (
    id TEXT PRIMARY KEY NOT NULL,
    feed TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('http', 'records', 'drop', 'cli')),
    state TEXT NOT NULL CHECK (state IN ('landed', 'ready', 'held', 'refused', 'applied')),
    received_at BIGINT NOT NULL,
    sender TEXT NOT NULL,
    idempotency_key TEXT,
    file_name TEXT,
    digest BYTEA NOT NULL,
    bytes BIGINT NOT NULL,
    landed TEXT,
    as_of_instant BIGINT,
    as_of_sequence BIGINT NOT NULL,
    declared_total BIGINT,
    fingerprint TEXT,
    inspected_counter BIGINT,
    checkpoint BIGINT NOT NULL,
    received BIGINT NOT NULL,
    applied BIGINT NOT NULL,
    unchanged BIGINT NOT NULL,
    stale BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    issues BIGINT NOT NULL,
    ended BIGINT NOT NULL,
    endings TEXT NOT NULL CHECK (endings IN ('none', 'waiting', 'done')),
    reasons TEXT,
    decided_by TEXT,
    decided_at BIGINT,
    applied_at BIGINT
);
CREATE UNIQUE INDEX delivery_idempotency ON delivery (feed, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX delivery_same ON delivery (feed, digest);
CREATE INDEX delivery_feed ON delivery (feed, id);

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

CREATE TABLE contribution (
    id BYTEA PRIMARY KEY NOT NULL,
    feed TEXT NOT NULL,
    source_key BYTEA NOT NULL,
    part TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'ended')),
    marked BOOLEAN NOT NULL,
    as_of_instant BIGINT NOT NULL,
    as_of_sequence BIGINT NOT NULL,
    as_of_digest BYTEA NOT NULL,
    delivery TEXT NOT NULL,
    position BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    hash BYTEA NOT NULL,
    key_token BYTEA,
    household BYTEA,
    link TEXT NOT NULL,
    entity BYTEA,
    document BYTEA NOT NULL
);
CREATE INDEX contribution_source ON contribution (feed, source_key);
CREATE INDEX contribution_key ON contribution (key_token) WHERE key_token IS NOT NULL;
CREATE INDEX contribution_entity ON contribution (entity) WHERE entity IS NOT NULL;
CREATE INDEX contribution_household ON contribution (household) WHERE household IS NOT NULL;

CREATE TABLE contribution_alias (
    alias BYTEA NOT NULL,
    contribution BYTEA NOT NULL,
    PRIMARY KEY (alias, contribution)
);
CREATE INDEX contribution_alias_owner ON contribution_alias (contribution);

CREATE TABLE entity (
    id BYTEA PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    token BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('live', 'ended')),
    version BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    community TEXT,
    changed_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX entity_token ON entity (kind, token);
CREATE INDEX entity_community ON entity (kind, community, id);

CREATE TABLE entity_version (
    entity BYTEA NOT NULL,
    version BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    at BIGINT NOT NULL,
    delivery TEXT NOT NULL,
    document BYTEA NOT NULL,
    PRIMARY KEY (entity, version)
);
CREATE UNIQUE INDEX entity_version_seq ON entity_version (seq);

CREATE TABLE delivery_rejection (
    delivery TEXT NOT NULL,
    position BIGINT NOT NULL,
    line BIGINT,
    source_key BYTEA,
    hash BYTEA NOT NULL,
    codes TEXT NOT NULL,
    document BYTEA NOT NULL,
    PRIMARY KEY (delivery, position)
);

CREATE TABLE delivery_issue (
    delivery TEXT NOT NULL,
    position BIGINT NOT NULL,
    ordinal BIGINT NOT NULL,
    line BIGINT,
    code TEXT NOT NULL,
    document BYTEA NOT NULL,
    PRIMARY KEY (delivery, position, ordinal)
);

CREATE TABLE rejection (
    id TEXT PRIMARY KEY NOT NULL,
    feed TEXT NOT NULL,
    source_key BYTEA,
    hash BYTEA NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('open', 'replayed', 'superseded', 'waived')),
    codes TEXT NOT NULL,
    first_delivery TEXT NOT NULL,
    last_delivery TEXT NOT NULL,
    position BIGINT NOT NULL,
    line BIGINT,
    seen BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    document BYTEA NOT NULL,
    decided_by TEXT,
    decided_at BIGINT
);
CREATE INDEX rejection_row ON rejection (feed, hash);
CREATE INDEX rejection_key ON rejection (feed, source_key);
CREATE INDEX rejection_state ON rejection (state, feed, id);
CREATE UNIQUE INDEX rejection_open ON rejection (feed, hash) WHERE state = 'open';

CREATE TABLE edit (
    feed TEXT NOT NULL,
    hash BYTEA NOT NULL,
    rejection TEXT NOT NULL,
    document BYTEA NOT NULL,
    edited_by TEXT NOT NULL,
    edited_at BIGINT NOT NULL,
    PRIMARY KEY (feed, hash)
);

CREATE TABLE job (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    planned_at BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed', 'waiting')),
    attempts BIGINT NOT NULL,
    run_after BIGINT NOT NULL,
    holder TEXT,
    lease_until BIGINT,
    message TEXT,
    created_at BIGINT NOT NULL,
    finished_at BIGINT,
    UNIQUE (kind, subject, planned_at)
);
CREATE INDEX job_due ON job (state, run_after);

CREATE TABLE run (
    job TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    holder TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    finished_at BIGINT,
    outcome TEXT,
    message TEXT,
    PRIMARY KEY (job, attempt)
);

CREATE TABLE token (
    id TEXT PRIMARY KEY NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    role TEXT NOT NULL CHECK (role IN ('administrator', 'department', 'consumer')),
    subject TEXT NOT NULL,
    title TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    revoked_at BIGINT
);

CREATE TABLE relay (
    agreement TEXT PRIMARY KEY NOT NULL,
    state TEXT NOT NULL,
    message TEXT,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL
);
