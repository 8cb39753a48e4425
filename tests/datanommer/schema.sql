-- The tables of datanommer.models 1.5 that hubs reads, with their keys and indexes, on a plain PostgreSQL.
CREATE TABLE messages (
    id             serial    NOT NULL,
    msg_id         varchar,
    i              integer   NOT NULL,
    topic          varchar   NOT NULL,
    timestamp      timestamp NOT NULL,
    certificate    text,
    signature      text,
    category       varchar   NOT NULL,
    agent_name     varchar,
    crypto         text,
    source_name    varchar,
    source_version varchar,
    msg            text      NOT NULL,
    headers        jsonb,
    PRIMARY KEY (id, timestamp),
    UNIQUE (msg_id, timestamp)
);
CREATE INDEX ON messages (agent_name);
CREATE INDEX ON messages (category);
CREATE INDEX ON messages USING gin (headers jsonb_path_ops);
CREATE INDEX ON messages (msg_id);
CREATE INDEX ON messages (timestamp);
CREATE INDEX ON messages (topic);

CREATE TABLE users (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE packages (id serial PRIMARY KEY, name text UNIQUE);
CREATE TABLE users_messages (
    user_id       integer   NOT NULL REFERENCES users (id),
    msg_id        integer   NOT NULL,
    msg_timestamp timestamp NOT NULL,
    PRIMARY KEY (user_id, msg_id, msg_timestamp)
);
CREATE INDEX ON users_messages (msg_id);
CREATE INDEX ON users_messages (msg_timestamp);
CREATE TABLE packages_messages (
    package_id    integer   NOT NULL REFERENCES packages (id),
    msg_id        integer   NOT NULL,
    msg_timestamp timestamp NOT NULL,
    PRIMARY KEY (package_id, msg_id, msg_timestamp)
);
CREATE INDEX ON packages_messages (msg_id);
CREATE INDEX ON packages_messages (msg_timestamp);
