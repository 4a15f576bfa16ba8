//! What every handler can reach.

use std::sync::Arc;

use ecoman_store::Store;
use tokio_util::sync::CancellationToken;

use crate::Config;
use crate::access::Gate;
use crate::http::body_cache::BodyCache;
use crate::http::static_files::Page;
use crate::http::tls::Certificate;
use crate::inventory::snapshot::Live;
use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// What every handler can reach.
#[derive(Clone)]
pub(crate) struct AppState {
    pub(crate) config: Arc<Config>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) live: Arc<Live>,
    pub(crate) tasks: Tasks,
    /// Who may do what.
    pub(crate) gate: Gate,
    pub(crate) bodies: Arc<BodyCache>,
    pub(crate) page: Page,
    pub(crate) metrics: Arc<Metrics>,
    /// What HTTPS is spoken with.
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// Ends the streams of events.
    pub(crate) shutdown: CancellationToken,
}
