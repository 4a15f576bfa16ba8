//! The icons: paths on a grid of 16 by 16.

use leptos::prelude::*;

/// An icon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Icon {
    /// Powered on.
    On,
    /// Powered off.
    Off,
    /// Suspended.
    Suspended,
    /// Not known.
    Unknown,
    /// Large.
    Large,
    /// Old facts.
    Stale,
    /// Something is wrong.
    Warning,
    /// Find.
    Search,
    /// Take away.
    Close,
    /// To the clipboard.
    Copy,
    /// It worked.
    Check,
    /// Leads out of the application.
    External,
    /// Before.
    Previous,
    /// After.
    Next,
    /// Further ones.
    More,
    /// Shows more, upwards.
    Unfold,
    /// Switch on.
    Start,
    /// Ask to shut down.
    Shutdown,
    /// Ask to restart, or do once more.
    Again,
    /// Was taken back.
    Undone,
    /// Press the reset button.
    Reset,
    /// Pull the plug.
    Stop,
    /// Is being done.
    Busy,
    /// Make a new one.
    Plus,
    /// Light colours.
    Sun,
    /// Dark colours.
    Moon,
    /// Colours of the system.
    Display,
    /// Has another value.
    Edit,
    /// Somebody.
    Person,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Person => {
                "M8 2.5a2.9 2.9 0 1 0 0 5.8 2.9 2.9 0 0 0 0-5.8ZM2.8 13.5c0-2.5 2.3-4.1 5.2-4.1s5.2 1.6 \
                 5.2 4.1Z"
            }
            Self::On => "M8 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8Z",
            Self::Off => {
                "M8 3.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6Z"
            }
            Self::Suspended => "M5 4h2v8H5zM9 4h2v8H9z",
            Self::Unknown => {
                "M8 2.5a3 3 0 0 0-3 3h1.5a1.5 1.5 0 1 1 2.3 1.3C7.8 7.4 7.25 8.1 7.25 9.2v.6h1.5\
                 v-.5c0-.6.3-.9.9-1.3A3 3 0 0 0 8 2.5ZM7.1 11.4h1.8v1.8H7.1z"
            }
            Self::Large => "M8 2.5 13.5 9H10v4.5H6V9H2.5z",
            Self::Stale => {
                "M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Zm0 1.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9Z\
                 M7.25 5v3.3l2.6 1.6.8-1.2-1.9-1.2V5z"
            }
            Self::Warning => {
                "M8 1.8 15 14H1zM8 4.8 3.6 12.5h8.8zM7.25 7h1.5v2.6h-1.5zM7.25 10.3h1.5v1.4h-1.5z"
            }
            Self::Search => {
                "M7 2a5 5 0 1 0 3 9l3 3 1-1-3-3a5 5 0 0 0-4-8Zm0 1.5a3.5 3.5 0 1 1 0 7 3.5 3.5 0 \
                 0 1 0-7Z"
            }
            Self::Close => {
                "m4.2 3.2 3.8 3.8 3.8-3.8 1 1L9 8l3.8 3.8-1 1L8 9l-3.8 3.8-1-1L7 8 3.2 4.2z"
            }
            Self::Copy => {
                "M5.5 2h7A1.5 1.5 0 0 1 14 3.5v7h-1.5v-7h-7zM3.5 4.5h6A1.5 1.5 0 0 1 11 6v6.5A1.5 \
                 1.5 0 0 1 9.5 14h-6A1.5 1.5 0 0 1 2 12.5V6a1.5 1.5 0 0 1 1.5-1.5ZM3.5 6v6.5h6V6z"
            }
            Self::Check => "m13.3 4.2-7 8-3.6-3.6 1-1 2.5 2.4 6-6.8z",
            Self::External => {
                "M9 2h5v5h-1.5V4.6L7.6 9.5 6.5 8.4l4.9-4.9H9zM3.5 4H7v1.5H3.5v7h7V9H12v3.5A1.5 \
                 1.5 0 0 1 10.5 14h-7A1.5 1.5 0 0 1 2 12.5v-7A1.5 1.5 0 0 1 3.5 4Z"
            }
            Self::Previous => "M10 3 5 8l5 5 1-1-4-4 4-4z",
            Self::Next => "m6 3 5 5-5 5-1-1 4-4-4-4z",
            Self::More => "M2 7h2v2H2zM7 7h2v2H7zM12 7h2v2h-2z",
            Self::Unfold => "m3 10 5-5 5 5-1 1-4-4-4 4z",
            Self::Start => "M4.5 2.5 13 8l-8.5 5.5z",
            Self::Shutdown => {
                "M7.25 1.5h1.5v6h-1.5zM4.6 3.3l.9 1.2a4.5 4.5 0 1 0 5 0l.9-1.2A6 6 0 1 1 4.6 3.3Z"
            }
            Self::Again => {
                "M8 2.5c1.6 0 3 .7 4 1.8V2h1.5v5h-5V5.5h2.6A4 4 0 1 0 12 9.2h1.6A5.6 5.6 0 1 1 8 2.5Z"
            }
            Self::Undone => {
                "M6 2.5 2 6.5l4 4 1-1-2.3-2.3H10a2.4 2.4 0 0 1 0 4.8H6v1.5h4a3.9 3.9 0 0 0 \
                 0-7.8H4.7L7 3.5z"
            }
            Self::Reset => "M9.5 1 3 9h4l-.8 6L13 7H8.6z",
            Self::Stop => "M3.5 3.5h9v9h-9z",
            Self::Busy => "M8 1.8a6.2 6.2 0 1 1-6.2 6.2h1.6A4.6 4.6 0 1 0 8 3.4z",
            Self::Plus => "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
            Self::Sun => {
                "M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6ZM7.3 1h1.4v2.4H7.3zM7.3 12.6h1.4V15H7.3zM1 \
                 7.3h2.4v1.4H1zM12.6 7.3H15v1.4h-2.4zM3.5 2.6l1.7 1.7-1 1-1.6-1.8zM11.8 10.8l1.7 \
                 1.7-1 1-1.7-1.7zM12.5 2.6l1 1-1.7 1.7-1-1zM4.2 10.8l1 1-1.7 1.7-1-1z"
            }
            Self::Moon => "M6.2 2A6.2 6.2 0 1 0 14 9.8 5 5 0 0 1 6.2 2Z",
            Self::Edit => {
                "m10.6 2 3.4 3.4-7.9 7.9L2 14l.7-4.1zM10.6 4 4 10.6l-.3 1.7 1.7-.3L12 5.4z"
            }
            Self::Display => {
                "M3 2.5h10A1.5 1.5 0 0 1 14.5 4v6a1.5 1.5 0 0 1-1.5 1.5H9V13h2v1.5H5V13h2v-1.5H3\
                 A1.5 1.5 0 0 1 1.5 10V4A1.5 1.5 0 0 1 3 2.5ZM3 4v6h10V4z"
            }
        }
    }
}

/// Draws the sign of what is being done, which turns.
pub(crate) fn busy() -> AnyView {
    view! { <span class="spin">{icon(Icon::Busy)}</span> }.into_any()
}

/// Draws an icon. It says nothing to a screen reader: a word beside it does.
pub(crate) fn icon(icon: Icon) -> impl IntoView {
    view! {
        <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
            <path fill-rule="evenodd" d=icon.path()></path>
        </svg>
    }
}
