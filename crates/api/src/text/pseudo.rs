//! English with some words in brackets: a second language to try the page with before there is
//! one. Only with the feature `pseudo`. A real language fills every section in full, as [`EN`] does.

use super::page::{Frame, List, Parts};
use super::pages::PageParts;
use super::{EN, Page, Pages, Texts};

/// English with some words in brackets.
pub static PSEUDO: Texts = Texts {
    page: &Page {
        frame: Frame {
            vms: "[[VMs]]",
            nodes: "[[Nodes]]",
            tasks: "[[Tasks]]",
            live: "[[Live]]",
            window_title: |title| format!("[[{title}]] · ECoMan"),
            ..EN.page.frame
        },
        parts: Parts {
            power_on: "[[On]]",
            power_off: "[[Off]]",
            ..EN.page.parts
        },
        list: List {
            filter: "[[Filter]]",
            new_vm: "[[New VM]]",
            ..EN.page.list
        },
        ..*EN.page
    },
    pages: &Pages {
        parts: PageParts {
            all_vms: "[[All VMs]]",
            host_client: "[[Host Client]]",
            ..EN.pages.parts
        },
        ..*EN.pages
    },
    ..EN
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_language_has_words_of_its_own() {
        let [english, pseudo] = [EN, PSEUDO];
        assert_ne!(pseudo.page.frame.vms, english.page.frame.vms);
        assert_eq!((pseudo.page.frame.window_title)("VMs"), "[[VMs]] · ECoMan");
        assert_eq!(pseudo.page.list.order, english.page.list.order);
    }
}
