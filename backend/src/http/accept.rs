//! The media type that a client asks for: the `Accept` header (RFC 9110, 12.5.1).

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;
use mime::Mime;

/// A media type of lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Csv,
}

impl Format {
    /// The format that a client prefers; JSON if it has no preference. `None`: it accepts neither.
    pub(crate) fn accepted(headers: &HeaderMap) -> Option<Self> {
        let ranges: Vec<_> = headers
            .get_all(ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|range| !range.is_empty())
            .collect();
        if ranges.is_empty() {
            return Some(Self::Json);
        }
        let ranges: Vec<Mime> = ranges
            .into_iter()
            // An invalid range matches no format.
            .filter_map(|range| range.parse().ok())
            .collect();
        [Self::Json, Self::Csv]
            .into_iter()
            .map(|format| (format, format.quality(&ranges)))
            .filter(|(_, quality)| *quality > 0.0)
            .reduce(|best, other| if other.1 > best.1 { other } else { best })
            .map(|(format, _)| format)
    }

    /// The `q` of the range that matches most closely.
    fn quality(self, ranges: &[Mime]) -> f32 {
        ranges
            .iter()
            .filter_map(|range| Some((self.closeness(range)?, quality(range))))
            .reduce(|closest, other| if other.0 > closest.0 { other } else { closest })
            .map_or(0.0, |(_, quality)| quality)
    }

    /// How closely a range matches; `None`: not at all.
    fn closeness(self, range: &Mime) -> Option<usize> {
        let (kind, subtype) = match self {
            Self::Json => (mime::APPLICATION, mime::JSON),
            Self::Csv => (mime::TEXT, mime::CSV),
        };
        let closeness = if range.type_() == kind && range.subtype() == subtype {
            2
        } else if range.subtype() != mime::STAR {
            return None;
        } else if range.type_() == kind {
            1
        } else if range.type_() == mime::STAR {
            0
        } else {
            return None;
        };
        let mut named = 0;
        for (name, value) in range.params() {
            named += match (name.as_str(), value.as_str()) {
                ("charset", charset) if !charset.eq_ignore_ascii_case("utf-8") => return None,
                ("header", "absent") if self == Self::Csv => return None,
                ("charset", _) | ("header", _) => 1,
                // Other parameters, such as an indentation, are ignored.
                _ => 0,
            };
        }
        Some(10 * closeness + named)
    }
}

/// Whether the client is a browser that opens an address: it names HTML itself.
pub(crate) fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|range| range.trim().parse::<Mime>().ok())
        .any(|range| range.essence_str() == mime::TEXT_HTML && quality(&range) > 0.0)
}

fn quality(range: &Mime) -> f32 {
    range
        .get_param("q")
        .and_then(|quality| quality.as_str().parse().ok())
        .unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_that_is_liked_best_is_taken() {
        const JSON: Option<Format> = Some(Format::Json);
        const CSV: Option<Format> = Some(Format::Csv);
        for (accept, expected) in [
            (None, JSON),
            (Some(""), JSON),
            (Some("*/*"), JSON),
            (Some("application/json"), JSON),
            (Some("application/*"), JSON),
            (Some("application/json; charset=UTF-8"), JSON),
            (Some("text/csv"), CSV),
            (Some("TEXT/CSV"), CSV),
            (Some("text/*"), CSV),
            (Some("text/csv; charset=utf-8; header=present"), CSV),
            (Some("text/csv;header=absent"), None),
            (Some("text/csv;charset=iso-8859-1"), None),
            (Some("text/csv, application/json"), JSON),
            (Some("text/csv, */*;q=0.1"), CSV),
            (Some("text/csv;q=0.5, application/json;q=0.4"), CSV),
            (Some("text/csv;q=0.5, */*"), JSON),
            (Some("application/json;q=0, */*"), CSV),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), JSON),
            (Some("text/html"), None),
            (Some("text/csv;q=0"), None),
            (Some("*/*;q=0"), None),
            (Some("nonsense"), None),
            (Some("nonsense, text/csv"), CSV),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(ACCEPT, accept.parse().expect("a header"));
            }
            assert_eq!(Format::accepted(&headers), expected, "{accept:?}");
        }
        let mut headers = HeaderMap::new();
        headers.append(ACCEPT, "text/html".parse().expect("a header"));
        headers.append(ACCEPT, "text/csv".parse().expect("a header"));
        assert_eq!(Format::accepted(&headers), CSV);
    }
}
