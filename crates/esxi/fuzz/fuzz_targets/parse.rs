//! Any bytes into every reader: none may panic, hang or take memory beyond all measure.
//!
//! ```text
//! cargo install cargo-fuzz
//! cd crates/esxi
//! cargo +nightly fuzz run parse fuzz/corpus/parse tests/data/samples
//! ```

#![no_main]

use ecoman_esxi::parse;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    for command in parse::COMMANDS {
        if let Err(error) = parse::by_command(command, input) {
            assert!(error.to_string().chars().count() < 1500);
        }
    }
    let _ = parse::classify(input);
    // The first line is stderr.
    let end = input.iter().position(|&byte| byte == b'\n').unwrap_or(0);
    let (stderr, stdout) = input.split_at(end);
    let _ = parse::getallvms(stdout, stderr);
});
