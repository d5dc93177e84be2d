DROP INDEX contribution_marked;
