//! The main job as a command: what it prints, and how it exits.

#![cfg(feature = "sandbox")]

use serde_json::Value;
use support::{Behaviour, BlackHole, Server, Then, When, created, example, raw, refusing_port, response, spec};

struct Run {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Run {
    fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{}", self.stdout);
        serde_json::from_str(&self.stdout).unwrap()
    }
}

async fn onboard(environment: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = example("onboard");
    command.envs(environment.iter().copied()).args(arguments);
    let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

async fn against(behaviours: impl IntoIterator<Item = Behaviour>, arguments: &[&str]) -> (Run, Server) {
    let server = Server::queue(behaviours).await;
    let environment = [("TRAXES_ACCESS_TOKEN", "tok-1"), ("TRAXES_BASE_URL", &server.url())];
    (onboard(&environment, arguments).await, server)
}

#[tokio::test]
async fn without_credentials_it_creates_a_request_in_a_sandbox_and_says_so() {
    let run = onboard(&[], &[]).await;
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("sandbox"), "{}", run.stderr);
    assert!(run.stdout.contains("created onboarding request") && run.stdout.contains("Pending"), "{}", run.stdout);
    assert!(run.stdout.contains("https://"), "{}", run.stdout);
}

#[tokio::test]
async fn json_output_is_one_object_that_wraps_the_documented_one() {
    let id = "3c90c3cc-0d44-4b50-8888-8dd25736052a";
    let arguments =
        ["--json", "--type", "Fleet", "--owner", id, "--collective-id", id, "--properties", r#"{"a":[1,null]}"#];
    let output = onboard(&[], &[&arguments[..], &["--name", "Loi"]].concat()).await.json();
    let collective = &output["onboarding"]["data"]["collective"];
    assert_eq!((&output["status"], &output["attempts"]), (&Value::from(201), &Value::from(1)));
    assert!(output["request_id"].is_string());
    let expected =
        serde_json::json!({"id": id, "name": "Loi", "owner": id, "properties": {"a": [1, null]}, "type": "Fleet"});
    assert_eq!(collective, &expected);
    let unnamed = onboard(&[], &["--json", "--unnamed"]).await.json();
    assert_eq!(unnamed["onboarding"]["data"]["collective"].get("name"), None);
}

#[tokio::test]
async fn a_failure_is_one_object_with_every_key_and_exit_code_1() {
    let (run, _) =
        against([response(400, &[("x-request-id", "req-9")], r#"{"code":"E1","message":"no"}"#)], &["--json"]).await;
    assert_eq!(run.code, 1);
    let error = &run.json()["error"];
    let keys: Vec<_> = error.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["attempts", "code", "kind", "message", "outcome", "request_id", "retry_after_s", "status"]);
    for (key, value) in [
        ("kind", Value::from("status")),
        ("outcome", "rejected".into()),
        ("status", 400.into()),
        ("code", "E1".into()),
        ("request_id", "req-9".into()),
        ("retry_after_s", Value::Null),
        ("attempts", 1.into()),
    ] {
        assert_eq!(error[key], value, "{key}");
    }
    assert!(error["message"].as_str().unwrap().contains("400"));
}

#[tokio::test]
async fn timeout_and_attempts_are_honoured() {
    let (run, server) = against([raw(When::AfterRequest, "", Then::Stall)], &["--json", "--timeout", "1.5"]).await;
    let error = &run.json()["error"];
    assert_eq!((error["kind"].as_str(), error["outcome"].as_str()), (Some("timeout"), Some("unknown")));
    assert_eq!(server.requests().len(), 1);
    let busy = || response(429, &[("retry-after", "0")], "");
    let (run, server) = against([busy(), busy(), busy(), created()], &["--json", "--attempts", "4"]).await;
    assert_eq!((run.json()["attempts"].as_u64(), server.requests().len()), (Some(4), 4));
    let (run, server) = against([busy(), busy(), busy()], &["--json", "--attempts", "2"]).await;
    assert_eq!((run.json()["error"]["attempts"].as_u64(), server.requests().len()), (Some(2), 2));
}

fn kind_and_outcome(run: &Run) -> [Value; 2] {
    let error = &run.json()["error"];
    [error["kind"].clone(), error["outcome"].clone()]
}

#[tokio::test]
async fn an_unaccepted_connection_is_not_sent_whatever_the_timeout() {
    let hole = BlackHole::open().await;
    let environment = [("TRAXES_ACCESS_TOKEN", "tok-1"), ("TRAXES_BASE_URL", &hole.url())];
    let (deadline, connect_timeout) = tokio::join!(
        onboard(&environment, &["--json", "--timeout", "2"]),
        onboard(&environment, &["--json", "--timeout", "8"])
    );
    assert_eq!(kind_and_outcome(&deadline), ["timeout", "not_sent"]);
    assert_eq!(kind_and_outcome(&connect_timeout), ["connect", "not_sent"]);
}

#[tokio::test]
async fn a_rejected_call_does_not_become_unknown_near_its_deadline() {
    let busy = response(429, &[("retry-after", "1")], "");
    let (run, server) =
        against([busy, raw(When::AfterRequest, "", Then::Stall)], &["--json", "--timeout", "1.06"]).await;
    assert_eq!((kind_and_outcome(&run), server.requests().len()), (["status".into(), "rejected".into()], 1));
}

/// A library that replaces the system's resolver and never answers.
#[cfg(target_os = "linux")]
fn hanging_resolver(folder: &std::path::Path) -> std::path::PathBuf {
    let source = "#[unsafe(no_mangle)] pub extern \"C\" fn getaddrinfo() -> i32 { loop { std::thread::park() } }";
    let (file, library) = (folder.join("resolver.rs"), folder.join("libresolver.so"));
    std::fs::write(&file, source).unwrap();
    let mut rustc = std::process::Command::new("rustc");
    let status = rustc.args(["--edition", "2024", "--crate-type", "cdylib", "-o"]).arg(&library).arg(&file).status();
    assert!(status.unwrap().success());
    library
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn it_exits_at_its_deadline_even_if_the_resolver_hangs() {
    let folder = tempfile::TempDir::new().unwrap();
    let mut command = tokio::process::Command::from(example("onboard"));
    command.args(["--json", "--timeout", "1.5"]).kill_on_drop(true).envs([
        ("LD_PRELOAD", hanging_resolver(folder.path()).to_str().unwrap()),
        ("TRAXES_ACCESS_TOKEN", "tok-1"),
        ("TRAXES_BASE_URL", "https://traxes.invalid"),
    ]);
    let output = tokio::time::timeout(std::time::Duration::from_secs(60), command.output()).await;
    let output = output.expect("it exits").unwrap();
    let error: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&error["error"]["kind"], &error["error"]["outcome"]), (&"timeout".into(), &"not_sent".into()));
}

#[tokio::test]
async fn an_unreadable_field_is_named_alongside_the_rest() {
    let body = r#"{"created":"2026-11-24T20:18:15","action":{"redirectLink":"https://consent.example/1"}}"#;
    let (run, _) = against([response(201, &[], body)], &["--json"]).await;
    assert_eq!((run.code, &run.json()["unreadable_fields"]), (0, &serde_json::json!(["created"])));
    assert_eq!(run.json()["onboarding"], serde_json::json!({"action": {"redirectLink": "https://consent.example/1"}}));
    assert!(run.stderr.is_empty(), "{}", run.stderr);
    let (run, _) = against([created()], &["--json"]).await;
    assert_eq!(run.json()["unreadable_fields"], serde_json::json!([]));
}

#[tokio::test]
async fn invalid_environment_settings_are_named() {
    let port = refusing_port().await.to_string();
    let loopback = format!("http://127.0.0.1:{port}");
    let (id, secret) = (("TRAXES_CLIENT_ID", "id"), ("TRAXES_CLIENT_SECRET", "s3cret"));
    for (environment, name) in [
        (&[id, ("TRAXES_CLIENT_SECRET", "s3cret\n")][..], "TRAXES_CLIENT_SECRET"),
        (&[("TRAXES_CLIENT_ID", "id\r"), secret], "TRAXES_CLIENT_ID"),
        (&[id, secret, ("TRAXES_BASE_URL", &loopback)], "TRAXES_TOKEN_URL"),
        (&[("TRAXES_ACCESS_TOKEN", "")], "TRAXES_ACCESS_TOKEN"),
        (&[("TRAXES_ACCESS_TOKEN", "s3cret s3cret")], "TRAXES_ACCESS_TOKEN"),
        (&[("TRAXES_BASE_URL", &*loopback)], "TRAXES_ACCESS_TOKEN"),
        (&[("TRAXES_TOKEN_URL", &*loopback)], "TRAXES_ACCESS_TOKEN"),
        (&[("TRAXES_ACCESS_TOKEN", "t"), ("TRAXES_TOKEN_URL", "")], "TRAXES_TOKEN_URL"),
        (&[("TRAXES_CLIENT_ID", "id")], "TRAXES_CLIENT_SECRET"),
        (&[("TRAXES_CLIENT_SECRET", "s3cret")], "TRAXES_CLIENT_ID"),
        (&[("TRAXES_CLIENT_ID", "id"), ("TRAXES_CLIENT_SECRET", "")], "TRAXES_CLIENT_SECRET"),
        (&[("TRAXES_ACCESS_TOKEN", "s3cret"), ("TRAXES_CLIENT_ID", "id")], "TRAXES_ACCESS_TOKEN"),
        (
            &[("TRAXES_CLIENT_ID", "id"), ("TRAXES_CLIENT_SECRET", "s3cret"), ("TRAXES_TOKEN_URL", "http://10.0.0.1")],
            "TRAXES_TOKEN_URL",
        ),
        (&[("TRAXES_ACCESS_TOKEN", "t"), ("TRAXES_BASE_URL", "")], "TRAXES_BASE_URL"),
        (&[("TRAXES_ACCESS_TOKEN", "t"), ("TRAXES_BASE_URL", "traxes")], "TRAXES_BASE_URL"),
        (&[("TRAXES_ACCESS_TOKEN", "t"), ("TRAXES_BASE_URL", "http://10.0.0.1")], "TRAXES_BASE_URL"),
    ] {
        let run = onboard(environment, &["--json"]).await;
        let error = &run.json()["error"];
        assert_eq!(
            (run.code, error["kind"].as_str(), error["outcome"].as_str()),
            (1, Some("config"), Some("not_sent"))
        );
        assert!(error["message"].as_str().unwrap().starts_with(name), "{error}");
        assert!(!run.stdout.contains("s3cret") && !run.stderr.contains("s3cret"));
    }
}

#[tokio::test]
async fn bad_arguments_exit_with_2_name_the_argument_and_show_the_usage() {
    for (arguments, name) in [
        (&["--owner", "me"][..], "--owner"),
        (&["--collective-id", "12"], "--collective-id"),
        (&["--properties", "{"], "--properties"),
        (&["--timeout", "0"], "--timeout"),
        (&["--timeout", "-1"], "-1"),
        (&["--timeout", "soon"], "--timeout"),
        (&["--timeout", "inf"], "--timeout"),
        (&["--attempts", "0"], "--attempts"),
        (&["--name", "a", "--unnamed"], "--unnamed"),
        (&["--colour"], "--colour"),
        (&["extra"], "extra"),
    ] {
        let run = onboard(&[], arguments).await;
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(name) && run.stdout.is_empty(), "{}", run.stderr);
        assert!(run.stderr.contains("Usage: onboard"), "{}", run.stderr);
    }
}

#[tokio::test]
async fn the_example_in_the_help_works_as_it_is_written() {
    let help = onboard(&[], &["--help"]).await.stdout;
    assert!(help.contains("Usage: onboard "), "{help}");
    let (_, example) = help.split_once("Example:\n  onboard ").expect("an example");
    let line = example.lines().next().unwrap();
    // Read by a shell, as a user's would be.
    let printed = std::process::Command::new("sh").args(["-c", &format!("printf '%s\\n' {line}")]).output().unwrap();
    let printed = String::from_utf8(printed.stdout).unwrap();
    let run = onboard(&[], &printed.lines().collect::<Vec<_>>()).await;
    assert_eq!((run.code, &run.json()["status"]), (0, &201.into()), "{}", run.stderr);
}

#[tokio::test]
async fn a_near_miss_of_a_documented_type_is_questioned_and_can_be_sent_all_the_same() {
    let types = spec::schema("CollectiveType")["enum"].as_array().unwrap();
    let mut near_misses: Vec<_> =
        ["House", "Househlod", "fleets", "solar_farm", "Solar Farm", "virtual-power-plant"].map(str::to_owned).into();
    for documented in types.iter().map(|name| name.as_str().unwrap()) {
        near_misses.push(documented.to_lowercase());
        near_misses.push(format!("{documented}s"));
        let run = onboard(&[], &["--json", "--type", documented]).await;
        assert_eq!(run.json()["onboarding"]["data"]["collective"]["type"], documented);
    }
    for given in &near_misses {
        let run = onboard(&[], &["--type", given]).await;
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{given}");
        let letters = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
        let meant = types.iter().find(|name| letters(name.as_str().unwrap())[..4] == letters(given)[..4]).unwrap();
        let question = format!("Did you mean {}?", meant.as_str().unwrap());
        assert!(run.stderr.contains(&question) && run.stderr.contains("--new-type"), "{}", run.stderr);
    }
    for arguments in [&["--type", "household", "--new-type"][..], &["--type", "Commune"]] {
        let run = onboard(&[], &[&["--json"], arguments].concat()).await;
        assert_eq!(run.json()["onboarding"]["data"]["collective"]["type"], arguments[1]);
    }
}

#[tokio::test]
async fn rust_log_enables_stderr_logs_without_the_token() {
    let server = Server::queue([created()]).await;
    let environment =
        [("TRAXES_ACCESS_TOKEN", "tok-s3cret"), ("TRAXES_BASE_URL", &server.url()), ("RUST_LOG", "trace")];
    let run = onboard(&environment, &["--json"]).await;
    assert!(run.stderr.contains("traxes_connect.call") && !run.stderr.contains("s3cret"), "{}", run.stderr);
    assert_eq!(run.json()["request_id"], "req-1");
}

#[tokio::test]
async fn client_credentials_from_the_environment_get_a_token() {
    let tokens = Server::queue([response(200, &[], r#"{"access_token":"tok-9","expires_in":3599}"#)]).await;
    let server = Server::queue([created()]).await;
    let (token_url, base_url) = (tokens.url(), server.url());
    let environment = [
        ("TRAXES_CLIENT_ID", "id-1"),
        ("TRAXES_CLIENT_SECRET", "s3cret"),
        ("TRAXES_TOKEN_URL", &*token_url),
        ("TRAXES_BASE_URL", &*base_url),
    ];
    let run = onboard(&environment, &["--json"]).await;
    assert_eq!(run.json()["status"], 201);
    assert_eq!(server.requests()[0].header("authorization"), Some("Bearer tok-9"));
    let form = tokens.requests()[0].body.clone();
    assert_eq!(form, b"grant_type=client_credentials&client_id=id-1&client_secret=s3cret&scope=esp");
    let down = onboard(&[&environment[..2], &[("TRAXES_TOKEN_URL", "http://127.0.0.1:1")]].concat(), &["--json"]).await;
    let error = &down.json()["error"];
    assert_eq!((error["kind"].as_str(), error["outcome"].as_str()), (Some("auth"), Some("not_sent")));
}
