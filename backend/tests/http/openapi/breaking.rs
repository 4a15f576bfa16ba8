//! What a change of the document takes from clients that were made for the one before. (The crates
//! that compare documents know 3.0 alone, or have not been kept.)

use std::collections::BTreeSet;

use serde_json::Value;

use super::{document, kept, operations};

/// The differences that clients see, each as a line that names its place.
#[derive(Debug, Default, PartialEq, Eq)]
struct Changes {
    breaking: Vec<String>,
    additions: Vec<String>,
}

/// Which way a value goes: that decides what clients can put up with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Way {
    /// To the server, which must not ask for more than before.
    Request,
    /// To the client, who must not get less than before, nor what it does not know.
    Answer,
}

struct Comparison<'a> {
    old: &'a Value,
    new: &'a Value,
    changes: Changes,
    /// The pairs of schemas that are being compared, or have been.
    seen: BTreeSet<(String, String, Way)>,
}

#[test]
fn nothing_is_taken_from_clients_of_the_published_document() {
    let (origin, published) = published();
    let mut changes = Changes::between(
        &document(&published),
        &document(ecoman_backend::openapi_json()),
    );
    let accepted = kept("breaking.txt");
    changes
        .breaking
        .retain(|change| !accepted.lines().any(|line| line == change));
    assert!(
        changes.breaking.is_empty(),
        "clients made from openapi/ecoman.json of {origin} break:\n{}\nIs it meant to be? Then add the \
         lines, without their first word, to openapi/breaking.txt, and notify the users.",
        changes.reported()
    );
}

/// The document that clients were made from, and where it is: that of the last release, or of the
/// last commit where there is none. Not that of the working tree, which `cargo xtask docs` writes.
fn published() -> (String, String) {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git")
            .args(arguments)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .output()
            .ok()
            .filter(|output| output.status.success())?;
        String::from_utf8(output.stdout).ok()
    };
    let tag = git(&["describe", "--tags", "--abbrev=0", "--match", "v*"]);
    let origin = tag.map_or_else(|| "HEAD".to_owned(), |tag| tag.trim().to_owned());
    match git(&["show", &format!("{origin}:openapi/ecoman.json")]) {
        Some(text) => (origin, text),
        // Sources without their history.
        None => ("this copy".to_owned(), kept("ecoman.json")),
    }
}

