//! Which VMs a list shows, in which order and from where on.

use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use ecoman_api::{
    FieldError, Filter, Moment, SORTED_CHARACTERS, Sort, Vm, VmField, Word, vm_field,
};

use crate::http::body_cache::ListBody;
use crate::http::page_token::List;
use crate::http::query::Parameters;
use crate::inventory::published::{Snapshot, VmEntry};

/// The most VMs on one page, and how many there are in JSON where nothing is said.
pub(crate) const LIMIT: usize = 10_000;

/// No limit: how many VMs there are in CSV where nothing is said.
pub(crate) const NO_LIMIT: usize = usize::MAX;

/// A question for VMs.
#[derive(Debug)]
pub(crate) struct VmQuery {
    selection: Selection,
    limit: usize,
    /// The last VM of the page before.
    after: Option<Vm>,
}

/// An answer ([`ecoman_api::VmPage`]), put together of its VMs' own JSON as it is sent: many
/// megabytes that the snapshot holds already.
#[derive(Debug)]
pub(crate) struct ListPage {
    vms: Vec<Arc<VmEntry>>,
    total: usize,
    next_page: Option<String>,
    /// What stands behind the VMs.
    tail: String,
    len: usize,
}

/// How much of an answer is put together at once. As the HTTP library waits for the client with up
/// to 16 of them in hand, this bounds what a slow client costs.
const CHUNK_BYTES: usize = 16 * 1024;

impl VmQuery {
    /// Reads the parameters of a list. There are `usual` VMs on a page at most where they do not
    /// say how many.
    ///
    /// # Errors
    ///
    /// What is wrong with them, each by name.
    pub(crate) fn parse(query: Option<&str>, usual: usize) -> Result<Self, Vec<FieldError>> {
        let mut parameters = Parameters::new(query);
        let selection = Selection {
            filter: parameters
                .take("q", |text| {
                    Filter::parse(text)
                        .map_err(|error| format!("character {}: {error}", error.position + 1))
                })
                .unwrap_or_default(),
            nodes: parameters.take_list("node").unwrap_or_default(),
            power: parameters.take_words("power", &words(vm_field::power)),
            large: parameters.take_words("large", &words(vm_field::large)),
            sort: parameters
                .take("sort", |text| {
                    Sort::parse(text).map_err(|error| error.message)
                })
                .unwrap_or_default(),
        };
        let limit = parameters.take_limit(LIMIT);
        let after = parameters.take("page_token", |text| selection.read_token(text));
        parameters.finish("q, node, power, large, sort, limit and page_token")?;
        Ok(Self {
            selection,
            limit: limit.unwrap_or(usual),
            after,
        })
    }

    /// The same for the same question within a scope, however it was typed.
    pub(crate) fn canonical(&self, scope: &str) -> String {
        let after = self.after.as_ref().map(|vm| self.selection.token(vm));
        format!(
            "{scope}\n{}\n{}\n{}",
            self.selection.canonical(),
            self.limit,
            after.unwrap_or_default()
        )
    }

    /// Whether the answer changes with the time alone: such a one is that of no revision.
    pub(crate) fn depends_on_time(&self) -> bool {
        self.selection.filter.depends_on_time()
    }

    /// The answer at a time.
    pub(crate) fn answer(&self, snapshot: &Snapshot, now: DateTime<Utc>) -> ListPage {
        let vms = self.selection.select(snapshot, now);
        let start = self.after.as_ref().map_or(0, |after| {
            vms.partition_point(|vm| self.selection.sort.compare(after, &vm.view).is_ge())
        });
        let rest = vms.get(start..).unwrap_or_default();
        let page = rest.get(..self.limit).unwrap_or(rest);
        let next_page = page
            .last()
            .filter(|_| page.len() < rest.len())
            .map(|last| self.selection.token(&last.view));
        ListPage::new(
            page.iter().copied().map(Arc::clone).collect(),
            vms.len(),
            next_page,
            snapshot.revision,
        )
    }
}

impl ListPage {
    const HEAD: &str = "{\"items\":[";

