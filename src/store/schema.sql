-- Times are microseconds since 1970. Flags are 0 or 1. Words (kinds, roles, columns) are as in the JSON of a hub.
CREATE TABLE hubs (
    name        TEXT    NOT NULL PRIMARY KEY,
    kind        TEXT    NOT NULL,
    summary     TEXT    NOT NULL,
    avatar      TEXT    NOT NULL,
    left_width  INTEGER NOT NULL,
    visibility  TEXT    NOT NULL,
    archived    INTEGER NOT NULL,
    created_at  BIGINT  NOT NULL,
    last_active BIGINT  NOT NULL
);

CREATE TABLE people (
    username   TEXT   NOT NULL PRIMARY KEY,
    full_name  TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE roles (
    hub      TEXT NOT NULL REFERENCES hubs (name) ON DELETE CASCADE,
    username TEXT NOT NULL REFERENCES people (username) ON DELETE CASCADE,
    role     TEXT NOT NULL,
    PRIMARY KEY (hub, username, role)
);
CREATE INDEX roles_of_a_person ON roles (username, hub, role);

-- AUTOINCREMENT: an id is never used again, since caches and browsers may still hold it.
CREATE TABLE instances (
    id       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    hub      TEXT    NOT NULL REFERENCES hubs (name) ON DELETE CASCADE,
    widget   TEXT    NOT NULL,
    "column" TEXT    NOT NULL,
    position INTEGER NOT NULL,
    config   TEXT    NOT NULL
);
CREATE INDEX instances_of_a_hub ON instances (hub, "column", position);
CREATE INDEX instances_of_a_widget ON instances (widget, id);
