//! OpenAPI 3.1 → 3.0.3, for generators without support for 3.1.

use serde_json::{Map, Value, json};

use super::document::{Document, each_part, each_schema_of};

/// A feature of 3.1 that 3.0 lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("OpenAPI 3.0 has no way to say {keyword} of {schema}")]
pub(crate) struct Inexpressible {
    keyword: String,
    schema: String,
}

/// The same document as OpenAPI 3.0.3.
///
/// # Errors
///
/// A schema uses a feature that 3.0 lacks.
pub(crate) fn convert(document: &Document) -> Result<Document, Inexpressible> {
    let mut document = document.clone();
    "3.0.3".clone_into(&mut document.openapi);
    if let Some(license) = document
        .info
        .get_mut("license")
        .and_then(Value::as_object_mut)
    {
        license.remove("identifier");
    }
    let mut outcome = Ok(());
    let mut change = |schema: &mut Map<String, Value>| {
        if outcome.is_ok() {
            outcome = convert_schema(schema);
        }
    };
    for schema in document.components.schemas.values_mut() {
        each_part(schema, &mut change);
    }
    for operation in document
        .paths
        .values_mut()
        .flat_map(|item| item.values_mut())
    {
        each_schema_of(operation, &mut change);
    }
    outcome.map(|()| document)
}

