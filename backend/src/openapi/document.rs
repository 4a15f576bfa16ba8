//! Completes a document where the macros stop: names for all schemas with fields, `required`
//! fields, an example for every request and answer. Pure functions over the document as JSON.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A document, its parts in reading order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Document {
    pub(crate) openapi: String,
    pub(crate) info: Value,
    /// Empty where paths begin at the server's root.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) servers: Vec<Value>,
    pub(crate) tags: Value,
    pub(crate) paths: BTreeMap<String, BTreeMap<String, Value>>,
    pub(crate) components: Components,
}

/// The parts that operations refer to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Components {
    pub(crate) schemas: BTreeMap<String, Value>,
    /// All other kinds.
    #[serde(flatten)]
    pub(crate) others: BTreeMap<String, Value>,
}

impl Document {
    /// Completes a document.
    pub(crate) fn finish(&mut self) {
        self.write_descriptions();
        self.name_variants();
        self.describe_streams();
        self.each_schema(&mut |schema| {
            describe_outside(schema);
            widen(schema);
        });
        self.complete_answers();
        self.describe_requests();
        self.add_examples();
    }

    /// Puts all paths below one of the server.
    pub(crate) fn set_server(&mut self, path: &str) {
        self.servers = vec![json!({ "url": path })];
    }

    /// As text: indented, the keys in alphabetical order, with a line end at the end.
    ///
    /// # Errors
    ///
    /// A number that JSON cannot express.
    pub(crate) fn text(&self) -> Result<String, serde_json::Error> {
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        Ok(text)
    }

    /// Visits all schemas of components and operations, parts first.
    fn each_schema(&mut self, change: &mut impl FnMut(&mut Map<String, Value>)) {
        for schema in self.components.schemas.values_mut() {
            each_part(schema, change);
        }
        for operation in self.paths.values_mut().flat_map(BTreeMap::values_mut) {
            each_schema_of(operation, change);
        }
    }

    /// Turns doc comments into text: joins lines, and drops intra-doc links.
    fn write_descriptions(&mut self) {
        for schema in self.components.schemas.values_mut() {
            write_descriptions(schema);
        }
        let operations = self.paths.values_mut().flat_map(BTreeMap::values_mut);
        operations.for_each(write_descriptions);
    }

