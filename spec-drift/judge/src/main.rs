//! Judges spec-drift's table by running each of its verdicts. A client generated from the old description talks to a
//! server that follows the new one, and the result must be what the table expects.

#![forbid(unsafe_code)]

mod call;
mod concerned;
mod open_enum {
    include!(concat!(env!("OUT_DIR"), "/open_enum.rs"));
}
mod samples;
mod server;
mod strict;
#[path = "../../tests/table/mod.rs"]
mod table;
mod transport;

#[allow(unused, unexpected_cfgs, clippy::all)]
mod clients {
    include!(concat!(env!("OUT_DIR"), "/clients.rs"));
}

use call::Called;
use serde_json::Value;
use server::Answer;
use std::{path::Path, process::ExitCode, sync::Arc};
use strict::{Reading, resolve, snake};

/// One row in one direction.
struct Case<'a> {
    row: &'a table::Row,
    client: String,
    old: Value,
    new: Value,
    expected: String,
    direction: &'a str,
}

#[derive(Default)]
struct Seen {
    calls: usize,
    breaks: Option<String>,
    unseen: Option<String>,
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let rows = table::rows(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
    let samples: Value = yaml_serde::from_str(include_str!("../samples.yaml")).expect("samples");
    let (mut wrong, mut run, mut calls, mut looks, mut unjudged) = (0, 0, 0, 0, 0);
    let only = std::env::args().nth(1);
    for row in &rows {
        if only.as_ref().is_some_and(|only| !row.name.contains(only.as_str())) {
            continue;
        }
        if row.unjudged.is_some() {
            unjudged += 1;
            continue;
        }
        let case = |expected: &Option<String>, direction, old: &Value, new: &Value| {
            expected.clone().map(|expected| Case {
                row,
                client: format!("{}: {}, {direction}", row.base, row.name),
                old: concerned::concerned(old, new),
                new: new.clone(),
                expected,
                direction,
            })
        };
        let forward = case(&row.forward, "forward", &row.base_spec, &row.variant);
        let backward = case(&row.backward, "backward", &row.variant, &row.base_spec);
        for case in [forward, backward].into_iter().flatten() {
            run += 1;
            if case.expected == "look" {
                looks += 1;
                if row.why.is_none() {
                    wrong += 1;
                    println!("WRONG {}, {}: a look needs a written reason", row.name, case.direction);
                }
                continue;
            }
            let seen = runtime.block_on(case.run(&samples[&row.base]));
            calls += seen.calls;
            let (shown, reason) = match (&seen.breaks, &seen.unseen) {
                (Some(reason), _) => ("breaks", reason.as_str()),
                (None, Some(reason)) => ("unseen", reason.as_str()),
                (None, None) => ("harmless", "every call succeeded and nothing was lost"),
            };
            if shown != case.expected {
                wrong += 1;
                println!(
                    "WRONG {}: {}, {}: the table says {}, the run {shown}: {reason}",
                    row.base, row.name, case.direction, case.expected
                );
            }
        }
    }
    println!(
        "{run} verdicts of {} rows: {calls} calls, {looks} looks with a reason, {unjudged} rows that no run can express, \
         {wrong} wrong",
        rows.len()
    );
    ExitCode::from(u8::from(wrong > 0))
}

impl Case<'_> {
    async fn run(&self, samples: &Value) -> Seen {
        let (port, server) = server::start(self.new.clone(), &self.old);
        let address = self.old["servers"][0]["url"].as_str().expect("a server");
        let (host, base) =
            address.split_once("://").unwrap().1.split_once('/').unwrap_or((address.split_once("://").unwrap().1, ""));
        let http = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .resolve(host, ([127, 0, 0, 1], port).into())
            .build()
            .expect("a client");
        let base = format!("http://{host}:{port}/{base}");
        let base = base.trim_end_matches('/');
        let mut seen = Seen::default();
        for operation in strict::operations(&self.old) {
            let name = snake(operation.node["operationId"].as_str().expect("an operationId"));
            let requests = self.requests(&operation, &name, samples);
            let answers = self.answers(&operation, &name, samples);
            let first = answers.first().cloned().unwrap_or(Answer { status: 500, content: None });
            let pairs = requests
                .iter()
                .map(|request| (request, &first))
                .chain(answers.iter().map(|answer| (&requests[0], answer)));
            for (request, answer) in pairs {
                let exchange = Arc::new(transport::Exchange::of(&self.old));
                server.lock().unwrap().answer = answer.clone();
                let called = clients::call(&self.client, http.clone(), base, exchange, &name, request).await;
                let noted = std::mem::take(&mut server.lock().unwrap().noted);
                seen.calls += 1;
                match called {
                    Called::NotSendable(reason) => {
                        panic!("{}, {}: {name} {request}: {reason}", self.row.name, self.direction)
                    }
                    Called::Failed(error) => {
                        let sent = answer.content.as_ref().map_or("", |(_, body)| body.as_str());
                        seen.breaks.get_or_insert(noted.refused.unwrap_or_else(|| format!("{error} of {sent}")));
                    }
                    Called::Decoded { value, unknown } => {
                        let sent =
                            answer.content.as_ref().map(|(_, body)| serde_json::from_str(body).unwrap_or(Value::Null));
                        let lost = sent.as_ref().is_some_and(|sent| dropped(sent, &value));
                        if lost || unknown || noted.tolerated {
                            seen.unseen.get_or_insert(format!(
                                "lost {lost}, unknown {unknown}, tolerated {}",
                                noted.tolerated
                            ));
                        }
                    }
                }
            }
        }
        seen
    }

