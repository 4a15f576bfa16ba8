//! Text as it is compared.

/// Between the texts of a VM, so that no word is found across two of them. [`fold`] makes it a
/// blank where somebody has typed it.
pub(super) const SEPARATOR: char = '\0';

/// Text as it is compared: lower case, each letter in one form (NFKC), and the two small sigmas
/// one.
pub(super) fn fold(text: &str) -> String {
    let lower = |text: &str| text.chars().flat_map(fold_char).collect::<String>();
    if text.chars().all(has_one_form) {
        lower(text)
    } else {
        // Once more, as there are signs whose lower case is made of several.
        normalized(&lower(&normalized(text)))
    }
}

/// Whether a letter is left alone by normalization, beside others for which this holds too: most
/// of what is not ASCII is spared it so.
pub(super) fn has_one_form(letter: char) -> bool {
    matches!(
        letter,
        // Latin-1; the kana but for those that others are put together of; the Chinese characters.
        '\0'..='\u{7f}' | 'À'..='ÿ' | 'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' | '一'..='\u{9fff}'
    )
}

#[cfg(not(target_arch = "wasm32"))]
pub(super) fn normalized(text: &str) -> String {
    unicode_normalization::UnicodeNormalization::nfkc(text).collect()
}

/// By the browser, which has the tables: they would make a good part of the page.
#[cfg(target_arch = "wasm32")]
pub(super) fn normalized(text: &str) -> String {
    js_sys::JsString::from(text).normalize("NFKC").into()
}

fn fold_char(character: char) -> impl Iterator<Item = char> {
    character.to_lowercase().map(|lower| match lower {
        'ς' => 'σ',
        SEPARATOR => ' ',
        other => other,
    })
}
