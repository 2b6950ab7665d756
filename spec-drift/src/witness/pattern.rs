//! Strings that a pattern allows: the shortest, ones with repetitions extended, and ones of given lengths.

use regex_syntax::hir::{Class, Hir, HirKind};

/// The most that repetitions are extended to without a length in mind: enough to tell `+` from `?`, and short enough
/// to read.
const MAX_REPEAT: u32 = 40;
/// The longest string made from a pattern.
const MAX_LENGTH: usize = 4_096;

/// How a string is written.
#[derive(Clone, Copy)]
struct Style {
    /// Repetitions beyond the fewest.
    more: u32,
    /// Extend every repetition, not only the first that can be.
    all: bool,
    /// Take the last alternative, not the first.
    last: bool,
}

/// Empty if the pattern uses unsupported features (look-around, back references).
pub(crate) fn strings(pattern: &str, lengths: &[u64]) -> Vec<String> {
    let Ok(hir) = regex_syntax::parse(pattern) else { return Vec::new() };
    let text = |style: Style| {
        let mut writer = Writer { style, out: String::new(), extended: false };
        writer.write(&hir).map(|()| writer.out)
    };
    let mut texts = Vec::new();
    for (more, last) in [(0, false), (0, true), (2, false), (2, true), (1, false), (MAX_REPEAT, false)] {
        texts.extend(text(Style { more, all: true, last }));
    }
    for length in lengths.iter().filter(|length| **length <= MAX_LENGTH as u64) {
        for all in [false, true] {
            let long =
                |more: u32| text(Style { more, all, last: false }).filter(|t| t.chars().count() as u64 >= *length);
            // The length grows with the repetitions, so the fewest that reach it are found by halving.
            let (mut low, mut high) = (0, u32::try_from(*length).unwrap_or(u32::MAX));
            while low < high {
                let middle = low + (high - low) / 2;
                if long(middle).is_some() { high = middle } else { low = middle + 1 }
            }
            texts.extend(long(low));
        }
    }
    texts.sort();
    texts.dedup();
    texts.sort_by_key(String::len);
    texts
}

struct Writer {
    style: Style,
    out: String,
    extended: bool,
}

impl Writer {
    fn write(&mut self, hir: &Hir) -> Option<()> {
        if self.out.len() > MAX_LENGTH {
            return None;
        }
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => {}
            HirKind::Literal(literal) => self.out.push_str(std::str::from_utf8(&literal.0).ok()?),
            HirKind::Class(Class::Unicode(class)) => {
                let ranges = class.ranges();
                let range = if self.style.last { ranges.last()? } else { ranges.first()? };
                // A class such as `.` or `[^/]` starts with control characters. A letter is easier to read.
                let readable =
                    ['a', 'A', '0'].into_iter().find(|c| ranges.iter().any(|r| r.start() <= *c && *c <= r.end()));
                let edge = if self.style.last { range.end() } else { range.start() };
                self.out.push(if edge.is_ascii_graphic() { edge } else { readable.unwrap_or(edge) });
            }
            HirKind::Class(Class::Bytes(class)) => self.out.push(char::from(class.ranges().first()?.start())),
            HirKind::Repetition(repetition) => {
                let least = repetition.min;
                let most = repetition.max.unwrap_or(u32::MAX);
                let extend = most > least && (self.style.all || !self.extended);
                self.extended |= extend;
                let count = if extend { least.saturating_add(self.style.more).min(most) } else { least };
                for _ in 0..count {
                    let before = self.out.len();
                    self.write(&repetition.sub)?;
                    // Nothing, however often, is nothing.
                    if self.out.len() == before {
                        break;
                    }
                }
            }
            HirKind::Capture(capture) => self.write(&capture.sub)?,
            HirKind::Concat(list) => {
                for part in list {
                    self.write(part)?;
                }
            }
            HirKind::Alternation(list) => self.write(if self.style.last { list.last()? } else { list.first()? })?,
        }
        Some(())
    }
}
