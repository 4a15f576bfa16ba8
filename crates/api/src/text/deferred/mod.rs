//! What the deferred pages show.

mod access;
mod audit;
mod deletion;
mod devices;
mod edit;
mod filter_help;
mod history;
mod new_vm;
mod nodes;
mod parts;
mod power;
mod sign_in;
mod snapshots;
mod tasks;
mod tray;
mod vm;

pub use self::access::AccessPages;
pub use self::audit::{AUDITED, AuditPage};
pub use self::deletion::DeletionPages;
pub use self::devices::DevicePages;
pub use self::edit::EditPages;
pub use self::filter_help::FilterHelp;
pub use self::history::HistoryPage;
pub use self::new_vm::NewVmPage;
pub use self::nodes::NodePages;
pub use self::parts::PageParts;
pub use self::power::PowerPages;
pub use self::sign_in::SignInPage;
pub use self::snapshots::SnapshotPages;
pub use self::tasks::TaskPages;
pub use self::tray::Tray;
pub use self::vm::VmPage;

/// What the deferred pages show.
#[derive(Clone, Copy, Debug)]
pub struct Deferred {
    /// Parts that several of these pages show.
    pub parts: PageParts,
    /// The help on filters.
    pub filter_help: FilterHelp,
    /// Changes of power: the dialog, and the result of the last one.
    pub power: PowerPages,
    /// Changes of a VM's settings.
    pub edit: EditPages,
    /// The page of a VM.
    pub vm: VmPage,
    /// Its snapshots.
    pub snapshots: SnapshotPages,
    /// Its disks, CD/DVD drives and network adapters.
    pub devices: DevicePages,
    /// Its deletion.
    pub deletion: DeletionPages,
    /// The pages of the nodes.
    pub nodes: NodePages,
    /// The pages of the tasks.
    pub tasks: TaskPages,
    /// The tray of tasks.
    pub tray: Tray,
    /// The form for a new VM.
    pub new_vm: NewVmPage,
    /// The account, API tokens and users.
    pub access: AccessPages,
    /// The audit log.
    pub audit: AuditPage,
    /// The history.
    pub history: HistoryPage,
    /// In place of every page, for a person who has not signed in.
    pub sign_in: SignInPage,
}
