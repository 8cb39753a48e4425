//! Who is logged in, who is about to be, and who they are at whoever vouches for them.
//!
//! What browsers hold is never here, only its hash ([`TokenHash`]).

use super::{Store, StoreError, people};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use sqlx::{Row as _, sqlite::SqliteRow};
use std::fmt;

/// That somebody was seen is written down this often: their pages need not wait for the disk each time.
const NOTE_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// A login that takes longer has to begin anew.
pub const LOGIN_TAKES: SignedDuration = SignedDuration::from_mins(15);
/// Logins under way; when there are more, the oldest go.
const LOGINS: i64 = 10_000;

/// The SHA-256 of a secret that a browser holds, in hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TokenHash(String);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        Self(hex::encode(Sha256::digest(token)))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long a session lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetime {
    /// Since its person was last seen.
    pub idle: SignedDuration,
    /// Since they logged in.
    pub whole: SignedDuration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub token: TokenHash,
    pub username: String,
    pub full_name: String,
    /// Who vouched for them; `dev` where nobody did.
    pub issuer: String,
    /// As the issuer told them at the login.
    pub groups: Vec<String>,
    /// Empty where there is none.
    pub id_token: String,
    pub created_at: Timestamp,
    /// To within ten minutes.
    pub seen_at: Timestamp,
}

/// A session that begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    pub token: TokenHash,
    pub username: String,
    pub issuer: String,
    pub groups: Vec<String>,
    pub id_token: String,
}

/// A login on which the issuer has not had its say yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingLogin {
    /// Of the browser that began it.
    pub browser: TokenHash,
    pub nonce: String,
    pub verifier: String,
    /// Where its person goes then.
    pub next: String,
}

const COLUMNS: &str = "token, username, full_name, issuer, group_names, id_token, sessions.created_at, seen_at \
    FROM sessions JOIN people USING (username)";

impl Store {
    /// The session of a token, if it lasts still; from now on it lasts longer.
    pub async fn session(
        &self,
        token: &TokenHash,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<Option<Session>, StoreError> {
        let select = format!("SELECT {COLUMNS} WHERE token = $1");
        let row = sqlx::query(sqlx::AssertSqlSafe(select))
            .bind(&token.0)
            .fetch_optional(&self.pool.reader)
            .await?;
        let Some(session) = row.as_ref().map(from_row).transpose()? else { return Ok(None) };
        let over = now.duration_since(session.seen_at) > lifetime.idle
            || now.duration_since(session.created_at) > lifetime.whole;
        if over {
            return Ok(None);
        }
        if now.duration_since(session.seen_at) > NOTE_AFTER {
            let mut writing = self.pool.begin().await?;
            sqlx::query("UPDATE sessions SET seen_at = $2 WHERE token = $1")
                .bind(&token.0)
                .bind(now.as_microsecond())
                .execute(&mut *writing)
                .await?;
            writing.commit().await?;
        }
        Ok(Some(session))
    }

    /// Begins a session of a person who is there. Those that are over go at the same time.
    pub async fn begin_session(
        &self,
        new: &NewSession,
        lifetime: Lifetime,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.pool.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE seen_at < $1 OR created_at < $2")
            .bind(before(now, lifetime.idle))
            .bind(before(now, lifetime.whole))
            .execute(&mut *writing)
            .await?;
        sqlx::query(
            "INSERT INTO sessions (token, username, issuer, group_names, id_token, created_at, seen_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
        )
        .bind(&new.token.0)
        .bind(&new.username)
        .bind(&new.issuer)
        .bind(serde_json::to_string(&new.groups).expect("a list of texts is JSON"))
        .bind(&new.id_token)
        .bind(now.as_microsecond())
        .execute(&mut *writing)
        .await?;
        Ok(writing.commit().await?)
    }

    /// All that are known, those over since the last login among them; who was seen last comes first.
    pub async fn sessions(&self) -> Result<Vec<Session>, StoreError> {
        let select = format!("SELECT {COLUMNS} ORDER BY seen_at DESC, token");
        let rows = sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&self.pool.reader).await?;
        rows.iter().map(from_row).collect()
    }

