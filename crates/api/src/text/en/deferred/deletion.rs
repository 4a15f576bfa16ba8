//! Deleting a VM: the dialog on its page.

use ecoman_model::Stays;

use crate::text::deferred::DeletionPages;
use crate::text::en::tasks;

pub(super) const DELETION: DeletionPages = DeletionPages {
    open: "Delete…",
    open_tip: "Unregister the VM, or delete it from disk",
    question: |vm, host| format!("Delete {vm} on {host}?"),
    what: "What goes",
    unregister: "Unregister",
    unregister_means: "The VM leaves the host's inventory. Its files stay and can be registered again.",
    delete: "Delete from disk",
    delete_means: "The VM and its files go. This cannot be undone.",
    files_at: "Its files stay here:",
    looking: "Looking at the files on the host…",
    not_looked_at: |why| format!("The files could not be looked at: {why}"),
    look_again: "Look again",
    forbidden: "The VM cannot be deleted from disk:",
    goes: |count, size| match count {
        1 => format!("1 file goes ({size})"),
        count => format!("{count} files go ({size})"),
    },
    stays: |count| match count {
        1 => "1 file stays".to_owned(),
        count => format!("{count} files stay"),
    },
    nothing_stays: "Nothing stays in its directory.",
    why_stays: |why| match why {
        Stays::Foreign => "not of this VM",
        Stays::Iso => "ISO image",
        Stays::Elsewhere => "outside the VM's directory",
        Stays::Shared => "needed elsewhere",
    },
    obstacle: tasks::obstacle,
    type_name: "Type the VM's name to confirm",
    not_off: "Only a VM that is powered off can be deleted.",
    typed_name: "Confirmed name",
};
