//! Sentences around parts that are no text.

/// A sentence with places for `N` parts that are no text, such as links and times:
/// `{0} did not succeed: {1}`. A language may put the places in any order.
#[derive(Clone, Copy, Debug)]
pub struct Template<const N: usize>(&'static str);

/// A piece of a [`Template`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text between the places.
    Text(&'static str),
    /// The place of this part.
    Part(usize),
}

impl<const N: usize> Template<N> {
    /// A sentence that has each of the places `{0}` to `{N - 1}` once.
    ///
    /// # Panics
    ///
    /// A place is missing, doubled or unknown. In a `static` or a `const`, that is an error of the
    /// compiler.
    #[must_use]
    pub const fn new(text: &'static str) -> Self {
        assert!(N < 10, "a place has one digit");
        let bytes = text.as_bytes();
        let mut seen = [false; N];
        let mut places = 0;
        let mut at = 0;
        while let Some(rest) = bytes.split_at_checked(at) {
            match rest.1 {
                [b'{', digit, b'}', ..] => {
                    let place = digit.wrapping_sub(b'0') as usize;
                    assert!(place < N, "a place that the template does not have");
                    let (_, from) = seen.split_at_mut(place);
                    if let [slot, ..] = from {
                        assert!(!*slot, "a place stands twice");
                        *slot = true;
                    }
                    places += 1;
                }
                [] => break,
                _ => {}
            }
            at += 1;
        }
        assert!(places == N, "a place is missing");
        Self(text)
    }

    /// Text and places in the order of the language, without empty texts.
    pub fn pieces(&self) -> impl Iterator<Item = Piece> + use<N> {
        let mut rest = self.0;
        let mut place = None;
        std::iter::from_fn(move || {
            loop {
                if let Some(part) = place.take() {
                    return Some(Piece::Part(part));
                }
                if rest.is_empty() {
                    return None;
                }
                let (text, after) = rest.split_once('{').unwrap_or((rest, ""));
                let (digit, after) = after.split_once('}').unwrap_or(("", ""));
                place = digit.parse().ok();
                rest = after;
                if !text.is_empty() {
                    return Some(Piece::Text(text));
                }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_puts_the_places_in_its_own_order() {
        const TURNED: Template<2> = Template::new("{1}: {0}.");
        let pieces: Vec<_> = TURNED.pieces().collect();
        assert_eq!(
            pieces,
            [
                Piece::Part(1),
                Piece::Text(": "),
                Piece::Part(0),
                Piece::Text("."),
            ]
        );
        let plain: Vec<_> = Template::<0>::new("all").pieces().collect();
        assert_eq!(plain, [Piece::Text("all")]);
    }

    #[test]
    fn a_template_has_each_place_once() {
        let fails = |make: fn() -> Template<2>| std::panic::catch_unwind(make).is_err();
        assert!(fails(|| Template::new("{0}")));
        assert!(fails(|| Template::new("{0} {0} {1}")));
        assert!(fails(|| Template::new("{0} {1} {2}")));
        assert!(!fails(|| Template::new("{1} {0}")));
    }
}
