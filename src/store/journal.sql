CREATE TABLE pending (
    instance INTEGER NOT NULL PRIMARY KEY,
    sequence INTEGER NOT NULL,
    message  TEXT    NOT NULL,
    topic    TEXT    NOT NULL
);

-- One row.
CREATE TABLE state (
    sequence     INTEGER NOT NULL,
    seen_id      TEXT,
    seen_sent_at INTEGER
);