#[test]
fn what_breaks_clients_is_distinguished_from_what_is_new() {
    /// Replaces, adds (the value where there was none) or removes (`null`) a part.
    type Edit = (&'static str, Value);
    let cases: Vec<(Edit, &[&str])> = vec![
        (
            ("/paths/~1vms/get", Value::Null),
            &["breaking: GET /vms: is gone"],
        ),
        (
            ("/paths/~1vms/get/operationId", "allVms".into()),
            &["breaking: GET /vms: is called allVms, no longer listVms"],
        ),
        (
            ("/paths/~1vms/get/parameters/0", Value::Null),
            &["breaking: GET /vms: the query parameter q is gone"],
        ),
        (
            ("/paths/~1vms/get/parameters/0/required", true.into()),
            &["breaking: GET /vms: the query parameter q is required now"],
        ),
        (
            ("/paths/~1vms/get/parameters/1/schema/maximum", 50.into()),
            &["breaking: GET /vms: limit: maximum is 50, was 100"],
        ),
        (
            ("/paths/~1vms/get/parameters/1/schema/maximum", 500.into()),
            &[],
        ),
        (
            ("/paths/~1vms/get/parameters/0/schema/pattern", "^a".into()),
            &["breaking: GET /vms: q: pattern is \"^a\", was nothing"],
        ),
        (
            ("/paths/~1vms/get/responses/200", Value::Null),
            &["breaking: GET /vms: the answer 200 is gone"],
        ),
        (
            ("/paths/~1vms/get/responses/200/headers/ETag", Value::Null),
            &["breaking: GET /vms: 200: the header ETag is gone"],
        ),
        (
            (
                "/paths/~1vms/get/responses/200/content/text~1csv",
                Value::Null,
            ),
            &["breaking: GET /vms: 200: text/csv is gone"],
        ),
        (
            ("/components/schemas/Vm/properties/name", Value::Null),
            &["breaking: GET /vms: 200.items[].name: is gone"],
        ),
        (
            (
                "/components/schemas/Vm/properties/name/type",
                "string".into(),
            ),
            &[],
        ),
        (
            (
                "/components/schemas/Vm/properties/cpus/type",
                serde_json::json!(["integer", "null"]),
            ),
            &["breaking: GET /vms: 200.items[].cpus: may be null now"],
        ),
        (
            (
                "/components/schemas/Vm/properties/cpus/type",
                "string".into(),
            ),
            &["breaking: GET /vms: 200.items[].cpus: may be string now"],
        ),
        (
            (
                "/components/schemas/Vm/required",
                serde_json::json!(["name"]),
            ),
            &["breaking: GET /vms: 200.items[].cpus: may be missing now"],
        ),
        (
            (
                "/components/schemas/Power/enum",
                serde_json::json!(["on", "off", "broken"]),
            ),
            &["breaking: GET /vms: 200.items[].power: may be \"broken\" now"],
        ),
        (
            ("/components/schemas/Power/enum", serde_json::json!(["on"])),
            &["breaking: POST /vms: body.power: may no longer be \"off\""],
        ),
        (
            (
                "/components/schemas/New/required",
                serde_json::json!(["name", "power"]),
            ),
            &["breaking: POST /vms: body.power: is required now"],
        ),
        (
            ("/components/schemas/New/properties/power", Value::Null),
            &["breaking: POST /vms: body.power: is gone"],
        ),
        (
            (
                "/components/schemas/New/properties/name/type",
                "integer".into(),
            ),
            &["breaking: POST /vms: body.name: may no longer be string"],
        ),
        (
            (
                "/components/schemas/New/properties/name/minLength",
                2.into(),
            ),
            &["breaking: POST /vms: body.name: minLength is 2, was nothing"],
        ),
        (
            ("/paths/~1vms/post/requestBody/required", true.into()),
            &["breaking: POST /vms: the body is required now"],
        ),
        (
            (
                "/components/schemas/Kind/oneOf/1",
                serde_json::json!({ "$ref": "#/components/schemas/Power" }),
            ),
            &["breaking: GET /vms: 200.items[].kind: may be Power now"],
        ),
        (
            (
                "/components/schemas/Vm/properties/comment",
                serde_json::json!({ "type": "string" }),
            ),
            &["new: GET /vms: 200.items[].comment"],
        ),
        (
            (
                "/components/schemas/New/properties/comment",
                serde_json::json!({ "type": "string" }),
            ),
            &["new: POST /vms: body.comment"],
        ),
        (
            (
                "/paths/~1vms/get/parameters/2",
                serde_json::json!({ "name": "node", "in": "query", "schema": {} }),
            ),
            &["new: GET /vms: the query parameter node"],
        ),
        (
            (
                "/paths/~1vms/get/parameters/2",
                serde_json::json!({ "name": "node", "in": "query", "required": true, "schema": {} }),
            ),
            &["breaking: GET /vms: the query parameter node is required now"],
        ),
        (
            (
                "/paths/~1nodes",
                serde_json::json!({ "get": { "operationId": "listNodes", "responses": {} } }),
            ),
            &["new: GET /nodes"],
        ),
        (
            ("/components/schemas/Vm/description", "another".into()),
            &[],
        ),
    ];
    let old = sample();
    for ((pointer, value), expected) in cases {
        let mut new = old.clone();
        edit(&mut new, pointer, value);
        let reported = Changes::between(&old, &new).reported();
        assert_eq!(reported.lines().collect::<Vec<_>>(), expected, "{pointer}");
    }
    assert_eq!(Changes::between(&old, &old), Changes::default());
}

/// A small document with one of each.
fn sample() -> Value {
    serde_json::json!({
        "paths": { "/vms": {
            "get": {
                "operationId": "listVms",
                "parameters": [
                    { "name": "q", "in": "query", "schema": { "type": "string" } },
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": { "type": "integer", "maximum": 100 }
                    }
                ],
                "responses": { "200": {
                    "headers": { "ETag": {} },
                    "content": {
                        "text/csv": { "schema": { "type": "string" } },
                        "application/json": { "schema": {
                            "properties": { "items": {
                                "type": "array",
                                "items": { "$ref": "#/components/schemas/Vm" }
                            } }
                        } }
                    }
                } }
            },
            "post": {
                "operationId": "createVm",
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/New" }
                } } },
                "responses": { "202": {} }
            }
        } },
        "components": { "schemas": {
            "Vm": {
                "type": "object",
                "required": ["name", "cpus"],
                "properties": {
                    "name": { "type": ["string", "null"] },
                    "cpus": { "type": "integer" },
                    "power": { "$ref": "#/components/schemas/Power" },
                    "kind": { "$ref": "#/components/schemas/Kind" },
                    "parent": { "oneOf": [
                        { "$ref": "#/components/schemas/Vm" },
                        { "type": "null" }
                    ] }
                }
            },
            "Power": { "type": "string", "enum": ["on", "off"] },
            "Kind": { "oneOf": [{ "$ref": "#/components/schemas/Vm" }] },
            "New": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": { "type": "string" },
                    "power": { "$ref": "#/components/schemas/Power" }
                }
            }
        } }
    })
}

