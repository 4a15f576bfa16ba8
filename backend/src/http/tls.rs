//! HTTPS: the certificate and its files.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_rustls::TlsAcceptor;
use webpki::KeyUsage;

use crate::clock::Clock;
use crate::error_chain::chain;

/// The part of a command line that says what to prove the server's name with.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Dashboard")]
pub struct TlsArgs {
    /// Certificate file (PEM), followed by the intermediate certificates; turns HTTPS on and HTTP
    /// off. Reloaded when it changes
    #[arg(long, env)]
    dashboard_tls_cert: Option<PathBuf>,

    /// Private key file of the certificate (PEM), without a passphrase. Reloaded when it changes
    #[arg(long, env)]
    dashboard_tls_key: Option<PathBuf>,
}

/// The files that HTTPS is spoken with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The server's certificate, then those that lead to a known authority; PEM.
    pub certificate: PathBuf,
    /// Its private key; PEM (PKCS #8, PKCS #1 or SEC 1).
    pub key: PathBuf,
}

/// Why HTTPS cannot be spoken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// One file without the other.
    #[error("{given} is set, {missing} is not: HTTPS needs both")]
    Half {
        /// What is set.
        given: &'static str,
        /// What is not.
        missing: &'static str,
    },
    /// A file is not there or may not be read.
    #[error("cannot read {} ({variable})", path.display())]
    Read {
        /// Whose file.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file that does not hold what it should.
    #[error("{} ({variable}) {what}", path.display())]
    Content {
        /// Whose file.
        variable: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what to do.
        what: String,
    },
    /// The two do not belong together, or are of a kind that is not known.
    #[error(
        "the certificate in {} (DASHBOARD_TLS_CERT) cannot be used with the key in {} \
         (DASHBOARD_TLS_KEY)",
        certificate.display(),
        key.display()
    )]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        key: PathBuf,
        /// What rustls says.
        source: rustls::Error,
    },
}

const CERTIFICATE: &str = "DASHBOARD_TLS_CERT";
const KEY: &str = "DASHBOARD_TLS_KEY";

impl TlsArgs {
    /// The files that were given; `None`: HTTP.
    ///
    /// # Errors
    ///
    /// [`TlsError::Half`].
    pub fn files(&self) -> Result<Option<TlsFiles>, TlsError> {
        let half = |given, missing| Err(TlsError::Half { given, missing });
        let path =
            |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        match (
            path(&self.dashboard_tls_cert),
            path(&self.dashboard_tls_key),
        ) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (Some(_), None) => half(CERTIFICATE, KEY),
            (None, Some(_)) => half(KEY, CERTIFICATE),
        }
    }
}

/// How often the files are looked at. Certificates are renewed weeks before they end.
const PERIOD: Duration = Duration::from_secs(2);

/// How long before its end a certificate that nobody has renewed is worth a warning.
const SOON: TimeDelta = TimeDelta::days(14);

/// A certificate that can be replaced while it is in use.
#[derive(Debug)]
pub(crate) struct Certificate {
    files: TlsFiles,
    current: RwLock<Current>,
}

#[derive(Clone, Debug)]
struct Current {
    pem: Pem,
    key: Arc<CertifiedKey>,
    not_after: DateTime<Utc>,
}

/// The files' content.
#[derive(Clone, PartialEq, Eq)]
struct Pem {
    certificate: Arc<[u8]>,
    key: Arc<[u8]>,
}

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// All of [`TlsError`] but [`TlsError::Half`].
    pub(crate) fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let current = parse(&files, read(&files)?)?;
        Ok(Arc::new(Self {
            files,
            current: RwLock::new(current),
        }))
    }

    /// When the certificate in use ends.
    pub(crate) fn not_after(&self) -> DateTime<Utc> {
        self.current().not_after
    }

    /// Takes what the files become, until it is dropped. Files that cannot be used leave the last good
    /// certificate in use, and are complained of once. Says when the certificate is about to end.
    pub(crate) async fn watch(self: Arc<Self>, clock: Clock) {
        let mut ticks = interval_at(Instant::now() + PERIOD, PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut look = Look {
            taken: self.current().pem,
            pending: None,
        };
        let mut complaint = None;
        let mut warned_at = None;
        self.warn_of_end(clock());
        loop {
            self.warn_of_its_end(clock(), &mut warned_at);
            ticks.tick().await;
            // A file system that hangs keeps nobody but this waiting.
            let files = self.files.clone();
            let Ok(pem) = tokio::task::spawn_blocking(move || read(&files)).await else {
                continue;
            };
            match pem.and_then(|pem| self.renew(pem, &mut look)) {
                Ok(false) => {}
                Ok(true) => {
                    complaint = None;
                    warned_at = None;
                    self.warn_of_end(clock());
                }
                Err(error) => {
                    let text = chain(&error);
                    if complaint.as_ref() != Some(&text) {
                        tracing::error!(error = text, "keeping the certificate as it was");
                        complaint = Some(text);
                    }
                }
            }
        }
    }

    /// Whether another certificate is in use from now on. A pair of files is taken when it is
    /// still the same at the second look: who replaces two files does not do so at once.
    fn renew(&self, pem: Pem, look: &mut Look) -> Result<bool, TlsError> {
        if pem == look.taken {
            look.pending = None;
            return Ok(false);
        }
        if look.pending.as_ref() != Some(&pem) {
            look.pending = Some(pem);
            return Ok(false);
        }
        look.pending = None;
        look.taken = pem.clone();
        let renewed = parse(&self.files, pem)?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(true)
    }

    fn current(&self) -> Current {
        let current = self.current.read();
        current.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn warn_of_end(&self, now: DateTime<Utc>) {
        let not_after = self.not_after();
        tracing::info!(
            certificate = %self.files.certificate.display(),
            %not_after,
            days = (not_after - now).num_days(),
            "speaking HTTPS"
        );
        let mode = fs::metadata(&self.files.key).map(|key| key.permissions().mode());
        if mode.is_ok_and(|mode| mode & 0o004 != 0) {
            tracing::warn!(
                key = %self.files.key.display(),
                "every local user can read the private key: fix it with chmod o="
            );
        }
    }

    fn warn_of_its_end(&self, now: DateTime<Utc>, warned_at: &mut Option<DateTime<Utc>>) {
        let not_after = self.not_after();
        let is_due = warned_at.is_none_or(|at| now - at >= TimeDelta::days(1));
        if not_after - now >= SOON || !is_due {
            return;
        }
        *warned_at = Some(now);
        if not_after < now {
            tracing::error!(%not_after, "the certificate has expired: clients refuse it");
        } else {
            tracing::warn!(%not_after, "the certificate expires soon: renew it");
        }
    }
}

/// What has been seen of the files.
struct Look {
    /// What has been made use of, or complained of.
    taken: Pem,
    /// What was there at the last look, when it was another.
    pending: Option<Pem>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().key)
    }
}