    fn new(vms: Vec<Arc<VmEntry>>, total: usize, next_page: Option<String>, revision: u64) -> Self {
        // A token has no letter that JSON escapes.
        let next = match &next_page {
            Some(token) => format!("\"{token}\""),
            None => "null".to_owned(),
        };
        let tail = format!("],\"total\":{total},\"next_page\":{next},\"revision\":{revision}}}");
        let items: usize = vms.iter().map(|vm| vm.json.len()).sum();
        Self {
            len: Self::HEAD.len() + items + vms.len().saturating_sub(1) + tail.len(),
            vms,
            total,
            next_page,
            tail,
        }
    }

    /// How many VMs there are on all pages together.
    pub(crate) fn total(&self) -> usize {
        self.total
    }

    /// Token of the next page.
    pub(crate) fn next_page(&self) -> Option<&str> {
        self.next_page.as_deref()
    }

    /// Its VMs, one by one.
    pub(crate) fn vms(self: Arc<Self>) -> impl Iterator<Item = Arc<VmEntry>> + Send + 'static {
        (0..self.vms.len()).filter_map(move |index| self.vms.get(index).map(Arc::clone))
    }

    /// The head, then each VM and what stands between it and the next, then the tail.
    fn part(&self, index: usize) -> Option<&[u8]> {
        let vms = 2 * self.vms.len();
        match index {
            0 => Some(Self::HEAD.as_bytes()),
            odd if odd < vms && odd % 2 == 1 => self.vms.get(odd / 2).map(|vm| vm.json.as_bytes()),
            even if even < vms => Some(b","),
            _ if index == vms.max(1) => Some(self.tail.as_bytes()),
            _ => None,
        }
    }
}

impl ListBody for ListPage {
    fn len(&self) -> usize {
        self.len
    }

    fn kept_bytes(&self) -> usize {
        let token = self.next_page.as_ref().map_or(0, String::len);
        self.vms.len() * size_of::<Arc<VmEntry>>() + self.tail.len() + token
    }

    fn chunks(self: Arc<Self>) -> impl Iterator<Item = Bytes> + Send + 'static {
        // Where the next chunk begins: in which part, and how far in.
        let mut part = 0;
        let mut from = 0;
        std::iter::from_fn(move || {
            let mut chunk = Vec::with_capacity(CHUNK_BYTES);
            while let Some(text) = self.part(part) {
                let rest = text.get(from..).unwrap_or_default();
                let room = CHUNK_BYTES - chunk.len();
                match rest.get(..room) {
                    Some(fitting) => {
                        chunk.extend_from_slice(fitting);
                        from += room;
                        break;
                    }
                    None => {
                        chunk.extend_from_slice(rest);
                        part += 1;
                        from = 0;
                    }
                }
            }
            (!chunk.is_empty()).then(|| chunk.into())
        })
    }
}

/// Which VMs, in which order: what the pages of one list have in common.
#[derive(Debug)]
struct Selection {
    filter: Filter,
    /// Any of these; none: all. Likewise the others.
    nodes: Vec<String>,
    power: Vec<&'static Word>,
    large: Vec<&'static Word>,
    sort: Sort,
}

/// The words of a field, for [`Parameters::take_words`].
fn words(field: &VmField) -> Vec<(&'static str, &'static Word)> {
    let words = field.unit.words().iter();
    words.map(|word| (word.text, word)).collect()
}

