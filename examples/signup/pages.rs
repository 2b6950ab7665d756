//! What a household sees.

use maud::{DOCTYPE, Markup, html};
use uuid::Uuid;

/// Where the form is sent.
pub const SIGN_UP: &str = "/sign-up";
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
            form method="post" action=(SIGN_UP) {
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

/// A household besides the one that they signed up before, perhaps by going back to correct the address.
pub fn another(name: &str, earlier: &[String], url: &str) -> Markup {
    page(
        "This is a new sign-up",
        html! {
            p { "You are signing up:" }
            p .quoted { strong { (name) } }
            p { "It does not replace what you signed up before:" }
            @for name in earlier {
                p .quoted { (name) }
            }
            p { "If that was a mistake, you need not give your consent for it. Write to "
                a href={ "mailto:" (SUPPORT) } { (SUPPORT) } " to have it removed." }
            a .button href=(url) { "Continue with the new one" }
        },
    )
}

pub fn later(form: Uuid, name: &str, seconds: u64) -> Markup {
    let wait = match seconds {
        0..=90 => "in a minute".to_owned(),
        _ => format!("in {} minutes", seconds.div_ceil(60)),
    };
    page(
        "Please try again later",
        html! {
            p { "We cannot sign you up at the moment. Nothing was created, and you can safely try again " (wait) "." }
            form method="post" action=(SIGN_UP) {
                input type="hidden" name="form" value=(form);
                input type="hidden" name="name" value=(name);
                button { "Try again" }
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
            p .quoted { code { (reference) } }
        },
    )
}

/// Where the sandbox's consent links lead.
pub fn sandbox_consent() -> Markup {
    page(
        "Give your consent",
        html! {
            p { "This is a sandbox: no device is read. With an account, a page of the vendor takes the place of this one." }
            form method="post" { button { "Give consent" } }
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
