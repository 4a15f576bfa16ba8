//! The lines that are shown, and those that wait until the reader has read on.

use ecoman_api::HistoryPage;
use leptos::prelude::*;
use leptos::task::spawn_local;

use super::changes::after_changes;
use crate::api;
use crate::clock::midnight;
use crate::live::use_live;
use crate::state::history::History;
use crate::state::history_filter::HistoryFilter;

/// So many lines are loaded at once.
const PAGE: usize = 100;

/// What is shown of the history.
#[derive(Clone, Copy)]
pub(super) struct Log {
    pub(super) filter: Memo<HistoryFilter>,
    pub(super) shown: RwSignal<History>,
    /// The newest lines, which would move what is being read.
    pub(super) waiting: RwSignal<Option<HistoryPage>>,
    pub(super) loading: RwSignal<bool>,
    pub(super) loaded: RwSignal<bool>,
    pub(super) wrong: RwSignal<Option<api::Error>>,
}

impl Log {
    /// Loads the lines that a filter wants, again with each change of it and of what the page shows.
    pub(super) fn open(filter: Memo<HistoryFilter>) -> Self {
        let log = Self {
            filter,
            shown: RwSignal::default(),
            waiting: RwSignal::new(None),
            loading: RwSignal::new(false),
            loaded: RwSignal::new(false),
            wrong: RwSignal::new(None),
        };
        Effect::new(move || {
            filter.track();
            log.waiting.set(None);
            log.loaded.set(false);
            log.wrong.set(None);
            log.load(None);
        });
        let live = use_live();
        let changes = move || {
            live.vms.track();
            live.nodes.track();
            live.tasks.track();
        };
        after_changes(changes, move || log.look());
        log
    }

    /// Asks for lines: the newest, or those from a page token on.
    pub(super) fn load(self, token: Option<String>) {
        self.loading.set(true);
        self.ask(token, move |page, is_first| {
            self.loading.try_set(false);
            match page {
                Ok(page) => {
                    self.wrong.try_set(None);
                    self.shown.try_update(|shown| {
                        if is_first {
                            *shown = History::default();
                            shown.take_newest(page.clone());
                            shown.older = page.next_page;
                        } else {
                            shown.take_older(page);
                        }
                    });
                    self.loaded.try_set(true);
                }
                Err(error) => {
                    self.wrong.try_set(Some(error));
                }
            }
        });
    }

    /// Looks for new lines, which are shown where that moves nothing that is being read.
    fn look(self) {
        if !self.loaded.get_untracked() {
            if !self.loading.get_untracked() {
                self.load(None);
            }
            return;
        }
        self.ask(None, move |page, _| {
            // A failure is shown by the header, and the next change looks again.
            let Ok(page) = page else { return };
            let newer = self
                .shown
                .try_with_untracked(|shown| shown.count_newer(&page));
            match newer {
                None | Some(0) => {}
                Some(_) if is_being_read() => {
                    self.waiting.try_set(Some(page));
                }
                Some(_) => self.show(page),
            }
        });
    }

    /// How many lines wait.
    pub(super) fn count_waiting(self) -> usize {
        self.waiting.with(|waiting| {
            let waiting = waiting.as_ref();
            waiting.map_or(0, |page| self.shown.with(|shown| shown.count_newer(page)))
        })
    }

    /// Shows the lines that wait.
    pub(super) fn show_waiting(self) {
        if let Some(page) = self.waiting.get_untracked() {
            self.show(page);
            if let Ok(Some(place)) = document().query_selector(".page") {
                place.set_scroll_top(0);
            }
        }
    }

    fn show(self, page: HistoryPage) {
        self.waiting.try_set(None);
        self.shown.try_update(|shown| shown.take_newest(page));
    }

    /// Asks for lines, and passes the answer on if they are still wanted.
    fn ask(
        self,
        token: Option<String>,
        then: impl FnOnce(Result<HistoryPage, api::Error>, bool) + 'static,
    ) {
        let asked = self.filter.get_untracked();
        spawn_local(async move {
            let query = asked.to_api(midnight);
            let page = api::history(&query, token.as_deref(), PAGE).await;
            // Something else may be asked for by now, or the page is left.
            if self.filter.try_get_untracked().as_ref() == Some(&asked) {
                then(page, token.is_none());
            }
        });
    }
}

/// Whether rows that come on top would move what somebody reads.
fn is_being_read() -> bool {
    let is_there = |selector| matches!(document().query_selector(selector), Ok(Some(_)));
    let is_scrolled = matches!(
        document().query_selector(".page"),
        Ok(Some(place)) if place.scroll_top() > 0
    );
    let selection = window().get_selection();
    let is_selected = matches!(selection, Ok(Some(selected)) if !selected.is_collapsed());
    is_scrolled
        || is_selected
        || is_there(".history tbody:hover")
        || is_there(".history tbody :focus")
}
