//! What a household sees.

use maud::{DOCTYPE, Markup, html};
use uuid::Uuid;

const SUPPORT: &str = "support@example.com";

fn page(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                link rel="stylesheet" href="/style.css";
                link rel="icon" href="data:,";
            }
            body { main { h1 { (title) } (content) } }
        }
    }
}

/// The form, with what was entered, and what is wrong with it.
pub fn form(form: Uuid, name: &str, problem: Option<&str>) -> Markup {
    page(
        "Sign up your household",
        html! {
            p { "Connect your home's energy devices. On the next page you decide what may be read." }
            form method="post" action="/" {
                input type="hidden" name="form" value=(form);
                label for="name" { "Your address" }
                @if let Some(problem) = problem {
                    p #problem .problem role="alert" { (problem) }
                }
                input #name name="name" value=(name) required maxlength="200" autocomplete="street-address" autofocus
                    placeholder="Rue de la Loi 16" aria-invalid=[problem.map(|_| "true")] aria-describedby=[problem.map(|_| "problem")];
                button { "Continue to consent" }
            }
        },
    )
}

pub fn later(name: &str, seconds: u64) -> Markup {
    let wait = match seconds {
        0..=90 => "in a minute".to_owned(),
        _ => format!("in {} minutes", seconds.div_ceil(60)),
    };
    page(
        "Please try again later",
        html! {
            p { "We cannot sign you up at the moment. Nothing was created, and you can safely try again " (wait) "." }
            form method="get" action="/" {
                input type="hidden" name="name" value=(name);
                button { "Back to the form" }
            }
        },
    )
}

pub fn unclear(form: Uuid, request_id: Option<&str>) -> Markup {
    let reference = request_id.map_or_else(|| form.to_string(), str::to_owned);
    page(
        "We are not sure it worked",
        html! {
            p { "Your sign-up was sent, but we did not get a clear answer. " strong { "Please do not sign up again:" }
                " you might be signed up twice." }
            p { "Write to " a href={ "mailto:" (SUPPORT) } { (SUPPORT) }
                ", and we will find out. Please quote:" }
            p .reference { code { (reference) } }
        },
    )
}

pub fn returned() -> Markup {
    page(
        "Thank you",
        html! {
            p { "You are back from the consent page. We are now setting up your household, and will write to you when it is done." }
            p { "You can close this page." }
        },
    )
}

pub fn not_found() -> Markup {
    page(
        "Page not found",
        html! {
            p { a href="/" { "Go to the sign-up form" } }
        },
    )
}
