//! Sentences around links, times and other parts that are no text.

use ecoman_api::text::{Piece, Template};
use leptos::prelude::*;

/// A sentence of the language with its parts in their places.
pub(crate) fn sentence<const N: usize>(template: Template<N>, parts: [AnyView; N]) -> AnyView {
    let mut parts = parts.map(Some);
    pieces(&mut template.pieces(), &mut parts)
}

/// Apart from the number of parts, which keeps the page small.
fn pieces(pieces: &mut dyn Iterator<Item = Piece>, parts: &mut [Option<AnyView>]) -> AnyView {
    pieces
        .filter_map(|piece| match piece {
            Piece::Text(text) => Some(text.into_any()),
            Piece::Part(part) => parts.get_mut(part)?.take(),
        })
        .collect::<Vec<_>>()
        .into_any()
}
