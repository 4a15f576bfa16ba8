//! Datastores as hostd sees them: `hostsvc/datastore/listsummary` and `vmsvc/get.datastores`.

use ecoman_model::Datastore;

use super::dump::{Item, Trailing};
use super::error::ParseError;
use super::fault_reader;
use super::input::{Input, Line, digits, line_text, plausible, without_padding};

/// Reads what `vim-cmd hostsvc/datastore/listsummary` printed (vim.Datastore.Summary each).
///
/// # Errors
/// As for [`summary`](super::summary()); [`ParseError::Value`] where a datastore has no path.
pub fn datastore_listsummary(stdout: &[u8]) -> Result<Vec<Datastore>, ParseError> {
    let input = Input::with_text("datastore.listsummary", stdout)?;
    let dump = fault_reader::expect_dump(&input, &["vim.Datastore.Summary"], Trailing::Refused)?;
    let Some(root) = dump.root() else {
        return Err(input.truncated("the dump is empty"));
    };
    root.children().map(datastore).collect()
}

fn datastore(summary: Item<'_>) -> Result<Datastore, ParseError> {
    let warnings = &mut Vec::new();
    let accessible = summary
        .boolean("accessible")?
        .ok_or_else(|| summary.error("a datastore that says whether it is accessible"))?;
    Ok(Datastore {
        name: summary.some_text("name", warnings)?,
        path: summary
            .some_text("url", warnings)?
            .ok_or_else(|| summary.error("a datastore with a url"))?,
        kind: summary.text("type", warnings)?.unwrap_or_default(),
        accessible,
        capacity_bytes: summary.number("capacity")?,
        free_bytes: summary.number("freeSpace")?,
    })
}

/// Reads what `vim-cmd vmsvc/get.datastores ID` printed: a table that lies on its side, one
/// column per datastore, three blanks apart, each as wide as its longest value.
///
/// # Errors
/// [`ParseError::Fault`] where the node printed a fault instead; [`ParseError::Truncated`] where
/// a line is missing; [`ParseError::Unexpected`] where the lines do not fit each other.
pub fn vm_datastores(stdout: &[u8]) -> Result<Vec<Datastore>, ParseError> {
    let input = Input::with_text("get.datastores", stdout)?;
    let lines: Vec<Line<'_>> = input
        .lines_from(0)
        .filter(|line| !line.text.trim_ascii().is_empty())
        .collect();
    let find = |name: &str| {
        lines.iter().find(|line| {
            line.text
                .strip_prefix(name.as_bytes())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(b" "))
        })
    };
    if find("name").is_none() {
        return Err(fault_reader::or_unexpected(&input, "no line `name`"));
    }
    let row = |name: &'static str| match find(name) {
        Some(line) if line.ended => Ok(*line),
        Some(_) => Err(input.truncated("the last line has no line end")),
        None => Err(input.truncated(format!("the line `{name}` is missing"))),
    };
    let names = row("name")?;
    let urls = row("url")?;
    let capacities = row("capacity")?;
    let free = row("freeSpace")?;
    let accessible = row("accessible")?;
    let kinds = row("type")?;

    // Paths hold no blanks, so they show where the columns are.
    let starts = column_starts(urls.text);
    let columns: Vec<(usize, usize)> = starts
        .iter()
        .enumerate()
        .map(|(place, &start)| {
            let end = starts
                .get(place + 1)
                .map_or(usize::MAX, |next| next.saturating_sub(3));
            (start, end)
        })
        .collect();
    for line in [names, urls, capacities, free, accessible, kinds] {
        let fits = starts.iter().all(|&start| {
            line.text
                .get(start.saturating_sub(3)..start)
                .is_some_and(|between| between == b"   ")
        });
        if !fits {
            return Err(input.unexpected(
                line.start,
                "the columns are not where the line `url` has them",
            ));
        }
    }
    columns
        .into_iter()
        .map(|(start, end)| {
            let cell = |line: Line<'_>| -> Vec<u8> {
                let end = end.min(line.text.len());
                without_padding(line.text.get(start..end).unwrap_or_default()).to_vec()
            };
            let words = |line| line_text(&cell(line), "a datastore", &mut Vec::new());
            let number = |line: Line<'_>, field| {
                let value = cell(line);
                if value == b"<unset>" {
                    return Ok(None);
                }
                digits(&value)
                    .map(plausible)
                    .ok_or_else(|| input.value(line.start, field, "a whole number", &value))
            };
            Ok(Datastore {
                name: Some(words(names)).filter(|name| !name.is_empty()),
                path: words(urls),
                kind: words(kinds),
                accessible: match cell(accessible).as_slice() {
                    b"1" | b"true" => true,
                    b"0" | b"false" => false,
                    other => {
                        return Err(input.value(accessible.start, "accessible", "1 or 0", other));
                    }
                },
                capacity_bytes: number(capacities, "capacity")?,
                free_bytes: number(free, "freeSpace")?,
            })
        })
        .collect()
}

/// Where words begin that have two blanks or more before them.
fn column_starts(line: &[u8]) -> Vec<usize> {
    let mut starts = Vec::new();
    let mut blanks = 0;
    for (place, &byte) in line.iter().enumerate() {
        if byte == b' ' {
            blanks += 1;
            continue;
        }
        if blanks >= 2 {
            starts.push(place);
        }
        blanks = 0;
    }
    starts
}
