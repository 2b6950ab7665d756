//! The OpenAPI fragment embedded in a Markdown documentation page.

/// A fenced block in a page: where its text starts, and the operation that its info string names.
pub(crate) struct Fragment<'a> {
    pub(crate) text: &'a str,
    /// The page's line before the fragment's first.
    pub(crate) line: usize,
    pub(crate) method: String,
    pub(crate) path: String,
}

/// Where a fence's text starts, the line above it, and the method and path that it names.
type Named = (usize, usize, String, String);

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The page's only fragment, or None if nothing in it looks like one.
pub(crate) fn fragment(page: &str) -> Option<Result<Fragment<'_>, String>> {
    let mut found: Option<Fragment> = None;
    // The open fence, and where its text starts if it names an operation.
    let mut open: Option<(&str, Option<Named>)> = None;
    let mut offset = 0;
    for (number, line) in page.split_inclusive('\n').enumerate() {
        let (start, end) = (offset, offset + line.len());
        offset = end;
        let line = line.trim_end();
        let mark = line.chars().next().filter(|c| matches!(c, '`' | '~')).unwrap_or('`');
        let (fence, info) = line.split_at(line.len() - line.trim_start_matches(mark).len());
        match open.take() {
            Some((opened, of)) if fence.starts_with(opened) && info.is_empty() => {
                let Some((from, at, method, path)) = of else { continue };
                if found.is_some() {
                    return Some(Err(format!("line {at}: has a second fragment; give each operation its own page")));
                }
                found = Some(Fragment { text: &page[from..start], line: at, method, path });
            }
            Some(inside) => open = Some(inside),
            None if fence.len() >= 3 && !info.contains(mark) => {
                let named = operation(info).filter(|_| fence.len() >= 4 && mark == '`');
                open = Some((fence, named.map(|(method, path)| (end, number + 1, method, path))));
            }
            None => {}
        }
    }
    match open {
        Some((_, Some((_, line, ..)))) => {
            Some(Err(format!("line {line}: the fence is not closed; is the page truncated?")))
        }
        _ => found.map(Ok),
    }
}

/// The method and path of an info string such as `yaml post /v1/parcels`.
fn operation(info: &str) -> Option<(String, String)> {
    let mut words = info.split_whitespace();
    words.next().filter(|w| w.eq_ignore_ascii_case("yaml") || w.eq_ignore_ascii_case("json"))?;
    let words: Vec<&str> = words.collect();
    let pair =
        words.windows(2).find(|w| METHODS.contains(&w[0].to_ascii_lowercase().as_str()) && w[1].starts_with('/'))?;
    Some((pair[0].to_ascii_lowercase(), pair[1].to_owned()))
}
