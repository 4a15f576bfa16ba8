//! Page tokens: they name a list and the last item of a page.
//!
//! A token holds everything that the next page needs. The server stores none, so tokens outlive
//! restarts and work at every dashboard over the same store.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The list that a token belongs to: its name holds whatever must be the same on all pages.
#[derive(Clone, Debug)]
pub(crate) struct List {
    fingerprint: String,
    /// The parameters that the name depends on, as text.
    parameters: &'static str,
}

#[derive(Deserialize)]
struct Token<T> {
    list: String,
    after: T,
}

#[derive(Serialize)]
struct TokenRef<'a, T> {
    list: &'a str,
    after: &'a T,
}

/// Length of the checksum in front, which detects truncated and altered tokens.
const CHECK: usize = 6;

impl List {
    /// The list with this name; `parameters` names those that it depends on.
    pub(crate) fn new(name: &str, parameters: &'static str) -> Self {
        let hash = Sha256::digest(name);
        Self {
            fingerprint: URL_SAFE_NO_PAD.encode(hash.get(..9).unwrap_or_default()),
            parameters,
        }
    }

    /// The token of the page that begins after `after`.
    pub(crate) fn token(&self, after: &impl Serialize) -> String {
        let token = TokenRef {
            list: &self.fingerprint,
            after,
        };
        // The keys that lists are sorted by always serialize.
        let json = serde_json::to_vec(&token).unwrap_or_default();
        let mut bytes = check(&json);
        bytes.extend(json);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The last item of the previous page, from its token.
    ///
    /// # Errors
    ///
    /// The rule that the token breaks.
    pub(crate) fn after<T: DeserializeOwned>(&self, token: &str) -> Result<T, String> {
        let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
        let token = bytes
            .split_at_checked(CHECK)
            .filter(|(start, json)| *start == check(json))
            .and_then(|(_, json)| serde_json::from_slice::<Token<T>>(json).ok());
        match token {
            None => Err("must be the next_page of an earlier answer".to_owned()),
            Some(token) if token.list != self.fingerprint => Err(format!(
                "belongs to a list with other {}; begin again without it",
                self.parameters
            )),
            Some(token) => Ok(token.after),
        }
    }
}

fn check(json: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(json);
    hash.get(..CHECK).unwrap_or_default().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_that_of_its_list_and_whole_or_none() {
        let list = List::new("a", "q");
        let token = list.token(&7);
        assert_eq!(list.after(&token), Ok(7));
        assert_eq!(
            List::new("b", "q").after::<i32>(&token),
            Err("belongs to a list with other q; begin again without it".to_owned())
        );
        let none = Err("must be the next_page of an earlier answer".to_owned());
        assert_eq!(
            list.after::<String>(&token),
            none.clone().map(|()| String::new())
        );
        for (index, letter) in token.char_indices() {
            let other = if letter == 'A' { "B" } else { "A" };
            let mut forged = token.clone();
            forged.replace_range(index..=index, other);
            assert_eq!(
                list.after::<i32>(&forged),
                none.clone().map(|()| 0),
                "{forged}"
            );
            let (begun, _) = token.split_at(index);
            assert_eq!(list.after::<i32>(begun), none.clone().map(|()| 0));
        }
        for nonsense in ["", "x", "ü", "AAAAAAAA", "=", &"A".repeat(10_000)] {
            assert_eq!(
                list.after::<i32>(nonsense),
                none.clone().map(|()| 0),
                "{nonsense}"
            );
        }
    }
}
