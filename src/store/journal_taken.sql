-- The last message of each bus: where catching up begins.
CREATE TABLE seen (
    source  TEXT    NOT NULL PRIMARY KEY,
    id      TEXT    NOT NULL,
    sent_at INTEGER NOT NULL
);

INSERT INTO seen (source, id, sent_at)
    SELECT 'fedmsg', seen_id, seen_sent_at FROM state WHERE seen_id IS NOT NULL AND seen_sent_at IS NOT NULL;

ALTER TABLE state DROP COLUMN seen_id;
ALTER TABLE state DROP COLUMN seen_sent_at;

-- Marks of the messages that were taken last, in the order in which they were.
CREATE TABLE taken (
    place INTEGER PRIMARY KEY,
    mark  INTEGER NOT NULL
);
