//! What GSSAPI says, and what to do about it.

use std::io;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    #[error("{said}; {help}")]
    Refused { said: String, help: &'static str },
    #[error("the process that speaks to Kerberos does not start: {0}")]
    NotStarted(String),
    #[error("the process that speaks to Kerberos broke off: look at the version of libkrb5")]
    Broken,
    #[error("Kerberos did not answer before the script's deadline: look at /etc/krb5.conf")]
    TooSlow,
    #[error(
        "the server does not prove that it is who it should be: look at `url`, and who is between"
    )]
    NotProven,
}

const NO_TICKET: &str = "credentials";

/// Part of what GSSAPI says, and the way out. The first that fits counts.
const WAYS_OUT: [(&str, &str); 11] = [
    (
        "Server HTTP/",
        "there is no service `HTTP` of the host in `url`; write the host by its full name",
    ),
    ("not found in Kerberos database", "look at `principal` and `keytab`"),
    (
        "Preauthentication failed",
        "the key was changed since: make the keytab anew, and look at `keytab`",
    ),
    ("Password incorrect", "the key was changed since: make the keytab anew, and look at `keytab`"),
    (
        "Decrypt integrity check failed",
        "the key was changed since: make the keytab anew, and look at `keytab`",
    ),
    ("client keytab", "look at `keytab`, and whether hubs may read it"),
    ("keytab", "look at `keytab`, and whether hubs may read it"),
    ("expired", "get a new ticket with `kinit`, or set `keytab`"),
    (
        "Matching credential not found",
        "`principal` is not who the tickets are for: look at `principal` and `ccache`",
    ),
    (NO_TICKET, "get a ticket with `kinit`, or set `keytab`"),
    ("KDC", "look at /etc/krb5.conf, and whether the KDC is reachable"),
];

impl NegotiateError {
    pub(super) fn start(error: &io::Error) -> Self {
        Self::NotStarted(error.to_string())
    }

    /// GSSAPI looks for tickets where a keytab is of no use, and does not say so.
    pub(super) fn said(said: &str, has_keytab: bool) -> Self {
        let way = WAYS_OUT.iter().find(|(part, _)| said.contains(part));
        let help = match way {
            Some((NO_TICKET, _)) if has_keytab => {
                "look at `keytab`: whether hubs may read it, and whether it has the key of `principal`"
            }
            Some((_, help)) => help,
            None => "look at `principal`, `keytab` and `ccache`",
        };
        // It says in general, then in brackets what it is.
        let detail = said.split_once(" (").and_then(|(_, detail)| detail.strip_suffix(')'));
        let said = detail.map(str::trim).filter(|text| !text.is_empty()).unwrap_or(said);
        Self::Refused { said: said.chars().take(400).collect(), help }
    }
}
