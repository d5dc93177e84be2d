//! The AsyncAPI 3 document of the topics, made from the configuration and the entities' schemas as the relay uses them.

use serde_json::{Map, Value, json};

use super::message::{EVENT_TYPE, STATE_TYPE};
use super::topics::Topics;
use crate::config::{Agreement, KafkaConfig};
use crate::entity::EntitySchema;
use crate::leaving::Operation;

/// How the hub merges is no matter of consumers.
const INNER: [&str; 5] = ["x-merge", "x-key", "x-blank", "x-reference", "x-derived"];

/// The document for these agreements: two channels and their messages for each.
pub fn document(kafka: &KafkaConfig, agreements: &[Agreement], schemas: &[&EntitySchema]) -> Value {
    let (mut channels, mut operations) = (Map::new(), Map::new());
    for agreement in agreements {
        let (id, topics) = (&agreement.id, Topics::of(kafka, &agreement.id));
        for (name, topic, what) in [
            ("events", &topics.events, "one message for each change, in order within an entity"),
            ("state", &topics.state, "the latest record of each entity; compacted"),
        ] {
            let channel = format!("{id}-{name}");
            channels.insert(
                channel.clone(),
                json!({
                    "address": topic,
                    "title": format!("{} / {}: {name}", agreement.title.zh, agreement.title.en),
                    "description": what,
                    "messages": messages(agreement, name),
                    "bindings": {"kafka": {"topic": topic, "partitions": kafka.partitions, "topicConfiguration": {
                        "cleanup.policy": [if name == "events" { "delete" } else { "compact" }],
                    }}},
                }),
            );
            operations.insert(
                format!("receive-{channel}"),
                json!({"action": "receive", "channel": {"$ref": format!("#/channels/{channel}")}}),
            );
        }
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "hub: residents and households by Kafka",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Read with isolation.level=read_committed: then each change comes exactly once, through any crash of the hub.",
        },
        "defaultContentType": EVENT_TYPE,
        "channels": channels,
        "operations": operations,
        "components": {"messages": component_messages(agreements), "schemas": component_schemas(agreements, schemas)},
    })
}

fn messages(agreement: &Agreement, channel: &str) -> Value {
    let reference = |kind: &String| {
        let name = format!("{}-{kind}-{channel}", agreement.id);
        (name.clone(), json!({"$ref": format!("#/components/messages/{name}")}))
    };
    Value::Object(agreement.entities.iter().map(reference).collect())
}

fn component_messages(agreements: &[Agreement]) -> Value {
    let mut messages = Map::new();
    for agreement in agreements {
        for kind in &agreement.entities {
            let (id, record) = (&agreement.id, format!("#/components/schemas/{}-{kind}", agreement.id));
            messages.insert(
                format!("{id}-{kind}-events"),
                json!({
                    "name": format!("{kind} event"),
                    "contentType": EVENT_TYPE,
                    "headers": {"type": "object", "properties": {"content-type": {"const": EVENT_TYPE}}},
                    "payload": event(kind, &record),
                    "bindings": {"kafka": {"key": {"$ref": "#/components/schemas/id"}}},
                }),
            );
            messages.insert(format!("{id}-{kind}-state"), json!({
                "name": format!("{kind} record"),
                "summary": "The record, or nothing where it was removed.",
                "contentType": STATE_TYPE,
                "headers": {"type": "object", "properties": {
                    "content-type": {"const": STATE_TYPE},
                    "kind": {"const": kind},
                    "source": {"type": "string", "description": "As of the event that left this record."},
                    "seq": {"type": "string", "pattern": "^[0-9]+$", "description": "As of the event; those of the same source with a higher one came later."},
                    "version": {"type": "string", "pattern": "^[0-9]+$"},
                }},
                "payload": {"oneOf": [{"$ref": record}, {"type": "null"}]},
                "bindings": {"kafka": {"key": {"$ref": "#/components/schemas/id"}}},
            }));
        }
    }
    Value::Object(messages)
}

/// CloudEvents 1.0, structured mode.
fn event(kind: &str, record: &str) -> Value {
    let types = [Operation::Added, Operation::Changed, Operation::Removed]
        .map(|operation| format!("{kind}.{}", operation.text()));
    json!({
        "type": "object",
        "required": ["specversion", "id", "source", "type", "subject", "time", "datacontenttype", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "Stable; with source unique for ever."},
            "source": {"type": "string", "pattern": "^/hub/", "description": "The store. After a restore or a copy it is another one."},
            "type": {"enum": types},
            "subject": {"$ref": "#/components/schemas/id"},
            "time": {"type": "string", "format": "date-time"},
            "datacontenttype": {"const": "application/json"},
            "data": {
                "type": "object",
                "required": ["version", "seq", "record"],
                "properties": {
                    "version": {"type": "integer", "description": "Of the entity; 0 where a comparison found it gone."},
                    "seq": {"type": "integer", "description": "Of the change; of a full record the one it is as of."},
                    "merged_into": {"type": "string", "description": "Of a resident who was removed because they are the same person as another: the other's id."},
                    "record": {"oneOf": [{"$ref": record}, {"type": "null"}], "description": "The full record; null where it was removed."},
                },
            },
        },
    })
}