fn edit(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').expect("a pointer");
    let key = key.replace("~1", "/");
    match document.pointer_mut(parent).expect("the parent is there") {
        Value::Object(fields) if value.is_null() => {
            fields.remove(&key).expect("it was there");
        }
        Value::Object(fields) => {
            fields.insert(key, value);
        }
        Value::Array(items) => {
            let index: usize = key.parse().expect("an index");
            if value.is_null() {
                items.remove(index);
            } else {
                items.insert(index, value);
            }
        }
        other => panic!("{pointer} lies in {other}"),
    }
}

impl Changes {
    fn between(old: &Value, new: &Value) -> Self {
        let mut comparison = Comparison {
            old,
            new,
            changes: Self::default(),
            seen: BTreeSet::new(),
        };
        for (what, operation) in operations(old) {
            match operations(new).find(|(name, _)| *name == what) {
                Some((_, now)) => comparison.operation(&what, operation, now),
                None => comparison.breaks(format!("{what}: is gone")),
            }
        }
        for (what, _) in operations(new) {
            if !operations(old).any(|(name, _)| name == what) {
                comparison.adds(what);
            }
        }
        comparison.changes
    }

    fn reported(&self) -> String {
        let breaking = self.breaking.iter().map(|line| format!("breaking: {line}"));
        let additions = self.additions.iter().map(|line| format!("new: {line}"));
        breaking.chain(additions).collect::<Vec<_>>().join("\n")
    }
}

impl<'a> Comparison<'a> {
    fn breaks(&mut self, line: String) {
        if !self.changes.breaking.contains(&line) {
            self.changes.breaking.push(line);
        }
    }

    fn adds(&mut self, line: String) {
        if !self.changes.additions.contains(&line) {
            self.changes.additions.push(line);
        }
    }

    fn operation(&mut self, what: &str, old: &'a Value, new: &'a Value) {
        if old["operationId"] != new["operationId"] {
            let id = |operation: &Value| operation["operationId"].as_str().unwrap_or("").to_owned();
            self.breaks(format!(
                "{what}: is called {}, no longer {}",
                id(new),
                id(old)
            ));
        }
        self.parameters(what, old, new);
        self.body(what, old, new);
        for (status, answer) in fields(&old["responses"]) {
            // Of failures only the problem counts, which all have.
            if !status.starts_with(['2', '3']) {
                continue;
            }
            let now = &new["responses"][status];
            if now.is_null() {
                self.breaks(format!("{what}: the answer {status} is gone"));
                continue;
            }
            for (name, _) in fields(&answer["headers"]) {
                if now["headers"][name].is_null() {
                    self.breaks(format!("{what}: {status}: the header {name} is gone"));
                }
            }
            for (media_type, content) in fields(&answer["content"]) {
                let now = &now["content"][media_type];
                if now.is_null() {
                    self.breaks(format!("{what}: {status}: {media_type} is gone"));
                } else {
                    let what = format!("{what}: {status}");
                    self.schema(Way::Answer, &what, &content["schema"], &now["schema"]);
                }
            }
        }
    }

