//! The SOAP side of the simulated hostd: HTTPS on the loopback, with the same state as the
//! simulated tools.
//!
//! It knows the requests of one sign-in, one question and one filter, as a host does:
//! RetrieveServiceContent, AcquireLocalTicket, Login, RetrievePropertiesEx,
//! ContinueRetrievePropertiesEx, CreateFilter, WaitForUpdatesEx, Logout. It reads them as text, by the
//! names in them, and is no SOAP server for others.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::hostd::Shared;

mod answers;
mod endpoint;
mod properties;
mod reply;
mod updates;
mod xml;

use endpoint::{Answer, Endpoint, Request};

/// The longest request that is read.
const LONGEST_REQUEST: usize = 1 << 20;

/// How long a silent caller keeps its thread.
const PATIENCE: Duration = Duration::from_secs(30);

/// The server; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Soap {
    endpoint: Arc<Endpoint>,
    acceptor: Option<JoinHandle<()>>,
    port: u16,
}

impl Soap {
    /// Listens on a free port.
    pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<Self> {
        let config = Arc::new(tls()?);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let endpoint = Arc::new(Endpoint {
            shared: Arc::clone(shared),
            sessions: Mutex::default(),
            sign_ins: AtomicUsize::new(0),
            stopping: AtomicBool::new(false),
        });
        let for_calls = Arc::clone(&endpoint);
        let acceptor = std::thread::Builder::new()
            .name("hostd soap".to_owned())
            .spawn(move || accept(&listener, &config, &for_calls))?;
        Ok(Self {
            endpoint,
            acceptor: Some(acceptor),
            port,
        })
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// How many sign-ins it has taken.
    pub(crate) fn sign_ins(&self) -> usize {
        self.endpoint.sign_ins.load(Ordering::SeqCst)
    }

    /// How many of them have not signed out.
    pub(crate) fn open_sessions(&self) -> usize {
        self.endpoint.sessions().cookies.len()
    }
}

impl Drop for Soap {
    fn drop(&mut self) {
        self.endpoint.stopping.store(true, Ordering::SeqCst);
        // The acceptor notices at its next connection.
        if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok()
            && let Some(acceptor) = self.acceptor.take()
        {
            let _ = acceptor.join();
        }
    }
}

/// A certificate of the host's own, as each has one.
fn tls() -> io::Result<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(vec!["localhost.localdomain".to_owned()])
        .map_err(io::Error::other)?;
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], PrivateKeyDer::Pkcs8(key))
        .map_err(io::Error::other)
}

fn accept(listener: &TcpListener, config: &Arc<ServerConfig>, endpoint: &Arc<Endpoint>) {
    for stream in listener.incoming() {
        if endpoint.stopping.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let (config, endpoint) = (Arc::clone(config), Arc::clone(endpoint));
        let _ = std::thread::Builder::new()
            .name("hostd soap call".to_owned())
            .spawn(move || {
                // A caller that goes away is none of its faults.
                let _ = serve(stream, config, &endpoint);
            });
    }
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, endpoint: &Endpoint) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    // Else each piece of an answer waits until the caller has confirmed the last.
    stream.set_nodelay(true)?;
    let connection = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut stream = BufReader::new(StreamOwned::new(connection, stream));
    while let Some(request) = read(&mut stream)? {
        let answer = answers::answer(endpoint, &request);
        let chunked = endpoint.shared.state().host.generation() >= crate::Generation::V7_0;
        let open = write(stream.get_mut(), &answer, chunked)?;
        if !open {
            return Ok(());
        }
    }
    Ok(())
}

type Stream = StreamOwned<ServerConnection, TcpStream>;

/// The next request; `None` when the caller has ended the connection.
fn read(stream: &mut BufReader<Stream>) -> io::Result<Option<Request>> {
    let mut length = 0;
    let mut request = Request {
        action: String::new(),
        cookie: String::new(),
        body: String::new(),
    };
    let mut line = String::new();
    let mut first = true;
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(None);
        }
        let text = line.trim_end();
        if text.is_empty() {
            break;
        }
        if let Some((name, value)) = text.split_once(':').filter(|_| !first) {
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.parse().map_err(io::Error::other)?,
                "soapaction" => request.action = value.trim_matches('"').to_owned(),
                "cookie" => value.clone_into(&mut request.cookie),
                _ => {}
            }
        }
        first = false;
    }
    if length > LONGEST_REQUEST {
        return Err(io::Error::other("the request is too long"));
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    request.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(request))
}

/// Whether the connection goes on.
fn write(stream: &mut Stream, answer: &Answer, chunked: bool) -> io::Result<bool> {
    let reason = match answer.status {
        200 => "OK",
        503 => "Service Unavailable",
        _ => "Internal Server Error",
    };
    let mut head = format!(
        "HTTP/1.1 {} {reason}\r\nContent-Type: text/xml; charset=utf-8\r\n",
        answer.status
    );
    if let Some(cookie) = &answer.cookie {
        head +=
            &format!("Set-Cookie: vmware_soap_session=\"{cookie}\"; Path=/; HttpOnly; Secure;\r\n");
    }
    let body = answer.body.as_bytes();
    if chunked {
        head += "Transfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes())?;
        let mut left = answer.cut.unwrap_or(usize::MAX);
        for chunk in body.chunks(8192) {
            let sent = chunk.get(..left.min(chunk.len())).unwrap_or_default();
            stream.write_all(format!("{:x}\r\n", chunk.len()).as_bytes())?;
            stream.write_all(sent)?;
            if sent.len() < chunk.len() {
                return end(stream);
            }
            left -= chunk.len();
            stream.write_all(b"\r\n")?;
        }
        stream.write_all(b"0\r\n\r\n")?;
    } else {
        head += &format!("Content-Length: {}\r\n\r\n", body.len());
        stream.write_all(head.as_bytes())?;
        let sent = answer.cut.unwrap_or(body.len()).min(body.len());
        stream.write_all(body.get(..sent).unwrap_or_default())?;
        if sent < body.len() {
            return end(stream);
        }
    }
    stream.flush()?;
    Ok(true)
}

fn end(stream: &mut Stream) -> io::Result<bool> {
    stream.flush()?;
    stream.conn.send_close_notify();
    stream.flush()?;
    Ok(false)
}
