//! What PostgreSQL and the way to it say, in the words of whoever keeps hubs.

use super::Postgres;
use crate::datanommer::DatanommerError as Error;
use sqlx::{ConnectOptions as _, Connection as _};

impl Postgres {
    pub(super) async fn named(&self, why: sqlx::Error) -> Error {
        if !matches!(why, sqlx::Error::PoolTimedOut) {
            return self.translated(why);
        }
        // The pool waits for a server that may come back, and does not say for what it waited: so one is asked alone.
        match tokio::time::timeout(self.timeout, self.options.connect()).await {
            Ok(Ok(connection)) => {
                // It was to be seen, not to be used.
                let _ = connection.close().await;
                Error::Busy { place: self.place.to_string(), limit: self.timeout }
            }
            Ok(Err(why)) => self.translated(why),
            Err(_) => Error::Unreachable {
                place: self.place.to_string(),
                why: format!("no answer in {:?}", self.timeout),
            },
        }
    }

    fn translated(&self, error: sqlx::Error) -> Error {
        let place = self.place.to_string();
        let user = self.options.get_username().to_string();
        let said = match &error {
            sqlx::Error::Io(why) => return Error::Unreachable { place, why: why.to_string() },
            sqlx::Error::Tls(why) => return Error::Unreachable { place, why: why.to_string() },
            sqlx::Error::Database(said) => said,
            _ => return Error::Sql(error),
        };
        let (code, why) = (said.code().unwrap_or_default(), said.message().to_string());
        match &*code {
            "28P01" | "28000" => Error::Login { place, user, why },
            "3D000" => Error::NoDatabase { place, why },
            // A table, column, schema or function that is not there, or is of another kind.
            "42P01" | "42703" | "3F000" | "42883" | "42804" => Error::Schema { place, why },
            "42501" => Error::Forbidden { place, user, why },
            "57014" => Error::TooSlow { place, limit: self.timeout },
            // It shuts down, crashed, starts, or has no connection left for us.
            "57P01" | "57P02" | "57P03" | "53300" => Error::Unreachable { place, why },
            _ => Error::Sql(error),
        }
    }
}
