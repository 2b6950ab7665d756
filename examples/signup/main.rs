//! A web page where a household signs up and is sent to the consent link.
//!
//! Run `cargo run --example signup --features sandbox`, and open the address that it prints. With `TRAXES_ACCESS_TOKEN`, or
//! `TRAXES_CLIENT_ID` and `TRAXES_CLIENT_SECRET`, in the environment it talks to `TRAXES_BASE_URL`, or to production; without
//! credentials it starts a sandbox, with a consent page of its own to walk through.
//!
//! A form sent twice, by a double click, a reload or the Back button, is one sign-up: each form has an id, under which its
//! answer is kept. With another address it is a new one, and a page says so before the consent link. What was entered is never
//! part of a URL, which browsers, proxies and logs keep.

mod answers;
mod pages;
mod sandbox_consent;

use answers::{Answers, SignUp};
use axum::{
    Form, Router,
    extract::{State, rejection::FormRejection},
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};
use clap::Parser;
use serde::Deserialize;
use std::{env, net::SocketAddr, process::ExitCode, time::Duration};
use tokio::net::TcpListener;
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
#[command(name = "signup")]
struct Arguments {
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

#[derive(Clone)]
struct App {
    client: Client,
    answers: Answers,
    /// Where a consent link leads from here.
    consent_link: fn(&str) -> String,
}

#[derive(Deserialize)]
struct Fields {
    form: Uuid,
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
    let mut site = Router::new()
        .route("/", get(async || pages::form(Uuid::new_v4(), "", None)))
        // Not "/": a browser drops its copy of a page that it posts to, and Back would fetch a form with another id.
        .route(pages::SIGN_UP, get(async || Redirect::to("/")).post(sign_up))
        .route("/return", get(async || pages::returned()))
        .route("/style.css", get(async || ([(header::CONTENT_TYPE, "text/css")], include_str!("style.css"))))
        .fallback(async || (StatusCode::NOT_FOUND, pages::not_found()));
    // Lives as long as the server.
    let sandbox;
    let mut consent_link: fn(&str) -> String = str::to_owned;
    let client = if VARIABLES.iter().any(|name| env::var_os(name).is_some()) {
        Client::from_env().map_err(|error| error.to_string())?
    } else {
        sandbox = Sandbox::start();
        eprintln!("no credentials in the environment: talking to a sandbox on {}", sandbox.url());
        site = site.route(sandbox_consent::PATH, sandbox_consent::page());
        consent_link = sandbox_consent::link;
        sandbox.client()
    };
    let client = client.with_retry(RetryPolicy::new().total_timeout(DEADLINE));
    let site = site.with_state(App { client, answers: Answers::default(), consent_link });
    let taken =
        |problem| format!("cannot listen on {} ({problem}): choose another address with --listen", arguments.listen);
    let listener = TcpListener::bind(arguments.listen).await.map_err(taken)?;
    println!("listening on http://{}", listener.local_addr().map_err(taken)?);
    axum::serve(listener, site).await.map_err(|problem| format!("the server ended ({problem}): start it again"))
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
    let answer = app.answers.to(form, &name);
    // Its own task: if the call ended because a browser left, nobody would know whether it happened.
    let asked = name.clone();
    let client = app.client.clone();
    let call = tokio::spawn(async move { answer.get_or_try_init(|| create(&client, &asked)).await.cloned() });
    let sign_up = call.await.unwrap_or(Ok(SignUp::Unclear { request_id: None }));
    let earlier = app.answers.earlier(form, &name);
    match sign_up.unwrap_or_else(|again| again) {
        SignUp::Consent(url) => continue_to(&(app.consent_link)(&url), &name, &earlier),
        SignUp::Done => continue_to("/return", &name, &earlier),
        SignUp::Refused => {
            let problem = "This address was refused. Nothing was created: correct it, and try again.";
            (StatusCode::UNPROCESSABLE_ENTITY, pages::form(Uuid::new_v4(), &name, Some(problem))).into_response()
        }
        SignUp::Later(wait) => {
            let wait = wait.as_secs().max(1);
            (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, wait)], pages::later(form, &name, wait))
                .into_response()
        }
        SignUp::Unclear { request_id } => {
            // What the page asks people to quote.
            tracing::error!(%form, request_id, "a sign-up is unclear: find out before you retry it");
            (StatusCode::BAD_GATEWAY, pages::unclear(form, request_id.as_deref())).into_response()
        }
    }
}

/// Says first if this household is not the one that they signed up before.
fn continue_to(url: &str, name: &str, earlier: &[String]) -> Response {
    if earlier.is_empty() {
        return Redirect::to(url).into_response();
    }
    pages::another(name, earlier, url).into_response()
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
