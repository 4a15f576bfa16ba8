//! Which tab of the browser holds the event stream.
//!
//! A browser opens only six connections to an HTTP/1.1 server, so one tab holds the stream and passes
//! its events to the others. Tabs talk over a `BroadcastChannel`, which plain HTTP has too (Web Locks
//! it has not). A tab proves that it leads by an answer, not by a heartbeat: browsers slow the timers of
//! hidden tabs down to one a minute, but deliver messages at once. Where no answer comes, because the
//! leader was closed, killed or frozen, a visible tab takes the lead within four ticks.

/// Time between two calls of [`Leadership::tick`], in milliseconds.
pub const TICK_MILLISECONDS: u32 = 400;

/// A visible tab asks after so many ticks without a word from the leader.
const ASK_AFTER: u32 = 2;
/// A visible tab takes the lead after so many.
const LEAD_AFTER: u32 = 4;
/// A new tab does not know whether there is another one, and its list does not wait for it.
const LEAD_FIRST_AFTER: u32 = 2;
/// A hidden tab waits so many times as long: nobody looks at it.
const HIDDEN_FACTOR: u32 = 10;
/// A leader that has just begun has so many ticks to open its stream before the page speaks of it.
const CUT_AFTER: u32 = 3;
/// A hidden leader without a connection is replaced after so many: its timers are slow.
const REPLACE_AFTER: u32 = 5;

/// A claim to lead. The greater one wins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// One more than that of the leader before.
    pub term: u32,
    /// The tab.
    pub tab: u32,
}

/// An event as the server sent it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEvent {
    /// Its name.
    pub kind: String,
    /// Its id; 0: it has none.
    pub revision: u64,
    /// JSON.
    pub data: String,
}

/// What tabs say to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Who leads?
    Ask,
    /// I do.
    Lead {
        /// By this claim.
        claim: Claim,
        /// So many events were passed on.
        sent: u64,
        /// The newest revision that is known; 0: none.
        seen: u64,
        /// Whether the stream is open.
        open: bool,
        /// Whether the tab is visible.
        visible: bool,
    },
    /// An event has come.
    Event {
        /// The leader's.
        claim: Claim,
        /// The events of a leader are counted from 1.
        number: u64,
        /// The event.
        event: RawEvent,
    },
    /// The leader has gone.
    Left {
        /// Which one.
        claim: Claim,
    },
}

/// What a tab has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send to the other tabs.
    Post(Message),
    /// Open a stream: this tab leads now.
    Open,
    /// Close the stream: another tab leads.
    Close,
    /// Changes arrive, by way of the leader.
    Opened,
    /// The leader's stream is cut.
    Cut,
    /// Apply an event of the leader.
    Take(RawEvent),
    /// Events were missed: load the lists again.
    Reload,
}

/// One tab's part.
#[derive(Debug)]
pub struct Leadership {
    tab: u32,
    visible: bool,
    role: Role,
    /// The greatest claim that was heard or made.
    claim: Claim,
    /// The newest revision that this tab has; 0: none.
    seen: u64,
    /// Ticks since the leader's last word.
    silent: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Nobody is known to lead.
    Joining,
    Following {
        /// The last event of the leader that came.
        received: u64,
        open: bool,
        visible: bool,
        /// Ticks for which the leader's stream was not open.
        cut: u32,
    },
    Leading {
        sent: u64,
        open: bool,
        /// Whether anybody has asked: a tab that is alone sends nothing.
        heard: bool,
    },
}

impl Leadership {
    /// A tab that does not know of others yet. `tab` is unlike that of every other one.
    #[must_use]
    pub fn new(tab: u32, visible: bool) -> Self {
        Self {
            tab,
            visible,
            role: Role::Joining,
            claim: Claim::default(),
            seen: 0,
            silent: 0,
        }
    }

    /// Whether this tab holds the stream.
    #[must_use]
    pub fn leads(&self) -> bool {
        matches!(self.role, Role::Leading { .. })
    }

    /// The newest revision that this tab has, from which on the next stream continues.
    #[must_use]
    pub fn seen(&self) -> Option<u64> {
        (self.seen > 0).then_some(self.seen)
    }

    /// Notes that the lists are those of a revision.
    pub fn loaded(&mut self, revision: u64) {
        self.seen = self.seen.max(revision);
    }

