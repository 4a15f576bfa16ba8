//! Generates the client from ECoMan's OpenAPI 3.0.3 document, which `ECOMAN_OPENAPI` names:
//! `ecoman openapi --version 3.0`, or `/api/v1/openapi-3.0.json` of a server.

use std::path::PathBuf;
use std::{env, fs};

fn main() {
    println!("cargo::rerun-if-env-changed=ECOMAN_OPENAPI");
    let document = env::var_os("ECOMAN_OPENAPI").map_or_else(
        || PathBuf::from("../../../openapi/ecoman-3.0.json"),
        PathBuf::from,
    );
    println!("cargo::rerun-if-changed={}", document.display());
    let text = fs::read_to_string(&document)
        .unwrap_or_else(|error| panic!("{}: {error}", document.display()))
        // Progenitor gives a type to what is called so, and bytes to everything else.
        .replace("application/problem+json", "application/json");
    let mut document: serde_json::Value = serde_json::from_str(&text).expect("an OpenAPI document");
    // Progenitor has one type for all good answers of an operation. Where a change either becomes a
    // task (202) or waits (200), it is the task; the other is an `UnexpectedResponse`.
    let paths = document["paths"].as_object_mut().expect("paths");
    for operation in paths
        .values_mut()
        .flat_map(|path| path.as_object_mut().expect("a path").values_mut())
    {
        if let Some(answers) = operation
            .get_mut("responses")
            .and_then(|it| it.as_object_mut())
            && answers.contains_key("202")
        {
            answers.remove("200");
        }
    }
    let document = serde_json::from_value(document).expect("an OpenAPI document");

    let mut settings = progenitor::GenerationSettings::new();
    settings.with_interface(progenitor::InterfaceStyle::Builder);
    let tokens = progenitor::Generator::new(&settings)
        .generate_tokens(&document)
        .expect("a client");
    let file = syn::parse2(tokens).expect("Rust");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it")).join("ecoman.rs");
    fs::write(out, prettyplease::unparse(&file)).expect("the client can be written");
}
