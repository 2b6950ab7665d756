//! Modules import downwards only: the graph of their imports has no cycle, neither in the client nor in the build, in what
//! tests share, or in `spec-drift/`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::{
    ItemMod, ItemUse, Macro, UseTree, Visibility,
    visit::{self, Visit},
};

/// What each module of a crate imports from the others. A module is named by its path, such as `auth::grant`.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// The paths that a file names. Tests are left out: they may look at anything.
#[derive(Default)]
struct Paths {
    used: Vec<Vec<String>>,
    /// What the file exports under a name of its own, and where it comes from.
    exported: Vec<(String, Vec<String>)>,
    /// How many modules within the file surround the current place.
    depth: usize,
}

impl<'ast> Visit<'ast> for Paths {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if !is_test {
            self.depth += 1;
            visit::visit_item_mod(self, module);
            self.depth -= 1;
        }
    }

    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        let is_export = !matches!(item.vis, Visibility::Inherited);
        self.add_tree(&item.tree, Vec::new(), is_export);
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.add(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let text = item.tokens.to_string();
        for (at, _) in text.match_indices("crate :: ") {
            let words = text[at..].split(" :: ").map(|word| word.split_whitespace().next().unwrap_or_default());
            self.used.push(words.take(3).map(str::to_owned).collect());
        }
        visit::visit_macro(self, item);
    }
}

impl Paths {
    fn of(file: &syn::File) -> Self {
        let mut paths = Self::default();
        paths.visit_file(file);
        paths
    }

    fn add_tree(&mut self, tree: &UseTree, mut path: Vec<String>, is_export: bool) {
        match tree {
            UseTree::Path(of) => {
                path.push(of.ident.to_string());
                self.add_tree(&of.tree, path, is_export);
            }
            UseTree::Name(name) => {
                path.push(name.ident.to_string());
                self.add_export(is_export, name.ident.to_string(), path);
            }
            UseTree::Rename(rename) => {
                path.push(rename.ident.to_string());
                self.add_export(is_export, rename.rename.to_string(), path);
            }
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.add_tree(item, path.clone(), is_export));
            }
            UseTree::Glob(_) => self.add(path),
        }
    }

    fn add_export(&mut self, is_export: bool, name: String, path: Vec<String>) {
        if is_export && self.depth == 0 {
            self.exported.push((name, path.clone()));
        }
        self.add(path);
    }

    /// Adds a path as seen from the file, not from a module within it.
    fn add(&mut self, mut path: Vec<String>) {
        let out_of_module = path.iter().take(self.depth).take_while(|segment| *segment == "super").count();
        if out_of_module > 0 {
            path.splice(..out_of_module, ["self".to_owned()]);
        }
        self.used.push(path);
    }
}

/// The modules of a crate, each with the paths that it names.
struct Modules(BTreeMap<String, Paths>);

impl Modules {
    fn read(source: &Path) -> Self {
        let mut modules = BTreeMap::new();
        let mut folders = vec![source.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                if entry.extension().is_none_or(|extension| extension != "rs") {
                    continue;
                }
                let name = entry.strip_prefix(source).unwrap().with_extension("").to_str().unwrap().replace('/', "::");
                let name = name.trim_end_matches("::mod");
                if name != "main" && !entry.ends_with("tests.rs") {
                    let file = syn::parse_file(&fs::read_to_string(&entry).unwrap());
                    let file = file.unwrap_or_else(|e| panic!("{}: {e}", entry.display()));
                    let name = if matches!(name, "lib" | "mod") { "" } else { name };
                    modules.insert(name.to_owned(), Paths::of(&file));
                }
            }
        }
        Self(modules)
    }

    fn graph(&self) -> Graph {
        let imports = |(name, paths): (&String, &Paths)| {
            let imports = paths.used.iter().filter_map(|path| self.home(&absolute(name, path)?));
            (name.clone(), imports.filter(|import| import != name).collect())
        };
        // The root only puts the modules together.
        self.0.iter().filter(|(name, _)| !name.is_empty()).map(imports).collect()
    }

    /// The module in which something is defined, wherever else it is exported.
    fn home(&self, path: &[String]) -> Option<String> {
        (0..=path.len()).rev().find_map(|length| {
            let (module, rest) = path.split_at(length);
            let module = module.join("::");
            let paths = self.0.get(&module)?;
            let export = rest.first().and_then(|name| paths.exported.iter().find(|(exported, _)| exported == name));
            // Another crate, such as `pub use http`, is its own home.
            let target =
                export.and_then(|(_, target)| absolute(&module, target)).filter(|target| !path.starts_with(target));
            match target.and_then(|target| self.home(&target)) {
                Some(home) => Some(home),
                None => Some(module).filter(|module| !module.is_empty()),
            }
        })
    }
}

