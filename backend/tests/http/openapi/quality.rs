//! Everything in the documents has a name, a description and an example that is valid.

use serde_json::Value;

use super::{DOCUMENTS, document, operations};

/// What is wrong with a document, each with its place.
#[derive(Default)]
struct Faults(Vec<String>);

#[test]
fn everything_in_the_documents_has_a_name_and_a_description() {
    for (name, made) in DOCUMENTS {
        let faults = Faults::of(&document(made()));
        assert!(faults.0.is_empty(), "{name}:\n{}", faults.0.join("\n"));
    }
}

#[test]
fn every_request_and_answer_has_a_valid_example() {
    let document = document(ecoman_backend::openapi_json());
    let mut faults = Vec::new();
    for (what, operation) in operations(&document) {
        for (place, content) in bodies(operation) {
            for (media_type, content) in content.as_object().expect("media types") {
                if media_type == "application/problem+json" {
                    continue;
                }
                let place = format!("{what} {place} {media_type}");
                let Some(example) = content.get("example") else {
                    faults.push(format!("{place}: no example"));
                    continue;
                };
                if media_type == "application/json" {
                    faults.extend(
                        errors(&document, &content["schema"], example)
                            .map(|error| format!("{place}: {error}")),
                    );
                }
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let place = format!("{what} {}", parameter["name"]);
            let schema = &parameter["schema"];
            match parameter.get("example").or_else(|| schema.get("example")) {
                None => faults.push(format!("{place}: no example")),
                Some(example) => faults.extend(
                    errors(&document, schema, example).map(|error| format!("{place}: {error}")),
                ),
            }
        }
    }
    for (name, schema) in document["components"]["schemas"]
        .as_object()
        .expect("schemas")
    {
        for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
            if let Some(example) = schema.get("example") {
                let found = errors(&document, schema, example);
                faults.extend(found.map(|error| format!("{name}.{field}: {error}")));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn what_is_unsaid_is_found_at_its_place() {
    let faults = Faults::of(&serde_json::json!({
        "info": { "description": "d" },
        "tags": [{ "name": "T", "description": "" }],
        "paths": { "/a": { "get": {
            "summary": "s",
            "description": "d",
            "tags": ["T"],
            "parameters": [{ "name": "p", "schema": { "type": "string" } }],
            "requestBody": { "content": { "x": { "schema": { "$ref": "#/components/schemas/B" } } } },
            "responses": { "5XX": { "description": "d" }, "200": {
                "description": "d",
                "headers": { "h": {} },
                "content": { "y": { "schema": { "type": "object", "properties": {} } } }
            } }
        } } },
        "components": { "schemas": { "A": {
            "type": "object",
            "description": "d",
            "properties": {
                "in": { "description": "d", "items": { "oneOf": [{ "properties": {} }] } },
                "out": { "type": "string" }
            }
        } } }
    }));
    assert_eq!(
        faults.0,
        [
            "tag T: no description",
            "GET /a: no answer for 400",
            "GET /a: no answer for 421",
            "GET /a: no answer for 500",
            "GET /a: no answer for 503",
            "GET /a: 5XX is no status",
            "GET /a parameter p: no description",
            "GET /a requestBody: no description",
            "GET /a 200 header h: no description",
            "GET /a requestBody x: refers to B, which is not there",
            "GET /a 200 y: fields without a name for what has them",
            "A.in[] choice: fields without a name for what has them",
            "A.out: no description",
        ]
    );
}

impl Faults {
    fn of(document: &Value) -> Self {
        let mut faults = Self::default();
        faults.described("info", &document["info"]);
        for tag in document["tags"].as_array().expect("tags") {
            let name = tag["name"].as_str().expect("a name");
            faults.described(&format!("tag {name}"), tag);
        }
        for (what, operation) in operations(document) {
            faults.operation(document, &what, operation);
        }
        for (name, schema) in document["components"]["schemas"]
            .as_object()
            .expect("schemas")
        {
            faults.described(name, schema);
            faults.parts(document, name, schema);
        }
        faults
    }

    fn operation(&mut self, document: &Value, what: &str, operation: &Value) {
        self.described(what, operation);
        if operation["summary"].as_str().is_none_or(str::is_empty) {
            self.0.push(format!("{what}: no summary"));
        }
        let reported = document["tags"].as_array().expect("tags");
        match operation["tags"].as_array().map(Vec::as_slice) {
            Some([tag]) if reported.iter().any(|reported| reported["name"] == *tag) => {}
            tags => self
                .0
                .push(format!("{what}: not one of the tags: {tags:?}")),
        }
        let answers = operation["responses"].as_object().expect("answers");
        for failure in ["400", "421", "500", "503"] {
            if !answers.contains_key(failure) {
                self.0.push(format!("{what}: no answer for {failure}"));
            }
        }
        for status in answers.keys() {
            if status.parse::<u16>().is_err() {
                self.0.push(format!("{what}: {status} is no status"));
            }
        }
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().expect("a name");
            let what = format!("{what} parameter {name}");
            self.described(&what, parameter);
            self.schema(document, &what, &parameter["schema"]);
        }
        if let Some(body) = operation.get("requestBody") {
            self.described(&format!("{what} requestBody"), body);
        }
        for (status, response) in operation["responses"].as_object().expect("responses") {
            self.described(&format!("{what} {status}"), response);
            for (name, header) in response["headers"].as_object().into_iter().flatten() {
                self.described(&format!("{what} {status} header {name}"), header);
            }
        }
        for (place, content) in bodies(operation) {
            for (media_type, content) in content.as_object().expect("media types") {
                let what = format!("{what} {place} {media_type}");
                self.schema(document, &what, &content["schema"]);
            }
        }
    }

    fn described(&mut self, what: &str, thing: &Value) {
        if thing["description"].as_str().is_none_or(str::is_empty) {
            self.0.push(format!("{what}: no description"));
        }
    }

    /// A schema in the midst of something else.
    fn schema(&mut self, document: &Value, what: &str, schema: &Value) {
        let is_map = schema.get("additionalProperties").is_some();
        if schema.get("properties").is_some() || (schema["type"] == "object" && !is_map) {
            self.0
                .push(format!("{what}: fields without a name for what has them"));
        }
        if let Some(reference) = schema["$ref"].as_str() {
            let name = reference.trim_start_matches("#/components/schemas/");
            if document["components"]["schemas"][name].is_null() {
                self.0
                    .push(format!("{what}: refers to {name}, which is not there"));
            }
        }
        self.parts(document, what, schema);
    }

    fn parts(&mut self, document: &Value, what: &str, schema: &Value) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let what = format!("{what}.{name}");
            self.described(&what, field);
            self.schema(document, &what, field);
        }
        if let Some(items) = schema.get("items") {
            self.schema(document, &format!("{what}[]"), items);
        }
        for word in ["oneOf", "anyOf", "allOf"] {
            for choice in schema[word].as_array().into_iter().flatten() {
                self.schema(document, &format!("{what} choice"), choice);
            }
        }
    }
}

/// The contents of request and answers.
fn bodies(operation: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let request = operation["requestBody"].get("content");
    let responses = operation["responses"].as_object().expect("responses");
    let answers = responses.iter().filter_map(|(status, response)| {
        let content = response.get("content")?;
        Some((status.as_str(), content))
    });
    request
        .map(|content| ("requestBody", content))
        .into_iter()
        .chain(answers)
}

/// Why a value is not as a schema of the document says.
fn errors(document: &Value, schema: &Value, value: &Value) -> impl Iterator<Item = String> {
    let mut schema = schema.clone();
    schema["components"] = document["components"].clone();
    let validator = jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a schema");
    validator
        .iter_errors(value)
        .map(|error| {
            format!(
                "the example is not valid: {error} (at {})",
                error.instance_path()
            )
        })
        .collect::<Vec<_>>()
        .into_iter()
}
