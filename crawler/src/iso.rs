//! The ISO images on a node's volumes.
//!
//! They are searched for beside the rounds: `find` stands still on a volume whose server is away,
//! and neither VMs nor the images of other volumes should wait for it.

use std::path::Path;
use std::time::Duration;

use ecoman_esxi::parse::{self, ParseError};
use ecoman_esxi::{Command, Host, Output, Quota, Session, SessionFault};
use ecoman_model::{Datastore, FailureKind, IsoImage, NodeFacts, NodeName};

use crate::error::{failed, unreadable};
use crate::read_apart::read_apart;

/// So many volumes may stand still; then the search skips the others, whose server is likely the
/// same. Each keeps a session of the node for the time of a command.
const MAX_HUNG_VOLUMES: usize = 3;

/// What a search may read, and how long it may take: some 30,000 paths.
const SEARCH_BYTES: usize = 4 * 1024 * 1024;
const SEARCH_TIME: Duration = Duration::from_secs(10 * 60);

/// So many complaints of `find` are kept for each volume.
const MAX_COMPLAINTS: usize = 100;

/// What a search found.
#[derive(Debug, Default)]
pub(crate) struct IsoImages {
    images: Vec<IsoImage>,
    /// Volumes that could not be read at all.
    unread: Vec<String>,
    /// What `find` could not read on the others, a line each:
    /// `find: /vmfs/volumes/gone/: No such file or directory`.
    complaints: Vec<String>,
    /// Why `unread` were not read, a sentence each.
    reasons: Vec<String>,
}

impl IsoImages {
    /// Puts the images that were found into the facts of their node. Images that are known and
    /// lie where nothing could be read now stay.
    pub(crate) fn merge_into(&self, facts: &mut NodeFacts) {
        facts.iso_images.retain(|image| self.is_unread(&image.path));
        facts.iso_images.extend(self.images.iter().cloned());
        facts.iso_images.sort();
        facts.iso_images.dedup();
    }

    /// One sentence for all that could not be read.
    pub(crate) fn warning(&self, host: &Host) -> Option<String> {
        let count = self.reasons.len() + self.complaints.len();
        let first = self.complaints.iter().chain(&self.reasons).next()?;
        let more = match count {
            1 => String::new(),
            count => format!(" (and {} more)", count - 1),
        };
        Some(format!("{}: {INCOMPLETE}: {first}{more}", host.name))
    }

    /// Whether a file is something, or lies within something, that could not be read.
    fn is_unread(&self, path: &str) -> bool {
        Path::new(path)
            .ancestors()
            .filter_map(Path::to_str)
            .any(|folder| {
                self.unread.iter().any(|volume| volume == folder)
                    || self.complaints.iter().any(|line| is_about(line, folder))
            })
    }
}

const INCOMPLETE: &str = "the list of ISO images is incomplete";

/// Whether a warning of a node is one of [`IsoImages::warning`].
pub(crate) fn is_iso_warning(warning: &str) -> bool {
    warning.contains(INCOMPLETE)
}

/// Searches the volumes one after another, in one session of the node. Paths begin with the name
/// of the volume where it has one, as people know it. `None`: the connection was lost.
pub(crate) async fn iso_images(
    session: &Session,
    host: &Host,
    volumes: &[Datastore],
    timeout: Duration,
) -> Option<IsoImages> {
    let mut found = IsoImages::default();
    let mut hung = 0;
    let quota = Quota::new(SEARCH_BYTES, SEARCH_TIME);
    for volume in volumes.iter().filter(|volume| volume.accessible) {
        let path = match &volume.name {
            Some(name) if !name.is_empty() => format!("/vmfs/volumes/{name}"),
            _ => volume.path.clone(),
        };
        let skipped = quota.exhausted().map(|used_up| used_up.to_string());
        let skipped = skipped.or_else(|| {
            (hung == MAX_HUNG_VOLUMES).then(|| format!("{hung} other datastores did not respond"))
        });
        if let Some(reason) = skipped {
            found.reasons.push(format!("{path} not searched: {reason}"));
            found.unread.push(path);
            continue;
        }
        let command = Command::iso_images(std::slice::from_ref(&path));
        let reason = match session.run(&command, timeout).await {
            Ok(output) => {
                quota.spend(output.bytes());
                let (images, output) = read_apart(output.bytes(), move || {
                    (parse::iso_images(&output.stdout), output)
                })
                .await;
                match found.add(&host.name, &path, &command, &output, images) {
                    Ok(()) => continue,
                    Err(reason) => reason,
                }
            }
            Err(error) if error.kind() == FailureKind::Disconnected => return None,
            Err(error) => {
                hung += usize::from(matches!(error.fault, SessionFault::Timeout { .. }));
                error.fault.to_string()
            }
        };
        found.reasons.push(reason);
        found.unread.push(path);
    }
    Some(found)
}

impl IsoImages {
    /// Adds the answer for one volume; or returns why it cannot be read.
    fn add(
        &mut self,
        node: &NodeName,
        volume: &str,
        command: &Command,
        output: &Output,
        images: Result<Vec<IsoImage>, ParseError>,
    ) -> Result<(), String> {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let complaints: Vec<&str> = stderr.trim().lines().collect();
        // `find` goes on behind what it cannot read, and says so. After any other fault nothing
        // says how much of the list is there.
        let went_on = !complaints.is_empty()
            && complaints.iter().all(|line| {
                object(line)
                    .and_then(|text| text.strip_prefix(volume))
                    .is_some_and(|rest| rest.starts_with('/'))
            });
        if output.exit != 0 && !went_on {
            return Err(failed(node, command, output).message);
        }
        self.images
            .extend(images.map_err(|error| unreadable(node, command, output, &error).message)?);
        if went_on {
            self.complaints.extend(
                complaints
                    .into_iter()
                    .take(MAX_COMPLAINTS)
                    .map(str::to_owned),
            );
        }
        Ok(())
    }
}

/// Whether a complaint of `find` is about a path, be it in quotes or with a slash behind it.
fn is_about(complaint: &str, path: &str) -> bool {
    let about = |rest: &str| rest.trim_start_matches(['/', '\'']).starts_with(": ");
    object(complaint)
        .and_then(|text| text.strip_prefix(path))
        .is_some_and(about)
}

/// A complaint of `find` without the name of the program.
fn object(complaint: &str) -> Option<&str> {
    let text = complaint.strip_prefix("find: ")?;
    Some(text.strip_prefix('\'').unwrap_or(text))
}
