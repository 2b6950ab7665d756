//! The README is true for someone who has only the published package: its application works, its links and paths lead somewhere,
//! and every error kind has an entry.

use std::{env, fs, path::Path, process::Command};
use tempfile::TempDir;

const README: &str = include_str!("../README.md");
const FRONT_PAGE: &str = include_str!("../src/lib.rs");
const SURFACE: &str = include_str!("api/surface.txt");

/// The package as it would be published, unpacked outside this workspace, which would treat it as a member.
struct Package(TempDir);

impl Package {
    fn unpacked() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(["package", "--offline", "--allow-dirty", "--no-verify", "--quiet", "--target-dir"])
            .arg(folder.path());
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        assert!(cargo.status().unwrap().success());
        let name = format!("package/traxes-connect-{}.crate", env!("CARGO_PKG_VERSION"));
        let mut tar = Command::new("tar");
        tar.arg("-xzf").arg(folder.path().join(name)).args(["--strip-components", "1", "-C"]).arg(folder.path());
        assert!(tar.status().unwrap().success());
        Self(folder)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }
}

/// The code blocks that a new user follows.
fn transcript() -> Vec<(&'static str, &'static str)> {
    let section = README.split_once("In a crate of your own").unwrap().1.split_once("With an account").unwrap().0;
    let blocks = section.split("```").skip(1).step_by(2);
    blocks.map(|block| block.split_once('\n').unwrap()).collect()
}

fn block(language: &str) -> &'static str {
    transcript().into_iter().find(|(found, _)| *found == language).expect(language).1
}

/// What cargo prints, in a folder.
fn cargo(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(folder);
    // The user's build gets its own target folder, which later runs find warm.
    command.env("CARGO_TARGET_DIR", Path::new(env!("CARGO_TARGET_TMPDIR")).join("new-user-target"));
    // Halves the build time, with no difference that a user would notice here.
    command.env("CARGO_PROFILE_DEV_DEBUG", "0");
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
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
    let (package, home) = (Package::unpacked(), tempfile::tempdir().unwrap());
    assert!(README.contains("(`cargo new household`)") && README.contains("`cargo run` prints:"));
    cargo(home.path(), &["new", "household"]);
    let folder = home.path().join("household");

    let manifest = fs::read_to_string(folder.join("Cargo.toml")).unwrap();
    let manifest = manifest.replace("[dependencies]\n", block("toml"));
    // Unlike for a user, the package is not in a registry and its dependencies are locked.
    let here = format!("[patch.crates-io]\ntraxes-connect = {{ path = {:?} }}\n", package.path());
    fs::write(folder.join("Cargo.toml"), manifest + "\n" + &here).unwrap();
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    fs::write(folder.join("src/main.rs"), block("rust")).unwrap();

    assert_eq!(comparable(&cargo(&folder, &["run"])), comparable(block("text")));
}

#[test]
fn every_path_in_the_readme_and_on_the_front_page_is_in_the_package() {
    let prose = README.split("```").step_by(2).collect::<String>();
    let quoted = prose.split('`').skip(1).step_by(2);
    let named = quoted.filter(|text| {
        let is_file = [".md", ".rs", ".toml", ".yaml"].iter().any(|ending| text.ends_with(ending));
        is_file || text.ends_with('/')
    });
    let linked = [README, FRONT_PAGE].into_iter().flat_map(|text| text.split("/latest/source/").skip(1));
    let linked = linked.filter_map(|rest| rest.lines().next());
    let paths: Vec<_> = named.chain(linked).collect();
    assert!(paths.len() >= 15, "{paths:?}");
    let package = Package::unpacked();
    for path in paths {
        assert!(package.path().join(path).exists(), "{path} is not in the package");
    }
    assert!(!README.contains("](#") && !README.contains("](."), "on docs.rs, a relative link leads elsewhere");
}

/// On docs.rs, the page of an item is named after its kind and module.
#[test]
fn every_link_to_an_item_has_its_item() {
    let links = README.split("/latest/traxes_connect/").skip(1).filter_map(|rest| rest.lines().next());
    let links: Vec<_> = links.collect();
    assert!(links.len() >= 6, "{links:?}");
    for link in links {
        let (page, method) = link.split_once("#method.").map_or((link, None), |(page, method)| (page, Some(method)));
        let file = page.rsplit_once('/').map_or(page, |(_, file)| file);
        let [kind, name, "html"] = file.split('.').collect::<Vec<_>>()[..] else { panic!("{link}") };
        let line = match method {
            Some(method) => format!("fn {name}::{method}("),
            None => format!("{kind} {name}"),
        };
        assert!(SURFACE.lines().any(|item| item.starts_with(&line)), "{link} leads to no {line:?}");
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
