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
    has_carriage_returns: bool,
}

impl Table {
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path)
            .map_err(|problem| format!("{} cannot be read ({problem}): check its path", path.display()))?;
        let text = text(&bytes).map_err(|problem| format!("{}{problem}: {SAVE_AS}", path.display()))?;
        let (preamble, text) = text.split_at(end_of_preamble(text));
        let dialect = Dialect::of(preamble, text);
        let mut reader = ReaderBuilder::new()
            .delimiter(dialect.separator as u8)
            .trim(Trim::All)
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut records = reader.records().map(|record| record.expect("text in memory"));
        let mut columns = fields(&records.find(|record| !is_empty(record)).unwrap_or_default());
        // Excel writes separators for every column that was once used.
        while columns.pop_if(|column| column.is_empty()).is_some() {}

        let line_end = line_end(text);
        let (mut rows, mut line, mut seen) = (vec![], 1 + preamble.matches(line_end).count() as u64, 0);
        for record in records {
            // Counted as an editor does: csv ignores empty lines before a record, and carriage returns.
            let begin = record.position().map_or(seen, |position| position.byte() as usize);
            let begin = begin + text[begin..].bytes().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            line += text[seen..begin].matches(line_end).count() as u64;
            seen = begin;
            if !is_empty(&record) {
                rows.push(Row { line, fields: dialect.fields(&record, columns.len()) });
            }
        }
        Ok(Self { dialect, columns, rows })
    }
}

/// The whole file, or why it cannot be read, once and not for each of its lines.
fn text(bytes: &[u8]) -> Result<&str, String> {
    // As in each character of UTF-16 that ASCII has.
    if bytes.contains(&0) {
        return Err(" is a workbook or \"Unicode Text\", and not CSV".to_owned());
    }
    str::from_utf8(bytes).map_err(|problem| {
        let line = 1 + bytes[..problem.valid_up_to()].iter().filter(|byte| **byte == b'\n').count();
        format!(", line {line}: not UTF-8, so that accents would be garbled")
    })
}

fn line_end(text: &str) -> char {
    if text.contains('\n') { '\n' } else { '\r' }
}

/// Where the rows begin.
fn end_of_preamble(text: &str) -> usize {
    let rows = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let first_line = rows.split_inclusive(line_end(text)).next().unwrap_or_default();
    let has_line = first_line.trim_start_matches('"').starts_with(SEPARATOR_LINE);
    text.len() - rows.len() + if has_line { first_line.len() } else { 0 }
}

fn is_empty(record: &StringRecord) -> bool {
    record.iter().all(str::is_empty)
}

fn fields(record: &StringRecord) -> Vec<String> {
    record.iter().map(str::to_owned).collect()
}

impl Dialect {
    fn of(preamble: &str, text: &str) -> Self {
        let mut lines = text.split(['\r', '\n']).filter(|line| !line.is_empty());
        let first_line = lines.next().unwrap_or_default();
        let count = |separator: char| preamble.matches(separator).count() + first_line.matches(separator).count();
        let separators = SEPARATORS.map(|(separator, _)| separator).into_iter().rev();
        // The last of several equal ones is taken.
        let separator = separators.max_by_key(|separator| count(*separator)).expect("there are three");
        // In a single column, a spreadsheet leaves a comma without quotes only if it is not the separator.
        let mut has_text_with_comma = || lines.any(|line| line.contains(',') && !line.starts_with('"'));
        let separator = if count(separator) == 0 && has_text_with_comma() { ';' } else { separator };
        Self { preamble: preamble.to_owned(), separator, has_carriage_returns: text.contains("\r\n") }
    }

    fn fields(&self, record: &StringRecord, columns: usize) -> Result<Vec<String>, String> {
        let mut fields = fields(record);
        while fields.len() > columns && fields.pop_if(|field| field.is_empty()).is_some() {}
        if fields.len() == columns {
            return Ok(fields);
        }
        let name = SEPARATORS.iter().find(|(separator, _)| *separator == self.separator).map_or("", |(_, name)| name);
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
        let line_end = if self.has_carriage_returns { Terminator::CRLF } else { Terminator::Any(b'\n') };
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
