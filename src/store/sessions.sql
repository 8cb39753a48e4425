-- Who is logged in. `token` is the SHA-256 of what the browser has: who reads this table can be nobody by it.
CREATE TABLE sessions (
    token       TEXT   NOT NULL PRIMARY KEY,
    username    TEXT   NOT NULL REFERENCES people (username) ON DELETE CASCADE,
    issuer      TEXT   NOT NULL, -- who vouched for them; `dev` where nobody did
    group_names TEXT   NOT NULL, -- JSON, as the issuer told them
    id_token    TEXT   NOT NULL, -- for logging out at the issuer; may be empty
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL
);
CREATE INDEX sessions_of_a_person ON sessions (username, seen_at);
CREATE INDEX sessions_by_age ON sessions (seen_at);

-- Logins on which the issuer has not had its say yet; each is used once. `state` and `browser` are SHA-256.
CREATE TABLE logins (
    state      TEXT   NOT NULL PRIMARY KEY,
    browser    TEXT   NOT NULL,
    nonce      TEXT   NOT NULL,
    verifier   TEXT   NOT NULL,
    next       TEXT   NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX logins_by_age ON logins (created_at);

-- Who somebody is at an issuer: a name that is given to somebody else there later is not theirs here.
CREATE TABLE identities (
    issuer   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    username TEXT NOT NULL REFERENCES people (username) ON DELETE CASCADE,
    PRIMARY KEY (issuer, subject),
    UNIQUE (issuer, username)
);
