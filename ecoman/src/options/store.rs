//! Which store a role uses, by the variables of the original and our own.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ecoman_store::{EmbeddedStore, MongoSettings, MongoStore, Store};

use crate::exit::{Failure, chain};

/// Where observations are kept.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Store")]
pub(crate) struct StoreArgs {
    /// Database: `mongodb`, or `embedded`: a file in `ECOMAN_DATA` [default: mongodb; for `up`
    /// embedded, unless MONGO_HOST or MONGO_URI is set]
    #[arg(long = "store", env)]
    ecoman_store: Option<StoreKind>,

    /// Address of MongoDB, `host` or `host:port` [default: 127.0.0.1]
    #[arg(long, env)]
    mongo_host: Option<String>,

    /// User; empty: no authentication
    #[arg(long, env, default_value = "")]
    mongo_username: String,

    /// Password; use a file or the environment rather than the command line
    #[arg(long, env, default_value = "", hide_env_values = true)]
    mongo_password: Secret,

    /// Database
    #[arg(long, env, default_value = "ecoman")]
    mongo_dbname: String,

    /// Connection string (replica sets, TLS); overrides the other MONGO_ variables. For its
    /// password, use a file or the environment rather than the command line
    #[arg(long, env, hide_env_values = true)]
    mongo_uri: Option<Secret>,
}

/// Kinds of store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum StoreKind {
    /// MongoDB 5.0 or later
    Mongodb,
    /// Single file, single process
    Embedded,
}

/// A value that is never printed.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// The directory of everything that ECoMan keeps on disk.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Data")]
pub(crate) struct DataArgs {
    /// Directory of the embedded database and of known_hosts
    #[arg(long = "data", env, default_value = "./data")]
    pub(crate) ecoman_data: PathBuf,
}

/// How often the daily copy of the embedded store is looked after.
const COPY_INTERVAL: Duration = Duration::from_secs(10 * 60);

/// Keeps a copy of the embedded store that is a day old at most, until the process ends.
async fn copy_daily(store: EmbeddedStore) {
    loop {
        tokio::time::sleep(COPY_INTERVAL).await;
        if let Err(error) = store.copy_daily().await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the daily copy of the store failed"
            );
        }
    }
}

impl StoreArgs {
    /// The store of a role of its own: MongoDB unless `ECOMAN_STORE` says otherwise.
    ///
    /// # Errors
    ///
    /// The variables make no connection, or the file cannot be opened.
    pub(crate) async fn open(&self, data: &DataArgs) -> Result<Arc<dyn Store>, Failure> {
        self.open_kind(self.ecoman_store.unwrap_or(StoreKind::Mongodb), data)
            .await
    }

    /// The store of `ecoman up`: embedded unless `ECOMAN_STORE`, `MONGO_HOST` or `MONGO_URI` is
    /// set.
    ///
    /// # Errors
    ///
    /// As [`StoreArgs::open`].
    pub(crate) async fn open_for_up(&self, data: &DataArgs) -> Result<Arc<dyn Store>, Failure> {
        let names_a_server = self.mongo_host().is_some() || self.mongo_uri.is_some();
        let default = if names_a_server {
            StoreKind::Mongodb
        } else {
            StoreKind::Embedded
        };
        self.open_kind(self.ecoman_store.unwrap_or(default), data)
            .await
    }

    /// `MONGO_HOST` as far as it says anything: compose files like to set it to nothing.
    fn mongo_host(&self) -> Option<&str> {
        self.mongo_host.as_deref().filter(|host| !host.is_empty())
    }

    async fn open_kind(&self, kind: StoreKind, data: &DataArgs) -> Result<Arc<dyn Store>, Failure> {
        let failed = |error| Failure::configuration(chain(&error));
        Ok(match kind {
            StoreKind::Embedded => {
                let path = data.ecoman_data.join("ecoman.redb");
                tracing::info!(path = %path.display(), "store: embedded");
                let (store, salvage) = EmbeddedStore::open_or_salvage(&path)
                    .await
                    .map_err(failed)?;
                if let Some(salvage) = salvage {
                    tracing::error!("{salvage}");
                }
                tokio::spawn(copy_daily(store.clone()));
                Arc::new(store)
            }
            StoreKind::Mongodb => {
                let settings = MongoSettings {
                    uri: self.mongo_uri.clone().map(|secret| secret.0),
                    host: self.mongo_host().unwrap_or("127.0.0.1").to_owned(),
                    username: self.mongo_username.clone(),
                    password: self.mongo_password.0.clone(),
                    dbname: self.mongo_dbname.clone(),
                };
                let store = MongoStore::connect(&settings).await.map_err(failed)?;
                tracing::info!(store = ?store, "store: MongoDB");
                Arc::new(store)
            }
        })
    }
}
