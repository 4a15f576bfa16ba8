//! Code that comes after the list: in a build that is split (`--features split`) it is a file of
//! its own, fetched when it is first called.

/// A function whose code, with all that only such functions use, comes later. Calling it waits for
/// the code; the error that it returns has to be made from one of loading.
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
        #[leptos::wasm_split::wasm_split($file, wasm_split_path = ::leptos::wasm_split, fallible)]
        $visibility fn $name($($argument: $type),*) -> $result $body

        #[cfg(not(feature = "split"))]
        $visibility async fn $name($($argument: $type),*) -> $result $body
    };
}

pub(crate) use later;
