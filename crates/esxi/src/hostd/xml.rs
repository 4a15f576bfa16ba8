//! The XML of one answer as a small tree: names by namespace, no document type, no entity but the
//! five and character references, bounded in depth, in elements and in what is kept of a text.
//!
//! The bytes of a text are kept as they came: what is no UTF-8, or what no XML may contain, is
//! marked by those who show it.

use chrono::{DateTime, Utc};
use memchr::memchr_iter;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::{NsReader, escape};

use crate::parse::{
    DataObject, Excerpt, MAX_INPUT_BYTES, ParseError, block_text, digits, instant, line_text,
    plausible,
};

/// What errors call the answers of hostd.
pub(super) const READING: &str = "hostd";

/// The namespace of SOAP 1.1.
pub(super) const SOAP: &str = "http://schemas.xmlsoap.org/soap/envelope/";
/// The namespace of the API.
pub(super) const VIM: &str = "urn:vim25";
const XSI: &[u8] = b"http://www.w3.org/2001/XMLSchema-instance";

/// Deeper than any object of the API lies.
const MAX_DEPTH: usize = 64;

/// 1,024 VMs with their guests and storage have some 100,000 elements.
const MAX_ELEMENTS: usize = 1 << 20;

/// So much is kept of a text: more than is ever shown, so that it still shows as too long.
const MAX_TEXT: usize = 128 * 1024;

/// An element with what is in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    namespace: Option<Vec<u8>>,
    name: String,
    /// The local part of its `xsi:type`.
    kind: Option<String>,
    /// Its attribute `type`: of which kind the object is that it refers to.
    refers_to: Option<String>,
    is_nil: bool,
    line: usize,
    text: Vec<u8>,
    children: Vec<Self>,
}

impl Element {
    /// An element that is not in the answer: it holds what is known by paths.
    pub(super) fn made(name: &str) -> Self {
        Self {
            namespace: Some(VIM.as_bytes().to_vec()),
            name: name.to_owned(),
            ..Self::default()
        }
    }

    /// Puts the value of a property where its path says: `summary.runtime.powerState`.
    pub(super) fn put(&mut self, path: &str, mut value: Self) {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        if rest.is_empty() {
            name.clone_into(&mut value.name);
            value.namespace = Some(VIM.as_bytes().to_vec());
            self.children.push(value);
            return;
        }
        let place = self.children.iter().position(|child| child.name == name);
        let place = place.unwrap_or_else(|| {
            self.children.push(Self::made(name));
            self.children.len() - 1
        });
        if let Some(child) = self.children.get_mut(place) {
            child.put(rest, value);
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn kind(&self) -> Option<&str> {
        self.kind.as_deref()
    }

    pub(super) fn refers_to(&self) -> Option<&str> {
        self.refers_to.as_deref()
    }

    pub(super) fn is(&self, namespace: &str, name: &str) -> bool {
        self.name == name && self.namespace.as_deref() == Some(namespace.as_bytes())
    }

    /// The elements of this name in the API's namespace.
    pub(super) fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children
            .iter()
            .filter(move |child| child.is(VIM, name) && !child.is_nil)
    }

    /// The first of them.
    pub(super) fn get<'e>(&'e self, name: &'e str) -> Option<&'e Self> {
        self.all(name).next()
    }

    /// The first element of a name in a namespace.
    pub(super) fn child(&self, namespace: &str, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.is(namespace, name))
    }

    pub(super) fn children(&self) -> &[Self] {
        &self.children
    }

    pub(super) fn take_children(self) -> Vec<Self> {
        self.children
    }

    /// Its text as words for a message, or as an id.
    pub(super) fn words(&self) -> String {
        line_text(&self.text, "", &mut Vec::new())
    }

    /// That it is not what it should be.
    pub(super) fn error(&self, expected: &'static str) -> ParseError {
        ParseError::Value {
            reading: READING,
            line: self.line,
            field: self.name.clone(),
            expected,
            excerpt: Excerpt::new(match self.children.first() {
                Some(_) => b"a structure",
                None => &self.text,
            }),
        }
    }

    fn scalar(&self, expected: &'static str) -> Result<&[u8], ParseError> {
        if self.children.is_empty() {
            Ok(&self.text)
        } else {
            Err(self.error(expected))
        }
    }
}

impl DataObject for &Element {
    fn structure(self, name: &str) -> Result<Option<Self>, ParseError> {
        let Some(found) = self.one(name)? else {
            return Ok(None);
        };
        // One without members looks like an empty text.
        if found.children.is_empty() && !found.text.trim_ascii().is_empty() {
            return Err(found.error("a structure"));
        }
        Ok(Some(found))
    }

