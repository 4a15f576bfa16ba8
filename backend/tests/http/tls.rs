//! HTTPS: what is spoken, files that change, files that cannot be used.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ecoman_access::Access;
use ecoman_backend::{BackendError, Dashboard, SignIn, TlsFiles};
use ecoman_model::Grant;
use ecoman_store::EmbeddedStore;
use http_body_util::Full;
use hyper::client::conn::http2;
use hyper::{Request, body::Bytes};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_util::sync::CancellationToken;

use crate::server::{at, config, nobody};

const PATIENCE: Duration = Duration::from_secs(20);

/// An authority of its own, and the files of a server.
struct Files {
    directory: TempDir,
    authority: CertifiedIssuer<'static, KeyPair>,
}

/// A certificate and its key, in PEM.
struct Pair {
    certificate: String,
    key: String,
}

/// A dashboard that speaks HTTPS; stops when dropped.
struct Https {
    files: Files,
    port: u16,
    shutdown: CancellationToken,
    _task: JoinHandle<Result<(), BackendError>>,
}

impl Files {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let files = Self {
            directory: TempDir::new().expect("a directory"),
            authority: CertifiedIssuer::self_signed(params, key).expect("an authority"),
        };
        let pair = files.issue("localhost");
        files.write(&pair.certificate, &pair.key);
        files
    }

    fn issue(&self, name: &str) -> Pair {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.authority).expect("signed");
        Pair {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    fn write(&self, certificate: &str, key: &str) {
        let paths = self.paths();
        fs::write(paths.certificate, certificate).expect("written");
        fs::write(paths.key, key).expect("written");
    }

    fn paths(&self) -> TlsFiles {
        let path = |name: &str| -> PathBuf { self.directory.path().join(name) };
        TlsFiles {
            certificate: path("cert.pem"),
            key: path("key.pem"),
        }
    }

    async fn bind(&self) -> Result<Dashboard, BackendError> {
        let store = self.directory.path().join("ecoman.redb");
        let store = EmbeddedStore::open(&store).await.expect("a store");
        let mut config = config(nobody());
        config.tls = Some(self.paths());
        config.access.sign_in = SignIn::Password;
        config.access.directory = self.directory.path().join("access");
        Dashboard::bind(config, Arc::new(store)).await
    }

    /// What the log and the terminal say when the dashboard cannot be started.
    async fn complaint(&self) -> String {
        let error = self.bind().await.expect_err("unusable files");
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(error) = source {
            text.push_str(&format!(": {error}"));
            source = error.source();
        }
        text.replace(&self.directory.path().display().to_string(), "")
    }
}

impl Https {
    async fn start() -> Self {
        let files = Files::new();
        let dashboard = files.bind().await.expect("a dashboard");
        let port = dashboard.local_addr().port();
        assert_eq!(dashboard.url(), format!("https://127.0.0.1:{port}"));
        let access = Access::new(files.directory.path().join("access").as_path());
        access
            .add_user("anna", Grant::ALL, Some("a long password"), at(0))
            .expect("a user");
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(dashboard.serve(shutdown.clone()));
        Self {
            files,
            port,
            shutdown,
            _task: task,
        }
    }

    /// The answer to a request for a server of a name; an error when its certificate is of
    /// another.
    async fn ask(&self, name: &'static str, request: &str) -> std::io::Result<String> {
        let mut stream = self.connect(name, &[]).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        Ok(answer)
    }

    /// A connection of a client that offers these protocols.
    async fn connect(
        &self,
        name: &'static str,
        protocols: &[&str],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from(self.files.authority.der().to_vec()))
            .expect("an authority");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        let stream = TcpStream::connect(("127.0.0.1", self.port)).await?;
        let name = ServerName::try_from(name).expect("a name");
        TlsConnector::from(Arc::new(client))
            .connect(name, stream)
            .await
    }

    /// Waits until the server proves to be `name`.
    async fn proves(&self, name: &'static str) {
        let proof = async {
            while self.ask(name, HEALTH).await.is_err() {
                sleep(Duration::from_millis(100)).await;
            }
        };
        timeout(PATIENCE, proof)
            .await
            .unwrap_or_else(|_| panic!("waited too long for a certificate of {name}"));
    }
}

impl Drop for Https {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn https_is_spoken_and_its_cookies_are_for_https_alone() {
    let https = Https::start().await;

    let answer = https.ask("localhost", HEALTH).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");

