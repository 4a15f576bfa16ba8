//! Caches the bodies of lists, which are expensive: selected, sorted and compressed once.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_ENCODING;
use brotli::enc::BrotliEncoderParams;
use bytes::Bytes;
use tokio::sync::{OnceCell, Semaphore};
use tokio::task::spawn_blocking;

/// The body of a list.
pub(crate) trait ListBody: Send + Sync + 'static {
    /// Its size as JSON, in bytes.
    fn len(&self) -> usize;

    /// The memory that it holds beside the snapshot, in bytes.
    fn kept_bytes(&self) -> usize;

    /// The JSON, in pieces.
    fn chunks(self: Arc<Self>) -> impl Iterator<Item = Bytes> + Send + 'static;
}

/// The lists of the current revision, by query.
#[derive(Debug)]
pub(crate) struct BodyCache<L> {
    kept: Mutex<Kept<L>>,
    compressing: Arc<Semaphore>,
}

/// One list: its VMs in their order, and the compressed forms that clients have requested. Each is
/// made once, even for concurrent requests, and outside the threads that serve.
///
/// The uncompressed list is not cached: it is many times as large as the compressed forms, and the
/// snapshot holds all of its bytes already.
#[derive(Debug)]
pub(crate) struct CachedBody<L> {
    list: OnceCell<Arc<L>>,
    brotli: OnceCell<Bytes>,
    gzip: OnceCell<Bytes>,
    compressing: Arc<Semaphore>,
}

/// A list in the encoding that a client accepts.
#[derive(Debug)]
pub(crate) enum Content<L> {
    /// Not compressed.
    Identity(Arc<L>),
    /// In an encoding that is not [`Encoding::Identity`].
    Compressed(Encoding, Bytes),
}

/// The encoding of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Brotli,
    Gzip,
}

#[derive(Debug)]
struct Kept<L> {
    revision: u64,
    /// The most recently used is last.
    bodies: Vec<(String, Arc<CachedBody<L>>)>,
}

/// The capacity of the cache. A list of 10,000 VMs takes some 0.7 MB in each encoding.
const KEPT_BYTES: usize = 4 * 1024 * 1024;
const KEPT_BODIES: usize = 64;

/// Below this, compressing costs more than it saves.
const WORTH_COMPRESSING: usize = 860;

/// How many lists are compressed at once: each takes a core and some megabytes meanwhile.
const COMPRESSIONS: usize = 2;

impl<L: ListBody> BodyCache<L> {
    pub(crate) fn new() -> Self {
        Self {
            kept: Mutex::new(Kept {
                revision: 0,
                bodies: Vec::new(),
            }),
            compressing: Arc::new(Semaphore::new(COMPRESSIONS)),
        }
    }

    /// A body that no other request gets.
    pub(crate) fn of_one_request(&self) -> Arc<CachedBody<L>> {
        Arc::new(CachedBody::new(Arc::clone(&self.compressing)))
    }

