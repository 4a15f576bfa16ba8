//! What the connections share, and what goes over them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::hostd::Shared;

/// What its connections share.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) shared: Arc<Shared>,
    pub(super) sessions: Mutex<Sessions>,
    pub(super) sign_ins: AtomicUsize,
    pub(super) stopping: AtomicBool,
}

#[derive(Debug, Default)]
pub(super) struct Sessions {
    /// One-time words by the names of their files.
    pub(super) tickets: BTreeMap<String, String>,
    pub(super) cookies: BTreeSet<String>,
    /// Objects that a token stands for.
    pub(super) rest: BTreeMap<String, Vec<String>>,
    /// What the callers of WaitForUpdatesEx have seen, by their cookies.
    pub(super) watches: BTreeMap<String, Watch>,
    pub(super) made: u64,
}

/// The filter of a session: one each is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch {
    /// The question that it was made with.
    pub(super) spec: String,
    /// How often something was said.
    pub(super) version: u64,
    /// Each VM as it was said last.
    pub(super) seen: BTreeMap<u32, String>,
}

impl Sessions {
    /// A word that nobody guesses in a test.
    pub(super) fn word(&mut self) -> String {
        self.made += 1;
        format!("52c0ffee-{:04}-2222-3333-444455556666", self.made)
    }
}

impl Endpoint {
    pub(super) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request: what it asks for, and with which headers.
pub(super) struct Request {
    pub(super) action: String,
    pub(super) cookie: String,
    pub(super) body: String,
}

/// What is sent back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) cookie: Option<String>,
    pub(super) body: String,
    /// The connection ends after so many bytes of the body.
    pub(super) cut: Option<usize>,
}

/// Writes the file with which a caller on the node itself signs in.
pub(super) fn write_ticket(endpoint: &Endpoint, name: &str, word: &str) -> io::Result<()> {
    let folder = {
        let state = endpoint.shared.state();
        state.host.root.join("var/run/vmware-hostd-ticket")
    };
    fs::create_dir_all(&folder)?;
    fs::write(folder.join(name), word)
}
