//! English with some words in brackets: a second language to try the page with before there is
//! one. Only with the feature `pseudo`. A real language fills every section in full, as [`EN`] does.

use super::deferred::PageParts;
use super::first_load::{Frame, List, Parts};
use super::{Deferred, EN, FirstLoad, Texts};

/// English with some words in brackets.
pub static PSEUDO: Texts = Texts {
    first_load: &FirstLoad {
        frame: Frame {
            vms: "[[VMs]]",
            nodes: "[[Nodes]]",
            tasks: "[[Tasks]]",
            live: "[[Live]]",
            window_title: |title| format!("[[{title}]] · ECoMan"),
            ..EN.first_load.frame
        },
        parts: Parts {
            power_on: "[[On]]",
            power_off: "[[Off]]",
            ..EN.first_load.parts
        },
        list: List {
            filter: "[[Filter]]",
            new_vm: "[[New VM]]",
            ..EN.first_load.list
        },
        ..*EN.first_load
    },
    deferred: &Deferred {
        parts: PageParts {
            all_vms: "[[All VMs]]",
            host_client: "[[Host Client]]",
            ..EN.deferred.parts
        },
        ..*EN.deferred
    },
    ..EN
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_language_has_words_of_its_own() {
        let [english, pseudo] = [EN, PSEUDO];
        assert_ne!(pseudo.first_load.frame.vms, english.first_load.frame.vms);
        assert_eq!(
            (pseudo.first_load.frame.window_title)("VMs"),
            "[[VMs]] · ECoMan"
        );
        assert_eq!(pseudo.first_load.list.order, english.first_load.list.order);
    }
}