    fn elements(self, name: &str) -> Result<Vec<Self>, ParseError> {
        Ok(self
            .children
            .iter()
            .filter(|child| child.is(VIM, name) && !child.is_nil)
            .collect())
    }

    fn text(self, name: &str, warnings: &mut Vec<String>) -> Result<Option<String>, ParseError> {
        self.one(name)?
            .map(|found| Ok(line_text(found.scalar("a text")?, name, warnings)))
            .transpose()
    }

    fn block(self, name: &str, warnings: &mut Vec<String>) -> Result<Option<String>, ParseError> {
        self.one(name)?
            .map(|found| Ok(block_text(found.scalar("a text")?, name, warnings)))
            .transpose()
    }

    fn number<T: TryFrom<u64>>(self, name: &str) -> Result<Option<T>, ParseError> {
        let Some(found) = self.one(name)? else {
            return Ok(None);
        };
        let bytes = found.scalar("a number")?;
        let magnitude = bytes.strip_prefix(b"-").unwrap_or(bytes);
        if magnitude.is_empty() || !magnitude.iter().all(u8::is_ascii_digit) {
            return Err(found.error("a whole number"));
        }
        let number = digits(bytes).and_then(plausible);
        Ok(number.and_then(|number| T::try_from(number).ok()))
    }

    fn boolean(self, name: &str) -> Result<Option<bool>, ParseError> {
        self.one(name)?
            .map(|found| match found.scalar("true or false")? {
                b"true" | b"1" => Ok(true),
                b"false" | b"0" => Ok(false),
                _ => Err(found.error("true or false")),
            })
            .transpose()
    }

    fn time(self, name: &str) -> Result<Option<DateTime<Utc>>, ParseError> {
        let Some(found) = self.one(name)? else {
            return Ok(None);
        };
        let expected = "a time such as 2024-01-08T19:02:55Z";
        instant(found.scalar(expected)?).ok_or_else(|| found.error(expected))
    }
}

impl Element {
    /// The member of this name; twice is once too often.
    fn one(&self, name: &str) -> Result<Option<&Self>, ParseError> {
        let mut found = self
            .children
            .iter()
            .filter(|child| child.is(VIM, name) && !child.is_nil);
        let first = found.next();
        match found.next() {
            None => Ok(first),
            Some(second) => Err(second.error("there once only")),
        }
    }
}

/// Reads one answer: its outermost element.
///
/// # Errors
/// [`ParseError::Truncated`] where it is not closed; [`ParseError::TooLong`];
/// [`ParseError::Unexpected`] for everything that is no XML, or more of it than hostd writes.
pub(super) fn read(bytes: &[u8]) -> Result<Element, ParseError> {
    if bytes.len() > MAX_INPUT_BYTES {
        return Err(ParseError::TooLong {
            reading: READING,
            bytes: bytes.len(),
        });
    }
    if bytes.trim_ascii().is_empty() {
        return Err(ParseError::Empty { reading: READING });
    }
    let mut tree = Tree {
        bytes,
        counted: 0,
        line: 1,
        open: Vec::new(),
        root: None,
        elements: 0,
    };
    let mut reader = NsReader::from_reader(bytes);
    loop {
        let event = reader.read_event();
        let position = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
        tree.count_lines(position);
        match event {
            Err(quick_xml::Error::Syntax(_)) => return Err(tree.truncated()),
            Err(error) => return Err(tree.unexpected(format!("no XML: {error}"))),
            Ok(Event::Eof) => return tree.end(),
            Ok(Event::Start(tag)) => {
                let element = tree.element(&reader, &tag)?;
                tree.begin(element)?;
            }
            Ok(Event::Empty(tag)) => {
                let element = tree.element(&reader, &tag)?;
                tree.begin(element)?;
                tree.close()?;
            }
            Ok(Event::End(_)) => tree.close()?,
            Ok(Event::Text(words)) => tree.text(&words)?,
            Ok(Event::CData(words)) => tree.text(&words)?,
            Ok(Event::GeneralRef(reference)) => tree.reference(&reference)?,
            Ok(Event::Decl(_) | Event::Comment(_)) => {}
            Ok(Event::DocType(_)) => {
                return Err(tree.unexpected("a document type, which no host sends"));
            }
            Ok(Event::PI(_)) => {
                return Err(tree.unexpected("a processing instruction, which no host sends"));
            }
        }
    }
}

