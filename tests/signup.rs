//! The sign-up page: what the browser gets, and what the API receives.

#![cfg(feature = "sandbox")]

use serde_json::Value;
use std::{
    collections::{BTreeSet, HashMap},
    io::{BufRead, BufReader, Read},
    process::{Child, Stdio},
    time::Duration,
};
use support::{Server, Then, When, created, example, raw, refusing_port};
use tokio::{io::AsyncWriteExt, net::TcpStream};
use traxes_connect::{
    Sandbox,
    reqwest::{self, redirect},
};
use uuid::Uuid;

/// The running example.
struct Site {
    process: Child,
    url: String,
    browser: reqwest::Client,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

struct Page {
    status: u16,
    location: Option<String>,
    retry_after: Option<String>,
    html: String,
}

impl Site {
    fn start(environment: &[(&str, &str)]) -> Self {
        let mut command = example("signup");
        command.args(["--listen", "127.0.0.1:0"]).envs(environment.iter().copied());
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("listening on ").unwrap().to_owned();
        let browser = reqwest::Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
        Self { process, url, browser }
    }

    /// Stops it and returns its log.
    fn log(mut self) -> String {
        self.process.kill().unwrap();
        let mut log = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        log
    }

    fn of(api: &str) -> Self {
        Self::start(&[("TRAXES_ACCESS_TOKEN", "tok-1"), ("TRAXES_BASE_URL", api)])
    }

