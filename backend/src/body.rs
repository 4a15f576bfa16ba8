//! Bodies that are worth keeping: the lists, as they are and compressed.

use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use bytes::Bytes;
use tokio::sync::OnceCell;
use tokio::task::spawn_blocking;

/// The bodies of the current revision, by question.
#[derive(Debug)]
pub(crate) struct BodyCache {
    kept: Mutex<Kept>,
}

/// One body in the forms that have been asked for. Each form is made once, however many ask for
/// it at the same time, and off the threads that serve.
#[derive(Debug, Default)]
pub(crate) struct CachedBody {
    identity: OnceCell<Bytes>,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
}

/// How a body is encoded for its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Brotli,
    Gzip,
}

#[derive(Debug)]
struct Kept {
    revision: u64,
    /// The one that was used last is last.
    bodies: Vec<(String, Arc<CachedBody>)>,
}

/// What the cache may hold in all. A list of 10,000 VMs is some 9 MB.
const KEPT_BYTES: usize = 16 * 1024 * 1024;
const KEPT_BODIES: usize = 64;

/// Below this, compressing costs more than it saves.
const WORTH_COMPRESSING: usize = 860;

impl BodyCache {
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::new(Kept {
                revision: 0,
                bodies: Vec::new(),
            }),
        }
    }

    /// The body for a question at a revision, which may still have to be made.
    pub(crate) fn body(&self, revision: u64, question: String) -> Arc<CachedBody> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.revision > revision {
            // A request that began before the latest change: nobody will ask that again.
            return Arc::default();
        }
        if kept.revision < revision {
            kept.revision = revision;
            kept.bodies.clear();
        }
        let known = kept.bodies.iter().position(|(known, _)| *known == question);
        let entry = match known {
            Some(index) => kept.bodies.remove(index),
            None => (question, Arc::default()),
        };
        let body = Arc::clone(&entry.1);
        kept.bodies.push(entry);
        // The newest stays, whatever its size.
        while kept.bodies.len() > 1
            && (kept.bodies.len() > KEPT_BODIES
                || kept
                    .bodies
                    .iter()
                    .map(|(_, body)| body.size())
                    .sum::<usize>()
                    > KEPT_BYTES)
        {
            kept.bodies.remove(0);
        }
        body
    }
}

impl CachedBody {
    /// The body in an encoding, and the encoding that it has: small ones are left as they are.
    /// `make` makes the body where it has not been made yet.
    ///
    /// # Errors
    ///
    /// `make` has panicked, or the process is ending.
    pub(crate) async fn get(
        &self,
        encoding: Encoding,
        make: impl FnOnce() -> Vec<u8> + Send + 'static,
    ) -> io::Result<(Encoding, Bytes)> {
        let identity = self
            .identity
            .get_or_try_init(|| async { Ok::<_, io::Error>(spawn_blocking(make).await?.into()) })
            .await?;
        let compressed = match encoding {
            _ if identity.len() < WORTH_COMPRESSING => None,
            Encoding::Identity => None,
            Encoding::Brotli => Some((&self.brotli, brotli as Compress)),
            Encoding::Gzip => Some((&self.gzip, gzip as Compress)),
        };
        let Some((cell, compress)) = compressed else {
            return Ok((Encoding::Identity, identity.clone()));
        };
        let body = cell
            .get_or_try_init(|| async {
                let identity = identity.clone();
                let compressed = spawn_blocking(move || compress(&identity)).await??;
                Ok::<_, io::Error>(compressed.into())
            })
            .await?;
        Ok((encoding, body.clone()))
    }

    fn size(&self) -> usize {
        [&self.identity, &self.brotli, &self.gzip]
            .into_iter()
            .filter_map(|form| form.get())
            .map(Bytes::len)
            .sum()
    }
}

impl Encoding {
    /// The best encoding that a client accepts (RFC 9110, 12.5.3): among those that it likes
    /// equally, Brotli before gzip before none.
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        let mut brotli = None;
        let mut gzip = None;
        let mut identity = None;
        let mut others = None;
        for item in headers
            .get_all(ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
        {
            let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
            let quality = parameters
                .split(';')
                .find_map(|parameter| {
                    let (key, value) = parameter.split_once('=')?;
                    key.trim()
                        .eq_ignore_ascii_case("q")
                        .then(|| value.trim().parse().ok())?
                })
                .unwrap_or(1.0_f32);
            match name.trim().to_ascii_lowercase().as_str() {
                "br" => brotli = Some(quality),
                "gzip" | "x-gzip" => gzip = Some(quality),
                "identity" => identity = Some(quality),
                "*" => others = Some(quality),
                _ => {}
            }
        }
        // Where nothing is said of it, identity is good enough: the least that is more than no.
        let candidates = [
            (Self::Brotli, brotli.or(others).unwrap_or(0.0)),
            (Self::Gzip, gzip.or(others).unwrap_or(0.0)),
            (
                Self::Identity,
                identity.or(others).unwrap_or(f32::MIN_POSITIVE),
            ),
        ];
        candidates
            .into_iter()
            .filter(|(_, quality)| *quality > 0.0)
            .reduce(|best, other| if other.1 > best.1 { other } else { best })
            .map_or(Self::Identity, |(encoding, _)| encoding)
    }

