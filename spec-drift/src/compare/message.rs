//! Bodies and statuses: which media types there are, and which of an operation's responses the client decodes.

use crate::{
    compare::schema,
    document::{annotation::ANNOTATIONS, node::Node},
    report::{Direction, Finding, Place, Verdict, Witness, token},
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

    fn find(&self, verdict: Verdict, direction: Direction, pointer: &str, sentence: impl Into<String>) -> Finding {
        Finding::new(verdict, Place::of_message(self.name, direction, pointer), sentence)
    }

    fn breaks(
        &self,
        direction: Direction,
        pointer: &str,
        sentence: impl Into<String>,
        value: Value,
        reason: &str,
    ) -> Finding {
        let place = Place::of_message(self.name, direction, pointer);
        Finding::breaks(place, sentence, Witness::new(value, reason))
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
                return vec![self.breaks(Request, "/body", "a body is required now", Value::Null, reason)];
            }
            (None, Some(_)) => {
                return vec![self.find(
                    Verdict::Harmless,
                    Request,
                    "/body",
                    "may have a body now; the client sends none",
                )];
            }
            (Some(_), None) => {
                return vec![self.find(
                    Verdict::Look,
                    Request,
                    "/body",
                    "no longer has a body; whether the client's is tolerated is not documented",
                )];
            }
            (Some(before), Some(after)) => (before, after),
        };
        let mut findings = self.around((&old, &new), Request, "/body", &["content", "required"]);
        if required(&old) != required(&new) {
            findings.push(self.find(
                Verdict::Harmless,
                Request,
                "/body",
                "whether the body is required changed; the client always sends it",
            ));
        }
        let taken = before.keys().filter(|media| accepted(&after, media).is_some()).count();
        for (media, was) in &before {
            let pointer = "/content-type";
            match accepted(&after, media) {
                Some(now) => findings.extend(self.media(was, now, media, Request)),
                None if taken > 0 => {
                    findings.push(self.find(
                        Verdict::Look,
                        Request,
                        pointer,
                        format!("{media} is no longer accepted; which one a client sends is not known"),
                    ));
                }
                None => {
                    let reason = "the server refuses it: it does not accept this media type";
                    findings.push(self.breaks(
                        Request,
                        pointer,
                        format!("{media} is no longer accepted"),
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
                format!("{media} is now accepted; the client does not send it"),
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
            for finding in found.iter_mut().filter(|f| f.verdict > Verdict::Look && !f.sentence.contains("for people"))
            {
                finding.verdict = Verdict::Look;
                finding.sentence.push_str("; how it is written in this media type is not known");
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
        let sentence = |key: &str| match key {
            "headers" | "links" => format!("{key}, which the client does not read, changed"),
            key if ANNOTATIONS.contains(&key) => format!("{key}, which is for people, changed"),
            key => format!("{key} changed; what that means for a client is not known"),
        };
        keys.into_iter().map(|key| self.find(verdict(key), direction, pointer, sentence(key))).collect()
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
            let (verdict, sentence) = match (old.get(status), new.get(status)) {
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
                (Some(_), Some(_)) => (Verdict::Harmless, "a non-success response changed; its body is not decoded"),
                (None, Some(_)) if status.starts_with('3') => (Verdict::Look, "is new; redirects are not followed"),
                (None, Some(_)) if success(status) => (Verdict::Harmless, "is new; any 2xx is a success"),
                (None, Some(_)) => (Verdict::Harmless, "is new; it is not a success, and its body is not decoded"),
                (Some(_), None) => (Verdict::Harmless, "is no longer documented"),
                (None, None) => continue,
            };
            findings.push(self.find(verdict, Response, &pointer, sentence));
        }
        let was: Vec<(&String, &Value)> = old.iter().filter(|(status, _)| success(status)).collect();
        let now: Vec<(&String, &Value)> = new.iter().filter(|(status, _)| success(status)).collect();
        if was.is_empty() {
            if old != new {
                findings.push(self.find(
                    Verdict::Look,
                    Response,
                    "/status",
                    "no success was documented, so it is not known what the client decodes",
                ));
            }
            return findings;
        }
        if now.is_empty() && new.contains_key("DEFAULT") {
            findings.push(self.find(
                Verdict::Look,
                Response,
                "/status",
                "only a default is documented, which may be a success or an error",
            ));
        } else if now.is_empty() {
            let reason = "the client treats every response as an error: none is a 2xx";
            findings.push(self.breaks(Response, "/status", "a success is no longer documented", Value::Null, reason));
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
                findings.push(self.breaks(Response, "/body", "no longer has a body", Value::Null, reason));
            }
            (Some(was), Some(content)) => match typed(new) {
                Some(now) => {
                    findings.extend(self.media(&was, &now, "application/json", Response));
                    if before != after {
                        findings.push(self.find(
                            Verdict::Harmless,
                            Response,
                            place,
                            "the media types changed; the client asks for application/json",
                        ));
                    }
                }
                None => match content.iter().find(|(media, _)| json_like(media)) {
                    Some((media, now)) => {
                        findings.extend(self.media(&was, now, media, Response));
                        let sentence =
                            format!("is now {media}; the client asks for application/json and may be refused");
                        findings.push(self.find(Verdict::Look, Response, place, sentence));
                    }
                    None => {
                        let reason = "the client cannot decode it: it is not JSON";
                        findings.push(self.breaks(
                            Response,
                            place,
                            "is no longer JSON",
                            json!({ "content-type": after }),
                            reason,
                        ));
                    }
                },
            },
            (None, None) if old.is_none() => {}
            (None, Some(_)) if old.is_none() => {
                findings.push(self.find(
                    Verdict::Unseen,
                    Response,
                    "/body",
                    "now has a body, which the client does not read",
                ));
            }
            _ => {
                let of = |content: Content| content.cloned().unwrap_or_default();
                if of(old) != of(new) {
                    findings.push(self.find(
                        Verdict::Look,
                        Response,
                        "/body",
                        "a body that is not decoded changed; anyone who reads its bytes must look",
                    ));
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
