//! A few strings that a pattern allows: the shortest, and one with every repetition extended.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The most that repetitions are extended to: enough to tell `+` from `?`, and short enough to read.
const MAX_REPEAT: u32 = 40;
/// The longest string made from a pattern.
const MAX_LENGTH: usize = 4_096;

/// Empty if the pattern uses unsupported features (look-around, back references).
pub(crate) fn strings(pattern: &str) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    [(false, false), (false, true), (true, false), (true, true)]
        .into_iter()
        .filter_map(|(long, last)| {
            let mut out = String::new();
            write(&hir, long, last, &mut out)?;
            Some(out)
        })
        .collect()
}

/// `long`: repeat as often as allowed; `last`: take the last alternative, not the first.
fn write(hir: &Hir, long: bool, last: bool, out: &mut String) -> Option<()> {
    if out.len() > MAX_LENGTH {
        return None;
    }
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => {}
        HirKind::Literal(literal) => out.push_str(std::str::from_utf8(&literal.0).ok()?),
        HirKind::Class(Class::Unicode(class)) => {
            let ranges = class.ranges();
            let range = if last { ranges.last()? } else { ranges.first()? };
            // A class such as `.` or `[^/]` starts with control characters. A letter is easier to read.
            let readable =
                ['a', 'A', '0'].into_iter().find(|c| ranges.iter().any(|r| r.start() <= *c && *c <= r.end()));
            let edge = if last { range.end() } else { range.start() };
            out.push(if edge.is_ascii_graphic() { edge } else { readable.unwrap_or(edge) });
        }
        HirKind::Class(Class::Bytes(class)) => out.push(char::from(class.ranges().first()?.start())),
        HirKind::Repetition(repetition) => {
            let least = repetition.min;
            let most = repetition.max.unwrap_or(least.saturating_add(2)).min(MAX_REPEAT.max(least));
            for _ in 0..if long { most } else { least } {
                write(&repetition.sub, long, last, out)?;
            }
        }
        HirKind::Capture(capture) => write(&capture.sub, long, last, out)?,
        HirKind::Concat(list) => {
            for part in list {
                write(part, long, last, out)?;
            }
        }
        HirKind::Alternation(list) => write(if last { list.last()? } else { list.first()? }, long, last, out)?,
    }
    Some(())
}
