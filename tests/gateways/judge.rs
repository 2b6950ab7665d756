//! The judge: checks what calls claim against the ledger.

use crate::{calls::Call, ledger::Ledger};
use std::collections::BTreeMap;
use traxes_connect::{
    Error,
    Outcome::{Applied, NotSent, Rejected},
};

/// Fails if a call was applied twice or claims what the ledger denies. Prints how the calls ended.
pub fn judge(gateway: &str, ledger: &Ledger, calls: &[Call]) {
    let mut ends = BTreeMap::<String, usize>::new();
    let mut duplicates = Vec::new();
    let mut wrong_claims = Vec::new();
    for call in calls {
        let times = ledger.applied(call.id);
        let end = end(call);
        *ends.entry(format!("{end}, applied {times} times")).or_default() += 1;
        let line = format!("applied {times} times in {} attempts: {}", call.attempts(), said(call));
        let claim_holds = match call.result.as_ref().err().map(Error::outcome) {
            None | Some(Applied) => times >= 1,
            Some(NotSent | Rejected) => times == 0,
            _ => true,
        };
        if times > 1 {
            // More often than the client tried: the gateway's doing, unless the HTTP stack retries on its own.
            let whose = if times > call.attempts() as usize { "by the gateway" } else { "by the client" };
            duplicates.push(format!("{whose}, {line}"));
        }
        if !claim_holds {
            wrong_claims.push(line);
        }
    }
    let ends = ends.iter().map(|(end, count)| format!("\n  {count} {end}")).collect::<String>();
    println!("{gateway}: {} calls{ends}", calls.len());
    let (first_duplicate, first_claim) = (duplicates.first(), wrong_claims.first());
    assert!(
        duplicates.is_empty() && wrong_claims.is_empty(),
        "{gateway}: {} duplicates, such as {first_duplicate:?}; {} wrong claims, such as {first_claim:?}; all:{ends}",
        duplicates.len(),
        wrong_claims.len(),
    );
}

fn end(call: &Call) -> String {
    let outcome = call.result.as_ref().map_or_else(|error| error.outcome().to_string(), |_| "ok".to_owned());
    let response = match (&call.result, call.status()) {
        (_, Some(status)) => status.to_string(),
        (Err(error), None) => error.kind().to_string(),
        (Ok(_), None) => unreachable!("a response has a status"),
    };
    format!("{outcome} ({response})")
}

fn said(call: &Call) -> String {
    call.result.as_ref().map_or_else(ToString::to_string, |response| format!("{response:?}"))
}
