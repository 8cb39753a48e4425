-- A hub's version counts its changes from 0: the number of the last one in its history.
ALTER TABLE hubs ADD COLUMN version BIGINT NOT NULL DEFAULT 0;
ALTER TABLE hubs ADD COLUMN banner TEXT NOT NULL DEFAULT '';

-- What was before and after is JSON, of the shape that belongs to the word in `what`.
CREATE TABLE revisions (
    hub      TEXT   NOT NULL REFERENCES hubs (name) ON DELETE CASCADE,
    version  BIGINT NOT NULL,
    at       BIGINT NOT NULL,
    who      TEXT   NOT NULL,
    what     TEXT   NOT NULL,
    instance BIGINT,
    before   TEXT   NOT NULL,
    after    TEXT   NOT NULL,
    reverts  BIGINT,
    PRIMARY KEY (hub, version)
);