/// A path from the root of the crate. A path without a prefix may lead to a child of the module.
fn absolute(module: &str, path: &[String]) -> Option<Vec<String>> {
    let mut absolute: Vec<_> = module.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            absolute.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        _ => {
            while let Some("super") = rest.first().map(String::as_str) {
                absolute.pop();
                rest = &rest[1..];
            }
        }
    }
    absolute.extend(rest.iter().cloned());
    Some(absolute)
}

/// Removes modules that import no other one, or that no other one imports, until only cycles are left.
fn cycles(mut graph: Graph) -> Graph {
    loop {
        let before = graph.len();
        let names: BTreeSet<_> = graph.keys().cloned().collect();
        let imported: BTreeSet<_> = graph.values().flatten().cloned().collect();
        graph.retain(|name, imports| {
            imports.retain(|import| names.contains(import));
            !imports.is_empty() && imported.contains(name)
        });
        if graph.len() == before {
            return graph;
        }
    }
}

#[test]
fn a_cycle_is_found_however_it_is_written() {
    for [one, other] in [
        ["use crate::upper::other;", "use crate::upper::one::One;"],
        ["use crate::{http, upper::other::Other};", "fn f() { crate::upper::one::f() }"],
        ["fn f() -> crate::Other { todo!() }", "macro_rules! m { () => { crate::upper::one::f() } }"],
        ["use super::other::*;", "use super::{below, one};"],
        ["use crate::upper::Renamed as Again;", "use super::super::upper::one;"],
    ] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("upper")).unwrap();
        for (name, text) in [
            ("lib.rs", "mod upper; pub use upper::Renamed as Other;"),
            ("upper.rs", "mod one; mod other; mod below; pub use other::Other as Renamed;"),
            ("upper/one.rs", one),
            ("upper/other.rs", other),
            ("upper/below.rs", "#[cfg(test)] mod tests { use super::one; }"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let found: Vec<_> = cycles(Modules::read(folder.path()).graph()).into_keys().collect();
        assert_eq!(found, ["upper::one", "upper::other"], "{one} {other}");
    }
}

fn graph_of_the_client() -> Graph {
    let mut modules = Modules::read(Path::new("src"));
    let generated = Paths::of(&syn::parse_file(include_str!("../generated/client.rs")).unwrap());
    modules.0.get_mut("generated").unwrap().used.extend(generated.used);
    modules.graph()
}

#[test]
fn no_module_of_the_client_imports_one_that_imports_it() {
    let graph = graph_of_the_client();
    assert!(graph["call"].contains("retry") && graph["auth::token_cache"].contains("auth::grant"), "{graph:#?}");
    let cycles = cycles(graph);
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn modules_import_only_from_the_rows_below_their_own_in_the_architecture() {
    let architecture = include_str!("../ARCHITECTURE.md");
    let table = architecture.split("```").nth(1).unwrap().lines().skip(1);
    let rows: Vec<Vec<_>> = table.map(|row| row.split("  ").next().unwrap().split(", ").collect()).collect();
    let row_of = |module: &str| {
        let top = module.split("::").next().unwrap();
        rows.iter().position(|row| row.contains(&top)).unwrap_or_else(|| panic!("{top} is in no row"))
    };
    for (module, imports) in graph_of_the_client() {
        for import in imports.iter().filter(|import| import.split("::").next() != module.split("::").next()) {
            assert!(row_of(&module) < row_of(import), "{module} imports {import}");
        }
    }
}

#[test]
fn no_module_of_the_build_the_tests_or_spec_drift_imports_one_that_imports_it() {
    for source in ["spec-drift/src", "spec-drift/judge/src", "build", "tests/support"] {
        let cycles = cycles(Modules::read(Path::new(source)).graph());
        assert!(cycles.is_empty(), "{source}: {cycles:#?}");
    }
}