    let body = r#"{"name":"anna","password":"a long password"}"#;
    let request = format!(
        "POST /api/v1/session HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         origin: https://localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = https.ask("localhost", &request).await.expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(
        answer.contains("set-cookie: __Host-ecoman_session="),
        "{answer}"
    );
    assert!(answer.contains("; Secure"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_is_spoken_with_those_who_offer_it() {
    let https = Https::start().await;
    let stream = https.connect("localhost", &["h2", "http/1.1"]).await;
    let stream = stream.expect("a connection");
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let handshake = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.expect("HTTP/2");
    tokio::spawn(connection);

    // The page's own change: its origin is compared with the name that it uses for the server.
    let body = r#"{"name":"anna","password":"a long password"}"#;
    let sign_in = |origin: &str| {
        Request::post(format!("https://localhost:{}/api/v1/session", https.port))
            .header("origin", origin)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))
            .expect("a request")
    };
    let own = format!("https://localhost:{}", https.port);
    let mut answers = Vec::new();
    for origin in [own.as_str(), "https://other.example"] {
        let answer = sender
            .send_request(sign_in(origin))
            .await
            .expect("an answer");
        answers.push(answer.status().as_u16());
    }
    assert_eq!(answers, [200, 403]);

    // As many open streams as a browser has tabs keep no request waiting.
    let mut streams = Vec::new();
    let cookie = {
        let answer = sender.send_request(sign_in(&own)).await.expect("an answer");
        let cookie = answer.headers().get("set-cookie").expect("a session");
        let cookie = cookie.to_str().expect("text").split(';').next();
        cookie.expect("a cookie").to_owned()
    };
    let get = |path: &str| {
        Request::get(format!("https://localhost:{}{path}", https.port))
            .header("cookie", &cookie)
            .body(Full::new(Bytes::new()))
            .expect("a request")
    };
    for _ in 0..20 {
        let stream = sender.send_request(get("/api/v1/events")).await;
        let stream = stream.expect("an answer");
        assert_eq!(stream.status(), 200);
        streams.push(stream);
    }
    let answer = timeout(PATIENCE, sender.send_request(get("/healthz"))).await;
    let answer = answer.expect("not kept waiting").expect("an answer");
    assert_eq!(answer.status(), 200);
    drop(streams);
    // The server stops although the connection is open.
    https.shutdown.cancel();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_speaks_http_learns_what_is_spoken() {
    let https = Https::start().await;
    let mut stream = TcpStream::connect(("127.0.0.1", https.port))
        .await
        .expect("a connection");
    stream.write_all(HEALTH.as_bytes()).await.expect("written");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
    assert!(head.starts_with("HTTP/1.1 400 Bad Request"), "{answer}");
    assert!(
        head.contains(&format!("content-length: {}", body.len())),
        "{answer}"
    );
    assert!(body.contains("start the address https://"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_says_nothing_keeps_nobody_from_connecting() {
    let https = Https::start().await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        let stream = TcpStream::connect(("127.0.0.1", https.port)).await;
        silent.push(stream.expect("a connection"));
    }
    https.ask("localhost", HEALTH).await.expect("an answer");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_is_taken_and_an_unusable_one_is_not() {
    let https = Https::start().await;
    https.proves("localhost").await;

    // Only one of the two files, as a renewal cut short leaves it.
    let renewed = https.files.issue("renewed.example");
    fs::write(https.files.paths().certificate, &renewed.certificate).expect("written");
    let other = https.files.issue("other.example");
    https.proves("localhost").await;

    fs::write(https.files.paths().key, &renewed.key).expect("written");
    https.proves("renewed.example").await;
    let refused = https.ask("localhost", HEALTH).await;
    assert!(refused.is_err(), "{refused:?}");

    // After rubbish a good pair is still taken.
    https.files.write("rubbish", "rubbish");
    https.proves("renewed.example").await;
    https.files.write(&other.certificate, &other.key);
    https.proves("other.example").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
    let files = Files::new();
    let good = files.issue("localhost");

    let other = files.issue("localhost");
    files.write(&good.certificate, &other.key);
    assert_eq!(
        files.complaint().await,
        "HTTPS failed: the certificate in /cert.pem (DASHBOARD_TLS_CERT) cannot be used with the \
         key in /key.pem (DASHBOARD_TLS_KEY): keys may not be consistent: KeyMismatch"
    );

    files.write(&good.key, &good.key);
    assert_eq!(
        files.complaint().await,
        "HTTPS failed: /cert.pem (DASHBOARD_TLS_CERT) holds no certificate: no -----BEGIN \
         CERTIFICATE----- in it"
    );

    files.write(&good.certificate, &good.certificate);
    assert_eq!(
        files.complaint().await,
        "HTTPS failed: /key.pem (DASHBOARD_TLS_KEY) holds no private key"
    );

    let encrypted = good.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    files.write(&good.certificate, &encrypted);
    let complaint = files.complaint().await;
    assert!(complaint.contains("passphrase"), "{complaint}");

    fs::remove_file(files.paths().key).expect("removed");
    assert_eq!(
        files.complaint().await,
        "HTTPS failed: cannot read /key.pem (DASHBOARD_TLS_KEY): No such file or directory (os \
         error 2)"
    );
}
