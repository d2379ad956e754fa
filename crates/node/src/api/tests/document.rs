//! Test that the OpenAPI document says what the router does.

use crate::api::chain::OPENAPI;
use crate::api::problem::CODES;
use crate::api::routes;
use serde_json::Value;
use std::collections::BTreeSet;

fn document() -> Value {
    serde_json::from_str(OPENAPI).unwrap()
}

/// Goal: every route is described and nothing else. Method: compare methods and paths.
#[test]
fn describes_exactly_the_routes() {
    let document = document();
    let mut described = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            described.insert((method.clone(), path.clone()));
        }
    }
    let served: BTreeSet<(String, String)> =
        routes().into_iter().map(|(method, path, _)| (method.into(), path.into())).collect();
    assert_eq!(described, served);
}

/// Goal: every part of a path is described as a parameter, and references lead somewhere. Method:
/// walk the document.
#[test]
fn is_consistent_in_itself() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let place = format!("{method} {path}");
            assert!(
                operation["summary"].is_string() && operation["operationId"].is_string(),
                "{place}"
            );
            assert!(operation["responses"]["200"].is_object(), "{place}");
            assert!(operation["responses"]["default"].is_object(), "{place}");
            let named: BTreeSet<&str> = path
                .split('/')
                .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            let empty = Vec::new();
            let parameters = operation["parameters"].as_array().unwrap_or(&empty);
            let in_path = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let described: BTreeSet<&str> =
                in_path.map(|parameter| parameter["name"].as_str().unwrap()).collect();
            assert_eq!(described, named, "{place}");
        }
    }
    check_references(&document, &document);
}

fn check_references(document: &Value, value: &Value) {
    match value {
        Value::Object(members) => {
            if let Some(reference) = members.get("$ref") {
                let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{reference}");
            }
            members.values().for_each(|member| check_references(document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| check_references(document, item)),
        _ => {}
    }
}

/// Goal: clients can rely on the list of codes. Method: compare with the codes in the document.
#[test]
fn names_every_code() {
    let document = document();
    let listed = &document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"];
    let listed: BTreeSet<&str> =
        listed.as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect();
    let chain = trine_types::Code::ALL.iter().filter(|code| code.number() > 0);
    let known: BTreeSet<&str> =
        chain.map(|code| code.name()).chain(CODES.iter().map(|(code, _)| *code)).collect();
    assert_eq!(listed, known);
}
