//! Makes a release build notice a new page: its files are embedded. (Other builds read them at
//! run time.)

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var_os("CARGO_CFG_DEBUG_ASSERTIONS").is_none() {
        println!("cargo::rerun-if-changed=../dist");
    }
}
