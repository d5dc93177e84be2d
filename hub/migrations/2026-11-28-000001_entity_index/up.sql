-- No query looks for entities by their seq: changes are read from entity_version. Every new version had to move its entity in it.
DROP INDEX entity_seq;
