//! Modules import downwards only: the graph of their imports, here and in `spec-drift`, has no cycle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::{
    Item, ItemMod, ItemUse, Macro, UseTree,
    visit::{self, Visit},
};

/// What each module at the top of a crate imports from the others.
type Graph = BTreeMap<String, BTreeSet<String>>;

/// Collects `crate::module` in paths, imports and macros. Tests are left out: they may look at anything.
#[derive(Default)]
struct Imports(BTreeSet<String>);

impl<'ast> Visit<'ast> for Imports {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if let UseTree::Path(path) = &item.tree
            && path.ident == "crate"
        {
            self.add_tree(&path.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let mut segments = path.segments.iter();
        if segments.next().is_some_and(|segment| segment.ident == "crate") {
            self.0.extend(segments.next().map(|segment| segment.ident.to_string()));
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        let text = item.tokens.to_string();
        for (_, after) in text.match_indices("crate :: ").map(|(at, found)| text.split_at(at + found.len())) {
            self.0.extend(after.split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned));
        }
    }
}

impl Imports {
    fn add_tree(&mut self, tree: &UseTree) {
        match tree {
            UseTree::Path(path) => drop(self.0.insert(path.ident.to_string())),
            UseTree::Name(name) => drop(self.0.insert(name.ident.to_string())),
            UseTree::Rename(rename) => drop(self.0.insert(rename.ident.to_string())),
            UseTree::Group(group) => group.items.iter().for_each(|item| self.add_tree(item)),
            UseTree::Glob(_) => panic!("a glob of the crate hides what is imported"),
        }
    }
}

/// The graph of the modules below a folder. A module in a folder of its own belongs to the module of that name.
fn graph(source: &Path, generated: &[(&str, &syn::File)]) -> Graph {
    let mut graph = Graph::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let name = entry.strip_prefix(source).unwrap().iter().next().unwrap().to_str().unwrap();
            let name = name.trim_end_matches(".rs").to_owned();
            if name != "lib" && name != "main" && !entry.ends_with("tests.rs") {
                let file = syn::parse_file(&fs::read_to_string(&entry).unwrap()).unwrap();
                graph.entry(name).or_default().extend(imports(&file));
            }
        }
    }
    for (name, file) in generated {
        graph.get_mut(*name).unwrap().extend(imports(file));
    }
    let modules: BTreeSet<_> = graph.keys().cloned().collect();
    let homes = homes_of_reexports(&source.join("lib.rs"));
    for (name, imports) in &mut graph {
        *imports = imports.iter().map(|import| home(&homes, import).to_owned()).collect();
        imports.retain(|import| modules.contains(import) && import != name);
    }
    graph
}

/// Which module each name comes from that the root of a crate exports: `crate::Error` is an import of `error`.
fn homes_of_reexports(root: &Path) -> BTreeMap<String, String> {
    let mut homes = BTreeMap::new();
    for item in syn::parse_file(&fs::read_to_string(root).unwrap()).unwrap().items {
        if let Item::Use(ItemUse { tree: UseTree::Path(path), .. }) = &item {
            let mut names = Imports::default();
            names.add_tree(&path.tree);
            homes.extend(names.0.into_iter().map(|name| (name, path.ident.to_string())));
        }
    }
    homes
}

/// Follows re-exports of re-exports, such as those of `types`.
fn home<'a>(homes: &'a BTreeMap<String, String>, name: &'a str) -> &'a str {
    // A module and something that it exports may have the same name.
    homes.get(name).filter(|module| *module != name).map_or(name, |module| home(homes, module))
}

fn imports(file: &syn::File) -> BTreeSet<String> {
    let mut imports = Imports::default();
    imports.visit_file(file);
    imports.0
}

/// Removes modules with no remaining imports until nothing changes. What is left leads into a cycle.
fn cycles(mut graph: Graph) -> Graph {
    loop {
        let left: BTreeSet<_> = graph.keys().cloned().collect();
        let before = left.len();
        graph.retain(|_, imports| {
            imports.retain(|import| left.contains(import));
            !imports.is_empty()
        });
        if graph.len() == before {
            return graph;
        }
    }
}

#[test]
fn a_cycle_is_found_however_it_is_written() {
    for (one, other) in [
        ("use crate::other;", "use crate::one::One;"),
        ("use crate::{http, other::Other};", "fn f() { crate::one::f() }"),
        ("fn f() -> crate::Other { todo!() }", "macro_rules! m { () => { crate::one::f() } }"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [
            ("lib.rs", "mod one; mod other; mod below; pub use other::Other;"),
            ("one.rs", one),
            ("other.rs", other),
            ("below.rs", "#[cfg(test)] mod tests { use crate::one; }"),
        ] {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let found: Vec<_> = cycles(graph(folder.path(), &[])).into_keys().collect();
        assert_eq!(found, ["one", "other"], "{one} {other}");
    }
}

#[test]
fn no_module_of_the_client_imports_one_that_imports_it() {
    let generated = syn::parse_file(include_str!("api/generated.rs")).unwrap();
    let graph = graph(Path::new("src"), &[("generated", &generated)]);
    assert!(graph["call"].contains("retry"), "{graph:#?}");
    let cycles = cycles(graph);
    assert!(cycles.is_empty(), "{cycles:#?}");
}

#[test]
fn no_module_of_spec_drift_imports_one_that_imports_it() {
    let cycles = cycles(graph(Path::new("spec-drift/src"), &[]));
    assert!(cycles.is_empty(), "{cycles:#?}");
}
