//! What every handler can reach.

use std::sync::Arc;

use ecoman_api::Preset;
use ecoman_api::text::Language;
use ecoman_model::Thresholds;
use ecoman_store::Store;
use tokio_util::sync::CancellationToken;

use crate::access::Authenticator;
use crate::access::operations::Operations;
use crate::http::body_cache::BodyCache;
use crate::http::host::AllowedHosts;
use crate::http::static_files::StaticFiles;
use crate::http::tls::Certificate;
use crate::inventory::list;
use crate::inventory::published::Inventory;
use crate::inventory::writability::Writability;
use crate::metrics::Metrics;
use crate::tasks::Tasks;

/// What every handler can reach.
#[derive(Clone)]
pub(crate) struct AppState {
    /// The sizes from which on a VM is large.
    pub(crate) thresholds: Thresholds,
    /// The sizes that are offered for a new VM.
    pub(crate) presets: Arc<[Preset]>,
    /// The language, where it is not the browser's.
    pub(crate) language: Option<Language>,
    pub(crate) allowed_hosts: AllowedHosts,
    pub(crate) openapi: OpenapiTexts,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) inventory: Arc<Inventory>,
    pub(crate) writability: Arc<Writability>,
    pub(crate) tasks: Tasks,
    /// Who may do what.
    pub(crate) authenticator: Authenticator,
    /// What each operation needs.
    pub(crate) operations: &'static Operations,
    pub(crate) bodies: Arc<BodyCache<list::ListPage>>,
    pub(crate) static_files: StaticFiles,
    pub(crate) metrics: Arc<Metrics>,
    /// What HTTPS is spoken with.
    pub(crate) certificate: Option<Arc<Certificate>>,
    /// Ends the streams of events.
    pub(crate) shutdown: CancellationToken,
}

/// The OpenAPI documents, as they are served.
#[derive(Clone, Debug)]
pub(crate) struct OpenapiTexts {
    pub(crate) version_3_1: Arc<str>,
    pub(crate) version_3_0: Arc<str>,
}