    fn parameters(&mut self, what: &str, old: &'a Value, new: &'a Value) {
        let all = |operation: &'a Value| operation["parameters"].as_array().into_iter().flatten();
        let is =
            |one: &Value, other: &Value| one["name"] == other["name"] && one["in"] == other["in"];
        let named = |parameter: &Value| {
            let word = |key: &str| parameter[key].as_str().unwrap_or("").to_owned();
            format!("the {} parameter {}", word("in"), word("name"))
        };
        for parameter in all(old) {
            let Some(now) = all(new).find(|now| is(now, parameter)) else {
                self.breaks(format!("{what}: {} is gone", named(parameter)));
                continue;
            };
            if now["required"] == true && parameter["required"] != true {
                self.breaks(format!("{what}: {} is required now", named(parameter)));
            }
            let what = format!("{what}: {}", parameter["name"].as_str().unwrap_or(""));
            self.schema(Way::Request, &what, &parameter["schema"], &now["schema"]);
        }
        for parameter in all(new) {
            if all(old).any(|before| is(before, parameter)) {
                continue;
            }
            if parameter["required"] == true {
                self.breaks(format!("{what}: {} is required now", named(parameter)));
            } else {
                self.adds(format!("{what}: {}", named(parameter)));
            }
        }
    }

    fn body(&mut self, what: &str, old: &'a Value, new: &'a Value) {
        let (old, new) = (&old["requestBody"], &new["requestBody"]);
        if new["required"] == true && old["required"] != true {
            self.breaks(format!("{what}: the body is required now"));
        }
        for (media_type, content) in fields(&old["content"]) {
            let now = &new["content"][media_type];
            if now.is_null() {
                self.breaks(format!("{what}: the body may no longer be {media_type}"));
            } else {
                let what = format!("{what}: body");
                self.schema(Way::Request, &what, &content["schema"], &now["schema"]);
            }
        }
    }

    fn schema(&mut self, way: Way, what: &str, old: &'a Value, new: &'a Value) {
        if let (Some(before), Some(now)) = (old["$ref"].as_str(), new["$ref"].as_str())
            && !self.seen.insert((before.to_owned(), now.to_owned(), way))
        {
            return;
        }
        let (before, now) = (resolved(self.old, old), resolved(self.new, new));
        self.types(way, what, before, now);
        self.values(way, what, before, now);
        if way == Way::Request {
            self.limits(what, before, now);
        }
        self.fields(way, what, before, now);
        self.choices(way, what, before, now);
        if !before["items"].is_null() && !now["items"].is_null() {
            self.schema(way, &format!("{what}[]"), &before["items"], &now["items"]);
        }
    }

    fn types(&mut self, way: Way, what: &str, old: &Value, new: &Value) {
        let (before, now) = (types(old), types(new));
        // Without a type everything is allowed.
        match way {
            Way::Request if !now.is_empty() => {
                for kind in before.difference(&now) {
                    self.breaks(format!("{what}: may no longer be {kind}"));
                }
            }
            Way::Answer if !before.is_empty() => {
                for kind in now.difference(&before) {
                    self.breaks(format!("{what}: may be {kind} now"));
                }
            }
            _ => {}
        }
        if !old["format"].is_null() && old["format"] != new["format"] {
            self.breaks(format!(
                "{what}: format is {}, was {}",
                reported(&new["format"]),
                reported(&old["format"])
            ));
        }
    }

    fn values(&mut self, way: Way, what: &str, old: &Value, new: &Value) {
        let values = |schema: &Value| schema["enum"].as_array().cloned().unwrap_or_default();
        let (before, now) = (values(old), values(new));
        match way {
            Way::Request if !now.is_empty() => {
                for value in before.iter().filter(|value| !now.contains(value)) {
                    self.breaks(format!("{what}: may no longer be {value}"));
                }
                if before.is_empty() {
                    self.breaks(format!("{what}: has to be one of {} now", new["enum"]));
                }
            }
            Way::Answer if !before.is_empty() => {
                for value in now.iter().filter(|value| !before.contains(value)) {
                    self.breaks(format!("{what}: may be {value} now"));
                }
                if now.is_empty() {
                    self.breaks(format!("{what}: may be anything now"));
                }
            }
            _ => {}
        }
    }

