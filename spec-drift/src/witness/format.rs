//! Texts of a format, shorter and longer ones.

/// The longest local part of an email address (RFC 5321, section 4.5.3.1.1).
const MAX_LOCAL: usize = 64;

/// Empty for a format that nobody checks.
pub(crate) fn texts(format: &str, lengths: &[u64]) -> Vec<String> {
    let known: &[&str] = match format {
        "uuid" => &["3c90c3cc-0d44-4b50-8888-8dd25736052a"],
        "date-time" => &["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.5+02:00"],
        "date" => &["2026-01-31"],
        "time" => &["12:00:00Z"],
        "email" | "idn-email" => &["someone@example.com", "a@b.co"],
        "uri" | "url" | "iri" => &["https://example.com/a?b=c", "a:b"],
        "uri-reference" | "iri-reference" => &["/a"],
        "uri-template" => &["/a/{b}"],
        "hostname" | "idn-hostname" => &["example.com", "a"],
        "ipv4" => &["192.0.2.1", "1.2.3.4"],
        "ipv6" => &["2001:db8::1", "::1"],
        "ip" => &["192.0.2.1", "2001:db8::1"],
        "json-pointer" => &["/a/b", ""],
        "relative-json-pointer" => &["0/a", "1"],
        "regex" => &["^a+$", "a"],
        "byte" => &["dGV4dA=="],
        "duration" => &["P1D"],
        _ => &[],
    };
    let mut texts: Vec<String> = known.iter().map(|text| (*text).to_owned()).collect();
    let padded: Option<(&str, &str)> = match format {
        "email" | "idn-email" => Some(("", "@b.co")),
        "uri" | "url" | "iri" => Some(("https://example.com/", "")),
        "uri-reference" | "iri-reference" | "json-pointer" => Some(("/", "")),
        "regex" => Some(("a", "")),
        _ => None,
    };
    if let Some((before, after)) = padded {
        for length in lengths.iter().filter_map(|length| usize::try_from(*length).ok()) {
            let Some(fill) = length.checked_sub(before.len() + after.len()) else { continue };
            if after.is_empty() || (1..=MAX_LOCAL).contains(&fill) {
                texts.push(format!("{before}{}{after}", "a".repeat(fill)));
            }
        }
    }
    texts
}