    /// `false` when it was over already.
    pub async fn end_session(&self, token: &TokenHash) -> Result<bool, StoreError> {
        let mut writing = self.pool.begin().await?;
        let ended = sqlx::query("DELETE FROM sessions WHERE token = $1")
            .bind(&token.0)
            .execute(&mut *writing)
            .await?;
        writing.commit().await?;
        Ok(ended.rows_affected() > 0)
    }

    /// Remembers a login until it comes back with its `state`.
    pub async fn begin_login(
        &self,
        state: &TokenHash,
        login: &PendingLogin,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let mut writing = self.pool.begin().await?;
        sqlx::query("DELETE FROM logins WHERE created_at < $1")
            .bind(before(now, LOGIN_TAKES))
            .execute(&mut *writing)
            .await?;
        sqlx::query(
            "DELETE FROM logins WHERE created_at <= (SELECT created_at FROM logins ORDER BY created_at DESC LIMIT 1 OFFSET $1)",
        )
        .bind(LOGINS)
        .execute(&mut *writing)
        .await?;
        sqlx::query(
            "INSERT INTO logins (state, browser, nonce, verifier, next, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&state.0)
        .bind(&login.browser.0)
        .bind(&login.nonce)
        .bind(&login.verifier)
        .bind(&login.next)
        .bind(now.as_microsecond())
        .execute(&mut *writing)
        .await?;
        Ok(writing.commit().await?)
    }

    /// Takes a login out: the second who comes with the same `state` finds none.
    pub async fn take_login(
        &self,
        state: &TokenHash,
        now: Timestamp,
    ) -> Result<Option<PendingLogin>, StoreError> {
        let mut writing = self.pool.begin().await?;
        let row = sqlx::query(
            "DELETE FROM logins WHERE state = $1 RETURNING browser, nonce, verifier, next, created_at",
        )
        .bind(&state.0)
        .fetch_optional(&mut *writing)
        .await?;
        writing.commit().await?;
        let Some(row) = row else { return Ok(None) };
        if row.try_get::<i64, _>(4)? < before(now, LOGIN_TAKES) {
            return Ok(None);
        }
        let (browser, nonce) = (TokenHash(row.try_get(0)?), row.try_get(1)?);
        Ok(Some(PendingLogin { browser, nonce, verifier: row.try_get(2)?, next: row.try_get(3)? }))
    }

    /// Who somebody of an issuer is here: as before, whatever they are called there by now; or `wanted`, from now on.
    /// `None` when that name is somebody else's of the same issuer.
    pub async fn identify(
        &self,
        issuer: &str,
        subject: &str,
        wanted: &str,
        now: Timestamp,
    ) -> Result<Option<String>, StoreError> {
        let mut writing = self.pool.begin().await?;
        let known: Option<String> = sqlx::query_scalar(
            "SELECT username FROM identities WHERE issuer = $1 AND subject = $2",
        )
        .bind(issuer)
        .bind(subject)
        .fetch_optional(&mut *writing)
        .await?;
        if known.is_some() {
            return Ok(known);
        }
        people::insert(&mut writing, &[wanted.to_owned()], now).await?;
        let new = sqlx::query(
            "INSERT INTO identities (issuer, subject, username) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(issuer)
        .bind(subject)
        .bind(wanted)
        .execute(&mut *writing)
        .await?;
        writing.commit().await?;
        Ok((new.rows_affected() > 0).then(|| wanted.to_owned()))
    }
}

fn before(now: Timestamp, long: SignedDuration) -> i64 {
    now.as_microsecond().saturating_sub(i64::try_from(long.as_micros()).unwrap_or(i64::MAX))
}

fn from_row(row: &SqliteRow) -> Result<Session, StoreError> {
    let unfit = |why: String| StoreError::Row { what: "session", why };
    let time = |at: usize| -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(row.try_get(at)?).map_err(|error| unfit(error.to_string()))
    };
    Ok(Session {
        token: TokenHash(row.try_get(0)?),
        username: row.try_get(1)?,
        full_name: row.try_get(2)?,
        issuer: row.try_get(3)?,
        groups: serde_json::from_str(row.try_get(4)?).map_err(|error| unfit(error.to_string()))?,
        id_token: row.try_get(5)?,
        created_at: time(6)?,
        seen_at: time(7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);
    const LASTS: Lifetime =
        Lifetime { idle: SignedDuration::from_hours(2), whole: SignedDuration::from_hours(5) };

    async fn store() -> Store {
        Store::open("sqlite::memory:").await.unwrap()
    }

    fn new(token: &str, username: &str) -> NewSession {
        NewSession {
            token: TokenHash::of(token),
            username: username.into(),
            issuer: "dev".into(),
            groups: vec!["infra".into()],
            id_token: String::new(),
        }
    }

    fn hours(hours: i64) -> Timestamp {
        NOW + SignedDuration::from_hours(hours)
    }

    async fn lasts(store: &Store, token: &str, at: i64) -> bool {
        store.session(&TokenHash::of(token), LASTS, hours(at)).await.unwrap().is_some()
    }

    #[tokio::test]
    async fn a_session_lasts_while_its_person_comes_back_but_not_for_ever() {
        let store = store().await;
        store.identify("dev", "ralph", "ralph", NOW).await.unwrap();
        store.begin_session(&new("secret", "ralph"), LASTS, NOW).await.unwrap();
        let found = store.session(&TokenHash::of("secret"), LASTS, NOW).await.unwrap().unwrap();
        assert_eq!((&*found.username, &*found.groups), ("ralph", &["infra".to_owned()][..]));
        assert!(!lasts(&store, "another", 0).await);
        assert!(!lasts(&store, "secret", 3).await, "nobody came for longer than two hours");
        for hour in [1, 3, 5] {
            assert!(lasts(&store, "secret", hour).await, "{hour}");
        }
        assert!(!lasts(&store, "secret", 6).await, "five hours are all that there is");
        store.begin_session(&new("next", "ralph"), LASTS, hours(6)).await.unwrap();
        assert_eq!(store.sessions().await.unwrap().len(), 1, "what is over is gone");
    }

    #[tokio::test]
    async fn a_session_ends_when_it_is_revoked() {
        let store = store().await;
        store.identify("dev", "ralph", "ralph", NOW).await.unwrap();
        for token in ["a", "b", "c"] {
            store.begin_session(&new(token, "ralph"), LASTS, NOW).await.unwrap();
        }
        assert!(store.end_session(&TokenHash::of("a")).await.unwrap());
        assert!(!store.end_session(&TokenHash::of("a")).await.unwrap());
        assert!(!lasts(&store, "a", 0).await && lasts(&store, "b", 0).await);
    }

    #[tokio::test]
    async fn a_login_is_used_once_and_in_time() {
        let store = store().await;
        let login = PendingLogin {
            browser: TokenHash::of("browser"),
            nonce: "n".into(),
            verifier: "v".into(),
            next: "/designteam".into(),
        };
        let state = TokenHash::of("state");
        store.begin_login(&state, &login, NOW).await.unwrap();
        assert_eq!(store.take_login(&state, NOW).await.unwrap(), Some(login.clone()));
        assert_eq!(store.take_login(&state, NOW).await.unwrap(), None);
        store.begin_login(&state, &login, NOW).await.unwrap();
        let late = NOW + LOGIN_TAKES + SignedDuration::from_secs(1);
        assert_eq!(store.take_login(&state, late).await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_name_belongs_to_whom_it_was_given_first() {
        let store = store().await;
        let who = async |subject: &str, wanted: &str| {
            store.identify("https://id.example.org", subject, wanted, NOW).await.unwrap()
        };
        assert_eq!(who("1", "ralph").await.as_deref(), Some("ralph"));
        assert_eq!(who("1", "ralph").await.as_deref(), Some("ralph"));
        assert_eq!(who("2", "ralph").await, None, "another account got the name there");
        assert_eq!(who("1", "rbean").await.as_deref(), Some("ralph"), "they are who they were");
    }
}