    /// Asks who leads: the tab is new, or was frozen.
    pub fn join(&mut self) -> Vec<Step> {
        let was_leading = self.leads();
        self.role = Role::Joining;
        self.silent = 0;
        let mut steps = vec![Step::Post(Message::Ask)];
        if was_leading {
            steps.insert(0, Step::Close);
        }
        steps
    }

    /// Notes whether the tab is visible.
    pub fn set_visible(&mut self, visible: bool) -> Vec<Step> {
        let was_visible = std::mem::replace(&mut self.visible, visible);
        if visible && !was_visible && !self.leads() {
            // Of a time when the tab was slow.
            self.silent = self.silent.min(ASK_AFTER);
            return vec![Step::Post(Message::Ask)];
        }
        Vec::new()
    }

    /// Counts the time; once every [`TICK_MILLISECONDS`], in hidden tabs as often as the browser lets it.
    pub fn tick(&mut self) -> Vec<Step> {
        let factor = if self.visible { 1 } else { HIDDEN_FACTOR };
        self.silent = self.silent.saturating_add(1);
        let mut steps = Vec::new();
        let lead_after = match &mut self.role {
            Role::Leading { .. } => return Vec::new(),
            Role::Joining => LEAD_FIRST_AFTER,
            Role::Following {
                open, visible, cut, ..
            } => {
                *cut = if *open { 0 } else { *cut + 1 };
                if self.visible && !*visible && *cut >= REPLACE_AFTER {
                    return self.lead();
                }
                if *cut == CUT_AFTER {
                    steps.push(Step::Cut);
                }
                LEAD_AFTER
            }
        };
        if self.silent >= lead_after * factor {
            return self.lead();
        }
        if self.silent >= ASK_AFTER * factor {
            steps.push(Step::Post(Message::Ask));
        }
        steps
    }

    /// Takes the lead.
    pub fn lead(&mut self) -> Vec<Step> {
        self.claim = Claim {
            term: self.claim.term.saturating_add(1),
            tab: self.tab,
        };
        self.silent = 0;
        self.role = Role::Leading {
            sent: 0,
            open: false,
            heard: true,
        };
        vec![Step::Post(self.state()), Step::Open]
    }

    /// Leaves the lead to another tab: this one is closed, or frozen.
    pub fn leave(&mut self) -> Vec<Step> {
        if !self.leads() {
            return Vec::new();
        }
        self.role = Role::Joining;
        self.silent = 0;
        let claim = self.claim;
        vec![Step::Close, Step::Post(Message::Left { claim })]
    }

    /// Notes whether this tab's stream is open.
    pub fn set_open(&mut self, now: bool) -> Vec<Step> {
        match &mut self.role {
            Role::Leading { open, heard, .. } if *open != now => {
                *open = now;
                if *heard {
                    vec![Step::Post(self.state())]
                } else {
                    Vec::new()
                }
            }
            _ => Vec::new(),
        }
    }

    /// Passes an event of this tab's stream on.
    pub fn pass_on(&mut self, event: &RawEvent) -> Vec<Step> {
        self.note(event);
        let claim = self.claim;
        let Role::Leading { sent, heard, .. } = &mut self.role else {
            return Vec::new();
        };
        *sent += 1;
        let number = *sent;
        if !*heard {
            return Vec::new();
        }
        vec![Step::Post(Message::Event {
            claim,
            number,
            event: event.clone(),
        })]
    }

    /// Takes what another tab says.
    pub fn hear(&mut self, message: Message) -> Vec<Step> {
        match message {
            Message::Ask => {
                let Role::Leading { heard, .. } = &mut self.role else {
                    return Vec::new();
                };
                *heard = true;
                vec![Step::Post(self.state())]
            }
            Message::Lead {
                claim,
                sent,
                seen,
                open,
                visible,
            } => match self.obey(claim) {
                Obedience::Refused(steps) => steps,
                Obedience::Same => self.follow(Vec::new(), false, sent, seen, (open, visible)),
                Obedience::New(steps) => self.follow(steps, true, sent, seen, (open, visible)),
            },
            Message::Event {
                claim,
                number,
                event,
            } => self.receive(claim, number, event),
            Message::Left { claim } => {
                if claim == self.claim && !self.leads() {
                    // The next tick of the first tab; the others hear of it before theirs.
                    self.silent = u32::MAX;
                }
                Vec::new()
            }
        }
    }