impl std::fmt::Debug for Pem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

fn read(files: &TlsFiles) -> Result<Pem, TlsError> {
    let read = |variable, path: &Path| {
        // Reading anything else may never end.
        let is_file = fs::metadata(path).map(|metadata| metadata.is_file());
        let bytes = is_file.and_then(|is_file| match is_file {
            true => fs::read(path),
            false => Err(io::Error::other("it is no regular file")),
        });
        bytes.map_err(|source| TlsError::Read {
            variable,
            path: path.to_owned(),
            source,
        })
    };
    Ok(Pem {
        certificate: read(CERTIFICATE, &files.certificate)?.into(),
        key: read(KEY, &files.key)?.into(),
    })
}

/// When a certificate ends. webpki gives the time with its verdict on one that has ended, so that it is
/// asked about the end of all time.
fn not_after(certificate: &CertificateDer<'_>) -> Result<UnixTime, webpki::Error> {
    let end_of_time = UnixTime::since_unix_epoch(Duration::from_secs(u64::MAX));
    let usage = KeyUsage::server_auth();
    let certificate = webpki::EndEntityCert::try_from(certificate)?;
    match certificate.verify_for_usage(&[], &[], &[], end_of_time, usage, None, None) {
        Err(webpki::Error::CertExpired { not_after, .. }) => Ok(not_after),
        Err(error) => Err(error),
        Ok(_) => Err(webpki::Error::UnknownIssuer),
    }
}

fn parse(files: &TlsFiles, pem: Pem) -> Result<Current, TlsError> {
    let content = |variable, path: &Path, what: String| TlsError::Content {
        variable,
        path: path.to_owned(),
        what,
    };
    let bad_certificate = |what| content(CERTIFICATE, &files.certificate, what);
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem.certificate)
        .collect::<Result<_, _>>()
        .map_err(|error| bad_certificate(format!("is no sound PEM file: {error}")))?;
    let first = certificates.first().ok_or_else(|| {
        bad_certificate("holds no certificate: no -----BEGIN CERTIFICATE----- in it".to_owned())
    })?;
    let not_after = not_after(first)
        .map_err(|error| bad_certificate(format!("holds no sound certificate: {error}")))?;
    let not_after = i64::try_from(not_after.as_secs())
        .ok()
        .and_then(|seconds| DateTime::from_timestamp(seconds, 0))
        .ok_or_else(|| bad_certificate("ends at a time that cannot be".to_owned()))?;
    let key = PrivateKeyDer::from_pem_slice(&pem.key).map_err(|error| {
        let what = match error {
            pem::Error::NoItemsFound if is_encrypted(&pem.key) => {
                "is protected by a passphrase, which nobody could type at a start: take it away \
                 with `openssl pkey -in KEY -out NEWKEY`"
                    .to_owned()
            }
            pem::Error::NoItemsFound => "holds no private key".to_owned(),
            error => format!("is no sound PEM file: {error}"),
        };
        content(KEY, &files.key, what)
    })?;
    let key = CertifiedKey::from_der(certificates, key, &provider());
    let key = key.map_err(|source| TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        source,
    })?;
    Ok(Current {
        pem,
        key: Arc::new(key),
        not_after,
    })
}

fn is_encrypted(key: &[u8]) -> bool {
    memchr::memmem::find(key, b"ENCRYPTED").is_some()
}

fn provider() -> CryptoProvider {
    ring::default_provider()
}

/// Makes connections ones of HTTPS, with the certificate as it is at the time.
///
/// # Errors
///
/// rustls does not take what this program gives it, which is a bug.
pub(crate) fn acceptor(certificate: Arc<Certificate>) -> Result<TlsAcceptor, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(certificate);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