impl Selection {
    fn select<'a>(&self, snapshot: &'a Snapshot, now: DateTime<Utc>) -> Vec<&'a Arc<VmEntry>> {
        let seen_at = |vm: &Vm| vm.seen_at(snapshot.node(&vm.node).map(|node| &node.view));
        let moment = Moment::new(now, &seen_at);
        let vms = snapshot.vms.iter();
        let mut vms: Vec<_> = vms.filter(|vm| self.matches(vm, &moment)).collect();
        if !self.sort.keys().is_empty() {
            vms.sort_by(|a, b| self.sort.compare(&a.view, &b.view));
        }
        vms
    }

    fn matches(&self, entry: &VmEntry, moment: &Moment<'_>) -> bool {
        let vm = &entry.view;
        let is_one_of = |words: &[&Word], field: &VmField| {
            words.is_empty() || words.iter().any(|word| (word.means)(field.of(vm)))
        };
        (self.nodes.is_empty() || self.nodes.contains(&vm.node))
            && is_one_of(&self.power, vm_field::power)
            && is_one_of(&self.large, vm_field::large)
            && self.filter.matches_prepared(vm, &entry.searchable, moment)
    }

    fn canonical(&self) -> String {
        let Self {
            filter,
            nodes,
            power,
            large,
            sort,
        } = self;
        format!("{filter}\n{nodes:?}\n{power:?}\n{large:?}\n{sort}")
    }

    /// What the pages of this list have in common.
    fn list(&self) -> List {
        let parameters = "q, node, power, large or sort";
        List::new(&format!("vms\n{}", self.canonical()), parameters)
    }

    /// The token of the page behind a VM. It carries what that is sorted by: the next page begins
    /// right behind it even if the VM has gone in between. Over all pages no VM comes twice and
    /// none is left out, but for those that change places meanwhile.
    fn token(&self, last: &Vm) -> String {
        let mut after = match serde_json::to_value(last) {
            Ok(serde_json::Value::Object(after)) => after,
            // A struct with named fields is an object.
            _ => serde_json::Map::new(),
        };
        after.retain(|field, value| {
            let is_sorted_by = self
                .sort
                .keys()
                .iter()
                .any(|by| by.key.field().name == field);
            (is_sorted_by || NEEDED.contains(&field.as_str())) && !value.is_null()
        });
        for value in after.values_mut() {
            if let serde_json::Value::String(text) = value
                && let Some((end, _)) = text.char_indices().nth(SORTED_CHARACTERS)
            {
                text.truncate(end);
            }
        }
        self.list().token(&after)
    }

    fn read_token(&self, text: &str) -> Result<Vm, String> {
        self.list().after(text)
    }
}

/// The fields that a VM cannot be without; the last two say nothing here.
const NEEDED: [&str; 6] = ["node", "vmid", "power", "large", "observed_at", "stale"];

#[cfg(test)]
mod tests {
    use super::*;

    impl ListPage {
        /// A page of VMs with these texts in the place of their JSON.
        fn of_texts(texts: impl Iterator<Item = String>) -> Self {
            let vm: Vm = serde_json::from_str(
                r#"{"node":"hoge","vmid":1,"power":"on","large":[],
                    "observed_at":"2026-11-22T00:00:00Z","stale":false}"#,
            )
            .expect("a VM");
            let vms = texts
                .map(|text| {
                    let entry = VmEntry::new(vm.clone(), None);
                    Arc::new(VmEntry {
                        json: text.into(),
                        ..entry
                    })
                })
                .collect();
            Self::new(vms, 7, Some("next".to_owned()), 9)
        }
    }

    #[test]
    fn chunks_are_of_even_size_and_make_up_the_whole_answer() {
        for lengths in [
            &[][..],
            &[1],
            &[1, 2, 3],
            &[CHUNK_BYTES - ListPage::HEAD.len(), 1],
            &[CHUNK_BYTES - ListPage::HEAD.len() - 1, CHUNK_BYTES, 1],
            &[3 * CHUNK_BYTES, 5, 2 * CHUNK_BYTES + 1],
        ] {
            let texts: Vec<_> = lengths.iter().map(|&length| "x".repeat(length)).collect();
            let page = Arc::new(ListPage::of_texts(texts.iter().cloned()));
            let chunks: Vec<_> = Arc::clone(&page).chunks().collect();
            let whole = String::from_utf8(chunks.concat()).expect("text");
            assert_eq!(
                whole,
                format!(
                    r#"{{"items":[{}],"total":7,"next_page":"next","revision":9}}"#,
                    texts.join(",")
                )
            );
            assert_eq!(whole.len(), page.len());
            let (_, full) = chunks.split_last().expect("never empty");
            assert!(full.iter().all(|chunk| chunk.len() == CHUNK_BYTES));
        }
    }
}
