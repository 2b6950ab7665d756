//! A web page where a household signs up and is sent to the consent link.
//!
//! Run `cargo run --example signup --features sandbox`, and open the address that it prints. With `TRAXES_ACCESS_TOKEN`, or
//! `TRAXES_CLIENT_ID` and `TRAXES_CLIENT_SECRET`, in the environment it talks to `TRAXES_BASE_URL`, or to production; without
//! credentials it starts a sandbox, whose consent links lead nowhere.
//!
//! A form sent twice, by a double click or a reload, is one sign-up: each form has an id, under which its answer is kept. Here
//! it is kept in memory; keep yours with your sessions.

mod pages;

use axum::{
    Form, Router,
    extract::{Query, State, rejection::FormRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use clap::Parser;
use maud::Markup;
use serde::Deserialize;
use std::{
    collections::HashMap,
    env,
    net::SocketAddr,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{net::TcpListener, sync::OnceCell};
use tracing_subscriber::{EnvFilter, filter::LevelFilter};
use traxes_connect::{Client, CollectiveOnboardingRequest, CollectiveType, Error, Outcome, RetryPolicy, Sandbox};
use uuid::Uuid;

/// As long as a person watches a page load.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long people are asked to wait if the server does not say.
const WAIT: Duration = Duration::from_secs(60);
const LONGEST_NAME: usize = 200;
const VARIABLES: [&str; 5] =
    ["TRAXES_ACCESS_TOKEN", "TRAXES_CLIENT_ID", "TRAXES_CLIENT_SECRET", "TRAXES_TOKEN_URL", "TRAXES_BASE_URL"];

/// Serve a sign-up page.
#[derive(Parser)]
struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

#[derive(Clone)]
struct App {
    client: Client,
    answers: Arc<Mutex<HashMap<Uuid, Answer>>>,
}

/// Filled by a form's first request. Others for the same form wait for it.
type Answer = Arc<OnceCell<SignUp>>;

/// How a sign-up ended, as far as a household cares.
#[derive(Clone)]
enum SignUp {
    Consent(String),
    /// Created, with nothing left to consent to.
    Done,
    /// Not created, because of what they entered.
    Refused,
    /// Not created, through no fault of theirs.
    Later(Duration),
    /// Perhaps created: a second try might create a second household.
    Unclear {
        request_id: Option<String>,
    },
}

#[derive(Deserialize)]
struct Fields {
    form: Uuid,
    name: String,
}

#[derive(Deserialize)]
struct Again {
    #[serde(default)]
    name: String,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match serve(&arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: &Arguments) -> Result<(), String> {
    // Lives as long as the server.
    let sandbox;
    let client = if VARIABLES.iter().any(|name| env::var_os(name).is_some()) {
        Client::from_env().map_err(|error| error.to_string())?
    } else {
        sandbox = Sandbox::start().await;
        eprintln!("no credentials in the environment: talking to a sandbox on {}", sandbox.url());
        sandbox.client()
    };
    let client = client.with_retry(RetryPolicy::new().total_timeout(DEADLINE));
    let app = Router::new()
        .route("/", get(form).post(sign_up))
        .route("/return", get(async || pages::returned()))
        .route("/style.css", get(async || ([(header::CONTENT_TYPE, "text/css")], include_str!("style.css"))))
        .fallback(async || (StatusCode::NOT_FOUND, pages::not_found()))
        .with_state(App { client, answers: Arc::default() });
    let taken =
        |problem| format!("cannot listen on {} ({problem}): choose another address with --listen", arguments.listen);
    let listener = TcpListener::bind(arguments.listen).await.map_err(taken)?;
    println!("listening on http://{}", listener.local_addr().map_err(taken)?);
    axum::serve(listener, app).await.map_err(|problem| format!("the server ended ({problem}): start it again"))
}

async fn form(Query(Again { name }): Query<Again>) -> Markup {
    pages::form(Uuid::new_v4(), &name, None)
}

async fn sign_up(State(app): State<App>, fields: Result<Form<Fields>, FormRejection>) -> Response {
    let Ok(Form(Fields { form, name })) = fields else {
        let problem = "The form arrived incomplete: please fill it in again.";
        return (StatusCode::BAD_REQUEST, pages::form(Uuid::new_v4(), "", Some(problem))).into_response();
    };
    let name = name.trim().to_owned();
    if name.is_empty() || name.chars().count() > LONGEST_NAME {
        let problem = format!("Please enter an address of 1 to {LONGEST_NAME} characters.");
        return (StatusCode::UNPROCESSABLE_ENTITY, pages::form(form, &name, Some(&problem))).into_response();
    }
    let answer = Arc::clone(app.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(form).or_default());
    // Its own task: if the call ended because a browser left, nobody would know whether it happened.
    let asked = name.clone();
    let call = tokio::spawn(async move { answer.get_or_try_init(|| create(&app.client, &asked)).await.cloned() });
    let sign_up = call.await.unwrap_or(Ok(SignUp::Unclear { request_id: None }));
    match sign_up.unwrap_or_else(|again| again) {
        SignUp::Consent(url) => (StatusCode::SEE_OTHER, [(header::LOCATION, url)]).into_response(),
        SignUp::Done => (StatusCode::SEE_OTHER, [(header::LOCATION, "/return")]).into_response(),
        SignUp::Refused => {
            let problem = "This address was refused. Nothing was created: correct it, and try again.";
            (StatusCode::UNPROCESSABLE_ENTITY, pages::form(Uuid::new_v4(), &name, Some(problem))).into_response()
        }
        SignUp::Later(wait) => {
            let wait = wait.as_secs().max(1);
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, wait)], pages::later(&name, wait)).into_response()
        }
        SignUp::Unclear { request_id } => {
            // What the page asks people to quote.
            tracing::error!(%form, request_id, "a sign-up is unclear: find out before you retry it");
            (StatusCode::BAD_GATEWAY, pages::unclear(form, request_id.as_deref())).into_response()
        }
    }
}

/// An error means that nothing was created: it is not kept, so that the same form may be sent again.
async fn create(client: &Client, name: &str) -> Result<SignUp, SignUp> {
    let request = CollectiveOnboardingRequest::new(name).collective_type(CollectiveType::Household);
    match client.create_collective_onboarding(&request).await {
        Ok(onboarding) => Ok(match onboarding.consent_url() {
            _ if onboarding.is_succeeded() => SignUp::Done,
            Some(url) => SignUp::Consent(url.to_owned()),
            None => SignUp::Unclear { request_id: onboarding.request_id().map(str::to_owned) },
        }),
        Err(error) => failed(&error),
    }
}

fn failed(error: &Error) -> Result<SignUp, SignUp> {
    match error.outcome() {
        Outcome::Rejected if error.status().is_some_and(|status| matches!(status.as_u16(), 400 | 409 | 422)) => {
            Err(SignUp::Refused)
        }
        Outcome::NotSent | Outcome::Rejected => Err(SignUp::Later(error.retry_after().unwrap_or(WAIT))),
        _ => Ok(SignUp::Unclear { request_id: error.request_id().map(str::to_owned) }),
    }
}
