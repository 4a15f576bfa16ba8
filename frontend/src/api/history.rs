//! The history.

use ecoman_api::HistoryPage;

use super::http::{ROOT, csv, get};
use crate::state::error::Error;

/// The newest lines, or those of a page before; `query` without its question mark.
pub(crate) async fn history(
    query: &str,
    page_token: Option<&str>,
    limit: usize,
) -> Result<HistoryPage, Error> {
    let token = page_token.map(|token| format!("&page_token={token}"));
    let token = token.unwrap_or_default();
    get(&format!("{ROOT}/history?limit={limit}&{query}{token}")).await
}

/// The history as CSV.
pub(crate) async fn history_csv(query: &str) -> Result<Vec<u8>, Error> {
    csv(&format!("{ROOT}/history?{query}")).await
}