/// The records of these agreements as JSON Schemas that refer to each other below `#/components/schemas/`.
pub fn component_schemas(agreements: &[Agreement], schemas: &[&EntitySchema]) -> Value {
    let mut components = Map::new();
    components.insert(
        "id".to_owned(),
        json!({"type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Opaque and stable."}),
    );
    components.insert("person".to_owned(), reference_to_person(&[]));
    components.insert("member".to_owned(), reference_to_person(&["relation"]));
    components.insert(
        "address".to_owned(),
        json!({"type": "object", "properties": {"division": {"type": "string"}, "text": {"type": "string"}}}),
    );
    for agreement in agreements {
        for schema in schemas.iter().filter(|schema| agreement.entities.iter().any(|kind| kind == schema.kind())) {
            components.insert(format!("{}-{}", agreement.id, schema.kind()), record(agreement, schema));
        }
    }
    Value::Object(components)
}

fn reference_to_person(more: &[&str]) -> Value {
    let mut properties = json!({"id": {"$ref": "#/components/schemas/id"}, "name": {"type": "string"}});
    for name in more {
        properties[*name] = json!({"type": "string"});
    }
    json!({"type": "object", "properties": properties, "description": "A resident whom the agreement shows too."})
}

/// What the agreement shows of a kind.
fn record(agreement: &Agreement, schema: &EntitySchema) -> Value {
    let agreed = agreement.fields.get(schema.kind()).cloned().unwrap_or_default();
    let mut properties = Map::new();
    for (name, property) in schema.json()["properties"].as_object().into_iter().flatten() {
        if name == "community" || agreed.contains(name) {
            properties.insert(name.clone(), outer(property));
        }
    }
    properties.insert("id".to_owned(), json!({"$ref": "#/components/schemas/id"}));
    json!({"type": "object", "title": schema.json()["title"], "required": ["id"], "properties": properties})
}

fn outer(property: &Value) -> Value {
    match property {
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(name, _)| !INNER.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), outer(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(outer).collect()),
        Value::String(text) => Value::String(text.replace("#/$defs/", "#/components/schemas/")),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;
    use crate::feed::Catalogue;

    fn sample() -> Value {
        let catalogue = Catalogue::embedded().unwrap();
        let schema = |kind| EntitySchema::parse(kind, catalogue.entity_schema(kind).unwrap()).unwrap();
        let (resident, household) = (schema("resident"), schema("household"));
        let fields = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let agreement: Agreement = Agreement {
            id: "yuhua".to_owned(),
            title: crate::feed::spec::Text {
                zh: "裕华区社区平台".to_owned(),
                en: "Yuhua community platform".to_owned(),
            },
            entities: vec!["resident".to_owned(), "household".to_owned()],
            fields: BTreeMap::from([
                ("resident".to_owned(), fields(&["name", "sex", "birth_date", "current_address", "phones", "spouse"])),
                ("household".to_owned(), fields(&["members", "head"])),
            ]),
            communities: vec!["*".to_owned()],
        };
        let kafka = KafkaConfig {
            brokers: String::new(),
            prefix: "hub".to_owned(),
            partitions: 3,
            replication: None,
            properties: BTreeMap::new(),
        };
        document(&kafka, &[agreement], &[&resident, &household])
    }

    /// `HUB_WRITE_DOCS=1` writes it anew.
    #[test]
    fn the_document_in_the_repository_is_current() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/asyncapi.json");
        let made = serde_json::to_string_pretty(&sample()).unwrap() + "\n";
        if std::env::var_os("HUB_WRITE_DOCS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(kept == made, "hub/docs/asyncapi.json is not what the code says; run this test with HUB_WRITE_DOCS=1");
    }

    #[test]
    fn every_reference_leads_somewhere_and_nothing_that_is_not_agreed_is_described() {
        let document = sample();
        let mut references = Vec::new();
        collect(&document, &mut references);
        assert!(references.len() > 20);
        for reference in references {
            assert!(document.pointer(&reference[1..]).is_some(), "{reference}");
        }
        let resident = &document["components"]["schemas"]["yuhua-resident"]["properties"];
        assert!(resident.get("name").is_some() && resident.get("community").is_some() && resident.get("id").is_some());
        assert!(resident.get("id_no").is_none());
        assert!(!document.to_string().contains("x-merge"));
    }

    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                into.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| collect(value, into));
            }
            Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            _ => {}
        }
    }
}