    /// Gives each variant with fields a schema of its own, named by its title: generators of clients
    /// name types after schemas.
    fn name_variants(&mut self) {
        let before = self.components.schemas.clone();
        let mut variants_by_name = BTreeMap::new();
        for schema in self.components.schemas.values_mut() {
            let Some(variants) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
                continue;
            };
            let mut mapping = Map::new();
            let mut tag = None;
            for variant in variants {
                let Some(title) = variant.get("title").and_then(Value::as_str) else {
                    continue;
                };
                let title = title.to_owned();
                let reference = reference_to(&title);
                let mut variant = std::mem::replace(variant, json!({ "$ref": reference }));
                if let Some((field, value)) = describe_tag(&mut variant) {
                    mapping.insert(value, reference.into());
                    tag = Some(field);
                }
                join(&mut variant, &before);
                variants_by_name.insert(title, variant);
            }
            if let (Some(tag), Value::Object(schema)) = (tag, schema) {
                let discriminator = json!({ "propertyName": tag, "mapping": mapping });
                schema.insert("discriminator".to_owned(), discriminator);
            }
        }
        self.components.schemas.extend(variants_by_name);
    }

    /// Describes the fields of each event of a stream: `data` is JSON as text, and every event has
    /// an `id`.
    fn describe_streams(&mut self) {
        let streams = self.reached(|operation| {
            let answers = operation.get("responses").and_then(Value::as_object);
            answers
                .into_iter()
                .flat_map(Map::values)
                .filter_map(|answer| {
                    answer
                        .get("content")?
                        .get("text/event-stream")?
                        .get("schema")
                })
        });
        for (name, schema) in &mut self.components.schemas {
            let Some(Value::Object(fields)) = schema.get_mut("properties") else {
                continue;
            };
            if !streams.contains(name) || !fields.contains_key("event") {
                continue;
            }
            let Some(data) = fields.get("data").and_then(|data| data.get("$ref")) else {
                continue;
            };
            let description = format!("A `{}` as JSON.", name_of(data).unwrap_or_default());
            let data = json!({
                "type": "string",
                "description": description,
                "contentMediaType": "application/json",
                "contentSchema": { "$ref": data }
            });
            fields.insert("data".to_owned(), data);
            let id = json!({
                "type": "string",
                "description": "The revision that the event leads to; for `Last-Event-ID`.",
                "example": "1795372800000018"
            });
            fields.insert("id".to_owned(), id);
        }
    }

    /// Marks every field of answers as required: an unknown one is `null`, while the macro requires
    /// only those that cannot be `null`.
    fn complete_answers(&mut self) {
        let of_requests = self.reached(|operation| operation.get("requestBody").into_iter());
        for (name, schema) in &mut self.components.schemas {
            if of_requests.contains(name) {
                continue;
            }
            if let Some(Value::Object(fields)) = schema.get("properties") {
                let names: Value = fields.keys().cloned().collect();
                if let Some(schema) = schema.as_object_mut() {
                    schema.insert("required".to_owned(), names);
                }
            }
        }
    }

    /// Describes each body by its schema's description.
    fn describe_requests(&mut self) {
        let schemas = &self.components.schemas;
        for operation in self.paths.values_mut().flat_map(BTreeMap::values_mut) {
            let Some(Value::Object(body)) = operation.get_mut("requestBody") else {
                continue;
            };
            let description = body
                .get("content")
                .and_then(|content| content.get("application/json"))
                .and_then(|content| content.get("schema"))
                .and_then(|schema| named(schema, schemas))
                .and_then(|schema| schema.get("description"))
                .cloned();
            if let (Some(description), false) = (description, body.contains_key("description")) {
                body.insert("description".to_owned(), description);
            }
        }
    }

    /// Adds an example to each JSON body without one, from the examples of its fields.
    fn add_examples(&mut self) {
        let schemas = &self.components.schemas;
        for operation in self.paths.values_mut().flat_map(BTreeMap::values_mut) {
            let Some(operation) = operation.as_object_mut() else {
                continue;
            };
            for (key, part) in operation.iter_mut() {
                let bodies: Vec<&mut Value> = match (key.as_str(), part) {
                    ("requestBody", body) => vec![body],
                    ("responses", Value::Object(responses)) => responses
                        .iter_mut()
                        .filter(|(status, _)| status.starts_with('2'))
                        .map(|(_, response)| response)
                        .collect(),
                    _ => continue,
                };
                for body in bodies {
                    let content = body
                        .get_mut("content")
                        .and_then(|all| all.get_mut("application/json"));
                    if let Some(Value::Object(content)) = content
                        && !content.contains_key("example")
                        && let Some(schema) = content.get("schema")
                    {
                        let example = example(schema, schemas);
                        content.insert("example".to_owned(), example);
                    }
                }
            }
        }
    }

    /// The names of the schemas that a part of the operations refers to, directly or not.
    fn reached<'a, I: Iterator<Item = &'a Value>>(
        &'a self,
        part: impl Fn(&'a Value) -> I,
    ) -> BTreeSet<String> {
        let operations = self.paths.values().flat_map(BTreeMap::values);
        let mut open: Vec<&Value> = operations.flat_map(part).collect();
        let mut reached = BTreeSet::new();
        while let Some(value) = open.pop() {
            match value {
                Value::Object(fields) => {
                    if let Some(name) = fields.get("$ref").and_then(name_of)
                        && reached.insert(name.to_owned())
                    {
                        open.extend(self.components.schemas.get(name));
                    }
                    open.extend(fields.values());
                }
                Value::Array(items) => open.extend(items),
                _ => {}
            }
        }
        reached
    }
}

