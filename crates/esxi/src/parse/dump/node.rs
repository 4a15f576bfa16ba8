//! What a dump consists of, in the order of its lines.

/// A structure, an array or a value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'i> {
    /// The member's name; empty for the root and for elements.
    pub(super) name: &'i [u8],
    pub(super) value: Value<'i>,
    /// Where its line starts.
    pub(super) offset: usize,
    /// The structure or array that holds it; its own index for the root.
    pub(super) parent: usize,
    /// The index after the last node that it holds.
    pub(super) end: usize,
}

/// What stands after a member's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value<'i> {
    /// `<unset>`
    Unset,
    /// `(TYPE) null`
    Null,
    /// `"text"`
    Text(&'i [u8]),
    /// `'vim.VirtualMachine:14'`
    Reference(&'i [u8]),
    /// A number, `true`, `false`, or a word of a version to come.
    Scalar(&'i [u8]),
    /// `(TYPE) {`
    Struct(&'i [u8]),
    /// `(TYPE) [`
    Array(&'i [u8]),
}

/// The members or elements that `parent` holds.
pub(super) fn members<'n, 'i>(
    nodes: &'n [Node<'i>],
    parent: usize,
) -> impl Iterator<Item = &'n Node<'i>> {
    let mut next = parent + 1;
    let end = nodes.get(parent).map_or(0, |node| node.end);
    std::iter::from_fn(move || {
        let node = nodes.get(next).filter(|_| next < end)?;
        next = node.end;
        Some(node)
    })
}
