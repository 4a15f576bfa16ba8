//! The server: binds first, so that its address is known, then serves until it is shut down.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use ecoman_access::Access;
use ecoman_api::{ConfigChanged, Event};
use ecoman_serve::{Limits, serve};
use ecoman_store::Store;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::access::Authenticator;
use crate::access::operations::Operations;
use crate::clock::Clock;
use crate::http::body_cache::BodyCache;
use crate::http::host::AllowedHosts;
use crate::http::static_files::StaticFiles;
use crate::http::tls::{self, Certificate, TlsError};
use crate::inventory::published::{Inventory, SentEvent};
use crate::inventory::watcher::Watcher;
use crate::inventory::writability::Writability;
use crate::metrics::Metrics;
use crate::openapi::{self, UndeclaredPermissions, docs_page};
use crate::retention::Retention;
use crate::routes;
use crate::routes::state::AppState;
use crate::tasks::Tasks;
use crate::tasks::executor::ExecutorClient;

/// The dashboard: REST API and page over a store.
pub struct Dashboard {
    listener: TcpListener,
    local_addr: SocketAddr,
    config: Config,
    store: Arc<dyn Store>,
    executor: ExecutorClient,
    operations: &'static Operations,
    clock: Clock,
    static_files: StaticFiles,
    certificate: Option<Arc<Certificate>>,
}

