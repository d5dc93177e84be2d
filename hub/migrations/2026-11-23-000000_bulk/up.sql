-- Few contributions are marked; a fold that clears marks must not look at all the others.
CREATE INDEX contribution_marked ON contribution (feed, source_key) WHERE marked;
