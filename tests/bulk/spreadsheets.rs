//! CSV files as spreadsheets write them, and ids for those that have none.

use super::{Folder, ledger, linked, sent_names};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};
use support::Server;
use traxes_connect::Sandbox;
use uuid::Uuid;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

impl Folder {
    fn write_bytes(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    /// The fields of a CSV file that a run left, without its byte order mark, if it has one.
    fn table(&self, name: &str, separator: char) -> Vec<Vec<String>> {
        let bytes = self.bytes(name);
        let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
        let mut reader = csv::ReaderBuilder::new().delimiter(separator as u8).has_headers(false).from_reader(bytes);
        reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
    }

    fn files(&self) -> BTreeSet<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dialect_is_read_and_the_results_are_written_in_it() {
    let sandbox = Sandbox::start();
    for separator in [',', ';', '\t'] {
        for mark in [&b""[..], BYTE_ORDER_MARK] {
            for line_end in ["\n", "\r\n"] {
                let (folder, id) = (Folder::new(""), Uuid::new_v4());
                let name = format!("Düsseldorfer Straße 1{separator} 1. OG");
                let rows = format!("Name{separator} COLLECTIVE_ID {line_end}\"{name}\"{separator}{id}{line_end}");
                folder.write_bytes("households.csv", [mark, rows.as_bytes()].concat());
                let run = folder.run(&sandbox.url(), &[]);
                assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{rows:?}");
                assert_eq!(sent_names(&sandbox).last(), Some(&name));

                let created = folder.table("households.created.csv", separator);
                assert_eq!((&created[1][0], &created[1][1]), (&id.to_string(), &name), "{rows:?}");
                for results in ["households.created.csv", "households.unknown.csv"] {
                    let bytes = folder.bytes(results);
                    assert_eq!(bytes.starts_with(BYTE_ORDER_MARK), !mark.is_empty(), "{rows:?}");
                    assert!(bytes[mark.len()..].starts_with(format!("collective_id{separator}name").as_bytes()));
                    assert_eq!(bytes.ends_with(b"\r\n"), line_end == "\r\n", "{rows:?}");
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_german_excel_file_with_empty_rows_and_unused_columns_is_read() {
    let sandbox = Sandbox::start();
    let folder = Folder::new("");
    // A third column was once used, one row was cleared, and spaces were typed below the last.
    folder.write_bytes(
        "households.csv",
        b"\xEF\xBB\xBFcollective_id;name;;\r\n\
          3c90c3cc-0d44-4b50-8888-8dd25736052a;K\xC3\xB6nigsstra\xC3\x9Fe 1, Hinterhaus;;\r\n\
          ;;;\r\n\
          3c90c3cc-0d44-4b50-8888-8dd25736052b;\"Zum \"\"L\xC3\xB6wen\"\"; 2\";;\r\n\
          ;\r\n\
          \x20 ; ;;\r\n",
    );
    let run = folder.run(&sandbox.url(), &["--in-flight", "1"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""), "{}", run.stdout);
    assert_eq!(sent_names(&sandbox), ["Königsstraße 1, Hinterhaus", "Zum \"Löwen\"; 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_with_a_separator_too_many_is_told_which_one_to_quote() {
    let sandbox = Sandbox::start();
    for (separator, name) in [(",", "comma"), (";", "semicolon"), ("\t", "tab")] {
        let row = [&Uuid::new_v4().to_string(), "Loi 1", "Bruxelles"].join(separator);
        let folder = Folder::new(["\u{feff}", &format!("collective_id{separator}name\n{row}\n")].concat());
        let run = folder.run(&sandbox.url(), &[]);
        assert!(run.stderr.starts_with("line 2: 3 fields, but the first line has 2: "), "{}", run.stderr);
        assert!(run.stderr.contains(&format!("put text with a {name} in quotes")), "{}", run.stderr);
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_not_utf_8_gets_one_message_that_says_how_to_save_it() {
    let sandbox = Sandbox::start();
    let rows: String = (0..5000).map(|_| format!("{};Königsstraße 1\r\n", Uuid::new_v4())).collect();
    let text = format!("collective_id;name\r\n{rows}");
    // Every character of the text has the same number in Windows-1252 as in Unicode.
    let windows_1252: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let unicode_text = |mark: &str, order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.encode_utf16().chain(text.replace(';', "\t").encode_utf16()).flat_map(order).collect()
    };
    // The first entry of one that Excel wrote.
    let workbook = b"PK\x03\x04\x14\x00\x06\x00\x08\x00\x00\x00!\x00".to_vec();
    let not_csv = " is a workbook or \"Unicode Text\", and not CSV";
    for (bytes, beginning) in [
        (windows_1252, ", line 2: not UTF-8"),
        (unicode_text("\u{feff}", u16::to_le_bytes), not_csv),
        (unicode_text("\u{feff}", u16::to_be_bytes), not_csv),
        (unicode_text("", u16::to_le_bytes), not_csv),
        (workbook, not_csv),
    ] {
        let folder = Folder::new("");
        folder.write_bytes("households.csv", &bytes);
        for arguments in [&[][..], &["--assign-ids"]] {
            let run = folder.run(&sandbox.url(), arguments);
            assert_eq!((run.code, run.stdout.as_str()), (Some(2), ""));
            assert_eq!(run.stderr.lines().count(), 1, "{}", run.stderr);
            for part in [beginning, "households.csv", "Save As", "\"CSV UTF-8\""] {
                assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
            }
        }
        assert_eq!(folder.files(), ["households.csv".to_owned()].into());
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_id_says_how_to_get_one() {
    let sandbox = Sandbox::start();
    for (rows, beginning) in [
        ("name\nLoi 1\n", "error: "),
        ("name,owner\nLoi 1,\n", "error: "),
        ("collective_id,name\n,Loi 1\n,Loi 2\n", "error: "),
        ("collective_id,name\n,Loi 1\n3c90c3cc-0d44-4b50-8888-8dd25736052a,\n", "line 2: collective_id is empty"),
    ] {
        let run = Folder::new(rows).run(&sandbox.url(), &[]);
        assert_eq!(run.stderr.lines().count(), if run.code == Some(2) { 1 } else { 2 }, "{}", run.stderr);
        assert!(run.stderr.starts_with(beginning), "{}", run.stderr);
        assert!(
            run.stderr.contains("collective_id") && run.stderr.contains("run it with --assign-ids"),
            "{}",
            run.stderr
        );
    }
    assert_eq!(sandbox.requests().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn assigned_ids_are_in_a_new_file_in_the_dialect_of_the_old_one_and_nothing_is_sent() {
    let server = Server::endless(linked).await;
    let rows = "Name;OWNER;properties\r\nKönigsstraße 1;;\"{\"\"floor\"\": 3}\"\r\n;;\r\n\"Zum Löwen; 2\";;\r\n";
    let folder = Folder::new("");
    let bytes = [BYTE_ORDER_MARK, rows.as_bytes()].concat();
    folder.write_bytes("households.csv", &bytes);
    let run = folder.run(&server.url(), &["--assign-ids"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    assert!(run.stdout.contains("2  ") && run.stdout.contains("households.with-ids.csv"), "{}", run.stdout);
    assert_eq!(folder.bytes("households.csv"), bytes);
    assert_eq!(folder.files(), ["households.csv", "households.with-ids.csv"].map(str::to_owned).into());
    assert_eq!(server.requests().len(), 0);

    let written = folder.bytes("households.with-ids.csv");
    assert!(written.starts_with(BYTE_ORDER_MARK) && written.ends_with(b"\r\n"));
    let mut table = folder.table("households.with-ids.csv", ';');
    let ids: BTreeSet<Uuid> = table[1..].iter_mut().map(|row| row.remove(0).parse().unwrap()).collect();
    assert_eq!(ids.len(), 2);
    assert_eq!(table[0], ["collective_id", "Name", "OWNER", "properties"]);
    assert_eq!(table[1..], [["Königsstraße 1", "", "{\"floor\": 3}"], ["Zum Löwen; 2", "", ""]]);

    // The ids of rows that may have been sent are never replaced.
    let again = folder.run(&server.url(), &["--assign-ids"]);
    assert_eq!(again.code, Some(2));
    assert!(again.stderr.contains("households.with-ids.csv exists"), "{}", again.stderr);
    assert_eq!(folder.bytes("households.with-ids.csv"), written);

    fs::rename(folder.path("households.with-ids.csv"), folder.path("households.csv")).unwrap();
    assert_eq!(folder.run(&server.url(), &[]).code, Some(0));
    let sent = ledger(server.requests().into_iter().map(|request| request.body));
    assert_eq!(sent, ids.into_iter().map(|id| (id, 1)).collect());
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_have_an_id_stay_in_their_file_so_that_both_files_can_be_run() {
    let sandbox = Sandbox::start();
    let id = Uuid::new_v4();
    let folder = Folder::new(format!("collective_id,name\n{id},Loi 1\n,Loi 2\n,Loi 3\n"));
    folder.run(&sandbox.url(), &[]);
    let run = folder.run(&sandbox.url(), &["--assign-ids"]);
    assert_eq!(run.code, Some(0), "{}", run.stderr);
    assert!(run.stdout.contains("had an id         1  "), "{}", run.stdout);
    let table = folder.table("households.with-ids.csv", ',');
    assert_eq!(table[1..].iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), ["Loi 2", "Loi 3"]);
    assert_eq!(Folder::new(folder.read("households.with-ids.csv")).run(&sandbox.url(), &[]).code, Some(0));
    folder.run(&sandbox.url(), &[]);
    let mut times = BTreeMap::<String, usize>::new();
    for name in sent_names(&sandbox) {
        *times.entry(name).or_default() += 1;
    }
    assert_eq!(times, ["Loi 1", "Loi 2", "Loi 3"].map(|name| (name.to_owned(), 1)).into());

    let full = Folder::new(format!("collective_id,name\n{id},Loi 1\n"));
    let run = full.run(&sandbox.url(), &["--assign-ids"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("has no row without a collective_id"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_row_is_lost_when_ids_are_assigned_to_a_file_with_a_broken_row() {
    let folder = Folder::new("owner,name\n,Loi 1\n,Loi 2, Bruxelles\n");
    let run = folder.run("http://127.0.0.1:1", &["--assign-ids"]);
    assert_eq!(run.code, Some(2));
    assert!(run.stderr.contains("households.csv, line 3: 3 fields"), "{}", run.stderr);
    let folder = Folder::new("nom\nLoi 1\n");
    let run = folder.run("http://127.0.0.1:1", &["--assign-ids"]);
    assert!(run.stderr.contains("line 1: the column \"nom\" is unknown"), "{}", run.stderr);
    assert_eq!(folder.files(), ["households.csv".to_owned()].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_names_the_separator_is_understood_and_kept_for_excel() {
    let sandbox = Sandbox::start();
    for (separator, line) in [(',', "\"sep=,\"\r\n"), (';', "sep=;\r\n"), ('\t', "sep=\t\r\n")] {
        for mark in ["", "\u{feff}"] {
            let id = Uuid::new_v4();
            let rows = format!("collective_id{separator}name\r\n{id}{separator}Loi 1\r\nx{separator}Loi 2\r\n");
            let folder = Folder::new([mark, line, &rows].concat());
            let run = folder.run(&sandbox.url(), &[]);
            assert!(run.stderr.starts_with("line 4: collective_id is not a UUID"), "{line:?}: {}", run.stderr);
            let created = folder.read("households.created.csv");
            let row = [id.to_string(), "Loi 1".to_owned()].join(&separator.to_string());
            assert!(created.starts_with(&format!("{mark}{line}collective_id{separator}name")), "{created:?}");
            assert!(created.contains(&row), "{created:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_that_end_in_a_carriage_return_alone_are_lines() {
    let sandbox = Sandbox::start();
    let id = Uuid::new_v4();
    let folder = Folder::new(format!("collective_id;name\r{id};Loi 1, 2, 3, 4, 5\rx;Loi 4\r"));
    let run = folder.run(&sandbox.url(), &[]);
    assert!(run.stderr.starts_with("line 3: collective_id is not a UUID"), "{}", run.stderr);
    assert_eq!(sent_names(&sandbox), ["Loi 1, 2, 3, 4, 5"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_rows_above_the_column_names_are_skipped() {
    let sandbox = Sandbox::start();
    for above in [";;\r\n;;\r\n", "\r\n\r\n"] {
        let folder = Folder::new(format!("{above}collective_id;name;\r\n{};Loi 1;\r\nx;Loi 2;\r\n", Uuid::new_v4()));
        let run = folder.run(&sandbox.url(), &[]);
        assert!(run.stderr.starts_with("line 5: collective_id is not a UUID"), "{}", run.stderr);
    }
    assert_eq!(sent_names(&sandbox), ["Loi 1", "Loi 1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_column_is_split_only_by_a_separator_that_is_known() {
    // A comma without quotes: no file says whether it separates.
    for rows in ["name\r\nLoi 1, Bruxelles\r\n", "name\nLoi 1,3c90c3cc-0d44-4b50-8888-8dd25736052a\n"] {
        let folder = Folder::new(rows);
        let run = folder.run("http://127.0.0.1:1", &["--assign-ids"]);
        assert_eq!(run.code, Some(2));
        assert!(run.stderr.contains("line 2: 2 fields, but the first line has 1"), "{}", run.stderr);
        assert!(run.stderr.contains("put text with a comma in quotes"), "{}", run.stderr);
        assert_eq!(folder.files(), ["households.csv".to_owned()].into());
    }
    for (separator, rows) in [
        (';', "sep=;\r\nname\r\nLoi 1, Bruxelles\r\n\"Loi 2; 3\"\r\n"),
        (',', "name\r\n\"Loi 1, Bruxelles\"\r\nLoi 2; 3\r\n"),
    ] {
        let folder = Folder::new(rows);
        let run = folder.run("http://127.0.0.1:1", &["--assign-ids"]);
        assert_eq!(run.code, Some(0), "{}", run.stderr);
        let written = folder.read("households.with-ids.csv");
        let names: Vec<_> = written
            .lines()
            .filter_map(|line| line.split_once(&format!("{separator}")).map(|(_, name)| name.trim_matches('"')))
            .collect();
        assert!(names.ends_with(&["Loi 1, Bruxelles", "Loi 2; 3"]), "{written}");
        assert!(written.contains(&format!("collective_id{separator}name")), "{written}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_names_the_separator_wins_over_the_column_names() {
    let sandbox = Sandbox::start();
    let id = Uuid::new_v4();
    // The names are in one quoted field each, as a program writes them that quotes everything.
    let folder = Folder::new(format!("sep=;\n\"collective_id\";\"name\";\"a,b,c,d,e\"\n{id};Loi 1;\n"));
    let run = folder.run(&sandbox.url(), &[]);
    assert!(run.stderr.contains("line 2: the column \"a,b,c,d,e\" is unknown"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_carriage_returns_alone_is_written_as_it_was_read() {
    let sandbox = Sandbox::start();
    let folder = Folder::new("sep=;\rname\rLoi 1\rLoi 2\r");
    assert_eq!(folder.run(&sandbox.url(), &["--assign-ids"]).code, Some(0));
    let written = folder.read("households.with-ids.csv");
    assert!(written.starts_with("sep=;\rcollective_id;name\r") && !written.contains('\n'), "{written:?}");
    let run = Folder::new(written).run(&sandbox.url(), &[]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(0), ""));
    let mut sent = sent_names(&sandbox);
    sent.sort();
    assert_eq!(sent, ["Loi 1", "Loi 2"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_with_the_columns_names_their_line() {
    for (rows, line) in [("nom\n", 1), ("sep=;\nnom\n", 2), ("\n\nnom\n", 3), ("sep=;\r\n;;\r\nnom\r\n", 3)] {
        let run = Folder::new(rows).run("http://127.0.0.1:1", &[]);
        assert!(run.stderr.contains(&format!("line {line}: the column \"nom\"")), "{rows:?}: {}", run.stderr);
    }
    let run = Folder::new("sep=;\nname\nLoi 1\n").run("http://127.0.0.1:1", &[]);
    assert!(run.stderr.contains("line 2: the column collective_id is missing"), "{}", run.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_column_of_ids_that_are_not_uuids_gets_one_message() {
    let sandbox = Sandbox::start();
    let rows: String = (0..5000).map(|number| format!("{number:05},Loi {number}\n")).collect();
    for one_more in ["", "1,Loi 1,Bruxelles\n"] {
        let run = Folder::new(format!("collective_id,name\n{rows}{one_more}")).run(&sandbox.url(), &[]);
        assert_eq!((run.code, run.stderr.lines().count()), (Some(2), 1), "{}", run.stderr);
        for part in [
            "the column collective_id has no UUIDs: if rows were already sent, restore the ids",
            "remove the column and run it with --assign-ids",
        ] {
            assert!(run.stderr.contains(part), "{}", run.stderr);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_in_braces_or_upper_case_is_the_same_id() {
    let sandbox = Sandbox::start();
    let (folder, ids) = Folder::of(1);
    for id in [ids[0].to_string(), ids[0].braced().to_string().to_uppercase(), ids[0].simple().to_string()] {
        folder.write("households.csv", format!("collective_id,name\n{id},Loi 1\n"));
        assert_eq!(folder.run(&sandbox.url(), &[]).code, Some(0));
    }
    assert_eq!(sandbox.requests().len(), 1);
}
