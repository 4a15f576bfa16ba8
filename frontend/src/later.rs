//! Code that comes after the list: in a build that is split (`--features split`) it is a file of
//! its own, fetched when it is first called.

/// A function whose code, with all that only such functions use, comes later. Calling it waits for
/// the code; it returns `Result<_, Error>`, which is [`Error::Unreachable`] where the code cannot be
/// fetched.
///
/// [`Error::Unreachable`]: ecoman_page_state::error::Error::Unreachable
///
/// `in name;` before the function puts the code into another file, `split_name.wasm`.
macro_rules! later {
    ($visibility:vis fn $($rest:tt)*) => {
        $crate::later::later! { in later; $visibility fn $($rest)* }
    };
    (
        in $file:ident;
        $visibility:vis fn $name:ident($($argument:ident: $type:ty),*) -> $result:ty
        $body:block
    ) => {
        #[cfg(feature = "split")]
        $visibility async fn $name($($argument: $type),*) -> $result {
            use $crate::later::NotFetched;

            #[leptos::wasm_split::wasm_split($file, wasm_split_path = ::leptos::wasm_split, fallible)]
            fn $name($($argument: $type),*) -> Result<$result, NotFetched> {
                Ok($body)
            }

            $name($($argument),*)
                .await
                .unwrap_or_else(|NotFetched| Err(::ecoman_page_state::error::Error::Unreachable))
        }

        #[cfg(not(feature = "split"))]
        $visibility async fn $name($($argument: $type),*) -> $result $body
    };
}

pub(crate) use later;

/// The file with the code could not be fetched.
#[cfg(feature = "split")]
pub(crate) struct NotFetched;

#[cfg(feature = "split")]
impl From<leptos::wasm_split::SplitLoaderError> for NotFetched {
    fn from(_: leptos::wasm_split::SplitLoaderError) -> Self {
        Self
    }
}