    fn limits(&mut self, what: &str, old: &Value, new: &Value) {
        for (limit, is_least) in [
            ("minimum", true),
            ("minLength", true),
            ("minItems", true),
            ("maximum", false),
            ("maxLength", false),
            ("maxItems", false),
        ] {
            let narrower = match (old[limit].as_f64(), new[limit].as_f64()) {
                (_, None) => false,
                (None, Some(_)) => true,
                (Some(before), Some(now)) if is_least => now > before,
                (Some(before), Some(now)) => now < before,
            };
            if narrower {
                let (now, was) = (reported(&new[limit]), reported(&old[limit]));
                self.breaks(format!("{what}: {limit} is {now}, was {was}"));
            }
        }
        if !new["pattern"].is_null() && old["pattern"] != new["pattern"] {
            let (now, was) = (reported(&new["pattern"]), reported(&old["pattern"]));
            self.breaks(format!("{what}: pattern is {now}, was {was}"));
        }
    }

    fn fields(&mut self, way: Way, what: &str, old: &'a Value, new: &'a Value) {
        let is_required = |schema: &Value, name: &str| {
            let required = schema["required"].as_array();
            required.is_some_and(|required| required.iter().any(|field| field == name))
        };
        for (name, field) in fields(&old["properties"]) {
            let what = format!("{what}.{name}");
            let now = &new["properties"][name];
            if now.is_null() {
                self.breaks(format!("{what}: is gone"));
                continue;
            }
            match (way, is_required(old, name), is_required(new, name)) {
                (Way::Request, false, true) => self.breaks(format!("{what}: is required now")),
                (Way::Answer, true, false) => self.breaks(format!("{what}: may be missing now")),
                _ => {}
            }
            self.schema(way, &what, field, now);
        }
        for (name, _) in fields(&new["properties"]) {
            if !old["properties"][name].is_null() {
                continue;
            }
            if way == Way::Request && is_required(new, name) {
                self.breaks(format!("{what}.{name}: is required now"));
            } else {
                self.adds(format!("{what}.{name}"));
            }
        }
    }

    fn choices(&mut self, way: Way, what: &str, old: &'a Value, new: &'a Value) {
        let (before, now) = (choices(old), choices(new));
        for &(name, choice) in &before {
            match now.iter().find(|(other, _)| *other == name) {
                Some((_, now)) => self.schema(way, what, choice, now),
                None if way == Way::Request && !now.is_empty() => {
                    self.breaks(format!("{what}: may no longer be {name}"));
                }
                None => {}
            }
        }
        for (name, _) in &now {
            let is_new = !before.iter().any(|(other, _)| other == name);
            if is_new && way == Way::Answer && !before.is_empty() {
                self.breaks(format!("{what}: may be {name} now"));
            }
        }
    }
}

/// The entries of what may not be there.
fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}

/// A value for a sentence.
fn reported(value: &Value) -> String {
    if value.is_null() {
        "nothing".to_owned()
    } else {
        value.to_string()
    }
}

/// What a schema refers to, or itself.
fn resolved<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"]
        .as_str()
        .and_then(|path| path.strip_prefix('#'))
    {
        Some(pointer) => document.pointer(pointer).expect("it refers to something"),
        None => schema,
    }
}

/// The types that a value may have, `null` beside a choice included.
fn types(schema: &Value) -> BTreeSet<&str> {
    let mut types: BTreeSet<&str> = match &schema["type"] {
        Value::String(kind) => [kind.as_str()].into(),
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => BTreeSet::new(),
    };
    if let Some(choices) = schema["oneOf"].as_array() {
        let null = choices.iter().any(|choice| choice["type"] == "null");
        types.insert("one of several");
        if null {
            types.insert("null");
        }
    }
    types
}

/// What can be chosen from, by name.
fn choices(schema: &Value) -> Vec<(&str, &Value)> {
    let choices = schema["oneOf"].as_array().into_iter().flatten();
    choices
        .filter_map(|choice| {
            let reference = choice["$ref"].as_str()?;
            let name = reference.trim_start_matches("#/components/schemas/");
            Some((name, choice))
        })
        .collect()
}