/// Why the dashboard cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BackendError {
    /// The address is taken, is not this machine's, or needs more rights.
    #[error("cannot listen on {address} (DASHBOARD_ADDRESS, DASHBOARD_PORT)")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The handler of an operation does not declare its permission, which is a bug.
    #[error("cannot read the permissions")]
    Permissions(#[from] UndeclaredPermissions),
    /// The client for the executor cannot be set up.
    #[error("cannot set up the connection to the executor")]
    Executor(#[source] reqwest::Error),
    /// The certificate or its key cannot be used.
    #[error("HTTPS failed")]
    Tls(#[from] TlsError),
    /// rustls does not take how it was set up, which is a bug.
    #[error("cannot set up HTTPS")]
    Rustls(#[from] rustls::Error),
    /// A background worker (the watcher of the store, or one for tasks) has ended, which is a bug.
    #[error("a background worker ended")]
    Follow(#[source] tokio::task::JoinError),
}

/// The most logins that wait for a password check, which takes some 30 ms each.
const WAITING: usize = 100;

/// How long open answers may continue after a shutdown.
const GRACE: Duration = Duration::from_secs(8);

impl Dashboard {
    /// Binds the address. [`Dashboard::serve`] serves; before that the store is not touched.
    ///
    /// # Errors
    ///
    /// All of [`BackendError`] but those of serving.
    pub async fn bind(config: Config, store: Arc<dyn Store>) -> Result<Self, BackendError> {
        let operations = openapi::operations()?;
        let address = config.address;
        let certificate = config.tls.clone().map(Certificate::load).transpose()?;
        let bind_error = |source| BackendError::Bind { address, source };
        let listener = TcpListener::bind(address).await.map_err(bind_error)?;
        let local_addr = listener.local_addr().map_err(bind_error)?;
        let executor =
            ExecutorClient::new(config.executor.clone()).map_err(BackendError::Executor)?;
        Ok(Self {
            listener,
            local_addr,
            config,
            store,
            executor,
            operations,
            clock: Arc::new(Utc::now),
            static_files: StaticFiles::Built,
            certificate,
        })
    }

    /// Takes the time from `clock`, for tests of staleness.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Serves the page from a directory instead of the one that this program was built with.
    #[must_use]
    pub fn with_page(mut self, directory: &Path) -> Self {
        self.static_files = StaticFiles::Directory(directory.into());
        self
    }

    /// The address that it listens on, with the actual port if any free one was requested.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The URL for its users.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = match self.certificate {
            None => "http",
            Some(_) => "https",
        };
        let base = self.config.settings.dashboard_base_path.as_str();
        format!("{scheme}://{}{base}", self.local_addr)
    }

    /// Serves until `shutdown`; then accepts no more connections, ends the streams of events, and
    /// returns when the last answer is complete, after 8 seconds at the latest.
    ///
    /// # Errors
    ///
    /// A worker has ended. A store that does not answer does not end the dashboard.
    pub async fn serve(self, shutdown: CancellationToken) -> Result<(), BackendError> {
        let base_path = self.config.settings.dashboard_base_path.clone();
        let inventory = Arc::new(Inventory::new(first_revision(&self.clock)));
        let metrics = Arc::new(Metrics::new(self.operations.answers()));
        let writability = Arc::new(Writability::new(
            Arc::clone(&self.store),
            Arc::clone(&self.clock),
        ));
        let tasks = Tasks::new(
            Arc::clone(&self.store),
            Arc::clone(&writability),
            self.executor,
            Arc::clone(&self.clock),
            Arc::clone(&metrics),
            Arc::clone(&inventory),
            shutdown.clone(),
        );
        let authenticator = Authenticator {
            sign_in: self.config.access.sign_in.clone(),
            session_length: self.config.access.settings.dashboard_session_hours,
            access: Arc::new(Access::new(&self.config.access.directory)),
            throttle: Arc::default(),
            hashing: Arc::new(Semaphore::new(1)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            clock: Arc::clone(&self.clock),
            trusted: self
                .config
                .access
                .settings
                .dashboard_trusted_proxies
                .clone(),
            tls: self.certificate.is_some(),
            base_path: base_path.clone(),
        };
        authenticator.warn_about_setup(self.local_addr);
        let mut workers = JoinSet::new();
        workers.spawn(
            Watcher {
                store: Arc::clone(&self.store),
                inventory: Arc::clone(&inventory),
                writability: Arc::clone(&writability),
                clock: self.clock,
                derived: self.config.settings.derived(),
            }
            .run(),
        );
        let published = Arc::clone(&inventory);
        workers.spawn(Arc::clone(&writability).watch(move || {
            let changed = Event::Config(ConfigChanged {});
            published.publish(vec![SentEvent::new(0, &changed)]);
        }));
        workers.spawn(tasks.clone().publish());
        workers.spawn(tasks.clone().run_pending(authenticator.clone()));
        let event_days = self.config.settings.dashboard_event_days;
        workers.spawn(tasks.clone().run());
        workers.spawn(
            Retention {
                store: Arc::clone(&self.store),
                clock: Arc::clone(&authenticator.clock),
                audit: TimeDelta::days(self.config.access.settings.dashboard_audit_days.into()),
                events_and_tasks: TimeDelta::days(event_days.into()),
            }
            .run(),
        );
        let acceptor = match &self.certificate {
            None => None,
            Some(certificate) => {
                let watched = Arc::clone(certificate);
                workers.spawn(watched.watch(Arc::clone(&authenticator.clock)));
                Some(tls::acceptor(Arc::clone(certificate))?)
            }
        };
        let limits = Limits {
            shared: self
                .config
                .access
                .settings
                .dashboard_trusted_proxies
                .clone(),
            ..Limits::of_this_process()
        };
        let settling = tasks.clone();
        let state = AppState {
            thresholds: self.config.settings.thresholds(),
            presets: self.config.settings.dashboard_presets.clone().into(),
            language: self.config.settings.dashboard_language,
            allowed_hosts: AllowedHosts::new(
                self.config.address,
                &self.config.settings.dashboard_allowed_hosts,
            ),
            store: self.store,
            inventory,
            writability,
            tasks,
            authenticator,
            operations: self.operations,
            openapi: openapi::texts(&base_path),
            bodies: Arc::new(BodyCache::new()),
            static_files: self.static_files,
            metrics,
            certificate: self.certificate,
            shutdown: shutdown.clone(),
        };
        let router = base_path.serve(routes::router(state, docs_page::router()));
        let server = serve(self.listener, acceptor, router, limits, shutdown.clone());

        let result = tokio::select! {
            () = server => Ok(()),
            Some(Err(error)) = workers.join_next() => Err(BackendError::Follow(error)),
            () = async { shutdown.cancelled().await; sleep(GRACE).await } => {
                tracing::warn!("aborted open responses");
                Ok(())
            }
        };
        settling.flush().await;
        workers.abort_all();
        result
    }
}

impl std::fmt::Debug for Dashboard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dashboard")
            .field("local_addr", &self.local_addr)
            .field("config", &self.config)
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}

/// The microseconds since 1970, which is more than any earlier run has reached.
fn first_revision(clock: &Clock) -> u64 {
    u64::try_from(clock().timestamp_micros()).unwrap_or(0)
}
