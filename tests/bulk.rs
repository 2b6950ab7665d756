//! Onboarding from a CSV file: killed, interrupted, refused and restarted.

#![cfg(feature = "sandbox")]

#[path = "bulk/spreadsheets.rs"]
mod spreadsheets;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};
use support::{Behaviour, Server, Then, When, created, example, raw, refusing_port, response};
use tempfile::TempDir;
use traxes_connect::Sandbox;
use uuid::Uuid;

const IN_FLIGHT: usize = 8;
const KILLS: usize = 100;

/// A folder with `households.csv` and the files that runs leave next to it.
struct Folder(TempDir);

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Folder {
    fn new(rows: impl AsRef<str>) -> Self {
        let folder = Self(TempDir::new().unwrap());
        folder.write("households.csv", rows);
        folder
    }

    fn of(households: usize) -> (Self, Vec<Uuid>) {
        let ids: Vec<_> = (0..households).map(|_| Uuid::new_v4()).collect();
        (Self::new(csv_of(&ids)), ids)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: impl AsRef<str>) {
        fs::write(self.path(name), text.as_ref()).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    fn command(&self, url: &str, arguments: &[&str]) -> Command {
        let mut command = example("bulk");
        command.env("TRAXES_ACCESS_TOKEN", "tok-1").env("TRAXES_BASE_URL", url);
        command.arg(self.path("households.csv")).args(arguments);
        command
    }

    fn run(&self, url: &str, arguments: &[&str]) -> Run {
        let output = self.command(url, arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Run { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// The rows of a CSV file that a run left, by household id.
    fn rows(&self, name: &str) -> BTreeMap<Uuid, BTreeMap<String, String>> {
        let rows: Vec<BTreeMap<String, String>> =
            csv::Reader::from_path(self.path(name)).unwrap().deserialize().map(Result::unwrap).collect();
        let count = rows.len();
        let by_id: BTreeMap<_, _> = rows.into_iter().map(|row| (row["collective_id"].parse().unwrap(), row)).collect();
        assert_eq!(by_id.len(), count, "{name} lists a household twice");
        by_id
    }

    /// Each household's last event in the journal. An incomplete last line is ignored.
    fn journal(&self) -> BTreeMap<Uuid, String> {
        let text = fs::read(self.path("households.journal")).unwrap_or_default();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = text[..whole].split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).skip(1);
        lines
            .map(|line| serde_json::from_slice::<Value>(line).unwrap())
            .map(|step| {
                (step["household"].as_str().unwrap().parse().unwrap(), step["event"].as_str().unwrap().to_owned())
            })
            .collect()
    }
}

fn csv_of(ids: &[Uuid]) -> String {
    let rows = ids.iter().enumerate().map(|(at, id)| format!("{id},\"Rue de la Loi {at}, Bruxelles\"\n"));
    format!("collective_id,name\n{}", rows.collect::<String>())
}

/// The API's response when all is well.
fn linked() -> Behaviour {
    let action = r#"{"type":"Consent","redirectLink":"https://consent.example/c/1"}"#;
    response(201, &[], &format!(r#"{{"id":"{}","status":"Pending","action":{action}}}"#, Uuid::nil()))
}

/// How many times each household reached the API.
fn ledger(bodies: impl IntoIterator<Item = Vec<u8>>) -> BTreeMap<Uuid, usize> {
    let mut counts = BTreeMap::new();
    for body in bodies {
        let body: Value = serde_json::from_slice(&body).unwrap();
        *counts.entry(body["collectiveId"].as_str().unwrap().parse().unwrap()).or_default() += 1;
    }
    counts
}

fn received(sandbox: &Sandbox) -> BTreeMap<Uuid, usize> {
    ledger(sandbox.requests().into_iter().map(|request| request.body))
}

fn sent_names(sandbox: &Sandbox) -> Vec<String> {
    let name = |body: Vec<u8>| serde_json::from_slice::<Value>(&body).unwrap()["name"].as_str().unwrap().to_owned();
    sandbox.requests().into_iter().map(|request| name(request.body)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_household_is_created_once_and_listed_with_its_link() {
    let sandbox = Sandbox::start();
    let (folder, ids) = Folder::of(40);
    let owner = Uuid::new_v4();
    folder.write(
        "households.csv",
        format!("{}\n", csv_of(&ids[1..]).replace("name\n", &format!("name\n{},Loi\n", ids[0]))),
    );
    let run = folder.run(&sandbox.url(), &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert!(run.stdout.starts_with("created          40  "), "{}", run.stdout);
    let created = folder.rows("households.created.csv");
    assert_eq!(created.keys().copied().collect::<BTreeSet<_>>(), ids.iter().copied().collect());
    assert_eq!(created[&ids[0]]["name"], "Loi");
    for row in created.values() {
        assert_eq!(row["consent_url"], format!("https://sandbox.invalid/consent/{}", row["onboarding_id"]));
    }
    assert_eq!(folder.rows("households.unknown.csv").len(), 0);
    assert_eq!(received(&sandbox), ids.iter().map(|id| (*id, 1)).collect());

    // Run it again with one more row: only that row is sent, complete.
    let (id, text) = (
        Uuid::new_v4(),
        csv_of(&ids).replace("name\n", "name,owner,properties\n").replace("Bruxelles\"", "Bruxelles\",,"),
    );
    folder.write("households.csv", format!("{text}{id},Loi,{owner},\"{{\"\"a\"\": [1]}}\"\n"));
    assert_eq!(folder.run(&sandbox.url(), &[]).code, Some(0));
    assert_eq!(folder.rows("households.created.csv").len(), 41);
    let sent = sandbox.requests();
    assert_eq!(sent.len(), 41);
    let expected = serde_json::json!(
        {"collectiveId": id, "name": "Loi", "owner": owner, "properties": {"a": [1]}, "type": "Household"}
    );
    assert_eq!(serde_json::from_slice::<Value>(&sent[40].body).unwrap(), expected);
}

#[cfg(unix)]
fn journal_length(folder: &Folder) -> u64 {
    fs::metadata(folder.path("households.journal")).map_or(0, |file| file.len())
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn a_hundred_random_kills_neither_duplicate_nor_lose_a_household() {
    let sandbox = Sandbox::start();
    let (folder, mut ids) = Folder::of(0);
    let (mut kills, mut hits) = (0, 0);
    while kills < KILLS {
        let before = folder.journal();
        // Always leave something to send.
        let missing = (before.len() + 200).saturating_sub(ids.len());
        ids.extend((0..missing).map(|_| Uuid::new_v4()));
        folder.write("households.csv", csv_of(&ids));
        let mut run = folder.command(&sandbox.url(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // Kill every other run while it is sending, however long this machine takes to get there.
        let (length, sends) = (journal_length(&folder), kills % 2 == 0);
        while sends && journal_length(&folder) == length && run.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        thread::sleep(Duration::from_micros(fastrand::u64(..60_000)));
        let ended = run.try_wait().unwrap();
        run.kill().unwrap();
        run.wait().unwrap();
        let sending = |journal: &BTreeMap<Uuid, String>| journal.values().filter(|event| *event == "sending").count();
        let after = folder.journal();
        let set_aside = sending(&after) - sending(&before);
        assert!(set_aside <= IN_FLIGHT, "{set_aside} were in flight");
        kills += usize::from(ended.is_none());
        hits += usize::from(set_aside > 0);
    }
    assert!(hits > KILLS / 4, "only {hits} of {KILLS} kills came while something was in flight");

    let run = folder.run(&sandbox.url(), &[]);
    let (created, unknown) = (folder.rows("households.created.csv"), folder.rows("households.unknown.csv"));
    let ledger = received(&sandbox);
    assert!(ledger.values().all(|count| *count == 1), "a household was sent twice: {ledger:?}");
    assert!(created.keys().all(|id| ledger.contains_key(id)), "a household is reported as created but is not");
    assert!(unknown.keys().all(|id| !created.contains_key(id)));
    let told: BTreeSet<_> = created.keys().chain(unknown.keys()).copied().collect();
    assert_eq!(told, ids.iter().copied().collect(), "a household was lost");
    assert!(unknown.len() <= KILLS * IN_FLIGHT);
    assert_eq!(run.code, Some(i32::from(!unknown.is_empty())), "{}{}", run.stdout, run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn wherever_the_journal_is_truncated_only_unannounced_rows_are_sent() {
    let (folder, ids) = Folder::of(3);
    let server = Server::endless(linked).await;
    assert_eq!(folder.run(&server.url(), &[]).code, Some(0));
    let whole = fs::read(folder.path("households.journal")).unwrap();
    for length in (0..whole.len()).step_by(5) {
        fs::write(folder.path("households.journal"), &whole[..length]).unwrap();
        let announced = folder.journal();
        let sent_before = server.requests().len();
        let run = folder.run(&server.url(), &[]);
        let sent = ledger(server.requests().split_off(sent_before).into_iter().map(|request| request.body));
        let expected = ids.iter().filter(|id| !announced.contains_key(id)).map(|id| (*id, 1)).collect();
        assert_eq!(sent, expected, "{length} of {} bytes: {}", whole.len(), run.stderr);
        // What it appended after the truncation can be read again.
        let (before, again) = (server.requests().len(), folder.run(&server.url(), &[]));
        assert_eq!((again.stderr.as_str(), server.requests().len()), ("", before));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_zeroed_by_a_power_loss_counts_as_incomplete() {
    let (folder, ids) = Folder::of(3);
    let server = Server::endless(linked).await;
    folder.run(&server.url(), &["--in-flight", "1"]);
    let whole = folder.read("households.journal");
    let lines: Vec<_> = whole.split_inclusive('\n').collect();
    // The header, the first household, and the announcement of the second.
    folder.write("households.journal", lines[..4].concat() + "\0\0\0\n");
    assert_eq!(folder.run(&server.url(), &[]).code, Some(1));
    assert_eq!(folder.rows("households.unknown.csv").into_keys().collect::<Vec<_>>(), [ids[1]]);
    assert_eq!(ledger(server.requests().split_off(3).into_iter().map(|request| request.body)), [(ids[2], 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn each_outcome_has_its_file_and_only_rows_not_created_are_resent() {
    let (folder, ids) = Folder::of(5);
    let server = Server::queue([
        linked(),
        response(400, &[], r#"{"code":"NameTaken"}"#),
        response(500, &[("x-request-id", "req-7")], ""),
        response(201, &[("x-request-id", "req-8")], "{"),
        linked(),
        linked(),
    ])
    .await;
    let run = folder.run(&server.url(), &["--in-flight", "1"]);
    assert_eq!(run.code, Some(1));
    let (created, unknown) = (folder.rows("households.created.csv"), folder.rows("households.unknown.csv"));
    assert_eq!(created.keys().copied().collect::<BTreeSet<_>>(), [ids[0], ids[3], ids[4]].into());
    assert!(created[&ids[3]]["remark"].contains("req-8"), "{created:?}");
    assert_eq!(unknown.keys().copied().collect::<Vec<_>>(), [ids[2]]);
    assert!(unknown[&ids[2]]["why"].contains("req-7"), "{unknown:?}");
    for (line, text) in [(3, "NameTaken"), (4, "find out"), (5, "do not retry")] {
        let said = run.stderr.lines().any(|l| l.starts_with(&format!("line {line}: ")) && l.contains(text));
        assert!(said, "line {line}, {text}: {}", run.stderr);
    }
    for part in ["created           3", "unknown           1", "not created       1", "run it again"] {
        assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
    }

    let run = folder.run(&server.url(), &[]);
    assert_eq!(run.code, Some(1), "{}", run.stdout);
    assert_eq!(ledger(server.requests().split_off(5).into_iter().map(|request| request.body)), [(ids[1], 1)].into());
    assert_eq!(folder.rows("households.created.csv").len(), 4);
    assert_eq!(folder.rows("households.unknown.csv"), unknown);

    // A row that is removed from the CSV or changed is still reported as it was sent.
    folder.write("households.csv", csv_of(&ids[..1]).replace("Loi", "Régence"));
    assert_eq!(folder.run(&server.url(), &[]).code, Some(1));
    assert_eq!(folder.rows("households.created.csv")[&ids[0]]["name"], "Rue de la Loi 0, Bruxelles");
    assert_eq!(folder.rows("households.created.csv").len(), 4);
    assert_eq!(folder.rows("households.unknown.csv"), unknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_rows_are_reported_by_line_and_the_rest_are_created() {
    let id = |digit: char| format!("3c90c3cc-0d44-4b50-8888-8dd25736052{digit}");
    let rows = [
        "collective_id,name,owner,properties".to_owned(),
        format!("{},Loi 2,,", id('2')),
        "3c90c3cc,Loi 3,,".to_owned(),
        String::new(),
        format!("{},,,", id('5')),
        format!("{},Loi 6,nobody,", id('6')),
        format!("{},Loi 7,,{{", id('7')),
        format!("{},Loi 8", id('8')),
        format!("{},Loi 9,,", id('9')),
        format!("{},Loi 10,,", id('9')),
        ",Loi 11,,".to_owned(),
        format!("{},\"two", id('a')),
        "lines\",,".to_owned(),
        format!("{},Loi 14,,", id('b')),
    ];
    let expected = [
        ("line 3: collective_id is not a UUID", "correct"),
        ("line 5: name is empty", "fill it in"),
        ("line 6: owner is not a UUID", "correct"),
        ("line 7: properties is not JSON", "correct"),
        ("line 8: 2 fields, but the first line has 4", "quotes"),
        ("line 11: collective_id is empty", "fill it in"),
        ("line 12: name has more than one line", "close the quotes"),
        ("line 9: collective_id is on lines [9, 10]", "its own"),
        ("line 10: collective_id is on lines [9, 10]", "its own"),
    ];
    for line_end in ["\n", "\r\n"] {
        let sandbox = Sandbox::start();
        let folder = Folder::new(rows.join(line_end));
        let run = folder.run(&sandbox.url(), &[]);
        assert_eq!(run.code, Some(1));
        assert_eq!(run.stderr.lines().count(), expected.len(), "{}", run.stderr);
        for (line, (beginning, advice)) in run.stderr.lines().zip(expected) {
            assert!(line.starts_with(beginning) && line.contains(advice), "{line}");
        }
        assert!(run.stdout.contains("bad rows          9  correct them"), "{}", run.stdout);
        let created: Vec<_> = folder.rows("households.created.csv").into_keys().map(|id| id.to_string()).collect();
        assert_eq!(created, [id('2'), id('b')]);
        assert_eq!(sandbox.requests().len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_created_household_without_a_next_step_needs_a_person() {
    let (folder, ids) = Folder::of(4);
    let failed = r#"{"status":"Failed","errors":[{"code":"E1","message":"no"}]}"#;
    let done = response(201, &[], r#"{"status":"Succeeded"}"#);
    let server = Server::queue([linked(), done, response(201, &[("x-request-id", "req-3")], failed), created()]).await;
    let run = folder.run(&server.url(), &["--in-flight", "1"]);
    assert_eq!(run.code, Some(1));
    assert!(run.stdout.contains("to look at        2  created, with a remark in "), "{}", run.stdout);
    let created = folder.rows("households.created.csv");
    let remarks: Vec<_> = ids.iter().map(|id| created[id]["remark"].as_str()).collect();
    let ask = "ask the vendor how to proceed, request id";
    let of = |status, id| format!("created, but its status is {status}: {ask} {id}");
    assert_eq!(remarks, ["", "", &of("Failed", "req-3"), &of("Pending", "req-1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn unusable_input_is_refused_with_a_reason_and_left_untouched() {
    let sandbox = Sandbox::start();
    let (folder, ids) = Folder::of(2);
    let header = format!("{{\"server\":\"{}\"}}\n", sandbox.url());
    let step = format!(
        "{{\"household\":\"{}\",\"name\":\"Loi\",\"at\":\"2026-11-23T10:00:00Z\",\"event\":\"sending\"}}\n",
        ids[0]
    );
    for (journal, problem) in [
        ("{\"server\":\"production\"}\n".to_owned(), "is for production, but this run is for http://"),
        (format!("{header}{{\n{step}"), "line 2: not a journal line"),
        (format!("{header}{step}{}", step.replace("sending", "sung")), "line 3: not a journal line"),
        ("collective_id,name\n".to_owned(), "line 1: not a journal line"),
        ("a text of mine".to_owned(), "line 1: not a journal line"),
    ] {
        folder.write("households.journal", &journal);
        let run = folder.run(&sandbox.url(), &[]);
        assert_eq!(run.code, Some(2), "{journal}");
        assert!(run.stderr.starts_with("error: ") && run.stderr.contains(problem), "{journal}: {}", run.stderr);
        assert_eq!(folder.read("households.journal"), journal);
    }
    fs::remove_file(folder.path("households.journal")).unwrap();
    for (csv, problem) in [
        ("collective_id\n", "line 1: the column name is missing"),
        ("collective_id|name\n", "line 1: the column \"collective_id|name\" is unknown"),
        ("name\n", "line 1: the column collective_id is missing"),
        ("collective_id,name,adress\n", "line 1: the column \"adress\" is unknown"),
        ("collective_id,name,name\n", "line 1: the column \"name\" is unknown or appears twice"),
        ("", "line 1: the column name is missing"),
    ] {
        folder.write("households.csv", csv);
        let run = folder.run(&sandbox.url(), &[]);
        assert_eq!(run.code, Some(2), "{csv}");
        assert!(run.stderr.contains("households.csv, ") && run.stderr.contains(problem), "{csv}: {}", run.stderr);
    }
    fs::remove_file(folder.path("households.csv")).unwrap();
    let run = folder.run(&sandbox.url(), &[]);
    assert!(run.code == Some(2) && run.stderr.contains("households.csv cannot be read"), "{}", run.stderr);
    assert_eq!(fs::read_dir(folder.0.path()).unwrap().count(), 0);
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_cannot_share_a_journal() {
    let silent = Server::queue([raw(When::AfterRequest, "", Then::Stall)]).await;
    let (folder, _) = Folder::of(1);
    let mut first = folder.command(&silent.url(), &[]).spawn().unwrap();
    until(|| silent.requests().len() == 1).await;
    let second = folder.run(&silent.url(), &[]);
    assert_eq!(second.code, Some(2));
    assert!(second.stderr.contains("is in use: wait until the other run ends"), "{}", second.stderr);
    assert_eq!(silent.requests().len(), 1);
    end(&mut first);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_stops_if_the_next_household_would_fail_too() {
    let unreachable = format!("http://127.0.0.1:{}", refusing_port().await);
    let (folder, ids) = Folder::of(30);
    let unauthorized = Server::endless(|| response(401, &[], "")).await;
    let broken = Server::endless(|| response(500, &[], "")).await;
    for (url, unknown, reason) in
        [(unreachable, 0, "see above"), (unauthorized.url(), 0, "see above"), (broken.url(), 5, "seems to be down")]
    {
        let _ = fs::remove_file(folder.path("households.journal"));
        let run = folder.run(&url, &["--in-flight", "1"]);
        assert_eq!(run.code, Some(1), "{}", run.stderr);
        let first = run.stdout.lines().next().unwrap();
        assert!(
            first.starts_with("stopped: ") && first.contains(reason) && first.contains("run it again"),
            "{}",
            run.stdout
        );
        assert_eq!(folder.rows("households.unknown.csv").len(), unknown);
        assert!(run.stdout.contains(&format!("not created  {:>6}", ids.len() - unknown)), "{}", run.stdout);
    }
    assert_eq!((unauthorized.requests().len(), broken.requests().len()), (1, 5));
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn the_first_interrupt_waits_for_calls_in_flight_and_the_second_does_not() {
    let sandbox = Sandbox::start();
    let (folder, ids) = Folder::of(2000);
    let mut run = folder.command(&sandbox.url(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until(|| sandbox.requests().len() > IN_FLIGHT).await;
    interrupt(&run);
    assert_eq!(run.wait().unwrap().code(), Some(1));
    let created = folder.rows("households.created.csv");
    assert_eq!(created.len(), sandbox.requests().len());
    assert!(created.len() < ids.len());
    assert_eq!(folder.rows("households.unknown.csv").len(), 0);

    let silent = Server::queue([raw(When::AfterRequest, "", Then::Stall)]).await;
    let (folder, ids) = Folder::of(2);
    let mut run = folder
        .command(&silent.url(), &["--in-flight", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until(|| silent.requests().len() == 1).await;
    interrupt(&run);
    while run.try_wait().unwrap().is_none() {
        interrupt(&run);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(folder.rows("households.unknown.csv").into_keys().collect::<Vec<_>>(), ids[..1]);
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn an_interrupted_run_gives_no_advice_about_refused_rows_that_it_did_not_have() {
    // One row was refused in an earlier run, and is not reached in this one.
    let (folder, ids) = Folder::of(3);
    folder.write("households.csv", csv_of(&ids[2..]));
    let server = Server::queue([response(400, &[], ""), raw(When::AfterRequest, "", Then::Stall)]).await;
    assert!(folder.run(&server.url(), &[]).stdout.contains("correct what was refused"));
    folder.write("households.csv", csv_of(&ids));

    let mut run = folder.command(&server.url(), &["--in-flight", "1"]);
    let mut run = run.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    until(|| server.requests().len() == 2).await;
    while run.try_wait().unwrap().is_none() {
        interrupt(&run);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stdout = String::from_utf8(run.wait_with_output().unwrap().stdout).unwrap();
    assert!(stdout.starts_with("stopped: interrupted: run it again\n"), "{stdout}");
    assert!(stdout.contains("not created       2  run it again\n"), "{stdout}");
    assert!(!stdout.contains("refused") && !stdout.contains("see above"), "{stdout}");
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_sandbox_run_the_real_run_says_what_to_do_and_the_other_way_round() {
    let real = Server::endless(linked).await;
    let (folder, ids) = Folder::of(3);
    assert_eq!(folder.run(&real.url(), &["--sandbox"]).code, Some(0));
    let refused = folder.run(&real.url(), &[]);
    assert_eq!(refused.code, Some(2));
    assert!(
        refused.stderr.contains("households.journal is for a sandbox")
            && refused.stderr.contains(": delete it, and run it again"),
        "{}",
        refused.stderr
    );
    fs::remove_file(folder.path("households.journal")).unwrap();
    assert_eq!(folder.run(&real.url(), &[]).code, Some(0));
    assert_eq!(real.requests().len(), ids.len());

    // What was really created must stay on record.
    let refused = folder.run(&real.url(), &["--sandbox"]);
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("keep it") && !refused.stderr.contains("delete"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_terminal_progress_is_told_in_plain_lines() {
    let slow = Server::endless(|| linked().after(Duration::from_millis(1700))).await;
    let (folder, _) = Folder::of(4);
    let run = folder.run(&slow.url(), &["--in-flight", "1"]);
    let line = run.stderr.lines().next().expect("a line");
    assert!(["1 of 4 households", "2 of 4 households", "3 of 4 households"].contains(&line), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}') && !run.stderr.contains('\r'), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_journal_keeps_each_byte_of_a_response_that_could_not_be_read() {
    // Cut off, not UTF-8, with another status, and with only one field that cannot be read.
    let truncated = br#"{"id":"3c90c3cc-0d44-4b50-8888-8dd25736052a","act"#;
    let latin_1 = b"{\"id\":\"3c90c3cc-0d44-4b50-8888-8dd25736052b\",\"status\":\"caf\xE9\x00\xFF\"";
    let page = b"<html>gateway</html>";
    let dated = br#"{"id":"7","created":"yesterday","action":{"redirectLink":"https://consent.example/c/1"}}"#;
    let bodies = [(201, &truncated[..]), (201, latin_1), (200, page), (201, dated)];
    let answer = |(status, body): &(u16, &[u8])| {
        let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {}\r\n\r\n", body.len());
        raw(When::AfterRequest, [head.as_bytes(), body].concat(), Then::KeepAlive)
    };
    let (folder, ids) = Folder::of(bodies.len());
    let server = Server::queue(bodies.iter().map(answer)).await;
    assert_eq!(folder.run(&server.url(), &["--in-flight", "1"]).code, Some(1));
    let journal = folder.read("households.journal");
    let steps: Vec<Value> = journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (id, (_, body)) in ids.iter().zip(bodies) {
        let step = steps.iter().rfind(|step| step["household"] == id.to_string()).unwrap();
        let kept = match (step["response"]["text"].as_str(), step["response"]["base64"].as_str()) {
            (Some(text), None) => text.as_bytes().to_vec(),
            (None, Some(base64)) => BASE64_STANDARD.decode(base64).unwrap(),
            _ => panic!("{step}"),
        };
        assert_eq!(kept, body, "{step}");
    }
    assert!(folder.rows("households.created.csv")[&ids[0]]["remark"].contains("in the journal"));
    // A later run can read the journal.
    let again = folder.run(&server.url(), &[]);
    assert_eq!((again.code, again.stderr.as_str(), server.requests().len()), (Some(1), "", bodies.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_run_stops_after_five_unreadable_responses_in_a_row() {
    for (status, file) in [(201, "households.created.csv"), (200, "households.unknown.csv")] {
        let (folder, _) = Folder::of(30);
        let unreadable = move || response(status, &[], "{");
        let good_after_4 = (0..4).map(|_| unreadable()).chain([linked()]);
        let server = Server::queue(good_after_4.chain((0..25).map(|_| unreadable()))).await;
        let run = folder.run(&server.url(), &["--in-flight", "1"]);
        assert_eq!((run.code, server.requests().len()), (Some(1), 10), "{}", run.stderr);
        assert!(run.stdout.starts_with("stopped: the responses cannot be read: "), "{}", run.stdout);
        assert_eq!(folder.rows(file).len(), if status == 201 { 10 } else { 9 });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_household_between_unreadable_responses_means_that_they_are_not_in_a_row() {
    let (folder, ids) = Folder::of(10);
    let unreadable = || (0..4).map(|_| response(201, &[], "{"));
    let server =
        Server::queue(unreadable().chain([response(400, &[], "")]).chain(unreadable()).chain([linked()])).await;
    let run = folder.run(&server.url(), &["--in-flight", "1"]);
    assert!(!run.stdout.contains("stopped"), "{}", run.stdout);
    assert_eq!(server.requests().len(), ids.len());
}

#[tokio::test]
async fn the_help_explains_how_to_get_ids() {
    let help = String::from_utf8(example("bulk").arg("--help").output().unwrap().stdout).unwrap();
    let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in ["collective_id (a UUID of your choice)", "--assign-ids Only write a new CSV, with an id for each row"]
    {
        assert!(words.contains(part), "{part}: {help}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[cfg(unix)]
async fn the_commands_in_the_help_work_as_they_are_written() {
    let real = Server::endless(linked).await;
    let folder = Folder::new("name\nLoi 1\nLoi 2\n");
    let help = String::from_utf8(example("bulk").arg("--help").output().unwrap().stdout).unwrap();
    assert!(help.contains("Usage: bulk "), "{help}");
    let (_, commands) = help.split_once("Example").unwrap();
    let commands = commands.lines().skip(1).take_while(|line| !line.is_empty()).collect::<Vec<_>>().join("\n");
    let mut shell = Command::new("sh");
    shell.env("BULK", example("bulk").get_program()).env("TRAXES_BASE_URL", real.url()).env("TRAXES_ACCESS_TOKEN", "t");
    shell.current_dir(folder.0.path()).args(["-ec", &format!("bulk() {{ \"$BULK\" \"$@\"; }}\n{commands}")]);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(real.requests().len(), 2);
}

#[tokio::test]
async fn missing_credentials_are_named_and_the_sandbox_needs_none() {
    let (folder, _) = Folder::of(3);
    let run = |arguments: &[&str]| example("bulk").arg(folder.path("households.csv")).args(arguments).output().unwrap();
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(2));
    let message = String::from_utf8(refused.stderr).unwrap();
    assert!(message.contains("TRAXES_ACCESS_TOKEN is not set: set it"), "{message}");
    assert!(run(&["--sandbox"]).status.success());
    assert_eq!(folder.rows("households.created.csv").len(), 3);
}

async fn until(mut happened: impl FnMut() -> bool) {
    while !happened() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[cfg(unix)]
fn interrupt(run: &Child) {
    Command::new("kill").args(["-INT", &run.id().to_string()]).status().unwrap();
}

fn end(run: &mut Child) {
    run.kill().unwrap();
    run.wait().unwrap();
}
