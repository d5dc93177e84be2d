DROP TABLE past_link;
ALTER TABLE contribution DROP COLUMN linked_at;
