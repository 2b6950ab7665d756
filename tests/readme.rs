//! The README is true: a new user's transcript works, links resolve, and every error kind has an entry.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const README: &str = include_str!("../README.md");
const SURFACE: &str = include_str!("api/surface.txt");

/// The code blocks that a new user follows.
fn transcript() -> Vec<(&'static str, &'static str)> {
    let section = README.split_once("In a crate of your own").unwrap().1.split_once("With an account").unwrap().0;
    let blocks = section.split("```").skip(1).step_by(2);
    blocks.map(|block| block.split_once('\n').unwrap()).collect()
}

fn block(language: &str) -> &'static str {
    transcript().into_iter().find(|(found, _)| *found == language).expect(language).1
}

/// Runs a line of the transcript as a shell would, in the folder where the previous line ended.
fn run(folder: &mut PathBuf, line: &str) -> String {
    if let Some(name) = line.strip_prefix("cd ") {
        folder.push(name);
        return String::new();
    }
    let arguments: Vec<_> = line.split(' ').collect();
    assert_eq!(arguments[0], "cargo", "{line}");
    let mut command = Command::new(env!("CARGO"));
    command.args(&arguments[1..]).current_dir(&*folder);
    // The user's build gets its own target folder, which later runs find warm.
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-user-target"));
    // Halves the build time, with no difference that a user would notice here.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Output without the parts that differ between runs: ids and durations.
fn comparable(output: &str) -> String {
    let word = |word: &str| {
        let (bare, tail) = word.strip_suffix(");").map_or((word, ""), |bare| (bare, ");"));
        let bare = match bare.rsplit_once('/').map_or(bare, |(_, last)| last) {
            last if uuid::Uuid::parse_str(last).is_ok() => bare.replace(last, "<id>"),
            last if is_duration(last) => "<duration>".to_owned(),
            _ => bare.to_owned(),
        };
        bare + tail
    };
    output.lines().map(|line| line.split(' ').map(word).collect::<Vec<_>>().join(" ") + "\n").collect()
}

fn is_duration(word: &str) -> bool {
    let number = word.strip_suffix('s').map(|word| word.trim_end_matches(['n', 'µ', 'm']));
    number.is_some_and(|number| number.parse::<f64>().is_ok())
}

#[test]
fn a_new_user_can_follow_the_readme_to_a_first_handled_failure() {
    // Outside this workspace, which would treat a new crate below it as a member.
    let home = env::temp_dir().join(format!("traxes-connect-{}", uuid::Uuid::new_v4()));
    fs::create_dir_all(&home).unwrap();
    let mut folder = home.clone();
    let mut commands = transcript().into_iter().filter(|(language, _)| *language == "sh").flat_map(|(_, b)| b.lines());
    run(&mut folder, commands.next().unwrap());
    run(&mut folder, commands.next().unwrap());

    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("[dependencies]\n", block("toml"));
    // Unlike for a user, the crate is this one and its dependencies are locked.
    let here = format!("[patch.crates-io]\ntraxes-connect = {{ path = {root:?} }}\n");
    fs::write(folder.join("Cargo.toml"), manifest + "\n" + &here).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::write(folder.join("src/main.rs"), block("rust")).unwrap();

    let output = run(&mut folder, commands.next().unwrap());
    assert_eq!(comparable(&output), comparable(block("text")));
    assert_eq!(commands.next(), None);
    fs::remove_dir_all(home).unwrap();
}

#[test]
fn every_internal_readme_link_leads_to_a_heading() {
    let headings: Vec<String> = README
        .lines()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(|title| title.to_lowercase().replace(' ', "-").replace(|c: char| !c.is_alphanumeric() && c != '-', ""))
        .collect();
    let links: Vec<_> = README.split("](#").skip(1).map(|rest| rest.split(')').next().unwrap()).collect();
    assert!(links.len() >= 6, "{links:?}");
    for link in links {
        assert!(headings.iter().any(|heading| heading == link), "#{link} leads nowhere: {headings:?}");
    }
}

#[test]
fn troubleshooting_covers_every_error_kind() {
    let kinds: Vec<_> = SURFACE.lines().filter_map(|line| line.strip_prefix("variant ErrorKind::")).collect();
    assert!(kinds.len() >= 7, "{kinds:?}");
    let entries = README.split_once("## Troubleshooting").unwrap().1.split_once("\n## ").unwrap().0;
    for kind in kinds {
        let entry =
            entries.lines().find(|line| line.starts_with(&format!("| `{kind}` |"))).unwrap_or_else(|| panic!("{kind}"));
        assert_eq!(entry.matches(" | ").count(), 3, "{entry}");
    }
}
