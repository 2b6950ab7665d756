//! A CSV file as a spreadsheet writes it, and CSV files that the same spreadsheet opens.

use csv::{ReaderBuilder, StringRecord, Terminator, Trim, WriterBuilder};
use std::{fs, path::Path};

const BYTE_ORDER_MARK: &str = "\u{feff}";
/// How some programs tell Excel the separator, in a line of its own.
const SEPARATOR_LINE: &str = "sep=";
const SEPARATORS: [(char, &str); 3] = [(',', "comma"), (';', "semicolon"), ('\t', "tab")];
const SAVE_AS: &str = "in Excel, choose File, Save As and the type \"CSV UTF-8\", and run it again with that file";

pub struct Table {
    pub dialect: Dialect,
    /// As they are spelt in the file.
    pub columns: Vec<String>,
    /// Where the columns are named in the file.
    pub line: u64,
    pub rows: Vec<Row>,
}

pub struct Row {
    /// Where it begins in the file.
    pub line: u64,
    /// As many as there are columns, or what is wrong.
    pub fields: Result<Vec<String>, String>,
}

/// Excel shows a file in one column if the separator is not its own, and garbles accents without a byte order mark.
pub struct Dialect {
    /// A byte order mark, a line that names the separator, both, or neither.
    preamble: String,
    separator: char,
    line_end: &'static str,
}

impl Table {
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path)
            .map_err(|problem| format!("{} cannot be read ({problem}): check its path", path.display()))?;
        let text = text(&bytes).map_err(|problem| format!("{}{problem}: {SAVE_AS}", path.display()))?;
        let dialect = Dialect::of(text);
        let mut reader = ReaderBuilder::new()
            .delimiter(dialect.separator as u8)
            .trim(Trim::All)
            .flexible(true)
            .has_headers(false)
            .from_reader(&text.as_bytes()[dialect.preamble.len()..]);
        let records = reader.records().map(|record| record.expect("text in memory"));
        let mut records = records.filter(|record| !record.iter().all(str::is_empty));

        let first = records.next().unwrap_or_default();
        let mut columns = fields(&first);
        // Excel writes separators for every column that was once used.
        while columns.pop_if(|column| column.is_empty()).is_some() {}
        let mut lines = Lines { text, end: dialect.line_end, seen: 0, line: 1 };
        let mut line_of = |record: &StringRecord| {
            lines.at(dialect.preamble.len() + record.position().map_or(0, |position| position.byte() as usize))
        };
        let line = line_of(&first);
        let row = |record| Row { line: line_of(&record), fields: dialect.fields(&record, columns.len()) };
        let rows = records.map(row).collect();
        Ok(Self { dialect, columns, line, rows })
    }
}

/// The whole file, or why it cannot be read, once and not for each of its lines.
fn text(bytes: &[u8]) -> Result<&str, String> {
    // UTF-16 has a zero byte in every ASCII character.
    if bytes.contains(&0) {
        return Err(" is a workbook or \"Unicode Text\", and not CSV".to_owned());
    }
    str::from_utf8(bytes).map_err(|problem| {
        let line = 1 + bytes[..problem.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!(", line {line}: not UTF-8, so that accents would be garbled")
    })
}

fn fields(record: &StringRecord) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}

/// The lines of a file, counted as an editor does, from its beginning to its end.
struct Lines<'a> {
    text: &'a str,
    end: &'static str,
    seen: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of a record. csv ignores empty lines before it, and carriage returns.
    fn at(&mut self, record: usize) -> u64 {
        let blank = self.text[record..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let end = if self.end == "\r" { '\r' } else { '\n' };
        self.line += self.text[self.seen..record + blank].matches(end).count() as u64;
        self.seen = record + blank;
        self.line
    }
}

impl Dialect {
    fn of(text: &str) -> Self {
        let line_end = ["\r\n", "\n", "\r"].into_iter().find(|line_end| text.contains(line_end)).unwrap_or("\n");
        let unmarked = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
        let first_line = unmarked.split_inclusive(line_end).next().unwrap_or_default();
        let named = first_line.trim_start_matches('"').strip_prefix(SEPARATOR_LINE);
        let rows = if named.is_some() { &unmarked[first_line.len()..] } else { unmarked };
        let (preamble, _) = text.split_at(text.len() - rows.len());
        let separator = named.and_then(|named| named.chars().next()).filter(|named| name_of(*named).is_some());
        let separator = separator.unwrap_or_else(|| most_frequent_separator(rows));
        Self { preamble: preamble.to_owned(), separator, line_end }
    }

    fn fields(&self, record: &StringRecord, columns: usize) -> Result<Vec<String>, String> {
        let mut fields = fields(record);
        while fields.len() > columns && fields.pop_if(|field| field.is_empty()).is_some() {}
        if fields.len() == columns {
            return Ok(fields);
        }
        let name = name_of(self.separator).expect("one of them");
        Err(format!(
            "{} fields, but the first line has {columns}: leave none out, and put text with a {name} in quotes",
            fields.len()
        ))
    }

    /// A CSV file in this dialect.
    pub fn write<R, F>(&self, rows: impl IntoIterator<Item = R>) -> Vec<u8>
    where
        R: IntoIterator<Item = F>,
        F: AsRef<[u8]>,
    {
        let line_end = match self.line_end {
            "\r\n" => Terminator::CRLF,
            single => Terminator::Any(single.as_bytes()[0]),
        };
        let mut writer = WriterBuilder::new()
            .delimiter(self.separator as u8)
            .terminator(line_end)
            .from_writer(self.preamble.clone().into_bytes());
        for row in rows {
            writer.write_record(row).expect("rows of one length, in memory");
        }
        writer.into_inner().expect("in memory")
    }
}

fn name_of(separator: char) -> Option<&'static str> {
    SEPARATORS.iter().find(|(known, _)| *known == separator).map(|(_, name)| *name)
}

fn most_frequent_separator(rows: &str) -> char {
    let first_line = rows.split(['\r', '\n']).find(|line| !line.is_empty()).unwrap_or_default();
    // The last of several equal ones is taken.
    let separators = SEPARATORS.map(|(separator, _)| separator).into_iter().rev();
    separators.max_by_key(|separator| first_line.matches(*separator).count()).expect("there are three")
}
