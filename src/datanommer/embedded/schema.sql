-- Version 2. Times are microseconds since 1970; bodies, headers and descriptions are JSON.
CREATE TABLE IF NOT EXISTS messages (
    id          INTEGER PRIMARY KEY,
    msg_id      TEXT    NOT NULL,
    timestamp   INTEGER NOT NULL,
    topic       TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    wire        TEXT    NOT NULL,
    msg         TEXT    NOT NULL,
    headers     TEXT    NOT NULL,
    description TEXT    NOT NULL,
    UNIQUE (msg_id, timestamp)
);
CREATE INDEX IF NOT EXISTS messages_by_time ON messages (timestamp);
CREATE INDEX IF NOT EXISTS messages_by_category ON messages (category, timestamp);
CREATE INDEX IF NOT EXISTS messages_by_topic ON messages (topic, timestamp);

-- The order of the key is the order of a question: who, when.
CREATE TABLE IF NOT EXISTS users_messages (
    name       TEXT    NOT NULL,
    timestamp  INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (name, timestamp, message_id)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS packages_messages (
    name       TEXT    NOT NULL,
    timestamp  INTEGER NOT NULL,
    message_id INTEGER NOT NULL,
    PRIMARY KEY (name, timestamp, message_id)
) WITHOUT ROWID;

-- Up to when `hubs datanommer import` has come, by where it reads from.
CREATE TABLE IF NOT EXISTS imports (
    source TEXT    PRIMARY KEY,
    until  INTEGER NOT NULL
) WITHOUT ROWID;
