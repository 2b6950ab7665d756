//! Creates a collective onboarding request, and says where to send the user.
//!
//! With `TRAXES_ACCESS_TOKEN`, or `TRAXES_CLIENT_ID` and `TRAXES_CLIENT_SECRET`, in the environment it talks to
//! `TRAXES_BASE_URL`, or to production; without credentials it starts a sandbox and talks to that.

use clap::{Args, CommandFactory, Parser, error::ErrorKind};
use serde_json::Value;
use std::{
    env,
    io::{IsTerminal, Write, stderr, stdout},
    process::ExitCode,
    time::Duration,
};
use tokio::runtime::Runtime;
use tracing_subscriber::EnvFilter;
use traxes_connect::{
    Client, CollectiveOnboardingRequest, CollectiveType, Error, OnboardingRequest, Response, RetryPolicy, Sandbox,
};
use uuid::Uuid;

const VARIABLES: [&str; 5] =
    ["TRAXES_ACCESS_TOKEN", "TRAXES_CLIENT_ID", "TRAXES_CLIENT_SECRET", "TRAXES_TOKEN_URL", "TRAXES_BASE_URL"];

/// The types that the API documents.
const TYPES: [CollectiveType; 4] =
    [CollectiveType::Household, CollectiveType::Fleet, CollectiveType::SolarFarm, CollectiveType::VirtualPowerPlant];
/// High enough that a different word passes, and low enough to catch a wrong case, a plural, a typo or half a word.
const NEAR_MISS: f64 = 0.85;

const EXAMPLE: &str = "\
Example:
  onboard --name 'Rue de la Loi 16' --type Household --properties '{\"floor\": 3}' --json

In a clone, replace onboard with: cargo run --example onboard --features sandbox --";

/// Create a collective onboarding request.
#[derive(Parser)]
#[command(name = "onboard", after_help = EXAMPLE)]
struct Arguments {
    #[command(flatten)]
    name: Name,
    /// What kind of collective it is: Household, Fleet, SolarFarm, VirtualPowerPlant, or a newer one.
    #[arg(long = "type", value_name = "TYPE", default_value = "Household")]
    collective_type: CollectiveType,
    /// Send a newer type even if it looks like a misspelt one.
    #[arg(long)]
    new_type: bool,
    /// The owner's id.
    #[arg(long, value_name = "UUID")]
    owner: Option<Uuid>,
    /// The id to give the collective.
    #[arg(long, value_name = "UUID")]
    collective_id: Option<Uuid>,
    /// Custom properties.
    #[arg(long, value_name = "JSON", value_parser = json)]
    properties: Option<Value>,
    /// How long the whole call may take.
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,
    /// The maximum number of attempts, including the first.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    attempts: Option<u32>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[group(multiple = false)]
struct Name {
    /// The name of the collective.
    #[arg(long, default_value = "Rue de la Loi 16")]
    name: String,
    /// Send a null name.
    #[arg(long)]
    unnamed: bool,
}

fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))
}

fn seconds(text: &str) -> Result<Duration, String> {
    let duration = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.filter(|d| !d.is_zero()).ok_or_else(|| "not a positive number of seconds".to_owned())
}

fn arguments() -> Result<Arguments, clap::Error> {
    let arguments = Arguments::try_parse()?;
    let given = &arguments.collective_type;
    match near_miss(given) {
        Some(documented) if !arguments.new_type => Err(Arguments::command().error(
            ErrorKind::ValueValidation,
            format!("--type {given} is not documented. Did you mean {documented}? If not, add --new-type"),
        )),
        _ => Ok(arguments),
    }
}

/// The documented type that one was probably meant to be.
fn near_miss(given: &CollectiveType) -> Option<CollectiveType> {
    let letters = |text: &str| text.to_lowercase().replace(|c: char| !c.is_alphanumeric(), "");
    let resembles = |documented: &CollectiveType| {
        strsim::jaro_winkler(&letters(given.as_str()), &letters(documented.as_str())) >= NEAR_MISS
    };
    if TYPES.contains(given) { None } else { TYPES.into_iter().find(resembles) }
}

