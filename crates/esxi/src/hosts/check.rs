//! From YAML to nodes: the rules of hosts.yml, all of them checked on every entry.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::time::Duration;

use ecoman_model::{Collect, NodeName, NodeSettings};

use super::host::{Host, Hosts, HostsError, HostsProblem};
use super::key;
use super::stamp::{Stamp, stamp};
use super::yaml::{self, Kind, Value};

/// The outcome of reading a hosts.yml.
pub(super) struct Loaded {
    pub(super) outcome: Result<Hosts, HostsError>,
    /// The key files that it names, usable or not, as they were before they were read.
    pub(super) key_files: Vec<(PathBuf, Stamp)>,
}

const REQUIRED: [&str; 6] = [
    "addr",
    "username",
    "identity_file_path",
    "datastore_path",
    "installer_iso_path",
    "network_port_group",
];
const OPTIONAL: [&str; 5] = [
    "port",
    "max_sessions",
    "read_only",
    "connect_timeout_seconds",
    "collect",
];
/// Without the key it is the default of the session, 30 s.
const CONNECT_TIMEOUT: &str = "connect_timeout_seconds";
/// YAML's merge key: the entries of another mapping, unless the key is given here.
const MERGE: &str = "<<";

impl Hosts {
    /// Reads and checks a hosts.yml and the key files that it names.
    ///
    /// Relative key files belong to the folder of the file; `~/` is the home directory.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or anything in it is not as it should be: all problems at once.
    pub fn load(path: &Path) -> Result<Self, HostsError> {
        load(path).outcome
    }
}

pub(super) fn load(path: &Path) -> Loaded {
    let content = match fs::read(path) {
        Ok(content) => content,
        Err(source) => {
            let path = path.to_owned();
            return Loaded {
                outcome: Err(HostsError::Read { path, source }),
                key_files: Vec::new(),
            };
        }
    };
    let mut check = Check {
        folder: folder(path),
        nodes: Vec::new(),
        warnings: Vec::new(),
        problems: Vec::new(),
        key_files: Vec::new(),
    };
    check.file(&content);
    check.problems.sort_by_key(|problem| problem.line);
    let path = path.to_owned();
    let outcome = if check.problems.is_empty() {
        Ok(Hosts {
            path,
            nodes: check.nodes,
            warnings: check.warnings,
        })
    } else {
        let problems = check.problems;
        Err(HostsError::Invalid { path, problems })
    };
    Loaded {
        outcome,
        key_files: check.key_files,
    }
}

