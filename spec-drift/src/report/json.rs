//! A report for programs. README.md documents it. Fields may be added, but none changes its meaning.

use crate::report::{Accepted, Report, Verdict, group::Group};
use serde_json::{Map, Value, json};

pub(crate) fn write(report: &Report) -> String {
    let counts: Map<String, Value> =
        Verdict::ALL.into_iter().map(|verdict| (verdict.to_string(), report.count(verdict).into())).collect();
    let accepted = report.accepted_groups();
    let value = json!({
        "counts": counts,
        "findings": report.groups().iter().map(finding).collect::<Vec<_>>(),
        "accepted": accepted.iter().map(|(entry, group)| {
            let mut value = finding(group);
            value["reason"] = entry.reason.as_str().into();
            value["date"] = entry.date.to_string().into();
            value
        }).collect::<Vec<_>>(),
        "stale": report.stale().iter().map(stale).collect::<Vec<_>>(),
    });
    format!("{value:#}\n")
}

fn finding(group: &Group) -> Value {
    let places = group.places.iter().map(|place| json!({ "operation": place.operation, "pointer": place.pointer }));
    json!({
        "name": group.name(),
        "verdict": group.verdict.to_string(),
        "change": group.change.to_string(),
        "direction": group.direction.map(|direction| direction.to_string()),
        "schema": group.schema,
        "places": places.collect::<Vec<_>>(),
        "witness": group.witness.map(|witness| json!({ "value": witness.value, "reason": witness.reason })),
    })
}

fn stale(entry: &Accepted) -> Value {
    json!({
        "place": entry.place,
        "verdict": entry.verdict.to_string(),
        "reason": entry.reason,
        "date": entry.date.to_string(),
    })
}