fn main() -> ExitCode {
    let arguments = arguments().unwrap_or_else(|error| {
        // clap omits the usage if a value is wrong.
        if error.use_stderr() && !error.to_string().contains("Usage:") {
            eprintln!("{}\n", Arguments::command().render_usage());
        }
        error.exit()
    });
    let logs = tracing_subscriber::fmt().with_env_filter(EnvFilter::from_default_env());
    logs.with_writer(stderr).with_ansi(stderr().is_terminal()).init();
    let runtime = Runtime::new().expect("a runtime");
    let result = runtime.block_on(run(&arguments));
    // Do not wait for the system's resolver, which may hang past any deadline.
    runtime.shutdown_background();
    match result {
        Ok(onboarding) if arguments.json => print(&success(&onboarding).to_string()),
        Ok(onboarding) => print(&for_people(&onboarding)),
        Err(error) => {
            match arguments.json {
                true => print(&failure(&error).to_string()),
                false => eprintln!("error: {error}"),
            }
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn run(arguments: &Arguments) -> Result<Response<OnboardingRequest>, Error> {
    let mut policy = RetryPolicy::new();
    if let Some(timeout) = arguments.timeout {
        policy = policy.total_timeout(timeout);
    }
    if let Some(attempts) = arguments.attempts {
        policy = policy.max_attempts(attempts);
    }
    let request = request(arguments);
    // Lives as long as the call.
    let sandbox;
    let client = if VARIABLES.iter().any(|name| env::var_os(name).is_some()) {
        Client::from_env()?
    } else {
        sandbox = Sandbox::start();
        eprintln!("no credentials in the environment: talking to a sandbox on {}", sandbox.url());
        sandbox.client()
    };
    client.with_retry(policy).create_collective_onboarding(&request).await
}

fn request(arguments: &Arguments) -> CollectiveOnboardingRequest {
    let mut request = match arguments.name.unnamed {
        true => CollectiveOnboardingRequest::unnamed(),
        false => CollectiveOnboardingRequest::new(&arguments.name.name),
    };
    request = request.collective_type(arguments.collective_type.clone());
    if let Some(owner) = arguments.owner {
        request = request.owner(owner);
    }
    if let Some(id) = arguments.collective_id {
        request = request.collective_id(id);
    }
    request.properties = arguments.properties.clone();
    request
}

fn for_people(response: &Response<OnboardingRequest>) -> String {
    let unknown = || "unknown".to_owned();
    let id = response.id.map_or_else(unknown, |id| id.to_string());
    let status = response.status.as_ref().map_or_else(unknown, ToString::to_string);
    let next = match response.consent_url() {
        _ if response.is_finished() => "nothing is left to do".to_owned(),
        Some(url) => format!("send the user to           {url}"),
        None => "it has no consent link".to_owned(),
    };
    format!("created onboarding request {id}\nstatus                     {status}\n{next}")
}

/// A closed pipe is no reason to fail: the request was made.
fn print(text: &str) {
    let _ = writeln!(stdout(), "{text}");
}

fn success(response: &Response<OnboardingRequest>) -> Value {
    serde_json::json!({
        "status": response.http_status().as_u16(),
        "request_id": response.request_id(),
        "attempts": response.attempts(),
        "unreadable_fields": response.unreadable_fields(),
        "onboarding": response.value(),
    })
}

fn failure(error: &Error) -> Value {
    serde_json::json!({"error": {
        "kind": error.kind(),
        "outcome": error.outcome(),
        "status": error.status().map(|status| status.as_u16()),
        "code": error.code(),
        "request_id": error.request_id(),
        "retry_after_s": error.retry_after().map(|wait| wait.as_secs()),
        "attempts": error.attempts(),
        "message": error.to_string(),
    }})
}
