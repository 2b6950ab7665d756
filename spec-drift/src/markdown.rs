//! The fragment of OpenAPI that a documentation page in Markdown embeds.

/// A fence of a page: where its text begins, and the operation that its info string names.
pub(crate) struct Fragment<'a> {
    pub(crate) text: &'a str,
    /// The line of the page before the fragment's first.
    pub(crate) line: usize,
    pub(crate) method: String,
    pub(crate) path: String,
}

const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// The one fragment of a page. None: nothing in it looks like one.
pub(crate) fn fragment(page: &str) -> Option<Result<Fragment<'_>, String>> {
    let mut found: Option<Fragment> = None;
    let mut open: Option<(usize, usize, usize, String, String)> = None;
    let mut offset = 0;
    for (number, line) in page.split_inclusive('\n').enumerate() {
        let (start, end) = (offset, offset + line.len());
        offset = end;
        let line = line.trim_end();
        let ticks = line.len() - line.trim_start_matches('`').len();
        if let Some((fence, ..)) = open {
            if ticks >= fence && ticks == line.len() {
                let (_, from, at, method, path) = open.take()?;
                if found.is_some() {
                    return Some(Err(format!(
                        "line {at}: holds a second fragment; give each operation a page of its own"
                    )));
                }
                found = Some(Fragment { text: &page[from..start], line: at, method, path });
            }
        } else if ticks >= 4
            && let Some((method, path)) = operation(&line[ticks..])
        {
            open = Some((ticks, end, number + 1, method, path));
        }
    }
    match open {
        Some((_, _, line, ..)) => Some(Err(format!("line {line}: the fence is not closed; is the page cut?"))),
        None => found.map(Ok),
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
