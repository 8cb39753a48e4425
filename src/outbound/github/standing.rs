//! What GitHub takes us for: who the token is of, what it may do, and how much is left. Asked once.

use super::limits::header;
use super::{Answer, Github, GithubError};
use jiff::Timestamp;
use tokio::time::Instant;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Standing {
    /// Whose token it is; of an app none, and without a token none.
    pub login: Option<String>,
    /// Of a classic token. None of them is needed.
    pub scopes: Vec<String>,
    /// Requests an hour, what is left of them, and until when. An enterprise server may count none.
    pub limit: Option<u64>,
    pub remaining: Option<u64>,
    pub reset: Option<Timestamp>,
}

impl Github {
    /// Who we are there. One request, two for an app's token, which is nobody's.
    pub async fn standing(&self, deadline: Instant) -> Result<Standing, GithubError> {
        if self.token.is_some() {
            let answer = self.get(&self.below("/user"), &[], deadline).await?;
            if answer.status != 403 {
                let user = self.json(&answer, "who the token is of")?;
                let login = user["login"].as_str().map(Into::into);
                return Ok(Standing { login, ..counted(&answer) });
            }
        }
        let answer = self.get(&self.below("/rate_limit"), &[], deadline).await?;
        if answer.status == 404 {
            return Ok(Standing::default());
        }
        let told = self.json(&answer, "its limits")?;
        let core = &told["resources"]["core"];
        let reset = core["reset"].as_i64().and_then(|at| Timestamp::from_second(at).ok());
        let (limit, remaining) = (core["limit"].as_u64(), core["remaining"].as_u64());
        if limit.is_none() {
            let (what, why) = ("its limits".into(), "it names none".into());
            return Err(GithubError::Nonsense { what, status: answer.status, why });
        }
        Ok(Standing { limit, remaining, reset, ..Standing::default() })
    }
}

fn counted(answer: &Answer) -> Standing {
    let number = |name| header(answer, name).and_then(|value| value.trim().parse::<u64>().ok());
    let scopes = header(answer, "x-oauth-scopes").unwrap_or_default();
    let scopes = scopes.split(',').map(str::trim).filter(|scope| !scope.is_empty()).take(20);
    let reset = number("x-ratelimit-reset").and_then(|at| i64::try_from(at).ok());
    Standing {
        login: None,
        scopes: scopes.map(|scope| scope.chars().take(40).collect()).collect(),
        limit: number("x-ratelimit-limit"),
        remaining: number("x-ratelimit-remaining"),
        reset: reset.and_then(|at| Timestamp::from_second(at).ok()),
    }
}