/// Changes the schemas of an operation, parts first.
pub(crate) fn each_schema_of(
    operation: &mut Value,
    change: &mut impl FnMut(&mut Map<String, Value>),
) {
    match operation {
        Value::Object(fields) => {
            for (key, value) in fields {
                match key.as_str() {
                    "schema" => each_part(value, change),
                    "example" | "examples" => {}
                    _ => each_schema_of(value, change),
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| each_schema_of(item, change)),
        _ => {}
    }
}

/// Changes a schema, after its parts.
pub(crate) fn each_part(schema: &mut Value, change: &mut impl FnMut(&mut Map<String, Value>)) {
    let Value::Object(schema) = schema else {
        return;
    };
    for (key, value) in schema.iter_mut() {
        match (key.as_str(), value) {
            ("properties", Value::Object(fields)) => fields
                .values_mut()
                .for_each(|field| each_part(field, change)),
            ("items" | "not" | "additionalProperties", part) => each_part(part, change),
            ("oneOf" | "anyOf" | "allOf", Value::Array(parts)) => {
                parts.iter_mut().for_each(|part| each_part(part, change));
            }
            _ => {}
        }
    }
    change(schema);
}

fn reference_to(name: &str) -> String {
    format!("#/components/schemas/{name}")
}

fn name_of(reference: &Value) -> Option<&str> {
    reference.as_str()?.strip_prefix("#/components/schemas/")
}

/// The schema that a reference names.
fn named<'a>(schema: &Value, schemas: &'a BTreeMap<String, Value>) -> Option<&'a Value> {
    schemas.get(name_of(schema.get("$ref")?)?)
}

