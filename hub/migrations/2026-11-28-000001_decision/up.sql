-- What people have decided of who is who. A decision is never changed, only revoked. The subject of a merge is the token of
-- the person who is absorbed, of the others a contribution; the person is the token of whom it is about.
CREATE TABLE decision (
    id TEXT PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('merge', 'join', 'part', 'unsure')),
    subject BYTEA NOT NULL,
    person BYTEA NOT NULL,
    document BYTEA NOT NULL,
    decided_by TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    revoked_by TEXT,
    revoked_at BIGINT
);
CREATE INDEX decision_subject ON decision (subject);
CREATE INDEX decision_person ON decision (person);
CREATE UNIQUE INDEX decision_one ON decision (subject) WHERE revoked_at IS NULL AND kind IN ('merge', 'join');
CREATE UNIQUE INDEX decision_part ON decision (subject, person) WHERE revoked_at IS NULL AND kind IN ('part', 'unsure');