/// The folder that relative key files belong to, absolute where the working directory is known.
fn folder(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute
        .parent()
        .map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

struct Check {
    folder: PathBuf,
    nodes: Vec<Host>,
    warnings: Vec<HostsProblem>,
    problems: Vec<HostsProblem>,
    key_files: Vec<(PathBuf, Stamp)>,
}

/// A key of a node with its value.
struct Field {
    line: usize,
    value: Value,
}

impl Check {
    fn file(&mut self, content: &[u8]) {
        let text = match std::str::from_utf8(content) {
            Ok(text) => text,
            Err(error) => {
                let good = content.get(..error.valid_up_to()).unwrap_or_default();
                let line = 1 + good.iter().filter(|&&byte| byte == b'\n').count();
                self.problem(line, None, None, "not UTF-8: save the file as UTF-8");
                return;
            }
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let document = match yaml::read(text) {
            Ok(document) => document.filter(|value| !value.is_null()),
            Err(broken) => {
                self.problem(broken.line, None, None, broken.message);
                return;
            }
        };
        let Some(document) = document else {
            self.problem(1, None, None, "the file has no node");
            return;
        };
        let Kind::Mapping(entries) = document.kind else {
            let message = format!(
                "the file is {}, but must be a mapping from node names to their keys",
                document.describe()
            );
            self.problem(document.line, None, None, message);
            return;
        };
        if entries.iter().all(
            |(key, value)| matches!(&key.kind, Kind::Text { text, .. } if is_shared(text, value)),
        ) {
            self.problem(document.line, None, None, "the file has no node");
        }
        let mut lines: HashMap<String, usize> = HashMap::new();
        for (name, value) in entries {
            self.node(&name, value, &mut lines);
        }
    }

    fn node(&mut self, name: &Value, value: Value, lines: &mut HashMap<String, usize>) {
        let line = name.line;
        let Kind::Text { text: shown, .. } = &name.kind else {
            let message = format!("a node name must be a text, not {}", name.describe());
            self.problem(line, None, None, message);
            return;
        };
        if is_shared(shown, &value) {
            return;
        }
        if let Some(first) = lines.get(shown) {
            let message = format!("duplicate node, first in line {first}");
            self.problem(line, Some(shown), None, message);
        } else {
            lines.insert(shown.clone(), line);
        }
        let name = match shown.parse::<NodeName>() {
            Ok(name) => Some(name),
            Err(error) => {
                self.problem(line, Some(shown), None, error.to_string());
                None
            }
        };
        let described = value.describe();
        let Kind::Mapping(entries) = value.kind else {
            let message = format!(
                "the entry of a node must be a mapping with the keys {}, not {described}",
                REQUIRED.join(", ")
            );
            self.problem(value.line, Some(shown), None, message);
            return;
        };
        let mut fields = HashMap::new();
        self.fields(shown, entries, &mut fields);

        let before = self.problems.len();
        for key in REQUIRED {
            if !fields.contains_key(key) {
                self.problem(line, Some(shown), Some(key), "this key is missing");
            }
        }
        let address = self.text(shown, &fields, "addr", address_rule);
        let username = self.text(shown, &fields, "username", username_rule);
        let datastore = self.text(shown, &fields, "datastore_path", absolute_rule);
        let iso = self.text(shown, &fields, "installer_iso_path", |_| None);
        let port_group = self.text(shown, &fields, "network_port_group", |_| None);
        let port = self.number(shown, &fields, "port", 1..=u16::MAX, 22);
        let max_sessions = self.number(shown, &fields, "max_sessions", 1..=10, 4);
        let read_only = self.boolean(shown, &fields, "read_only");
        let seconds = self.number(shown, &fields, CONNECT_TIMEOUT, 1..=600, 30);
        let connect_timeout = fields
            .contains_key(CONNECT_TIMEOUT)
            .then(|| Duration::from_secs(seconds.into()));
        let rule = |text: &str| text.parse::<Collect>().err().map(|error| error.to_string());
        let collect = self.text(shown, &fields, "collect", rule);
        let collect = collect.and_then(|text| text.parse().ok());
        let identity = self.text(shown, &fields, "identity_file_path", |_| None);
        let key = identity.and_then(|path| self.key_file(shown, &fields, &path));

        let (Some(name), Some(address), Some(username), Some(datastore), Some(iso)) =
            (name, address, username, datastore, iso)
        else {
            return;
        };
        let (Some(port_group), Some((identity_file, content))) = (port_group, key) else {
            return;
        };
        if self.problems.len() > before {
            return;
        }
        let settings = NodeSettings {
            address,
            port,
            username,
            datastore_path: datastore.trim_end_matches('/').to_owned(),
            installer_iso_path: iso,
            network_port_group: port_group,
            max_sessions: u8::try_from(max_sessions).unwrap_or(10),
            read_only,
        };
        let fingerprint = fingerprint(&name, &settings, (connect_timeout, collect), &content);
        self.nodes.push(Host {
            name,
            settings,
            identity_file,
            connect_timeout,
            collect,
            line,
            fingerprint,
        });
    }

    /// Sorts the entries of a node by their key, merged ones included.
    fn fields(
        &mut self,
        node: &str,
        entries: Vec<(Value, Value)>,
        fields: &mut HashMap<String, Field>,
    ) {
        let mut merged = Vec::new();
        for (key, value) in entries {
            let line = key.line;
            let Kind::Text { text: key, plain } = key.kind else {
                let message = format!("a key must be a text, not {}", key.describe());
                self.problem(line, Some(node), None, message);
                continue;
            };
            if key == MERGE && plain {
                merged.push(value);
            } else if !REQUIRED.contains(&key.as_str()) && !OPTIONAL.contains(&key.as_str()) {
                let message = unknown_key(&key);
                self.problem(line, Some(node), Some(&key), message);
            } else if let Some(first) = fields.get(&key) {
                let message = format!("duplicate key, first in line {}", first.line);
                self.problem(line, Some(node), Some(&key), message);
            } else {
                fields.insert(key, Field { line, value });
            }
        }
        for value in merged {
            let line = value.line;
            let sources = match value.kind {
                Kind::List(items) => items,
                kind => vec![Value { line, kind }],
            };
            for source in sources {
                let described = source.describe();
                let Kind::Mapping(entries) = source.kind else {
                    let message = format!("a merge takes a mapping, not {described}");
                    self.problem(line, Some(node), Some(MERGE), message);
                    continue;
                };
                let mut more = HashMap::new();
                self.fields(node, entries, &mut more);
                for (key, field) in more {
                    fields.entry(key).or_insert(field);
                }
            }
        }
    }

    /// The text of a key; `None` after a problem was noted, or when the key is missing.
    fn text(
        &mut self,
        node: &str,
        fields: &HashMap<String, Field>,
        key: &str,
        rule: impl Fn(&str) -> Option<String>,
    ) -> Option<String> {
        let Field { value, .. } = fields.get(key)?;
        let problem = match &value.kind {
            Kind::Text { text, .. } if value.is_null() || text.trim().is_empty() => {
                "the value is empty".to_owned()
            }
            Kind::Text { text, .. } if text.chars().any(char::is_control) => {
                "the value must not contain line breaks or other control characters".to_owned()
            }
            Kind::Text { text, .. } => match rule(text) {
                None => return Some(text.clone()),
                Some(problem) => problem,
            },
            _ => format!("the value must be a text, not {}", value.describe()),
        };
        self.problem(value.line, Some(node), Some(key), problem);
        None
    }

    fn number(
        &mut self,
        node: &str,
        fields: &HashMap<String, Field>,
        key: &str,
        allowed: std::ops::RangeInclusive<u16>,
        default: u16,
    ) -> u16 {
        let Some(Field { value, .. }) = fields.get(key) else {
            return default;
        };
        let range = format!(
            "must be a whole number from {} to {}",
            allowed.start(),
            allowed.end()
        );
        let problem = match &value.kind {
            Kind::Text { text, .. } if value.is_null() || text.trim().is_empty() => {
                format!("the value is empty; it {range}, and without this key it is {default}")
            }
            Kind::Text { text, .. } => match text.trim().parse::<u16>() {
                Ok(number) if allowed.contains(&number) => return number,
                _ => format!("{text} is out of range: it {range}"),
            },
            _ => format!("the value {range}, not {}", value.describe()),
        };
        self.problem(value.line, Some(node), Some(key), problem);
        default
    }

    fn boolean(&mut self, node: &str, fields: &HashMap<String, Field>, key: &str) -> bool {
        let Some(Field { value, .. }) = fields.get(key) else {
            return false;
        };
        let problem = match &value.kind {
            Kind::Text { text, .. } if value.is_null() || text.trim().is_empty() => {
                "the value is empty; it must be true or false".to_owned()
            }
            Kind::Text { text, .. } => match text.trim().to_ascii_lowercase().as_str() {
                "true" => return true,
                "false" => return false,
                _ => format!("the value must be true or false, not {text}"),
            },
            _ => format!("the value must be true or false, not {}", value.describe()),
        };
        self.problem(value.line, Some(node), Some(key), problem);
        false
    }

    fn key_file(
        &mut self,
        node: &str,
        fields: &HashMap<String, Field>,
        written: &str,
    ) -> Option<(PathBuf, Vec<u8>)> {
        const KEY: &str = "identity_file_path";
        let line = fields.get(KEY)?.value.line;
        let path = match written.strip_prefix("~/") {
            Some(rest) => match std::env::home_dir() {
                Some(home) => home.join(rest),
                None => {
                    let message = "the home directory is unknown: write the whole path instead of \
                                   ~/";
                    self.problem(line, Some(node), Some(KEY), message);
                    return None;
                }
            },
            None => self.folder.join(written),
        };
        self.key_files.push((path.clone(), stamp(&path)));
        match key::inspect(&path) {
            Ok(key) => {
                if let Some(message) = key.warning {
                    self.warnings.push(HostsProblem {
                        line,
                        node: Some(node.to_owned()),
                        key: Some(KEY.to_owned()),
                        message,
                    });
                }
                Some((path, key.content))
            }
            Err(message) => {
                self.problem(line, Some(node), Some(KEY), message);
                None
            }
        }
    }

    fn problem(
        &mut self,
        line: usize,
        node: Option<&str>,
        key: Option<&str>,
        message: impl Into<String>,
    ) {
        self.problems.push(HostsProblem {
            line,
            node: node.map(str::to_owned),
            key: key.map(str::to_owned),
            message: message.into(),
        });
    }
}

/// Whether an entry only holds values that nodes merge, and is no node: its key begins with a dot,
/// or with `x-` as in Compose files, and it has no address.
fn is_shared(key: &str, value: &Value) -> bool {
    let Kind::Mapping(entries) = &value.kind else {
        return false;
    };
    let has_address = entries
        .iter()
        .any(|(key, _)| matches!(&key.kind, Kind::Text { text, .. } if text == "addr"));
    (key.starts_with('.') || key.starts_with("x-")) && !has_address
}

fn fingerprint(
    name: &NodeName,
    settings: &NodeSettings,
    of_crawler: (Option<Duration>, Option<Collect>),
    key: &[u8],
) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    let NodeSettings {
        address,
        port,
        username,
        datastore_path,
        installer_iso_path,
        network_port_group,
        max_sessions,
        read_only,
    } = settings;
    (address, port, username, datastore_path).hash(&mut hasher);
    (installer_iso_path, network_port_group).hash(&mut hasher);
    (max_sessions, read_only, of_crawler).hash(&mut hasher);
    key.hash(&mut hasher);
    hasher.finish()
}

fn unknown_key(key: &str) -> String {
    let known = || REQUIRED.into_iter().chain(OPTIONAL);
    let closest = known()
        .map(|candidate| (strsim::jaro_winkler(key, candidate), candidate))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= 0.8);
    match closest {
        Some((_, candidate)) => format!("unknown key; did you mean {candidate}?"),
        None => format!(
            "unknown key; allowed are {}",
            known().collect::<Vec<_>>().join(", ")
        ),
    }
}

