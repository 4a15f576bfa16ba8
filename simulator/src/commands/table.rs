//! Tables and lists in the layouts of `vim-cmd` and `esxcli`. Widths are counted in bytes.

/// A cell of an esxcli result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cell {
    Text(String),
    Number(u64),
    Flag(bool),
}

impl Cell {
    fn show(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Cell {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Cell {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<bool> for Cell {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// One structure of an esxcli result: labels and values in the order of the text.
pub(super) type Record = Vec<(&'static str, Cell)>;

/// How esxcli shows a result as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One structure, a line each.
    Single,
    /// A table with a ruler of dashes.
    Table,
    /// A block of lines each, under the first value of each structure.
    Blocks(&'static str),
    /// A bare value.
    Value,
}

/// What an esxcli command brings.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) kind: &'static str,
    pub(super) shape: Shape,
    pub(super) records: Vec<Record>,
}

impl Answer {
    /// The answer as `--formatter` wants it; `None` for an unknown formatter.
    pub(super) fn show(&self, formatter: Option<&str>) -> Option<String> {
        match formatter {
            None => Some(self.text()),
            Some("csv") => Some(self.csv()),
            Some("xml") => Some(self.xml()),
            Some("json") => Some(self.json()),
            Some("keyvalue") => Some(self.key_value()),
            Some(_) => None,
        }
    }

    fn text(&self) -> String {
        match self.shape {
            Shape::Single => self.records.iter().map(lines).collect(),
            Shape::Table => self.table(),
            Shape::Value => self
                .records
                .iter()
                .flatten()
                .map(|(_, cell)| format!("   {}\n", cell.show()))
                .collect(),
            Shape::Blocks(title) => {
                let blocks: Vec<String> = self
                    .records
                    .iter()
                    .map(|record| {
                        let head = record.iter().find(|(label, _)| *label == title);
                        let head = head.map(|(_, cell)| cell.show()).unwrap_or_default();
                        format!("{head}\n{}", lines(record))
                    })
                    .collect();
                blocks.join("\n")
            }
        }
    }

    fn table(&self) -> String {
        let Some(first) = self.records.first() else {
            return String::new();
        };
        let width = |column: usize| {
            let values = self.records.iter().filter_map(|record| record.get(column));
            let label = first.get(column).map_or(0, |(label, _)| label.len());
            values
                .map(|(_, cell)| cell.show().len())
                .fold(label, usize::max)
        };
        let widths: Vec<usize> = (0..first.len()).map(width).collect();
        let row = |texts: Vec<String>| {
            let cells = texts.into_iter().zip(&widths).zip(first);
            let cells: Vec<String> = cells
                .map(|((text, &width), (_, cell))| match cell {
                    Cell::Text(_) => pad(&text, width),
                    Cell::Number(_) | Cell::Flag(_) => {
                        " ".repeat(width.saturating_sub(text.len())) + &text
                    }
                })
                .collect();
            cells.join("  ").trim_end().to_owned() + "\n"
        };
        let mut text = row(first.iter().map(|(label, _)| (*label).to_owned()).collect());
        text += &row(widths.iter().map(|&width| "-".repeat(width)).collect());
        for record in &self.records {
            text += &row(record.iter().map(|(_, cell)| cell.show()).collect());
        }
        text
    }

    fn csv(&self) -> String {
        let Some(first) = self.records.first() else {
            return String::new();
        };
        let mut text: String = sorted(first)
            .iter()
            .map(|(key, _)| format!("{key},"))
            .collect();
        text.push('\n');
        for record in &self.records {
            for (_, cell) in sorted(record) {
                let value = cell.show();
                if value.contains([',', '"', '\n']) {
                    text += &format!("\"{}\",", value.replace('"', "\"\""));
                } else {
                    text += &format!("{value},");
                }
            }
            text.push('\n');
        }
        text
    }

    fn xml(&self) -> String {
        let mut body = String::new();
        let list = matches!(self.shape, Shape::Table | Shape::Blocks(_));
        let indent = if list { "      " } else { "   " };
        for record in &self.records {
            body += &format!("{indent}<structure typeName=\"{}\">\n", self.kind);
            for (key, cell) in sorted(record) {
                let kind = match cell {
                    Cell::Text(_) => "string",
                    Cell::Number(_) => "integer",
                    Cell::Flag(_) => "boolean",
                };
                body += &format!(
                    "{indent}   <field name=\"{key}\">\n\
                     {indent}      <{kind}>{}</{kind}>\n\
                     {indent}   </field>\n",
                    escape_xml(&cell.show())
                );
            }
            body += &format!("{indent}</structure>\n");
        }
        if list {
            body = format!("   <list type=\"structure\">\n{body}   </list>\n");
        }
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n\
             <output xmlns=\"http://www.vmware.com/Products/ESX/5.0/esxcli\">\n\
             <root>\n{body}</root>\n</output>\n"
        )
    }

    fn json(&self) -> String {
        let objects = self.records.iter().map(|record| {
            let members = sorted(record).into_iter().map(|(key, cell)| {
                let value = match cell {
                    Cell::Text(text) => serde_json::Value::from(text.as_str()),
                    Cell::Number(number) => serde_json::Value::from(*number),
                    Cell::Flag(flag) => serde_json::Value::from(*flag),
                };
                (key, value)
            });
            serde_json::Value::Object(members.collect())
        });
        let value = match self.shape {
            Shape::Table | Shape::Blocks(_) => serde_json::Value::Array(objects.collect()),
            Shape::Single | Shape::Value => objects.collect(),
        };
        format!("{value:#}\n")
    }

    fn key_value(&self) -> String {
        let mut text = String::new();
        for record in &self.records {
            for (key, cell) in sorted(record) {
                let kind = match cell {
                    Cell::Text(_) => "string",
                    Cell::Number(_) => "integer",
                    Cell::Flag(_) => "boolean",
                };
                text += &format!("{}.{key}.{kind}={}\n", self.kind, cell.show());
            }
        }
        text
    }
}

/// Keys without blanks in alphabetical order, as every formatter but the text has them.
fn sorted(record: &Record) -> Vec<(String, &Cell)> {
    let mut fields: Vec<_> = record
        .iter()
        .map(|(label, cell)| (label.replace(' ', ""), cell))
        .collect();
    fields.sort_by(|(one, _), (other, _)| one.cmp(other));
    fields
}

fn lines(record: &Record) -> String {
    record
        .iter()
        .map(|(label, cell)| format!("   {label}: {}\n", cell.show()))
        .collect()
}

fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The text with blanks up to `width` bytes.
pub(super) fn pad(text: &str, width: usize) -> String {
    let mut padded = text.to_owned();
    padded.extend(std::iter::repeat_n(' ', width.saturating_sub(text.len())));
    padded
}

/// The table of `getallvms`: three blanks between columns, labels in the middle of theirs,
/// every row as long as the table.
pub(super) fn centred<const N: usize>(labels: [&str; N], rows: &[[String; N]]) -> String {
    let mut widths = labels.map(str::len);
    for row in rows {
        for (width, value) in widths.iter_mut().zip(row) {
            *width = (*width).max(value.len());
        }
    }
    let header: Vec<String> = labels
        .iter()
        .zip(widths)
        .map(|(label, width)| {
            let left = (width - label.len()) / 2;
            pad(&(" ".repeat(left) + label), width)
        })
        .collect();
    let mut text = header.join("   ") + "\n";
    for row in rows {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .map(|(value, width)| pad(value, width))
            .collect();
        text += &cells.join("   ");
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commas_and_quotes_in_csv_are_quoted() {
        let answer = Answer {
            kind: "Volume",
            shape: Shape::Table,
            records: vec![vec![
                ("Volume Name", "a,\"b\"".into()),
                ("Free", 3_u64.into()),
            ]],
        };
        assert_eq!(answer.csv(), "Free,VolumeName,\n3,\"a,\"\"b\"\"\",\n");
    }
}