    fn receive(&mut self, claim: Claim, number: u64, event: RawEvent) -> Vec<Step> {
        let mut steps = match self.obey(claim) {
            Obedience::Refused(steps) => return steps,
            Obedience::Same => Vec::new(),
            Obedience::New(steps) => {
                // Its state says what else there is.
                let seen = self.seen;
                let mut steps = self.follow(steps, true, number - 1, seen, (true, true));
                steps.push(Step::Post(Message::Ask));
                steps
            }
        };
        let Role::Following { received, .. } = &mut self.role else {
            return steps;
        };
        if number <= *received {
            return steps;
        }
        let missed = number > *received + 1;
        *received = number;
        self.note(&event);
        if missed {
            steps.push(Step::Reload);
        }
        steps.push(Step::Take(event));
        steps
    }

    /// Compares a claim with the greatest one so far.
    fn obey(&mut self, claim: Claim) -> Obedience {
        if claim < self.claim {
            // A leader that was frozen, or began at the same time.
            let steps = if self.leads() {
                vec![Step::Post(self.state())]
            } else {
                Vec::new()
            };
            return Obedience::Refused(steps);
        }
        self.silent = 0;
        if claim == self.claim && matches!(self.role, Role::Following { .. }) {
            return Obedience::Same;
        }
        let steps = if self.leads() {
            vec![Step::Close]
        } else {
            Vec::new()
        };
        self.claim = claim;
        Obedience::New(steps)
    }

    fn follow(
        &mut self,
        mut steps: Vec<Step>,
        is_new: bool,
        sent: u64,
        seen: u64,
        (open, visible): (bool, bool),
    ) -> Vec<Step> {
        let (received, was_open, cut) = match self.role {
            Role::Following {
                received,
                open,
                cut,
                ..
            } => (received, Some(open), cut),
            Role::Joining => (sent, None, 0),
            // What its own stream was is of no interest.
            Role::Leading { open, .. } => (sent, Some(open), 0),
        };
        // A new leader that knows no revision may have opened its stream later than this tab's last
        // event. A tab that has nothing yet loads everything anyway.
        let missed = if is_new {
            self.seen > 0 && (seen == 0 || seen > self.seen)
        } else {
            sent > received
        };
        self.role = Role::Following {
            received: sent,
            open,
            visible,
            cut,
        };
        if missed {
            self.seen = self.seen.max(seen);
            steps.push(Step::Reload);
        }
        if open && was_open != Some(true) {
            steps.push(Step::Opened);
        } else if !open && was_open == Some(true) && !is_new {
            steps.push(Step::Cut);
        }
        steps
    }

    fn note(&mut self, event: &RawEvent) {
        if event.kind == "reset" {
            // Later revisions may be smaller: the server has another clock now.
            self.seen = event.revision;
        } else {
            self.seen = self.seen.max(event.revision);
        }
    }

    fn state(&self) -> Message {
        let (sent, open) = match self.role {
            Role::Leading { sent, open, .. } => (sent, open),
            Role::Joining | Role::Following { .. } => (0, false),
        };
        Message::Lead {
            claim: self.claim,
            sent,
            seen: self.seen,
            open,
            visible: self.visible,
        }
    }
}

enum Obedience {
    /// The claim is smaller than one that is known.
    Refused(Vec<Step>),
    /// It is the leader that this tab follows.
    Same,
    /// It is another leader.
    New(Vec<Step>),
}

impl Message {
    /// The message as one text: words with blanks between, and an event's data after the first line.
    #[must_use]
    pub fn to_text(&self) -> String {
        match self {
            Self::Ask => "ask".to_owned(),
            Self::Lead {
                claim: Claim { term, tab },
                sent,
                seen,
                open,
                visible,
            } => format!("lead {term} {tab} {sent} {seen} {open} {visible}"),
            Self::Event {
                claim: Claim { term, tab },
                number,
                event,
            } => format!(
                "event {term} {tab} {number} {} {}\n{}",
                event.revision, event.kind, event.data
            ),
            Self::Left {
                claim: Claim { term, tab },
            } => format!("left {term} {tab}"),
        }
    }