/// Host names and IP addresses have none of the characters that ssh would read as something else.
fn address_rule(text: &str) -> Option<String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if text.starts_with('[') {
        return Some("write an IPv6 address without brackets, the port under the key port".into());
    }
    if !text.contains("::")
        && text.parse::<std::net::IpAddr>().is_err()
        && text.matches(':').count() == 1
    {
        return Some(format!(
            "{text} must be a host name or an IP address alone; the port has a key of its own, port"
        ));
    }
    if text.starts_with('-') || !text.chars().all(allowed) {
        return Some(format!(
            "{text} is neither a host name nor an IP address (letters, digits, dots and hyphens)"
        ));
    }
    None
}

fn username_rule(text: &str) -> Option<String> {
    let refused = |c: char| c.is_whitespace() || "'`\";&<>|(){}".contains(c);
    (text.starts_with('-') || text.chars().any(refused))
        .then(|| format!("{text} is not a valid user name for ssh"))
}

fn absolute_rule(text: &str) -> Option<String> {
    if !text.starts_with('/') {
        return Some(format!(
            "{text} must be an absolute path, such as /vmfs/volumes/datastore1"
        ));
    }
    if text.split('/').any(|part| part == "..") {
        return Some(format!("{text} must not lead upwards (..)"));
    }
    text.trim_end_matches('/')
        .is_empty()
        .then(|| "the root directory is not a datastore: use a path below /vmfs/volumes".into())
}
