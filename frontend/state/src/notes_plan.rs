//! The same change of the notes of many VMs: what becomes of each.

use std::sync::Arc;

use ecoman_api::{COMMENT_BYTES, SeenSettings, UpdateVm, Vmid};

use crate::inventory::{Nodes, Row};
use crate::settings_draft::waits_until_off;
use crate::text;

/// What is done to the notes of each VM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotesChange {
    /// They become this text.
    Set(String),
    /// This text follows them, in a line of its own.
    Append(String),
    /// Each occurrence of a text becomes another one.
    Replace {
        /// What is looked for, as it stands there.
        find: String,
        /// What it becomes.
        with: String,
    },
}

impl NotesChange {
    /// Whether there is something to be done: nothing is looked for, or added, by an empty text.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Set(_) => true,
            Self::Append(text) => !text.is_empty(),
            Self::Replace { find, .. } => !find.is_empty(),
        }
    }

    /// What becomes of these notes.
    pub fn apply(&self, notes: &str) -> String {
        match self {
            _ if !self.is_complete() => notes.to_owned(),
            Self::Set(text) => text.clone(),
            Self::Append(text) if notes.is_empty() || notes.ends_with('\n') => {
                format!("{notes}{text}")
            }
            Self::Append(text) => format!("{notes}\n{text}"),
            Self::Replace { find, with } => notes.replace(find, with),
        }
    }
}

/// What becomes of the notes of one VM.
#[derive(Clone, Debug)]
pub struct NotesEdit {
    /// The VM.
    pub row: Arc<Row>,
    /// The notes now, or those that wait until it is off.
    pub before: String,
    /// The notes then.
    pub after: String,
    /// Whether the change waits until the VM is off.
    pub waits: bool,
}

impl NotesEdit {
    /// What is asked for.
    pub fn request(&self) -> UpdateVm {
        UpdateVm {
            comment: Some(self.after.clone()),
            seen: Some(SeenSettings {
                comment: Some(self.row.vm.comment.clone().unwrap_or_default()),
                ..SeenSettings::default()
            }),
            ..UpdateVm::default()
        }
    }
}

/// What becomes of the notes of many VMs.
#[derive(Clone, Debug, Default)]
pub struct NotesPlan {
    /// Those whose notes change.
    pub doing: Vec<NotesEdit>,
    /// Those whose notes stay as they are.
    pub same: Vec<Arc<Row>>,
    /// Those that are left out, with the reason.
    pub left_out: Vec<(Arc<Row>, String)>,
}

impl NotesPlan {
    /// Works out what becomes of each of `rows`.
    pub fn new(change: &NotesChange, rows: &[Arc<Row>], nodes: &Nodes) -> Self {
        let texts = &text::deferred().edit;
        let mut plan = Self::default();
        for row in rows {
            let vm = &row.vm;
            let waiting = vm.pending.as_ref().and_then(|it| it.comment.clone());
            let before = waiting.or_else(|| vm.comment.clone()).unwrap_or_default();
            let after = change.apply(&before);
            if nodes.get(&vm.node).is_some_and(|node| node.read_only) {
                let why = text::deferred().snapshots.read_only.to_owned();
                plan.left_out.push((Arc::clone(row), why));
            } else if after == before {
                plan.same.push(Arc::clone(row));
            } else if after.len() > COMMENT_BYTES {
                let why = (texts.too_long)(after.len(), COMMENT_BYTES);
                plan.left_out.push((Arc::clone(row), why));
            } else {
                let edit = NotesEdit {
                    row: Arc::clone(row),
                    before,
                    after,
                    waits: waits_until_off(vm),
                };
                match edit.request().edit(Vmid(vm.vmid)).check() {
                    Ok(_) => plan.doing.push(edit),
                    Err(faults) => {
                        let rules: Vec<_> = faults.into_iter().map(|fault| fault.rule).collect();
                        plan.left_out.push((Arc::clone(row), rules.join(", ")));
                    }
                }
            }
        }
        plan
    }

    /// How many of the changes wait until their VM is off.
    pub fn waiting(&self) -> usize {
        self.doing.iter().filter(|edit| edit.waits).count()
    }
}

#[cfg(test)]
mod tests {
    use ecoman_api::{PowerState, Vm};

    use super::*;
    use crate::format::tests::{node, vm};
    use crate::inventory::VmTable;

    fn rows(notes: &[(&str, PowerState)]) -> Vec<Arc<Row>> {
        let vms = notes.iter().zip(1..).map(|((notes, power), vmid)| Vm {
            comment: Some((*notes).to_owned()).filter(|notes| !notes.is_empty()),
            power: *power,
            ..vm("hoge", vmid)
        });
        VmTable::new(vms.collect()).rows().to_vec()
    }

    #[test]
    fn notes_are_set_appended_to_and_replaced() {
        let set = NotesChange::Set("new".to_owned());
        assert_eq!(
            (set.apply(""), set.apply("old")),
            ("new".into(), "new".into())
        );
        let append = NotesChange::Append("b".to_owned());
        assert_eq!(append.apply(""), "b");
        assert_eq!(append.apply("a"), "a\nb");
        assert_eq!(append.apply("a\n"), "a\nb");
        let replace = NotesChange::Replace {
            find: "ops".to_owned(),
            with: "dev".to_owned(),
        };
        assert_eq!(
            replace.apply("owner: ops, Ops, ops"),
            "owner: dev, Ops, dev"
        );
        for nothing in [
            NotesChange::Append(String::new()),
            NotesChange::Replace {
                find: String::new(),
                with: "x".to_owned(),
            },
        ] {
            assert!(!nothing.is_complete());
            assert_eq!(nothing.apply("a"), "a");
        }
    }

    #[test]
    fn the_plan_says_what_becomes_of_each() {
        let rows = rows(&[
            ("owner: ops", PowerState::Off),
            ("owner: ops", PowerState::On),
            ("other", PowerState::Off),
            ("", PowerState::Off),
        ]);
        let change = NotesChange::Replace {
            find: "ops".to_owned(),
            with: "dev".to_owned(),
        };
        let mut nodes = Nodes::new();
        nodes.insert("hoge".to_owned(), Arc::new(node("hoge")));
        let plan = NotesPlan::new(&change, &rows, &nodes);
        assert_eq!(
            (plan.doing.len(), plan.same.len(), plan.waiting()),
            (2, 2, 1)
        );
        let sent = plan
            .doing
            .first()
            .map(|edit| serde_json::json!(edit.request()));
        let expected = serde_json::json!({
            "comment": "owner: dev", "if": { "comment": "owner: ops" },
        });
        assert_eq!(sent, Some(expected));

        let long = NotesChange::Append("x".repeat(COMMENT_BYTES - 4));
        let plan = NotesPlan::new(&long, &rows, &nodes);
        let reasons: Vec<_> = plan.left_out.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(plan.doing.len(), 1, "the one without notes");
        assert_eq!(
            reasons.first(),
            Some(&"The notes would have 4,103 bytes; 4,096 is the most.")
        );

        let mut read_only = node("hoge");
        read_only.read_only = true;
        nodes.insert("hoge".to_owned(), Arc::new(read_only));
        assert_eq!(NotesPlan::new(&change, &rows, &nodes).left_out.len(), 4);
    }
}
