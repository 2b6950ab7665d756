//! Bodies and statuses: which media types there are, and which of an operation's responses the client decodes.

use crate::{
    compare::{known::Known, schema},
    document::{annotation::is_annotation, equal::same, node::Node},
    report::{Change, Direction, Finding, Place, Verdict, Witness, token},
};
use Direction::{Request, Response};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// One operation in both documents.
pub(crate) struct Pair<'a> {
    pub(crate) known: &'a Known<'a>,
    pub(crate) name: &'a str,
    pub(crate) old: Node<'a>,
    pub(crate) new: Node<'a>,
}

/// A body in one of its media types.
#[derive(Clone, Copy)]
struct Media<'a> {
    name: &'a str,
    node: Node<'a>,
}

/// A documented response, its references followed.
struct Answer<'a> {
    status: String,
    node: Node<'a>,
}

impl Answer<'_> {
    fn is_success(&self) -> bool {
        self.status.starts_with('2')
    }
}

impl<'a> Pair<'a> {
    pub(crate) fn compare(&self) -> Vec<Finding> {
        let mut findings = self.request();
        findings.extend(self.responses());
        findings
    }

    fn find(&self, verdict: Verdict, direction: Direction, pointer: &str, change: Change) -> Finding {
        Finding::new(verdict, Place::of_message(self.name, direction, pointer), change)
    }

    fn breaks(&self, direction: Direction, pointer: &str, change: Change, value: Value, reason: &str) -> Finding {
        Finding::breaks(Place::of_message(self.name, direction, pointer), change, Witness::new(value, reason))
    }

    fn request(&self) -> Vec<Finding> {
        let body = |operation: Node<'a>| operation.get("requestBody").map(Node::resolved);
        let required = |body: Node| body.value.get("required") == Some(&true.into());
        let (old, new) = match (body(self.old), body(self.new)) {
            (None, None) => return Vec::new(),
            (None, Some(new)) if new.is_dangling() => {
                return vec![self.find(Verdict::Look, Request, "/body", Change::Dangling)];
            }
            (None, Some(new)) if required(new) => return vec![self.body_required()],
            (None, Some(_)) => return vec![self.find(Verdict::Harmless, Request, "/body", Change::BodyAllowed)],
            (Some(_), None) => return vec![self.find(Verdict::Look, Request, "/body", Change::BodyNotDescribed)],
            (Some(old), Some(new)) => (old, new),
        };
        if old.is_dangling() || new.is_dangling() {
            return vec![self.find(Verdict::Look, Request, "/body", Change::Dangling)];
        }
        let mut findings = self.around(old, new, Request, "/body", &["content", "required"]);
        let (before, after) = (content(old), content(new));
        match (before.is_empty(), after.is_empty()) {
            // What is in the body is not described, so only whether there is one can be told.
            (true, _) if !required(old) && required(new) => findings.push(self.body_required()),
            (true, true) => {}
            (true, false) if required(old) => {
                findings.push(self.find(Verdict::Look, Request, "/body", Change::Unknown("content".to_owned())));
            }
            (true, false) => findings.push(self.find(Verdict::Harmless, Request, "/body", Change::BodyAllowed)),
            (false, true) => findings.push(self.find(Verdict::Look, Request, "/body", Change::BodyNotDescribed)),
            (false, false) => {
                if required(old) != required(new) {
                    findings.push(self.find(Verdict::Harmless, Request, "/body", Change::BodyRequirement));
                }
                findings.extend(self.request_content(&before, &after));
            }
        }
        findings
    }

    fn body_required(&self) -> Finding {
        let reason = "the server refuses it: the client sends no body";
        self.breaks(Request, "/body", Change::BodyRequired, Value::Null, reason)
    }

    fn request_content(&self, before: &[Media], after: &[Media]) -> Vec<Finding> {
        let pointer = "/content-type";
        let mut findings = Vec::new();
        let any_accepted = before.iter().any(|media| accepted(after, media.name).is_some());
        for was in before {
            let name = was.name.to_owned();
            match accepted(after, was.name) {
                Some(now) => findings.extend(self.media(was.node, now.node, was.name, Request)),
                None if any_accepted || after.iter().any(|now| in_range(now.name, was.name)) => {
                    findings.push(self.find(Verdict::Look, Request, pointer, Change::MediaTypeRemoved(name)));
                }
                None => {
                    let reason = "the server refuses it: it does not accept this media type";
                    let value = json!({ "content-type": was.name });
                    findings.push(self.breaks(Request, pointer, Change::MediaTypeRefused(name), value, reason));
                }
            }
        }
        for now in after.iter().filter(|now| accepted(before, now.name).is_none()) {
            let change = Change::MediaTypeAdded(now.name.to_owned());
            findings.push(self.find(Verdict::Harmless, Request, pointer, change));
        }
        findings
    }