/// Converts a schema whose parts are converted already.
fn convert_schema(schema: &mut Map<String, Value>) -> Result<(), Inexpressible> {
    if let Some(keyword) = ONLY_3_1.iter().find(|&&word| schema.contains_key(word)) {
        return Err(inexpressible(keyword, schema));
    }
    // The content of a text is an annotation: it does not affect validity.
    schema.remove("contentMediaType");
    schema.remove("contentSchema");
    if let Some(value) = schema.remove("const") {
        schema.insert("enum".to_owned(), json!([value]));
    }
    if let Some(Value::Array(examples)) = schema.remove("examples")
        && let Some(first) = examples.into_iter().next()
    {
        schema.entry("example").or_insert(first);
    }
    exclusive(schema, "exclusiveMinimum", "minimum");
    exclusive(schema, "exclusiveMaximum", "maximum");
    null_type(schema)?;
    null_choice(schema, "oneOf");
    null_choice(schema, "anyOf");
    // Beside a reference 3.0 ignores everything.
    if schema.len() > 1
        && let Some(reference) = schema.remove("$ref")
    {
        schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
    Ok(())
}

/// Keywords of JSON Schema that 3.0 lacks and that affect validity.
const ONLY_3_1: [&str; 16] = [
    "$anchor",
    "$defs",
    "$dynamicRef",
    "contains",
    "contentEncoding",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "minContains",
    "patternProperties",
    "prefixItems",
    "propertyNames",
    "then",
    "unevaluatedProperties",
];

fn inexpressible(keyword: &str, schema: &Map<String, Value>) -> Inexpressible {
    Inexpressible {
        keyword: keyword.to_owned(),
        schema: Value::Object(schema.clone()).to_string(),
    }
}

/// `exclusiveMinimum: 5` → `minimum: 5, exclusiveMinimum: true`.
fn exclusive(schema: &mut Map<String, Value>, exclusive: &str, limit: &str) {
    let Some(Value::Number(bound)) = schema.get(exclusive).cloned() else {
        return;
    };
    // An inclusive limit beside it holds only if it is narrower.
    let inclusive = schema.get(limit).and_then(Value::as_f64);
    let narrower = match (inclusive, bound.as_f64()) {
        (Some(inclusive), Some(bound)) if limit == "minimum" => inclusive > bound,
        (Some(inclusive), Some(bound)) => inclusive < bound,
        _ => false,
    };
    if narrower {
        schema.remove(exclusive);
    } else {
        schema.insert(limit.to_owned(), Value::Number(bound));
        schema.insert(exclusive.to_owned(), true.into());
    }
}

/// `type: [string, "null"]` → `type: string, nullable: true`.
fn null_type(schema: &mut Map<String, Value>) -> Result<(), Inexpressible> {
    let Some(Value::Array(types)) = schema.get("type") else {
        return Ok(());
    };
    let is_null = |kind: &&Value| kind.as_str() == Some("null");
    let others: Vec<&Value> = types.iter().filter(|kind| !is_null(kind)).collect();
    let &[kind] = others.as_slice() else {
        return Err(inexpressible("type", schema));
    };
    let (kind, nullable) = (kind.clone(), types.len() > 1);
    schema.insert("type".to_owned(), kind);
    if nullable {
        make_nullable(schema);
    }
    Ok(())
}

/// A choice between a schema and `null` → that schema, `nullable: true`.
fn null_choice(schema: &mut Map<String, Value>, word: &str) {
    let Some(Value::Array(choices)) = schema.get_mut(word) else {
        return;
    };
    let before = choices.len();
    choices.retain(|choice| choice.get("type").and_then(Value::as_str) != Some("null"));
    if choices.len() == before {
        return;
    }
    if let [choice] = choices.as_mut_slice() {
        let choice = choice.take();
        schema.remove(word);
        match choice {
            Value::Object(choice) if !choice.contains_key("$ref") => {
                for (key, value) in choice {
                    schema.entry(key).or_insert(value);
                }
            }
            reference => {
                schema.insert("allOf".to_owned(), json!([reference]));
            }
        }
    }
    make_nullable(schema);
}

fn make_nullable(schema: &mut Map<String, Value>) {
    schema.insert("nullable".to_owned(), true.into());
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Converts a schema that lies in `properties`, under a name that is a keyword too.
    fn converted(schema: &Value) -> Result<Value, Inexpressible> {
        let document = json!({
            "openapi": "3.1.0",
            "info": {
                "title": "T",
                "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" }
            },
            "tags": [],
            "paths": { "/a": { "get": { "responses": { "200": { "content": {
                "application/json": {
                    "schema": { "type": ["string", "null"] },
                    "example": { "type": ["kept"], "const": 1 }
                }
            } } } } } },
            "components": { "schemas": {
                "A": { "type": "object", "properties": { "const": schema } }
            } }
        });
        let document: Document = serde_json::from_value(document).expect("a document");
        let converted = serde_json::to_value(convert(&document)?).expect("JSON");
        assert_eq!(converted["openapi"], "3.0.3");
        assert_eq!(
            converted["info"]["license"],
            json!({ "name": "Apache-2.0" })
        );
        let content = "/paths/~1a/get/responses/200/content/application~1json";
        assert_eq!(
            converted.pointer(content).expect("the answer"),
            &json!({
                "schema": { "type": "string", "nullable": true },
                "example": { "type": ["kept"], "const": 1 }
            })
        );
        Ok(converted["components"]["schemas"]["A"]["properties"]["const"].clone())
    }

    #[test]
    fn what_3_1_says_is_said_in_the_words_of_3_0() {
        for (schema, expected) in [
            (
                json!({ "type": ["integer", "null"], "minimum": 1 }),
                json!({ "type": "integer", "nullable": true, "minimum": 1 }),
            ),
            (json!({ "type": ["string"] }), json!({ "type": "string" })),
            (
                json!({ "type": ["string", "null"], "enum": ["a"] }),
                json!({ "type": "string", "nullable": true, "enum": ["a", null] }),
            ),
            (json!({ "const": "a" }), json!({ "enum": ["a"] })),
            (
                json!({
                    "type": "string",
                    "contentMediaType": "application/json",
                    "contentSchema": { "$ref": "#/components/schemas/B" }
                }),
                json!({ "type": "string" }),
            ),
            (
                json!({ "type": "string", "examples": ["a", "b"] }),
                json!({ "type": "string", "example": "a" }),
            ),
            (
                json!({ "exclusiveMinimum": 5 }),
                json!({ "minimum": 5, "exclusiveMinimum": true }),
            ),
            (
                json!({ "exclusiveMaximum": 5, "maximum": 4 }),
                json!({ "maximum": 4 }),
            ),
            (
                json!({ "exclusiveMaximum": 5, "maximum": 5 }),
                json!({ "maximum": 5, "exclusiveMaximum": true }),
            ),
            (
                json!({ "$ref": "#/components/schemas/B", "description": "d" }),
                json!({ "allOf": [{ "$ref": "#/components/schemas/B" }], "description": "d" }),
            ),
            (
                json!({ "$ref": "#/components/schemas/B" }),
                json!({ "$ref": "#/components/schemas/B" }),
            ),
            (
                json!({
                    "oneOf": [{ "type": "null" }, { "$ref": "#/components/schemas/B" }],
                    "description": "d"
                }),
                json!({
                    "allOf": [{ "$ref": "#/components/schemas/B" }],
                    "nullable": true,
                    "description": "d"
                }),
            ),
            (
                json!({ "anyOf": [{ "type": "string", "maxLength": 3 }, { "type": "null" }] }),
                json!({ "type": "string", "maxLength": 3, "nullable": true }),
            ),
            (
                json!({ "oneOf": [
                    { "$ref": "#/components/schemas/B" },
                    { "const": 1 },
                    { "type": "null" }
                ] }),
                json!({
                    "oneOf": [{ "$ref": "#/components/schemas/B" }, { "enum": [1] }],
                    "nullable": true
                }),
            ),
            (
                json!({ "type": "array", "items": { "type": ["number", "null"] } }),
                json!({ "type": "array", "items": { "type": "number", "nullable": true } }),
            ),
        ] {
            assert_eq!(converted(&schema), Ok(expected), "{schema}");
        }
    }

    #[test]
    fn what_3_0_cannot_say_is_an_error_that_names_it() {
        for (schema, keyword) in [
            (json!({ "type": ["string", "integer"] }), "type"),
            (json!({ "prefixItems": [] }), "prefixItems"),
            (json!({ "items": { "if": {} } }), "if"),
        ] {
            let error = converted(&schema).expect_err("3.0 cannot say it");
            assert_eq!(error.keyword, keyword, "{schema}");
        }
    }
}
