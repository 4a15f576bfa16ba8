//! YAML with the line of everything, duplicates kept: what serde would throw away is what the
//! messages need.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError};

/// A value with the line that it begins on.
#[derive(Clone, Debug)]
pub(super) struct Value {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// `plain`: written without quotes, so that `~` and nothing at all mean "no value".
    Text {
        text: String,
        plain: bool,
    },
    List(Vec<Value>),
    /// In the order of the file, equal keys included.
    Mapping(Vec<(Value, Value)>),
}

/// Why a text is no YAML.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) line: usize,
    pub(super) message: String,
}

/// More than any list of nodes needs; keeps aliases of aliases from filling the memory.
const MAX_VALUES: usize = 200_000;
const MAX_DEPTH: usize = 32;

/// The one document of `text`; `None` when it has none.
pub(super) fn read(text: &str) -> Result<Option<Value>, Broken> {
    let mut reader = Reader {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        values: 0,
    };
    let mut document = None;
    loop {
        let (event, line) = reader.next()?;
        match event {
            Event::StreamEnd => return Ok(document),
            Event::DocumentStart(_) if document.is_some() => {
                return Err(Broken {
                    line,
                    message: "a second YAML document begins here; one file is one document".into(),
                });
            }
            Event::DocumentStart(_) => {
                let (event, line) = reader.next()?;
                document = Some(reader.value(event, line, 0)?);
            }
            _ => {}
        }
    }
}

impl Value {
    /// What it is, in the words of a message.
    pub(super) fn describe(&self) -> &'static str {
        match &self.kind {
            Kind::Text { .. } if self.is_null() => "no value",
            Kind::Text { .. } => "a text",
            Kind::List(_) => "a list",
            Kind::Mapping(_) => "a mapping",
        }
    }

    /// Whether it is YAML's null: nothing at all, `~` or `null`.
    pub(super) fn is_null(&self) -> bool {
        matches!(
            &self.kind,
            Kind::Text { text, plain: true }
                if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL")
        )
    }
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Value>,
    values: usize,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<(Event<'a>, usize), Broken> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, span.start.line())),
            Some(Err(error)) => Err(broken(&error)),
            None => Ok((Event::StreamEnd, 0)),
        }
    }

    fn value(&mut self, event: Event<'a>, line: usize, depth: usize) -> Result<Value, Broken> {
        self.count(1, line)?;
        if depth > MAX_DEPTH {
            return Err(Broken {
                line,
                message: format!("nested deeper than {MAX_DEPTH} levels"),
            });
        }
        let (kind, anchor) = match event {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                let text = text.into_owned();
                (Kind::Text { text, plain }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break (Kind::List(items), anchor),
                        (event, line) => items.push(self.value(event, line, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(anchor, _) => {
                let mut entries = Vec::new();
                loop {
                    match self.next()? {
                        (Event::MappingEnd, _) => break (Kind::Mapping(entries), anchor),
                        (event, line) => {
                            let key = self.value(event, line, depth + 1)?;
                            let (event, line) = self.next()?;
                            // The place of a value that is missing is after the blank lines.
                            let value_line = match &event {
                                Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty() => {
                                    key.line
                                }
                                _ => line,
                            };
                            let value = self.value(event, value_line, depth + 1)?;
                            entries.push((key, value));
                        }
                    }
                }
            }
            Event::Alias(anchor) => {
                let Some(value) = self.anchors.get(&anchor).cloned() else {
                    return Err(Broken {
                        line,
                        message: "an alias refers to an anchor that it is part of".into(),
                    });
                };
                self.count(size(&value), line)?;
                return Ok(Value { line, ..value });
            }
            _ => {
                return Err(Broken {
                    line,
                    message: "a value is missing".into(),
                });
            }
        };
        let value = Value { line, kind };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn count(&mut self, more: usize, line: usize) -> Result<(), Broken> {
        self.values += more;
        if self.values > MAX_VALUES {
            return Err(Broken {
                line,
                message: format!("more than {MAX_VALUES} values"),
            });
        }
        Ok(())
    }
}

fn size(value: &Value) -> usize {
    1 + match &value.kind {
        Kind::Text { .. } => 0,
        Kind::List(items) => items.iter().map(size).sum(),
        Kind::Mapping(entries) => entries.iter().map(|(k, v)| size(k) + size(v)).sum(),
    }
}

fn broken(error: &ScanError) -> Broken {
    Broken {
        line: error.marker().line().max(1),
        message: format!("not YAML: {}", error.info()),
    }
}