    fn media(&self, old: Node, new: Node, media: &str, direction: Direction) -> Vec<Finding> {
        let any = json!({});
        let schema = |node: Node<'_>| node.value.get("schema").unwrap_or(&any).clone();
        let (before, after) = (schema(old), schema(new));
        let place = Place::of_message(self.name, direction, "/body");
        let mut found = schema::compare(old.with(&before), new.with(&after), self.known, &place);
        if !json_like(media) {
            // Outside JSON, another type may be the same text.
            for finding in found.iter_mut().filter(|f| f.change.is_about_notation()) {
                let change = Change::InMediaType(Box::new(finding.change.clone()));
                *finding = Finding::new(Verdict::Look, finding.place.clone(), change);
            }
        }
        found.extend(self.around(old, new, direction, "/body", &["schema"]));
        found
    }

    /// What surrounds a schema or its content: text for people, or something that needs a look.
    fn around(&self, old: Node, new: Node, direction: Direction, pointer: &str, but: &[&str]) -> Vec<Finding> {
        let none = Map::new();
        let (before, after) = (old.value.as_object().unwrap_or(&none), new.value.as_object().unwrap_or(&none));
        let keys: BTreeSet<&str> = before.keys().chain(after.keys()).map(String::as_str).collect();
        let changed = keys.into_iter().filter(|key| !but.contains(key));
        let changed = changed.filter(|key| match (old.get(key), new.get(key)) {
            (Some(was), Some(is)) if was.value.is_object() => !same(was, is),
            (was, is) => was.map(|node| node.value) != is.map(|node| node.value),
        });
        let found = changed.map(|key| match key {
            "headers" | "links" => (Verdict::Harmless, Change::NotRead(key.to_owned())),
            key if is_annotation(key) => (Verdict::Harmless, Change::Annotation(key.to_owned())),
            key => (Verdict::Look, Change::Unknown(key.to_owned())),
        });
        found.map(|(verdict, change)| self.find(verdict, direction, pointer, change)).collect()
    }

    fn responses(&self) -> Vec<Finding> {
        let (old, new) = (answers(self.old), answers(self.new));
        let mut findings = self.statuses(&old, &new);
        let (was, now) = (successes(&old), successes(&new));
        let documented = now.iter().any(|answer| answer.is_success());
        match (was.first(), now.is_empty()) {
            (None, _) => {
                let unchanged = match (self.old.get("responses"), self.new.get("responses")) {
                    (Some(was), Some(is)) => same(was, is),
                    (was, is) => was.is_none() && is.is_none(),
                };
                if !unchanged {
                    findings.push(self.find(Verdict::Look, Response, "/status", Change::NoSuccessKnown));
                }
                return findings;
            }
            (Some(first), true) if first.is_success() => {
                let reason = "the client treats every response as an error: none is a 2xx";
                findings.push(self.breaks(Response, "/status", Change::SuccessRemoved, Value::Null, reason));
            }
            (Some(_), true) => findings.push(self.find(Verdict::Look, Response, "/status", Change::SuccessRemoved)),
            (Some(first), false) if first.is_success() && !documented => {
                findings.push(self.find(Verdict::Look, Response, "/status", Change::OnlyDefault));
            }
            (Some(_), false) => {}
        }
        for answer in &now {
            let counterpart = was.iter().find(|known| known.status == answer.status).unwrap_or(&was[0]);
            findings.extend(self.answer(counterpart.node, answer.node));
        }
        findings
    }

    /// Which statuses there are, and what surrounds their bodies.
    fn statuses(&self, old: &[Answer], new: &[Answer]) -> Vec<Finding> {
        let statuses: BTreeSet<&str> = old.iter().chain(new).map(|answer| answer.status.as_str()).collect();
        let mut findings = Vec::new();
        for status in statuses {
            let pointer = format!("/status{}", token(status));
            let known = |answers: &[Answer], status: &str| answers.iter().position(|answer| answer.status == status);
            let (verdict, change) = match (known(old, status), known(new, status)) {
                (Some(was), Some(is)) if old[was].is_success() => {
                    findings.extend(self.around(old[was].node, new[is].node, Response, &pointer, &["content"]));
                    continue;
                }
                (Some(was), Some(is)) if same(old[was].node, new[is].node) => continue,
                (Some(_), Some(_)) => (Verdict::Harmless, Change::ErrorResponse),
                (None, Some(_)) if status.starts_with('3') => (Verdict::Look, Change::RedirectAdded),
                (None, Some(_)) if status.starts_with('2') => (Verdict::Harmless, Change::SuccessAdded),
                (None, Some(_)) => (Verdict::Harmless, Change::ErrorAdded),
                (Some(_), None) => (Verdict::Harmless, Change::StatusRemoved),
                (None, None) => continue,
            };
            findings.push(self.find(verdict, Response, &pointer, change));
        }
        findings
    }