    async fn get(&self, path: &str) -> Page {
        page(self.browser.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    async fn post(&self, fields: &[(&str, &str)]) -> Page {
        page(self.browser.post(format!("{}/sign-up", self.url)).form(fields).send().await.unwrap()).await
    }

    async fn sign_up(&self, name: &str) -> Page {
        self.post(&[("form", &form_of(&self.get("/").await)), ("name", name)]).await
    }
}

async fn page(response: reqwest::Response) -> Page {
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (location, retry_after) = (header("location"), header("retry-after"));
    Page { status: response.status().as_u16(), location, retry_after, html: response.text().await.unwrap() }
}

/// The id in a page's form.
fn form_of(page: &Page) -> String {
    let (_, rest) = page.html.split_once(r#"name="form" value=""#).expect("a form");
    rest[..36].parse::<Uuid>().unwrap().to_string()
}

#[tokio::test]
async fn a_household_is_created_and_its_browser_redirected_to_the_consent_link() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    let page = site.sign_up("  Rue de la Loi 16 ").await;
    assert_eq!(page.status, 303);
    assert!(page.location.unwrap().starts_with("https://sandbox.invalid/consent/"));
    let sent: Value = serde_json::from_slice(&sandbox.requests()[0].body).unwrap();
    assert_eq!(sent, serde_json::json!({"name": "Rue de la Loi 16", "type": "Household"}));
    assert_eq!(site.get("/return").await.status, 200);
}

#[tokio::test]
async fn what_was_entered_is_never_part_of_an_address() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    let page = site.get("/").await;
    assert!(page.html.contains(r#"<form method="post" action="/sign-up">"#), "{}", page.html);
    let form = form_of(&page);
    let consent = site.post(&[("form", &form), ("name", "Zuckerhut")]).await;
    assert!(!consent.location.unwrap().contains("Zuckerhut"));
    let another = site.post(&[("form", &form), ("name", "Rosengarten")]).await;
    for address in another.html.split("href=\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        assert!(!address.contains("Zuckerhut") && !address.contains("Rosengarten"), "{address}");
    }
}

#[tokio::test]
async fn a_form_submitted_twice_creates_one_household() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    let form = form_of(&site.get("/").await);
    let fields = [("form", form.as_str()), ("name", "Loi")];
    let (first, second) = tokio::join!(site.post(&fields), site.post(&fields));
    let later = site.post(&[fields[0], ("name", " Loi ")]).await;
    assert!(first.location.is_some());
    assert_eq!((&first.location, &first.location), (&second.location, &later.location));
    assert_eq!(sandbox.requests().len(), 1);
    assert_ne!(site.sign_up("Loi").await.location, first.location);
}

#[tokio::test]
async fn a_form_with_another_name_is_a_new_sign_up_and_the_page_says_so() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    let form = form_of(&site.get("/").await);
    let post = async |name| site.post(&[("form", &form), ("name", name)]).await;
    // What was refused is not signed up, so that its correction replaces it.
    sandbox.enqueue(422, &[], "");
    assert_eq!(post("Rue X").await.status, 422);
    let first = post("Loi 61").await.location.unwrap();
    for _ in 0..2 {
        let second = post("<Loi 16>").await;
        assert_eq!((second.status, second.location), (200, None));
        for part in ["This is a new sign-up", "<strong>&lt;Loi 16&gt;</strong>", "<p class=\"quoted\">Loi 61</p>"] {
            assert!(second.html.contains(part), "{part}: {}", second.html);
        }
        assert!(!second.html.contains("Rue X") && !second.html.contains(&first), "{}", second.html);
        assert!(second.html.contains("href=\"https://sandbox.invalid/consent/"), "{}", second.html);
    }
    assert!(post("Loi 17").await.html.contains("<p class=\"quoted\">&lt;Loi 16&gt;</p>"));
    assert_eq!(post("Loi 61").await.location.unwrap(), first);
    let sent =
        sandbox.requests().into_iter().map(|r| serde_json::from_slice::<Value>(&r.body).unwrap()["name"].clone());
    assert_eq!(sent.collect::<Vec<_>>(), ["Rue X", "Loi 61", "<Loi 16>", "Loi 17"]);

    sandbox.enqueue(201, &[], r#"{"status": "Succeeded"}"#);
    assert!(post("Loi 18").await.html.contains("href=\"/return\""));
}

#[tokio::test]
async fn the_sandboxs_consent_link_leads_to_a_page_of_the_example_and_no_other_link_does() {
    let site = Site::start(&[]);
    let path = site.sign_up("Loi").await.location.unwrap();
    assert!(path.starts_with("/consent/"), "{path}");
    let page = site.get(&path).await;
    assert!(page.status == 200 && page.html.contains("Give consent"), "{}", page.html);
    let given = self::page(site.browser.post(format!("{}{path}", site.url)).send().await.unwrap()).await;
    assert_eq!((given.status, given.location.as_deref()), (303, Some("/return")));

    let sandbox = Sandbox::start();
    let real = Site::of(&sandbox.url());
    assert!(real.sign_up("Loi").await.location.unwrap().starts_with("https://"));
    assert_eq!(real.get(&path).await.status, 404);
}

#[tokio::test]
async fn a_browser_that_leaves_does_not_cancel_its_call() {
    let api = Server::queue([raw(When::AfterRequest, "", Then::Stall), created()]).await;
    let site = Site::of(&api.url());
    let form = form_of(&site.get("/").await);
    let body = format!("form={form}&name=Loi");
    let mut browser = TcpStream::connect(site.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = "POST /sign-up HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length:";
    browser.write_all(format!("{head} {}\r\n\r\n{body}", body.len()).as_bytes()).await.unwrap();
    while api.requests().is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(browser);
    assert_eq!(site.post(&[("form", &form), ("name", "Loi")]).await.status, 502);
    assert_eq!(api.requests().len(), 1);
}

#[tokio::test]
async fn refused_details_come_back_in_a_form_that_can_be_resubmitted() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    for status in [400, 409, 422] {
        sandbox.enqueue(status, &[], r#"{"message": "a detail that is none of theirs"}"#);
        let page = site.sign_up("\"><script>").await;
        assert_eq!(page.status, 422);
        assert!(page.html.contains("Nothing was created: correct it"), "{}", page.html);
        assert!(page.html.contains(r#"value="&quot;&gt;&lt;script&gt;""#), "{}", page.html);
        assert!(!page.html.contains("none of theirs"), "{}", page.html);
        let again = site.post(&[("form", &form_of(&page)), ("name", "Loi")]).await;
        assert_eq!(again.status, 303);
        // The browser's back button works too.
        let form = form_of(&site.get("/").await);
        sandbox.enqueue(status, &[], "");
        assert_eq!(site.post(&[("form", &form), ("name", "Lo")]).await.status, 422);
        assert_eq!(site.post(&[("form", &form), ("name", "Loi")]).await.status, 303);
    }
    for name in ["", "   ", &"é".repeat(201)] {
        let page = site.sign_up(name).await;
        assert_eq!(page.status, 422);
        assert!(page.html.contains("1 to 200 characters"), "{}", page.html);
    }
    assert_eq!(sandbox.requests().len(), 12);
    assert_eq!(site.sign_up(&"é".repeat(200)).await.status, 303);
}

#[tokio::test]
async fn a_failure_that_is_not_the_users_fault_says_to_try_later() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    for (status, headers, wait, text) in [
        (429, &[("retry-after", "120")][..], "120", "in 2 minutes"),
        (429, &[("retry-after", "61")], "61", "in a minute"),
        (401, &[], "60", "in a minute"),
        (404, &[], "60", "in a minute"),
    ] {
        sandbox.enqueue(status, headers, "");
        let page = site.sign_up("Rue de la Loi 16").await;
        assert_eq!((page.status, page.retry_after.as_deref()), (503, Some(wait)));
        assert!(page.html.contains("you can safely try again") && page.html.contains(text), "{}", page.html);
        assert!(page.html.contains(r#"name="name" value="Rue de la Loi 16""#), "{}", page.html);
    }
    // What was entered is in the page, to be sent again, and never in an address.
    let form = form_of(&site.get("/").await);
    sandbox.enqueue(429, &[("retry-after", "120")], "");
    let page = site.post(&[("form", &form), ("name", "Loi")]).await;
    assert!(page.html.contains(r#"<form method="post""#) && !page.html.contains(r#"method="get""#), "{}", page.html);
    assert_eq!(form_of(&page), form);
    assert_eq!(site.post(&[("form", &form), ("name", "Loi")]).await.status, 303);
    assert!(!site.get("/?name=Loi").await.html.contains("Loi\""));

    let site = Site::of(&format!("http://127.0.0.1:{}", refusing_port().await));
    assert_eq!(site.sign_up("Loi").await.status, 503);
}

#[tokio::test]
async fn an_unclear_sign_up_goes_to_support_and_never_to_the_api_again() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    let form = form_of(&site.get("/").await);
    for (headers, body, status, reference) in [
        (&[("x-request-id", "req-7")][..], "", 500, "req-7"),
        (&[("x-request-id", "req-8")], "{", 201, "req-8"),
        (&[("x-request-id", "req-9")], "{}", 201, "req-9"),
        (&[("x-request-id", "req-10"), ("retry-after", "5")], "", 503, "req-10"),
    ] {
        sandbox.enqueue(status, headers, body);
        let page = site.sign_up("Loi").await;
        assert_eq!(page.status, 502);
        assert!(page.html.contains("Please do not sign up again"), "{}", page.html);
        assert!(page.html.contains(reference) && page.html.contains("mailto:support@example.com"), "{}", page.html);
    }
    sandbox.enqueue(500, &[], "");
    for _ in 0..2 {
        let page = site.post(&[("form", &form), ("name", "Loi")]).await;
        assert!(page.status == 502 && page.html.contains(&form), "{}", page.html);
    }
    assert_eq!(sandbox.requests().len(), 5);
    // The reference that a page shows can be found in the log.
    let log = site.log();
    for reference in ["req-7", "req-8", "req-9", &form] {
        let unclear = log.lines().any(|line| line.contains("a sign-up is unclear") && line.contains(reference));
        assert!(unclear, "{reference}: {log}");
    }
}

#[tokio::test]
async fn a_finished_onboarding_needs_no_consent() {
    let sandbox = Sandbox::start();
    let site = Site::of(&sandbox.url());
    sandbox.enqueue(201, &[], r#"{"status": "Succeeded"}"#);
    assert_eq!(site.sign_up("Loi").await.location.as_deref(), Some("/return"));
}

#[tokio::test]
async fn other_requests_get_a_page_too() {
    let site = Site::start(&[]);
    assert_eq!(site.sign_up("Loi").await.status, 303, "in its own sandbox");
    for fields in [&[("name", "Loi")][..], &[("form", "no id"), ("name", "Loi")], &[]] {
        let page = site.post(fields).await;
        assert!(page.status == 400 && page.html.contains("fill it in again"), "{}", page.html);
    }
    let page = site.get("/elsewhere").await;
    assert!(page.status == 404 && page.html.contains(r#"href="/""#), "{}", page.html);
    // Someone who opens the address of an error page again gets the form.
    assert_eq!(site.get("/sign-up").await.location.as_deref(), Some("/"));
    assert!(site.get("/style.css").await.html.contains("main {"));

    let taken = site.url.strip_prefix("http://").unwrap();
    let mut second = example("signup");
    let output = second.args(["--listen", taken]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = output.wait_with_output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("choose another address with --listen"), "{message}");
    assert_eq!(output.status.code(), Some(1));
    // Never fall back to the sandbox if another server was intended.
    for (set, missing) in [("TRAXES_CLIENT_ID", "TRAXES_CLIENT_SECRET"), ("TRAXES_BASE_URL", "TRAXES_ACCESS_TOKEN")] {
        // The address is already in use, so that a server that starts anyway exits too.
        let mut half = example("signup");
        let half = half.args(["--listen", taken]).env(set, "https://api.invalid");
        let mut half = half.stderr(Stdio::piped()).spawn().unwrap();
        let mut message = String::new();
        half.stderr.take().unwrap().read_to_string(&mut message).unwrap();
        assert!(message.starts_with(&format!("error: {missing} is not set")), "{message}");
        assert_eq!(half.wait().unwrap().code(), Some(1));
    }
}

/// The stylesheet's custom properties in one colour scheme.
fn colours(stylesheet: &str) -> HashMap<&str, [u8; 3]> {
    let declarations =
        stylesheet.split(['{', '}', ';']).filter_map(|text| text.trim().strip_prefix("--")?.split_once(':'));
    let digits = |text: &str| match text.trim().strip_prefix('#').unwrap() {
        short if short.len() == 3 => short.chars().flat_map(|digit| [digit, digit]).collect(),
        long => long.to_owned(),
    };
    let colour = |text: &str| u32::from_str_radix(&digits(text), 16).unwrap().to_be_bytes();
    declarations.map(|(name, text)| (name, colour(text))).map(|(name, [_, r, g, b])| (name, [r, g, b])).collect()
}

/// <https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio>
fn contrast(one: [u8; 3], other: [u8; 3]) -> f64 {
    let linear = |channel: u8| match f64::from(channel) / 255.0 {
        dark if dark <= 0.04045 => dark / 12.92,
        light => ((light + 0.055) / 1.055).powf(2.4),
    };
    let luminance = |[r, g, b]: [u8; 3]| 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    let (one, other) = (luminance(one) + 0.05, luminance(other) + 0.05);
    one.max(other) / one.min(other)
}

#[test]
fn text_has_a_contrast_of_at_least_4_5_in_both_colour_schemes() {
    let stylesheet = include_str!("../examples/signup/style.css");
    assert_eq!(contrast([0; 3], [255; 3]), 21.0);
    let (light, rest) = stylesheet.split_once("@media (prefers-color-scheme: dark)").unwrap();
    let (dark, rules) = rest.split_once("\n}\n").unwrap();
    let (light, dark) = (colours(light), colours(dark));
    assert_eq!(light.keys().collect::<BTreeSet<_>>(), dark.keys().collect(), "a colour has one scheme");
    assert!(!rules.contains('#'), "a colour is outside the schemes");
    assert!(rules.contains("\n::placeholder { color: "), "the browser's own is too faint in the dark");
    for rule in rules.lines() {
        let value = |property: &str| {
            let (_, value) = rule.split_once(&format!(" {property}: "))?;
            Some(value.split([';', '}']).next()?.trim())
        };
        let variable = |property| Some(value(property)?.strip_prefix("var(--")?.strip_suffix(')').expect("a variable"));
        // Inherited, if a rule says nothing.
        let (text, ground) = (variable("color").unwrap_or("ink"), variable("background").unwrap_or("paper"));
        // WCAG asks for 3 where there is no text.
        let edge = ["border", "border-color", "outline"].into_iter().find_map(value);
        let edge = edge.and_then(|value| value.split_once("var(--")?.1.strip_suffix(')'));
        for (scheme, colours) in [("light", &light), ("dark", &dark)] {
            let ratio = contrast(colours[text], colours[ground]);
            assert!(ratio >= 4.5, "{text} on {ground}, {scheme}: {ratio:.2} in {rule}");
            if let Some(edge) = edge {
                let ratio = contrast(colours[edge], colours["paper"]);
                assert!(ratio >= 3.0, "{edge} on paper, {scheme}: {ratio:.2} in {rule}");
            }
        }
    }
}