fn write_descriptions(part: &mut Value) {
    match part {
        Value::Object(fields) => {
            for (key, value) in fields {
                match (key.as_str(), value) {
                    ("example" | "examples", _) => {}
                    ("description", Value::String(text)) => {
                        let paragraphs: Vec<String> = text
                            .split("\n\n")
                            .map(|paragraph| paragraph.replace('\n', " "))
                            .collect();
                        *text = paragraphs
                            .join("\n\n")
                            .replace("[`", "`")
                            .replace("`]", "`");
                    }
                    (_, part) => write_descriptions(part),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(write_descriptions),
        _ => {}
    }
}

/// Describes the tag of a variant; returns its name and value.
fn describe_tag(variant: &mut Value) -> Option<(String, String)> {
    if let Some(Value::Array(parts)) = variant.get_mut("allOf") {
        return parts.iter_mut().find_map(describe_tag);
    }
    let Some(Value::Object(fields)) = variant.get_mut("properties") else {
        return None;
    };
    fields.iter_mut().find_map(|(name, field)| {
        let [Value::String(value)] = field.get("enum")?.as_array()?.as_slice() else {
            return None;
        };
        let value = value.clone();
        let description = format!("Distinguishes this from the other kinds: `{value}`.");
        field
            .as_object_mut()?
            .insert("description".to_owned(), description.into());
        Some((name.clone(), value))
    })
}

/// Merges the parts of a variant's `allOf` into it: generators support `allOf` poorly, and would see
/// a schema without a name.
fn join(variant: &mut Value, schemas: &BTreeMap<String, Value>) {
    let Some(variant) = variant.as_object_mut() else {
        return;
    };
    let Some(Value::Array(parts)) = variant.remove("allOf") else {
        return;
    };
    for part in parts {
        let part = named(&part, schemas).cloned().unwrap_or(part);
        for (key, value) in part.as_object().cloned().unwrap_or_default() {
            match (variant.get_mut(&key), value) {
                (Some(Value::Object(own)), Value::Object(more)) => own.extend(more),
                (Some(Value::Array(own)), Value::Array(more)) => own.extend(more),
                (Some(_), _) => {}
                (None, value) => {
                    variant.insert(key, value);
                }
            }
        }
    }
}

/// Moves the description of a nullable reference to the field itself.
fn describe_outside(schema: &mut Map<String, Value>) {
    let Some(choices) = schema.get_mut("oneOf").and_then(Value::as_array_mut) else {
        return;
    };
    if !choices.iter().any(is_null) {
        return;
    }
    let description = choices
        .iter_mut()
        .filter_map(Value::as_object_mut)
        .find_map(|choice| choice.remove("description"));
    if let Some(description) = description {
        schema.insert("description".to_owned(), description);
    }
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
}

/// Widens unsigned 32-bit numbers, which exceed `int32`.
fn widen(schema: &mut Map<String, Value>) {
    let is_int32 = schema.get("format").and_then(Value::as_str) == Some("int32");
    let has_sign = schema
        .get("minimum")
        .is_none_or(|least| least.as_f64() < Some(0.0));
    if is_int32 && !has_sign {
        schema.insert("format".to_owned(), "int64".into());
    }
}

/// An example of a schema, from those of its parts; without any, the type's smallest value.
fn example(schema: &Value, schemas: &BTreeMap<String, Value>) -> Value {
    if let Some(example) = schema.get("example") {
        return example.clone();
    }
    let array = |key| schema.get(key).and_then(Value::as_array);
    if let Some(target) = named(schema, schemas) {
        return example(target, schemas);
    }
    if let Some(first) = array("enum").and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(choices) = array("oneOf").or_else(|| array("anyOf")) {
        return match choices.first() {
            Some(first) if !choices.iter().any(is_null) => example(first, schemas),
            _ => Value::Null,
        };
    }
    let mut fields = Map::new();
    for part in array("allOf").into_iter().flatten() {
        if let Value::Object(part) = example(part, schemas) {
            fields.extend(part);
        }
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    for (name, field) in properties.into_iter().flatten() {
        fields.insert(name.clone(), example(field, schemas));
    }
    let kind = schema.get("type");
    let is = |name: &str| kind.and_then(Value::as_str) == Some(name);
    if is("array") {
        let items = schema.get("items");
        return items
            .map(|items| example(items, schemas))
            .into_iter()
            .collect();
    }
    if is("object") || schema.get("allOf").is_some() {
        return fields.into();
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("date-time") => "2026-11-23T08:15:30Z".into(),
        Some("uuid") => "019aad5e-7a00-7000-8000-000000000001".into(),
        // Nullable and without an example.
        _ if kind.is_some_and(Value::is_array) => Value::Null,
        _ if is("boolean") => false.into(),
        _ if is("string") => "".into(),
        _ => schema.get("minimum").cloned().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What becomes of a document with these schemas, of which an answer is `Answer` and a request
    /// `Request`.
    fn finished(schemas: &Value) -> Value {
        let mut document: Document = serde_json::from_value(json!({
            "openapi": "3.1.0",
            "info": {},
            "tags": [],
            "paths": { "/a": { "post": {
                "requestBody": { "content": { "application/json": {
                    "schema": { "$ref": "#/components/schemas/Request" }
                } } },
                "responses": {
                    "200": { "content": {
                        "application/json": {
                            "schema": { "$ref": "#/components/schemas/Answer" }
                        },
                        "text/event-stream": {
                            "schema": { "$ref": "#/components/schemas/Event" }
                        }
                    } },
                    "4XX": { "content": { "application/json": { "schema": {} } } }
                }
            } } },
            "components": { "schemas": schemas }
        }))
        .expect("a document");
        document.finish();
        serde_json::to_value(document).expect("JSON")
    }

    #[test]
    fn variants_get_names_and_all_fields_of_answers_are_there() {
        let document = finished(&json!({
            "Request": {
                "type": "object",
                "description": "What is\nasked, see [`Answer`].\n\nMore.",
                "required": ["size"],
                "properties": {
                    "size": { "type": "integer", "format": "int32", "minimum": 0, "example": 4 },
                    "name": { "type": ["string", "null"] }
                }
            },
            "Answer": { "oneOf": [
                {
                    "type": "object",
                    "title": "Power",
                    "required": ["kind"],
                    "properties": {
                        "kind": { "type": "string", "enum": ["power"] },
                        "at": { "type": "string", "format": "date-time" },
                        "of": {
                            "oneOf": [
                                { "$ref": "#/components/schemas/New", "description": "Whose." },
                                { "type": "null" }
                            ]
                        }
                    }
                },
                {
                    "allOf": [
                        { "$ref": "#/components/schemas/New" },
                        {
                            "type": "object",
                            "required": ["kind"],
                            "properties": { "kind": { "type": "string", "enum": ["create"] } }
                        }
                    ],
                    "title": "Create",
                    "description": "A new one."
                }
            ] },
            "New": {
                "type": "object",
                "description": "One.",
                "properties": { "names": { "type": "array", "items": { "type": "string" } } }
            },
            "Event": {}
        }));
        let schemas = &document["components"]["schemas"];
        assert_eq!(
            schemas["Answer"],
            json!({
                "oneOf": [
                    { "$ref": "#/components/schemas/Power" },
                    { "$ref": "#/components/schemas/Create" }
                ],
                "discriminator": {
                    "propertyName": "kind",
                    "mapping": {
                        "power": "#/components/schemas/Power",
                        "create": "#/components/schemas/Create"
                    }
                }
            })
        );
        assert_eq!(schemas["Power"]["required"], json!(["at", "kind", "of"]));
        assert_eq!(
            schemas["Power"]["properties"]["of"]["description"],
            "Whose."
        );
        assert_eq!(
            schemas["Create"],
            json!({
                "type": "object",
                "title": "Create",
                "description": "A new one.",
                "required": ["kind", "names"],
                "properties": {
                    "kind": {
                        "type": "string",
                        "enum": ["create"],
                        "description": "Distinguishes this from the other kinds: `create`."
                    },
                    "names": { "type": "array", "items": { "type": "string" } }
                }
            })
        );
        let request = &schemas["Request"];
        assert_eq!(request["required"], json!(["size"]));
        assert_eq!(request["properties"]["size"]["format"], "int64");
        let operation = &document["paths"]["/a"]["post"];
        let body = &operation["requestBody"];
        assert_eq!(body["description"], "What is asked, see `Answer`.\n\nMore.");
        assert_eq!(
            body["content"]["application/json"]["example"],
            json!({ "size": 4, "name": null })
        );
        assert_eq!(
            operation["responses"]["200"]["content"]["application/json"]["example"],
            json!({ "kind": "power", "at": "2026-11-23T08:15:30Z", "of": null })
        );
        let failure = &operation["responses"]["4XX"]["content"]["application/json"];
        assert_eq!(failure.get("example"), None);
    }

    #[test]
    fn an_event_is_described_as_it_is_sent() {
        let event = json!({ "oneOf": [{
            "type": "object",
            "title": "VmEvent",
            "properties": {
                "event": { "type": "string", "enum": ["vm"] },
                "data": { "$ref": "#/components/schemas/Request" }
            }
        }] });
        let document = finished(&json!({
            "Request": { "type": "object" },
            "Answer": { "type": "object" },
            "Event": event
        }));
        let event = &document["components"]["schemas"]["VmEvent"];
        assert_eq!(event["required"], json!(["data", "event", "id"]));
        let data = &event["properties"]["data"];
        assert_eq!(data["type"], "string");
        assert_eq!(data["description"], "A `Request` as JSON.");
        assert_eq!(data["contentMediaType"], "application/json");
        let schema = json!({ "$ref": "#/components/schemas/Request" });
        assert_eq!(data["contentSchema"], schema);
    }
}