    /// One success, as the client decodes it.
    fn answer(&self, old: Node, new: Node) -> Vec<Finding> {
        if old.is_dangling() || new.is_dangling() {
            return vec![self.find(Verdict::Look, Response, "/body", Change::Dangling)];
        }
        let (before, after) = (content(old), content(new));
        let json = |content: &[Media<'_>], wanted: fn(&str) -> bool| {
            content.iter().position(|media| wanted(&essence(media.name)))
        };
        let is_json: fn(&str) -> bool = |name| name == "application/json";
        let Some(was) = json(&before, is_json).map(|n| before[n]) else { return self.bytes(&before, &after) };
        if after.is_empty() {
            let reason = "the client cannot decode it: the body is empty";
            return vec![self.breaks(Response, "/body", Change::BodyRemoved, Value::Null, reason)];
        }
        if let Some(now) = json(&after, is_json).map(|n| after[n]) {
            let mut findings = self.media(was.node, now.node, "application/json", Response);
            let names = |content: &[Media]| content.iter().map(|media| essence(media.name)).collect::<BTreeSet<_>>();
            if names(&before) != names(&after) {
                findings.push(self.find(Verdict::Harmless, Response, "/content-type", Change::MediaTypesChanged));
            }
            return findings;
        }
        if let Some(now) = json(&after, json_like).map(|n| after[n]) {
            let mut findings = self.media(was.node, now.node, now.name, Response);
            let change = Change::OtherJson(now.name.to_owned());
            findings.push(self.find(Verdict::Look, Response, "/content-type", change));
            return findings;
        }
        let names: Vec<String> = after.iter().map(|media| essence(media.name)).collect();
        let reason = "the client cannot decode it: it is not JSON";
        vec![self.breaks(Response, "/content-type", Change::NotJson, json!({ "content-type": names }), reason)]
    }

    /// A success that the client hands on without decoding it.
    fn bytes(&self, before: &[Media], after: &[Media]) -> Vec<Finding> {
        let find = |verdict, change| vec![self.find(verdict, Response, "/body", change)];
        if before.is_empty() {
            return if after.is_empty() { Vec::new() } else { find(Verdict::Unseen, Change::BodyAdded) };
        }
        let unchanged = before.len() == after.len()
            && before.iter().all(|was| after.iter().any(|now| was.name == now.name && same(was.node, now.node)));
        if unchanged { Vec::new() } else { find(Verdict::Look, Change::BytesChanged) }
    }
}

fn answers(operation: Node<'_>) -> Vec<Answer<'_>> {
    let listed = operation.value.get("responses").and_then(Value::as_object).into_iter().flatten();
    let listed = listed.filter(|(status, _)| !is_annotation(status));
    listed
        .map(|(status, node)| Answer { status: status.to_ascii_uppercase(), node: operation.with(node).resolved() })
        .collect()
}

/// The responses that the client decodes. A default is one of them if no success is documented.
fn successes<'s, 'a>(answers: &'s [Answer<'a>]) -> Vec<&'s Answer<'a>> {
    let found: Vec<&Answer> = answers.iter().filter(|answer| answer.is_success()).collect();
    if found.is_empty() { answers.iter().filter(|answer| answer.status == "DEFAULT").collect() } else { found }
}

fn content(node: Node<'_>) -> Vec<Media<'_>> {
    let listed = node.value.get("content").and_then(Value::as_object).into_iter().flatten();
    listed.map(|(name, media)| Media { name, node: node.with(media).resolved() }).collect()
}

/// A media type without its parameters.
fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn json_like(media: &str) -> bool {
    let essence = essence(media);
    essence == "application/json" || essence.ends_with("+json") || essence == "application/*" || essence == "*/*"
}

fn in_range(media: &str, range: &str) -> bool {
    essence(range).split_once("/*").is_some_and(|(kind, _)| kind == "*" || essence(media).starts_with(kind))
}

/// The entry that accepts a media type: its own before a range.
fn accepted<'s, 'a>(content: &'s [Media<'a>], media: &str) -> Option<&'s Media<'a>> {
    let media = essence(media);
    let range = format!("{}/*", media.split('/').next().unwrap_or_default());
    let of = |wanted: &str| content.iter().find(|known| essence(known.name) == wanted);
    of(&media).or_else(|| of(&range)).or_else(|| of("*/*"))
}
