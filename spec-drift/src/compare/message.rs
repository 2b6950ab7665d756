//! Bodies and statuses: which media types there are, and which of an operation's responses the client decodes.

use crate::{
    compare::schema,
    document::{annotation::ANNOTATIONS, node::Node},
    report::{Change, Direction, Finding, Place, Verdict, Witness, token},
};
use serde_json::{Map, Value, json};

/// One operation in both documents.
pub(crate) struct Pair<'a> {
    pub(crate) name: &'a str,
    pub(crate) old: Node<'a>,
    pub(crate) new: Node<'a>,
}

type Content<'a> = Option<&'a Map<String, Value>>;

static ANY: Value = Value::Bool(true);

impl Pair<'_> {
    pub(crate) fn compare(&self) -> Vec<Finding> {
        let mut findings = self.request();
        findings.extend(self.responses());
        findings
    }

    fn find(&self, verdict: Verdict, direction: Direction, pointer: &str, change: Change) -> Finding {
        Finding::new(verdict, Place::of_message(self.name, direction, pointer), change)
    }

    fn breaks(&self, direction: Direction, pointer: &str, change: Change, value: Value, reason: &str) -> Finding {
        let place = Place::of_message(self.name, direction, pointer);
        Finding::breaks(place, change, Witness::new(value, reason))
    }

    fn request(&self) -> Vec<Finding> {
        use Direction::Request;
        let body = |operation: Node| operation.get("requestBody").map(|body| body.resolved().value.clone());
        let (old, new) = (body(self.old), body(self.new));
        let content = |body: &'_ Option<Value>| {
            body.as_ref().and_then(|b| b.get("content")?.as_object().cloned()).filter(|c| !c.is_empty())
        };
        let required = |body: &Option<Value>| body.as_ref().is_some_and(|b| b.get("required") == Some(&true.into()));
        let (before, after) = match (content(&old), content(&new)) {
            (None, None) => return Vec::new(),
            (None, Some(_)) if required(&new) => {
                let reason = "the server refuses it: the client sends no body";
                return vec![self.breaks(Request, "/body", Change::BodyRequired, Value::Null, reason)];
            }
            (None, Some(_)) => {
                return vec![self.find(Verdict::Harmless, Request, "/body", Change::BodyAllowed)];
            }
            (Some(_), None) => {
                return vec![self.find(Verdict::Look, Request, "/body", Change::BodyNotDescribed)];
            }
            (Some(before), Some(after)) => (before, after),
        };
        let mut findings = self.around((&old, &new), Request, "/body", &["content", "required"]);
        if required(&old) != required(&new) {
            findings.push(self.find(Verdict::Harmless, Request, "/body", Change::BodyRequirement));
        }
        let taken = before.keys().filter(|media| accepted(&after, media).is_some()).count();
        for (media, was) in &before {
            let pointer = "/content-type";
            match accepted(&after, media) {
                Some(now) => findings.extend(self.media(was, now, media, Request)),
                None if taken > 0 => {
                    findings.push(self.find(Verdict::Look, Request, pointer, Change::MediaTypeRemoved(media.clone())));
                }
                None => {
                    let reason = "the server refuses it: it does not accept this media type";
                    findings.push(self.breaks(
                        Request,
                        pointer,
                        Change::MediaTypeRefused(media.clone()),
                        json!({ "content-type": media }),
                        reason,
                    ));
                }
            }
        }
        for media in after.keys().filter(|media| accepted(&before, media).is_none()) {
            findings.push(self.find(
                Verdict::Harmless,
                Request,
                "/content-type",
                Change::MediaTypeAdded(media.clone()),
            ));
        }
        findings
    }

    fn media(&self, old: &Value, new: &Value, media: &str, direction: Direction) -> Vec<Finding> {
        let schema = |node: &'_ Value| node.get("schema").unwrap_or(&ANY).clone();
        let (before, after) = (schema(old), schema(new));
        let place = Place::of_message(self.name, direction, "/body");
        let mut found = schema::compare(self.old.with(&before), self.new.with(&after), &place);
        if !json_like(media) {
            for finding in found.iter_mut().filter(|f| f.verdict > Verdict::Look && !f.change.is_annotation()) {
                finding.verdict = Verdict::Look;
                finding.change = Change::InMediaType(Box::new(finding.change.clone()));
            }
        }
        found.extend(self.around((&Some(old.clone()), &Some(new.clone())), direction, "/body", &["schema"]));
        found
    }

    /// What surrounds a schema or its content: text for people, or something that needs a look.
    fn around(
        &self,
        (old, new): (&Option<Value>, &Option<Value>),
        direction: Direction,
        pointer: &str,
        but: &[&str],
    ) -> Vec<Finding> {
        let none = Map::new();
        let of =
            |node: &'_ Option<Value>| node.as_ref().and_then(Value::as_object).cloned().unwrap_or_else(|| none.clone());
        let (old, new) = (of(old), of(new));
        let mut keys: Vec<&String> = old
            .keys()
            .chain(new.keys())
            .filter(|key| !but.contains(&key.as_str()) && old.get(*key) != new.get(*key))
            .collect();
        keys.sort();
        keys.dedup();
        let verdict = |key: &str| {
            if ANNOTATIONS.contains(&key) || matches!(key, "headers" | "links") {
                Verdict::Harmless
            } else {
                Verdict::Look
            }
        };
        let change = |key: &str| match key {
            "headers" | "links" => Change::NotRead(key.to_owned()),
            key if ANNOTATIONS.contains(&key) => Change::Annotation(key.to_owned()),
            key => Change::Unknown(key.to_owned()),
        };
        keys.into_iter().map(|key| self.find(verdict(key), direction, pointer, change(key))).collect()
    }

    fn responses(&self) -> Vec<Finding> {
        use Direction::Response;
        let listed = |operation: Node| -> Map<String, Value> {
            let map = operation.value.get("responses").and_then(Value::as_object).cloned().unwrap_or_default();
            map.into_iter()
                .map(|(status, response)| {
                    (status.to_ascii_uppercase(), operation.with(&response).resolved().value.clone())
                })
                .collect()
        };
        let (old, new) = (listed(self.old), listed(self.new));
        let success = |status: &str| status.starts_with('2');
        let mut findings = Vec::new();
        let mut statuses: Vec<&String> = old.keys().chain(new.keys()).collect();
        statuses.sort();
        statuses.dedup();
        for status in statuses {
            let pointer = format!("/status{}", token(status));
            let (verdict, change) = match (old.get(status), new.get(status)) {
                (Some(was), Some(now)) if success(status) => {
                    findings.extend(self.around(
                        (&Some(was.clone()), &Some(now.clone())),
                        Response,
                        &pointer,
                        &["content"],
                    ));
                    continue;
                }
                (Some(was), Some(now)) if was == now => continue,
                (Some(_), Some(_)) => (Verdict::Harmless, Change::ErrorResponse),
                (None, Some(_)) if status.starts_with('3') => (Verdict::Look, Change::RedirectAdded),
                (None, Some(_)) if success(status) => (Verdict::Harmless, Change::SuccessAdded),
                (None, Some(_)) => (Verdict::Harmless, Change::ErrorAdded),
                (Some(_), None) => (Verdict::Harmless, Change::StatusRemoved),
                (None, None) => continue,
            };
            findings.push(self.find(verdict, Response, &pointer, change));
        }
        let was: Vec<(&String, &Value)> = old.iter().filter(|(status, _)| success(status)).collect();
        let now: Vec<(&String, &Value)> = new.iter().filter(|(status, _)| success(status)).collect();
        if was.is_empty() {
            if old != new {
                findings.push(self.find(Verdict::Look, Response, "/status", Change::NoSuccessKnown));
            }
            return findings;
        }
        if now.is_empty() && new.contains_key("DEFAULT") {
            findings.push(self.find(Verdict::Look, Response, "/status", Change::OnlyDefault));
        } else if now.is_empty() {
            let reason = "the client treats every response as an error: none is a 2xx";
            findings.push(self.breaks(Response, "/status", Change::SuccessRemoved, Value::Null, reason));
        }
        for (status, response) in now {
            let counterpart = was.iter().find(|(known, _)| *known == status).unwrap_or(&was[0]).1;
            findings.extend(self.answer(content(counterpart), content(response)));
        }
        findings
    }

    /// One success, as the client decodes it.
    fn answer(&self, old: Content, new: Content) -> Vec<Finding> {
        use Direction::Response;
        let place = "/content-type";
        let names =
            |content: Content| content.into_iter().flat_map(Map::keys).map(|media| essence(media)).collect::<Vec<_>>();
        let typed = |content: Content| {
            content
                .and_then(|c| c.iter().find(|(media, _)| essence(media) == "application/json").map(|(_, m)| m.clone()))
        };
        let (before, after) = (names(old), names(new));
        let mut findings = Vec::new();
        match (typed(old), new) {
            (Some(_), None) => {
                let reason = "the client cannot decode it: the body is empty";
                findings.push(self.breaks(Response, "/body", Change::BodyRemoved, Value::Null, reason));
            }
            (Some(was), Some(content)) => match typed(new) {
                Some(now) => {
                    findings.extend(self.media(&was, &now, "application/json", Response));
                    if before != after {
                        findings.push(self.find(Verdict::Harmless, Response, place, Change::MediaTypesChanged));
                    }
                }
                None => match content.iter().find(|(media, _)| json_like(media)) {
                    Some((media, now)) => {
                        findings.extend(self.media(&was, now, media, Response));
                        findings.push(self.find(Verdict::Look, Response, place, Change::OtherJson(media.clone())));
                    }
                    None => {
                        let reason = "the client cannot decode it: it is not JSON";
                        findings.push(self.breaks(
                            Response,
                            place,
                            Change::NotJson,
                            json!({ "content-type": after }),
                            reason,
                        ));
                    }
                },
            },
            (None, None) if old.is_none() => {}
            (None, Some(_)) if old.is_none() => {
                findings.push(self.find(Verdict::Unseen, Response, "/body", Change::BodyAdded));
            }
            _ => {
                let of = |content: Content| content.cloned().unwrap_or_default();
                if of(old) != of(new) {
                    findings.push(self.find(Verdict::Look, Response, "/body", Change::BytesChanged));
                }
            }
        }
        findings
    }
}

fn content(response: &Value) -> Content<'_> {
    response.get("content").and_then(Value::as_object).filter(|content| !content.is_empty())
}

/// A media type without its parameters.
fn essence(media: &str) -> String {
    media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn json_like(media: &str) -> bool {
    let essence = essence(media);
    essence == "application/json" || essence.ends_with("+json") || essence == "application/*" || essence == "*/*"
}

/// The entry that accepts a media type: its own before a range.
fn accepted<'a>(content: &'a Map<String, Value>, media: &str) -> Option<&'a Value> {
    let media = essence(media);
    let range = format!("{}/*", media.split('/').next().unwrap_or_default());
    let of = |wanted: &str| content.iter().find(|(known, _)| essence(known) == wanted).map(|(_, value)| value);
    of(&media).or_else(|| of(&range)).or_else(|| of("*/*"))
}
