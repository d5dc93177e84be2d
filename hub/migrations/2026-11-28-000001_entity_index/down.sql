CREATE INDEX entity_seq ON entity (kind, seq);