    /// Reads a text; `None`: it is none of these, from a page of another version.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        fn next<'a, T: std::str::FromStr>(words: &mut impl Iterator<Item = &'a str>) -> Option<T> {
            words.next()?.parse().ok()
        }
        let (line, data) = text.split_once('\n').unwrap_or((text, ""));
        let mut words = line.split(' ');
        let kind = words.next()?;
        if kind == "ask" {
            return Some(Self::Ask);
        }
        let claim = Claim {
            term: next(&mut words)?,
            tab: next(&mut words)?,
        };
        match kind {
            "lead" => Some(Self::Lead {
                claim,
                sent: next(&mut words)?,
                seen: next(&mut words)?,
                open: next(&mut words)?,
                visible: next(&mut words)?,
            }),
            "event" => Some(Self::Event {
                claim,
                number: next::<u64>(&mut words).filter(|&number| number > 0)?,
                event: RawEvent {
                    revision: next(&mut words)?,
                    kind: next(&mut words)?,
                    data: data.to_owned(),
                },
            }),
            "left" => Some(Self::Left { claim }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tabs of a browser; those that are frozen hear nothing.
    struct Browser {
        tabs: Vec<Leadership>,
        frozen: Vec<bool>,
        /// Per tab: what it had to do, but for sending.
        done: Vec<Vec<Step>>,
    }

    impl Browser {
        fn new(tabs: u32) -> Self {
            let mut browser = Self {
                tabs: (1..=tabs).map(|tab| Leadership::new(tab, true)).collect(),
                frozen: vec![false; tabs as usize],
                done: vec![Vec::new(); tabs as usize],
            };
            for tab in 0..browser.tabs.len() {
                let steps = browser.tabs[tab].join();
                browser.carry_out(tab, steps);
            }
            browser
        }

        fn carry_out(&mut self, tab: usize, steps: Vec<Step>) {
            for step in steps {
                let Step::Post(message) = step else {
                    self.done[tab].push(step);
                    continue;
                };
                // As it goes through the channel.
                let message = Message::from_text(&message.to_text()).expect("readable");
                for other in 0..self.tabs.len() {
                    if other != tab && !self.frozen[other] {
                        let steps = self.tabs[other].hear(message.clone());
                        self.carry_out(other, steps);
                    }
                }
            }
        }

        fn act(&mut self, tab: usize, act: impl FnOnce(&mut Leadership) -> Vec<Step>) {
            let steps = act(&mut self.tabs[tab]);
            self.carry_out(tab, steps);
        }

        fn tick(&mut self, ticks: usize) {
            for _ in 0..ticks {
                for tab in 0..self.tabs.len() {
                    if !self.frozen[tab] {
                        self.act(tab, Leadership::tick);
                    }
                }
            }
        }

        fn event(&mut self, tab: usize, revision: u64) {
            let event = event(revision);
            self.act(tab, |tab| tab.pass_on(&event));
        }

        /// The tabs that hold a stream and are not frozen.
        fn leaders(&self) -> Vec<usize> {
            (0..self.tabs.len())
                .filter(|&tab| self.tabs[tab].leads() && !self.frozen[tab])
                .collect()
        }

        fn forget(&mut self) {
            self.done.iter_mut().for_each(Vec::clear);
        }
    }

    fn event(revision: u64) -> RawEvent {
        RawEvent {
            kind: "vm".to_owned(),
            revision,
            data: "{\n}".to_owned(),
        }
    }

    #[test]
    fn one_of_many_tabs_leads() {
        let mut browser = Browser::new(20);
        browser.tick(30);
        assert_eq!(browser.leaders().len(), 1);
        let leader = browser.leaders()[0];
        browser.act(leader, |tab| tab.set_open(true));
        browser.forget();
        browser.event(leader, 7);
        for tab in (0..20).filter(|&tab| tab != leader) {
            assert_eq!(browser.done[tab], [Step::Take(event(7))]);
        }
        browser.tick(100);
        assert_eq!(browser.leaders(), [leader], "the lead does not wander");
    }

    #[test]
    fn a_tab_that_is_alone_leads_at_once() {
        let mut browser = Browser::new(1);
        browser.tick(2);
        assert_eq!(browser.done[0], [Step::Open]);
    }

    #[test]
    fn a_frozen_leader_is_replaced_within_two_seconds_and_steps_down() {
        let mut browser = Browser::new(3);
        browser.tick(10);
        let old = browser.leaders()[0];
        for tab in 0..3 {
            browser.tabs[tab].loaded(5);
        }
        browser.frozen[old] = true;
        let ticks = (1..=5).find(|_| {
            browser.tick(1);
            !browser.leaders().is_empty()
        });
        let ticks = ticks.expect("a new leader");
        assert!(ticks * TICK_MILLISECONDS as usize <= 2000);
        assert_eq!(browser.leaders().len(), 1);
        let new = browser.leaders()[0];
        browser.event(new, 6);

        browser.frozen[old] = false;
        browser.forget();
        // It believes that it leads until it says so.
        browser.event(old, 6);
        assert_eq!(browser.leaders(), [new]);
        assert!(browser.done[old].contains(&Step::Close));
        assert!(
            !browser.done[old].contains(&Step::Cut),
            "the new leader has some time"
        );
        browser.act(new, |tab| tab.set_open(true));
        assert!(browser.done[old].contains(&Step::Opened));
    }

    #[test]
    fn a_closed_leader_is_replaced_at_the_next_tick() {
        let mut browser = Browser::new(4);
        browser.tick(10);
        let old = browser.leaders()[0];
        browser.act(old, Leadership::leave);
        browser.frozen[old] = true;
        browser.tick(1);
        assert_eq!(browser.leaders().len(), 1);
    }

    #[test]
    fn a_hidden_tab_leaves_the_lead_to_a_visible_one() {
        let mut browser = Browser::new(3);
        browser.tick(10);
        let old = browser.leaders()[0];
        let (visible, hidden) = match old {
            0 => (1, 2),
            1 => (0, 2),
            _ => (0, 1),
        };
        browser.act(hidden, |tab| tab.set_visible(false));
        browser.frozen[old] = true;
        browser.tick(5);
        assert_eq!(browser.leaders(), [visible]);
    }

    #[test]
    fn a_hidden_leader_without_a_connection_is_replaced() {
        let mut browser = Browser::new(2);
        browser.tick(10);
        let old = browser.leaders()[0];
        browser.act(old, |tab| tab.set_open(true));
        browser.act(old, |tab| tab.set_visible(false));
        browser.tick(20);
        assert_eq!(browser.leaders(), [old], "it works");
        browser.act(old, |tab| tab.set_open(false));
        browser.tick(10);
        assert_eq!(browser.leaders(), [1 - old]);
    }

    #[test]
    fn missed_events_load_the_lists_again() {
        let mut browser = Browser::new(2);
        browser.tick(10);
        let leader = browser.leaders()[0];
        let other = 1 - leader;
        browser.event(leader, 7);
        browser.frozen[other] = true;
        browser.event(leader, 8);
        browser.frozen[other] = false;
        browser.forget();
        browser.event(leader, 9);
        assert_eq!(browser.done[other], [Step::Reload, Step::Take(event(9))]);

        // Without another event the leader's word shows it.
        browser.frozen[other] = true;
        browser.event(leader, 10);
        browser.frozen[other] = false;
        browser.forget();
        browser.act(other, |_| vec![Step::Post(Message::Ask)]);
        assert_eq!(browser.done[other], [Step::Reload]);
    }

    #[test]
    fn a_leader_that_has_seen_more_makes_the_others_load() {
        let mut browser = Browser::new(3);
        browser.tick(10);
        let old = browser.leaders()[0];
        for tab in 0..3 {
            browser.tabs[tab].loaded(5);
        }
        let (ahead, behind) = ((old + 1) % 3, (old + 2) % 3);
        browser.tabs[ahead].loaded(6);
        browser.forget();
        browser.act(ahead, Leadership::lead);
        assert!(browser.done[behind].contains(&Step::Reload));
        browser.forget();
        browser.act(behind, Leadership::lead);
        assert!(!browser.done[ahead].contains(&Step::Reload));
    }

    #[test]
    fn two_that_begin_at_the_same_time_agree() {
        let mut browser = Browser::new(2);
        browser.frozen = vec![true, true];
        browser.tick(1);
        // Neither hears the other.
        for tab in 0..2 {
            let _ = browser.tabs[tab].lead();
        }
        browser.frozen = vec![false, false];
        browser.event(0, 3);
        assert_eq!(browser.leaders().len(), 1);
    }

    #[test]
    fn after_a_reset_revisions_may_be_smaller() {
        let mut tab = Leadership::new(1, true);
        let _ = tab.lead();
        tab.loaded(100);
        let _ = tab.pass_on(&RawEvent {
            kind: "reset".to_owned(),
            revision: 40,
            data: String::new(),
        });
        assert_eq!(tab.seen(), Some(40));
    }

    #[test]
    fn what_another_version_says_is_passed_over() {
        for text in [
            "",
            "hello",
            "lead 1",
            "event 1 2 0 4 vm\n{}",
            "lead x 1 1 1 true true",
        ] {
            assert_eq!(Message::from_text(text), None, "{text}");
        }
    }
}
