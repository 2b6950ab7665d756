//! Modules import downwards only: the graph of their imports, here and in `spec-drift`, has no cycle.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};
use syn::{
    ItemMod, ItemUse, Macro, UseTree,
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
    for (name, imports) in &mut graph {
        imports.retain(|import| modules.contains(import) && import != name);
    }
    graph
}

fn imports(file: &syn::File) -> BTreeSet<String> {
    let mut imports = Imports::default();
    imports.visit_file(file);
    imports.0
}

/// The modules that are left when those that import nothing of what is left are taken away, again and again.
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