/// The tree while it is read.
struct Tree<'b> {
    bytes: &'b [u8],
    /// So many bytes are counted into `line`.
    counted: usize,
    line: usize,
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
}

impl Tree<'_> {
    fn count_lines(&mut self, position: usize) {
        let passed = self.bytes.get(self.counted..position).unwrap_or_default();
        self.line += memchr_iter(b'\n', passed).count();
        self.counted = self.counted.max(position.min(self.bytes.len()));
    }

    fn element(
        &self,
        reader: &NsReader<&[u8]>,
        tag: &BytesStart<'_>,
    ) -> Result<Element, ParseError> {
        let (namespace, _) = reader.resolver().resolve_element(tag.name());
        let namespace = match namespace {
            ResolveResult::Bound(Namespace(name)) => Some(name.to_vec()),
            ResolveResult::Unbound => None,
            ResolveResult::Unknown(_) => {
                return Err(self.unexpected("a prefix that stands for no namespace"));
            }
        };
        let mut element = Element {
            namespace,
            name: String::from_utf8_lossy(tag.local_name().as_ref()).into_owned(),
            line: self.line,
            ..Element::default()
        };
        for attribute in tag.attributes() {
            let attribute =
                attribute.map_err(|error| self.unexpected(format!("no XML: {error}")))?;
            let (namespace, name) = reader.resolver().resolve_attribute(attribute.key);
            let value = || String::from_utf8_lossy(&attribute.value).into_owned();
            match (namespace, name.as_ref()) {
                (ResolveResult::Unbound, b"type") => element.refers_to = Some(value()),
                (ResolveResult::Bound(Namespace(XSI)), b"type") => {
                    let kind = value();
                    let local = kind.rsplit(':').next().unwrap_or_default();
                    element.kind = Some(local.to_owned());
                }
                (ResolveResult::Bound(Namespace(XSI)), b"nil") => {
                    element.is_nil = matches!(attribute.value.as_ref(), b"true" | b"1");
                }
                _ => {}
            }
        }
        Ok(element)
    }

    fn begin(&mut self, element: Element) -> Result<(), ParseError> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(self.unexpected("more elements than any host sends"));
        }
        if self.open.len() == MAX_DEPTH {
            return Err(self.unexpected("elements within elements, deeper than any host sends"));
        }
        if self.root.is_some() {
            return Err(self.unexpected("something after the end"));
        }
        self.open.push(element);
        Ok(())
    }

    fn close(&mut self) -> Result<(), ParseError> {
        let Some(element) = self.open.pop() else {
            return Err(self.unexpected("an end without a beginning"));
        };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(element),
            None => self.root = Some(element),
        }
        Ok(())
    }

    fn text(&mut self, bytes: &[u8]) -> Result<(), ParseError> {
        let Some(element) = self.open.last_mut() else {
            return match bytes.trim_ascii() {
                [] => Ok(()),
                [0xef, 0xbb, 0xbf] if self.root.is_none() => Ok(()),
                _ => Err(self.unexpected("text outside of the elements")),
            };
        };
        let left = MAX_TEXT.saturating_sub(element.text.len());
        element
            .text
            .extend_from_slice(bytes.get(..left.min(bytes.len())).unwrap_or_default());
        Ok(())
    }

    /// `&amp;` and `&#10;`. A number that stands for no character is no reason to lose all VMs: it
    /// becomes U+FFFD.
    fn reference(&mut self, reference: &quick_xml::events::BytesRef<'_>) -> Result<(), ParseError> {
        let name = String::from_utf8_lossy(reference).into_owned();
        if let Some(number) = name.strip_prefix('#') {
            let number = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            let character = number
                .ok()
                .and_then(char::from_u32)
                .filter(|&character| character != '\0')
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            return self.text(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
        match escape::resolve_xml_entity(&name) {
            Some(words) => self.text(words.as_bytes()),
            None => Err(self.unexpected("an entity that XML itself does not have")),
        }
    }

    fn end(mut self) -> Result<Element, ParseError> {
        match self.root.take() {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(self.truncated()),
        }
    }

    fn truncated(&self) -> ParseError {
        ParseError::Truncated {
            reading: READING,
            line: self.line,
            missing: "the end of the XML is missing".into(),
        }
    }

    fn unexpected(&self, reason: impl Into<std::borrow::Cow<'static, str>>) -> ParseError {
        let start = self.counted.saturating_sub(40);
        ParseError::Unexpected {
            reading: READING,
            line: self.line,
            reason: reason.into(),
            excerpt: Excerpt::new(self.bytes.get(start..self.counted).unwrap_or_default()),
        }
    }
}
