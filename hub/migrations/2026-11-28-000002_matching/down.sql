DROP TABLE matching;
DROP TABLE match_key;
DROP TABLE model;