    /// The body for a query at a revision, which may not have been made yet.
    pub(crate) fn body(&self, revision: u64, question: String) -> Arc<CachedBody<L>> {
        let new = || self.of_one_request();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.revision > revision {
            // A request that began before the latest change: no later one needs its body.
            return new();
        }
        if kept.revision < revision {
            kept.revision = revision;
            kept.bodies.clear();
        }
        let known = kept.bodies.iter().position(|(known, _)| *known == question);
        let entry = match known {
            Some(index) => kept.bodies.remove(index),
            None => (question, new()),
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

impl<L: ListBody> CachedBody<L> {
    fn new(compressing: Arc<Semaphore>) -> Self {
        Self {
            list: OnceCell::new(),
            brotli: OnceCell::new(),
            gzip: OnceCell::new(),
            compressing,
        }
    }

    /// The list in an encoding; small ones are not compressed. `make` selects its VMs if no request
    /// has done so yet.
    ///
    /// # Errors
    ///
    /// `make` has panicked, or the process is ending.
    pub(crate) async fn get(
        &self,
        encoding: Encoding,
        make: impl FnOnce() -> L + Send + 'static,
    ) -> io::Result<Content<L>> {
        let list = self
            .list
            .get_or_try_init(|| async { Ok::<_, io::Error>(spawn_blocking(make).await?.into()) })
            .await?;
        let compressed = match encoding {
            _ if list.len() < WORTH_COMPRESSING => None,
            Encoding::Identity => None,
            Encoding::Brotli => Some((&self.brotli, brotli as Compress<L>)),
            Encoding::Gzip => Some((&self.gzip, gzip as Compress<L>)),
        };
        let Some((cell, compress)) = compressed else {
            return Ok(Content::Identity(Arc::clone(list)));
        };
        let body = cell
            .get_or_try_init(|| async {
                let turn = Arc::clone(&self.compressing).acquire_owned().await;
                let turn = turn.map_err(io::Error::other)?;
                let list = Arc::clone(list);
                let compressed = spawn_blocking(move || {
                    // Held until the end, even if the client has gone.
                    let _turn = turn;
                    compress(&list)
                })
                .await??;
                Ok::<_, io::Error>(compressed.into())
            })
            .await?;
        Ok(Content::Compressed(encoding, body.clone()))
    }

    fn size(&self) -> usize {
        let list = self.list.get().map_or(0, |list| list.kept_bytes());
        let compressed = [&self.brotli, &self.gzip]
            .into_iter()
            .filter_map(|form| form.get())
            .map(Bytes::len);
        list + compressed.sum::<usize>()
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
        // Identity is acceptable unless it is excluded: the lowest quality above 0.
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

type Compress<L> = fn(&Arc<L>) -> io::Result<Vec<u8>>;

fn brotli<L: ListBody>(list: &Arc<L>) -> io::Result<Vec<u8>> {
    // With the size known in advance, quality 5 makes do with a window of 19 bits: it compresses
    // 10,000 VMs better than quality 4 with 22 bits, in a quarter of the memory.
    let parameters = BrotliEncoderParams {
        quality: 5,
        lgwin: 19,
        size_hint: list.len(),
        ..BrotliEncoderParams::default()
    };
    let out = Vec::with_capacity(list.len() / 12);
    let mut encoder = brotli::CompressorWriter::with_params(out, 4096, &parameters);
    write(list, &mut encoder)?;
    Ok(encoder.into_inner())
}

fn gzip<L: ListBody>(list: &Arc<L>) -> io::Result<Vec<u8>> {
    let out = Vec::with_capacity(list.len() / 12);
    let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::new(4));
    write(list, &mut encoder)?;
    encoder.finish()
}

fn write<L: ListBody>(list: &Arc<L>, to: &mut impl Write) -> io::Result<()> {
    Arc::clone(list)
        .chunks()
        .try_for_each(|chunk| to.write_all(&chunk))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list whose JSON is this text.
    #[derive(Debug)]
    struct Text(String);

    impl ListBody for Text {
        fn len(&self) -> usize {
            self.0.len()
        }

        fn kept_bytes(&self) -> usize {
            self.0.len()
        }

        fn chunks(self: Arc<Self>) -> impl Iterator<Item = Bytes> + Send + 'static {
            let chunks: Vec<_> = self
                .0
                .as_bytes()
                .chunks(7)
                .map(Bytes::copy_from_slice)
                .collect();
            chunks.into_iter()
        }
    }

    fn small() -> Text {
        Text(r#"{"items":[]}"#.to_owned())
    }

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

    async fn fill(cache: &BodyCache<Text>, revision: u64, question: &str) -> Arc<Text> {
        let body = cache.body(revision, question.to_owned());
        let made = body.get(Encoding::Identity, small);
        match made.await.expect("made") {
            Content::Identity(list) => list,
            other => panic!("compressed: {other:?}"),
        }
    }

    #[tokio::test]
    async fn a_list_is_kept_until_the_next_revision() {
        let cache = BodyCache::new();
        let first = fill(&cache, 1, "a").await;
        assert!(Arc::ptr_eq(&fill(&cache, 1, "a").await, &first));
        assert!(!Arc::ptr_eq(&fill(&cache, 1, "b").await, &first));
        let second = fill(&cache, 2, "a").await;
        assert!(!Arc::ptr_eq(&second, &first));
        // A late request for an old revision gets its own and spoils nothing.
        assert!(!Arc::ptr_eq(&fill(&cache, 1, "a").await, &first));
        assert!(Arc::ptr_eq(&fill(&cache, 2, "a").await, &second));
    }

    #[tokio::test]
    async fn the_cache_is_bounded_and_forgets_what_was_used_longest_ago() {
        let cache = BodyCache::new();
        let keep = |question: &'static str, size: usize| {
            let body = cache.body(1, question.to_owned());
            // Nobody has looked for it yet, else it is the same.
            let _ = body.gzip.set(Bytes::from(vec![0; size]));
            body
        };
        let a = keep("a", KEPT_BYTES / 3);
        let b = keep("b", KEPT_BYTES / 3);
        keep("c", KEPT_BYTES / 3);
        assert!(Arc::ptr_eq(&keep("a", 0), &a));
        keep("d", 1000);
        keep("e", 0);
        assert!(!Arc::ptr_eq(&keep("b", 0), &b));
        assert!(Arc::ptr_eq(&keep("a", 0), &a));
        for index in 0..2 * KEPT_BODIES {
            fill(&cache, 1, &index.to_string()).await;
        }
        assert_eq!(
            cache.kept.lock().expect("no panic").bodies.len(),
            KEPT_BODIES
        );
    }

    async fn compressed(encoding: Encoding, list: &Arc<Text>) -> Bytes {
        let body = BodyCache::new().body(1, String::new());
        body.list.set(Arc::clone(list)).expect("nothing made yet");
        match body.get(encoding, small).await.expect("made") {
            Content::Compressed(made, bytes) => {
                assert_eq!(made, encoding);
                bytes
            }
            Content::Identity(_) => panic!("not compressed"),
        }
    }

    #[tokio::test]
    async fn compressed_lists_are_the_same_when_unpacked() {
        let numbers = (0..500_u32).map(|n| format!("\"{}\"", n.to_string().repeat(200)));
        let text: String = numbers.collect();
        let list = Arc::new(Text(text.clone()));

        let gzip = compressed(Encoding::Gzip, &list).await;
        let mut unpacked = Vec::new();
        io::copy(&mut flate2::read::GzDecoder::new(&gzip[..]), &mut unpacked).expect("gzip");
        assert_eq!(unpacked, text.as_bytes());

        let brotli = compressed(Encoding::Brotli, &list).await;
        let mut unpacked = Vec::new();
        brotli::BrotliDecompress(&mut &brotli[..], &mut unpacked).expect("br");
        assert_eq!(unpacked, text.as_bytes());
    }

    #[tokio::test]
    async fn a_small_list_is_not_compressed() {
        let body = BodyCache::new().body(1, String::new());
        let made = body.get(Encoding::Brotli, small).await;
        let Content::Identity(list) = made.expect("made") else {
            panic!("compressed");
        };
        assert_eq!(list.0, small().0);
    }
}