    fn patches(&self, direction: &str, operation: &str) -> Vec<&Value> {
        let of = |patch: &&Value| patch["in"] == direction && patch["of"] == operation;
        self.row.samples.as_array().into_iter().flatten().filter(of).collect()
    }

    /// Arguments that the old description allows.
    fn requests(&self, operation: &strict::Operation, name: &str, samples: &Value) -> Vec<Value> {
        let spec = &self.old;
        let mut checks = Vec::new();
        for parameter in &operation.parameters {
            let validator = strict::validator(spec, &parameter["schema"], Reading::Literal);
            checks.push((snake(parameter["name"].as_str().unwrap()), parameter["required"] == true, validator));
        }
        if let Some(body) = operation.node.get("requestBody") {
            let content =
                resolve(spec, body)["content"].as_object().and_then(|c| c.values().next()).cloned().unwrap_or_default();
            checks.push(("body".to_owned(), true, strict::validator(spec, &content["schema"], Reading::Closed)));
        }
        let valid = |value: &Value| {
            checks.iter().all(|(name, required, check)| match value.get(name) {
                None | Some(Value::Null) if name != "body" => !required,
                None => false,
                Some(value) => check.is_valid(value),
            })
        };
        let full = samples[name]["request"].clone();
        let full = if full.is_null() { serde_json::json!({}) } else { full };
        let mut requests = samples::variations(&full, &self.patches("request", name), &samples::enum_values(spec));
        requests.extend(requests.iter().find(|v| valid(v)).map(|full| samples::smallest(full, valid)));
        requests.retain(valid);
        assert!(!requests.is_empty(), "{}, {}: {name} needs a request", self.row.name, self.direction);
        requests
    }

    /// The responses that the new description allows.
    fn answers(&self, called: &strict::Operation, name: &str, samples: &Value) -> Vec<Answer> {
        let operations = strict::operations(&self.new);
        let same = |o: &&strict::Operation| o.method == called.method && o.path == called.path;
        let Some(operation) = operations
            .iter()
            .find(same)
            .or_else(|| operations.iter().find(|o| o.node["operationId"] == called.node["operationId"]))
        else {
            return Vec::new();
        };
        let mut answers = Vec::new();
        let responses = operation.node["responses"].as_object().expect("responses");
        for (status, response) in responses.iter().filter(|(status, _)| status.starts_with('2')) {
            let status = status.parse().unwrap_or(200);
            let content = resolve(&self.new, response)["content"].as_object().cloned().unwrap_or_default();
            let Some((media, node)) = content.get_key_value("application/json").or_else(|| content.iter().next())
            else {
                answers.push(Answer { status, content: None });
                continue;
            };
            if !media.ends_with("json") {
                answers.push(Answer { status, content: Some((media.clone(), "text".to_owned())) });
                continue;
            }
            // A server sends the fields that its description names, and others only if a row says so.
            let [check, literal] =
                [Reading::Closed, Reading::Literal].map(|r| strict::validator(&self.new, &node["schema"], r));
            let (full, patches) = (&samples[name]["response"], self.patches("response", name));
            let mut bodies = samples::variations(full, &patches, &samples::enum_values(&self.new));
            bodies.extend(
                bodies.iter().find(|v| check.is_valid(v)).map(|full| samples::smallest(full, |v| check.is_valid(v))),
            );
            bodies.retain(|body| check.is_valid(body));
            bodies.extend(
                samples::seeds(full, &patches).into_iter().filter(|body| body != full && literal.is_valid(body)),
            );
            assert!(!bodies.is_empty(), "{}, {}: {name} needs a response", self.row.name, self.direction);
            answers
                .extend(bodies.iter().map(|body| Answer { status, content: Some((media.clone(), body.to_string())) }));
        }
        answers
    }
}

/// Whether the client lacks something that was sent. An absent value does not count as lost.
fn dropped(sent: &Value, held: &Value) -> bool {
    let empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    };
    match (sent, held) {
        (Value::Object(sent), Value::Object(held)) => {
            sent.iter().any(|(key, value)| held.get(key).map_or(!empty(value), |held| dropped(value, held)))
        }
        (Value::Array(sent), Value::Array(held)) => {
            sent.len() != held.len() || sent.iter().zip(held).any(|(sent, held)| dropped(sent, held))
        }
        (sent, held) => empty(held) && !empty(sent),
    }
}