    /// The value of `Content-Encoding`.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Brotli => Some("br"),
            Self::Gzip => Some("gzip"),
        }
    }
}

type Compress = fn(&[u8]) -> io::Result<Vec<u8>>;

fn brotli(body: &[u8]) -> io::Result<Vec<u8>> {
    // Quality 4 is where more time begins to buy little; 22 bits are what browsers take.
    let out = Vec::with_capacity(body.len() / 8);
    let mut encoder = brotli::CompressorWriter::new(out, 4096, 4, 22);
    encoder.write_all(body)?;
    Ok(encoder.into_inner())
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(body.len() / 8);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(4));
    encoder.write_all(body)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_accepted_encoding_is_taken() {
        for (accept, expected) in [
            (None, Encoding::Identity),
            (Some(""), Encoding::Identity),
            (Some("gzip, deflate, br, zstd"), Encoding::Brotli),
            (Some("gzip"), Encoding::Gzip),
            (Some("br;q=0.5, gzip;q=0.8"), Encoding::Gzip),
            (Some("BR ; Q=0.9"), Encoding::Brotli),
            (Some("br;q=0, gzip;q=0"), Encoding::Identity),
            (Some("*"), Encoding::Brotli),
            (Some("br;q=0, *"), Encoding::Gzip),
            (Some("identity, br;q=0.1"), Encoding::Identity),
            (Some("*;q=0"), Encoding::Identity),
            (Some("deflate"), Encoding::Identity),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT_ENCODING, accept.parse().expect("a header"));
            }
            assert_eq!(Encoding::accepted(&headers), expected, "{accept:?}");
        }
    }

    async fn fill(cache: &BodyCache, revision: u64, question: &str, size: usize) -> Bytes {
        let body = cache.body(revision, question.to_owned());
        let made = body.get(Encoding::Identity, move || vec![b'x'; size]).await;
        made.expect("made").1
    }

    #[tokio::test]
    async fn a_body_is_kept_until_the_next_revision() {
        let cache = BodyCache::new();
        let first = fill(&cache, 1, "a", 1000).await;
        assert_eq!(fill(&cache, 1, "a", 1).await.as_ptr(), first.as_ptr());
        assert_eq!(fill(&cache, 1, "b", 2).await.len(), 2);
        assert_eq!(fill(&cache, 2, "a", 3).await.len(), 3);
        // A late request for an old revision gets its own and spoils nothing.
        assert_eq!(fill(&cache, 1, "a", 4).await.len(), 4);
        assert_eq!(fill(&cache, 2, "a", 5).await.len(), 3);
    }

    #[tokio::test]
    async fn the_cache_is_bounded_and_forgets_what_was_used_longest_ago() {
        let cache = BodyCache::new();
        for question in ["a", "b", "c"] {
            fill(&cache, 1, question, KEPT_BYTES / 3).await;
        }
        fill(&cache, 1, "a", 0).await;
        fill(&cache, 1, "d", 1000).await;
        assert_eq!(fill(&cache, 1, "e", 7).await.len(), 7);
        assert_eq!(fill(&cache, 1, "b", 8).await.len(), 8);
        assert_eq!(fill(&cache, 1, "a", 9).await.len(), KEPT_BYTES / 3);
        for index in 0..2 * KEPT_BODIES {
            fill(&cache, 1, &index.to_string(), 1).await;
        }
        assert_eq!(
            cache.kept.lock().expect("no panic").bodies.len(),
            KEPT_BODIES
        );
    }

    #[tokio::test]
    async fn compressed_bodies_are_the_same_when_unpacked() {
        let text: Vec<u8> = (0..50_000_u32)
            .flat_map(|n| n.to_string().into_bytes())
            .collect();
        let body = CachedBody::default();
        let make = {
            let text = text.clone();
            move || text
        };
        let (encoding, gzip) = body.get(Encoding::Gzip, make).await.expect("made");
        assert_eq!(encoding, Encoding::Gzip);
        let mut unpacked = Vec::new();
        io::copy(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut unpacked).expect("gzip");
        assert_eq!(unpacked, text);

        let (encoding, brotli) = body.get(Encoding::Brotli, Vec::new).await.expect("made");
        assert_eq!(encoding, Encoding::Brotli);
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &brotli[..], &mut unpacked).expect("br");
        assert_eq!(unpacked, text);
    }

    #[tokio::test]
    async fn a_small_body_is_not_compressed() {
        let body = CachedBody::default();
        let made = body
            .get(Encoding::Brotli, || b"{}".to_vec())
            .await
            .expect("made");
        assert_eq!(made, (Encoding::Identity, Bytes::from_static(b"{}")));
    }
}
