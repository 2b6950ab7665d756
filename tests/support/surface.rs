//! The crate's public items, one per line, and what a change to them means for dependents.

use quote::ToTokens;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, Fields, FnArg, Generics, ImplItem, Item, Meta, Signature, TraitItem, Type, UseTree, Visibility,
    parse_quote,
};

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../src");

/// One line for each public item, hand-written or generated, and for each promise in Cargo.toml, sorted.
pub fn surface(generated: &syn::File, mocks: &syn::File) -> BTreeSet<String> {
    let root = parse(&Path::new(SOURCE).join("lib.rs"));
    let mut lines = BTreeSet::new();
    let mut exported = BTreeSet::new();
    let mut public_modules = Vec::new();
    let mut features = BTreeMap::new();
    for item in &root.items {
        if let Item::Mod(item) = item {
            features.insert(item.ident.to_string(), cfg(&item.attrs));
        }
    }
    for item in &root.items {
        match item {
            Item::Use(use_item) if is_public(&use_item.vis) => {
                let names = exports(item);
                lines.extend(names.iter().map(|name| format!("use {name}{}", cfg(&use_item.attrs))));
                exported.extend(names);
            }
            Item::Mod(item) if is_public(&item.vis) => {
                let file = Path::new(SOURCE).join(item.ident.to_string()).with_extension("rs");
                exported.extend(parse(&file).items.iter().flat_map(exports));
                public_modules.push(file);
                lines.insert(format!("mod {}{}", item.ident, cfg(&item.attrs)));
            }
            _ => {}
        }
    }
    lines.extend(promised(include_str!("../../Cargo.toml")));
    let mut of_mocks = BTreeSet::new();
    let operations = mocks.items.iter().filter_map(|item| match item {
        Item::Mod(module) => module.content.as_ref().map(|(_, items)| items.as_slice()),
        _ => None,
    });
    for items in operations.chain([mocks.items.as_slice()]) {
        List { lines: &mut of_mocks, public: &|_| true }.items(items);
    }
    // Only this crate implements the mock server's extension trait.
    let of_mocks = of_mocks.into_iter().map(|line| line.replace("required ", "provided "));
    lines.extend(of_mocks.map(|line| format!("mocks {line} [feature = \"sandbox\"]")));
    let types = generated.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref().map(|(_, items)| items),
        _ => None,
    });
    let types = types.expect("types are generated");
    let type_names: BTreeSet<_> = types.iter().filter_map(item_name).collect();
    List { lines: &mut lines, public: &|name| type_names.contains(name) }.items(types);
    for path in sources() {
        if path.ends_with("open_enum.rs") {
            continue;
        }
        let all = public_modules.contains(&path);
        let public = |name: &str| all || exported.contains(name) || type_names.contains(name);
        let mut found = BTreeSet::new();
        List { lines: &mut found, public: &public }.items(&parse(&path).items);
        // Items in a feature-gated module belong to that feature.
        let feature = features.get(&top_level_module(&path)).map_or("", String::as_str);
        lines.extend(found.into_iter().map(|line| if line.ends_with(feature) { line } else { line + feature }));
    }
    lines
}

/// The names that an item exports.
fn exports(item: &Item) -> Vec<String> {
    let mut names = Vec::new();
    if let Item::Use(item) = item
        && is_public(&item.vis)
    {
        names_of(&item.tree, &mut names);
    }
    names
}

/// The module of the crate's root that a file belongs to.
fn top_level_module(path: &Path) -> String {
    let below = path.strip_prefix(SOURCE).unwrap();
    let first = below.components().next().map(|first| PathBuf::from(first.as_os_str())).unwrap_or_default();
    first.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The features, which of them are on by default, and the Rust version.
fn promised(manifest: &str) -> Vec<String> {
    let mut section = "";
    let mut lines = Vec::new();
    for line in manifest.lines() {
        match line.split_once(" = ") {
            _ if line.starts_with('[') => section = line,
            // One line for each, so that another default is an addition.
            Some(("default", list)) if section == "[features]" => {
                lines.extend(list.split('"').skip(1).step_by(2).map(|name| format!("default feature {name}")));
            }
            Some((name, _)) if section == "[features]" => lines.push(format!("feature {name}")),
            Some(("rust-version", version)) if section == "[package]" => lines.push(format!("rust-version {version}")),
            _ => {}
        }
    }
    lines
}

/// The crate's sources, excluding tests and what belongs to the generated client, which is private except for its types.
pub fn sources() -> Vec<PathBuf> {
    files(Path::new(SOURCE)).into_iter().filter(|path| !path.ends_with("generated.rs")).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().is_some_and(|name| name != "tests.rs") {
            found.push(path);
        }
    }
    found
}

fn parse(path: &Path) -> syn::File {
    syn::parse_file(&fs::read_to_string(path).unwrap()).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

struct List<'a> {
    lines: &'a mut BTreeSet<String>,
    public: &'a dyn Fn(&str) -> bool,
}

impl List<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Impl(block) => self.block(block),
                Item::Macro(call) if call.mac.path.segments.last().is_some_and(|s| s.ident == "open_enum") => {
                    self.open_enum(&call.mac.tokens.to_string())
                }
                item if item_name(item).is_some_and(|name| (self.public)(&name)) => self.item(item),
                _ => {}
            }
        }
    }

    fn item(&mut self, item: &Item) {
        match item {
            Item::Struct(item) if is_public(&item.vis) => {
                let all_public = item.fields.iter().all(|field| is_public(&field.vis));
                self.named(
                    "struct",
                    &item.ident,
                    &item.generics,
                    &item.attrs,
                    all_public && !matches!(item.fields, Fields::Unit),
                );
                for field in item.fields.iter().filter(|field| is_public(&field.vis)) {
                    let name = field.ident.as_ref().map(ToString::to_string).unwrap_or_default();
                    self.lines.insert(format!("field {}.{name}: {}{}", item.ident, text(&field.ty), cfg(&field.attrs)));
                }
            }
            Item::Enum(item) if is_public(&item.vis) => {
                self.named("enum", &item.ident, &item.generics, &item.attrs, true);
                for variant in &item.variants {
                    let fields = text(&variant.fields);
                    self.lines.insert(format!(
                        "variant {}::{}{fields}{}",
                        item.ident,
                        variant.ident,
                        cfg(&variant.attrs)
                    ));
                }
            }
            Item::Trait(item) if is_public(&item.vis) => {
                self.lines.insert(format!("trait {}: {}{}", item.ident, text(&item.supertraits), cfg(&item.attrs)));
                for method in &item.items {
                    if let TraitItem::Fn(method) = method {
                        let kind = if method.default.is_some() { "provided" } else { "required" };
                        self.lines.insert(format!("{kind} {}", signature(&item.ident.to_string(), &method.sig)));
                    }
                }
            }
            Item::Type(item) if is_public(&item.vis) => {
                self.lines.insert(format!("type {}{} = {}", item.ident, text(&item.generics), text(&item.ty)));
            }
            _ => {}
        }
    }

    fn named(&mut self, kind: &str, name: &syn::Ident, generics: &Generics, attrs: &[Attribute], may_be_closed: bool) {
        let closed = may_be_closed && !attrs.iter().any(|a| a.path().is_ident("non_exhaustive"));
        let closed = if closed { " (exhaustive)" } else { "" };
        self.lines.insert(format!("{kind} {name}{}{closed}{}", text(generics), cfg(attrs)));
        for attribute in attrs {
            let derives = |meta: &Meta, condition: &str| match meta {
                Meta::List(list) if list.path.is_ident("derive") => {
                    let names = text(&list.tokens);
                    let names = names.split(',').map(|derived| derived.trim().trim_start_matches(':').to_owned());
                    names.map(|derived| format!("impl {derived} for {name}{condition}")).collect()
                }
                _ => Vec::new(),
            };
            self.lines.extend(derives(&attribute.meta, ""));
            if attribute.path().is_ident("cfg_attr")
                && let Ok(parts) =
                    attribute.parse_args_with(syn::punctuated::Punctuated::<Meta, syn::Token![,]>::parse_terminated)
            {
                let condition = format!(" [{}]", text(&parts[0]));
                for meta in parts.iter().skip(1) {
                    self.lines.extend(derives(meta, &condition));
                }
            }
        }
    }

    fn block(&mut self, block: &syn::ItemImpl) {
        let Type::Path(of) = &*block.self_ty else { return };
        let name = of.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
        let blanket = block.generics.type_params().any(|parameter| parameter.ident == name);
        if of.path.segments.len() > 1 || !blanket && !(self.public)(&name) {
            return;
        }
        if let Some((path, _)) = &block.trait_ {
            let of = text(&block.self_ty);
            self.lines.insert(
                format!("impl {} for {of} {}", text(path), text(&block.generics.where_clause)).trim_end().to_owned()
                    + &cfg(&block.attrs),
            );
            return;
        }
        for item in &block.items {
            if let ImplItem::Fn(method) = item
                && is_public(&method.vis)
            {
                let conditions = cfg(&block.attrs) + &cfg(&method.attrs);
                self.lines.insert(format!("{}{conditions}", signature(&name, &method.sig)));
            }
        }
    }

    /// What the macro behind the enums generates, read from the macro itself.
    fn open_enum(&mut self, tokens: &str) {
        let name = tokens.split_whitespace().next().unwrap_or_default();
        let source = include_str!("../../src/open_enum.rs");
        for line in source.lines().map(str::trim).take_while(|line| !line.starts_with("pub(crate) use")) {
            if let Some((head, _)) = line.split_once(" for $name") {
                self.lines.insert(format!("{} for {name}", head.replace("::std::", "std::")));
            } else if let Some(head) = line.strip_prefix("pub fn ") {
                self.lines.insert(format!("fn {name}::{}", head.trim_end_matches(" {")));
            }
        }
    }
}

fn item_name(item: &Item) -> Option<String> {
    Some(match item {
        Item::Struct(item) => item.ident.to_string(),
        Item::Enum(item) => item.ident.to_string(),
        Item::Trait(item) => item.ident.to_string(),
        Item::Type(item) => item.ident.to_string(),
        _ => return None,
    })
}

fn names_of(tree: &UseTree, names: &mut Vec<String>) {
    match tree {
        UseTree::Path(path) => names_of(&path.tree, names),
        UseTree::Group(group) => group.items.iter().for_each(|tree| names_of(tree, names)),
        UseTree::Name(name) => names.push(name.ident.to_string()),
        UseTree::Rename(rename) => names.push(rename.rename.to_string()),
        UseTree::Glob(_) => panic!("a glob hides what is public: list the items in src/lib.rs"),
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// A function as `Type::name`. Argument names, and whether arguments are mutable inside, are not part of the surface.
fn signature(of: &str, signature: &Signature) -> String {
    let mut signature = signature.clone();
    for argument in &mut signature.inputs {
        if let FnArg::Typed(argument) = argument {
            *argument.pat = parse_quote!(_);
        }
    }
    let name = format!("fn {}", signature.ident);
    text(&signature).replace("(mut self", "(self").replacen(&name, &format!("fn {of}::{}", signature.ident), 1)
}

fn cfg(attributes: &[Attribute]) -> String {
    let conditions = attributes.iter().filter(|a| a.path().is_ident("cfg"));
    conditions.filter_map(|a| Some(format!(" [{}]", one_line(&text(&a.meta.require_list().ok()?.tokens))))).collect()
}

fn text(tokens: &impl ToTokens) -> String {
    let mut text = one_line(&tokens.to_token_stream().to_string());
    for (spaced, tight) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" <", "<"),
        ("< ", "<"),
        (" >", ">"),
        (" ,", ","),
        ("& ", "&"),
        (" (", "("),
        ("( ", "("),
        (" )", ")"),
        (" :", ":"),
        (",)", ")"),
        (" ;", ";"),
        ("::std::", "std::"),
        ("<::", "<"),
    ] {
        text = text.replace(spaced, tight);
    }
    text.replace("->", " ->").replace("  ->", " ->").replace(" - >", " ->").replace("- >", "->")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a surface change requires of the version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    None,
    Additive,
    Breaking,
}

/// The change from one surface to the next, by Cargo's rules.
pub fn change(released: &BTreeSet<String>, now: &BTreeSet<String>) -> Change {
    let closed = |kind: &str, of: &str| {
        let (plain, generic) = (format!("{kind} {of} (exhaustive)"), format!("{kind} {of}<"));
        released.iter().any(|line| *line == plain || line.starts_with(&generic) && line.contains("(exhaustive)"))
    };
    let breaks = |added: &String| match added.split_once(' ') {
        Some(("required", rest)) => {
            let name = rest.split("fn ").nth(1).and_then(|method| method.split("::").next()).unwrap_or_default();
            released.iter().any(|line| line.starts_with(&format!("trait {name}:")))
        }
        Some(("variant", rest)) => rest.split_once("::").is_some_and(|(of, _)| closed("enum", of)),
        Some(("field", rest)) => rest.split_once('.').is_some_and(|(of, _)| closed("struct", of)),
        _ => false,
    };
    let added: Vec<_> = now.difference(released).collect();
    match released.is_subset(now) {
        true if added.is_empty() => Change::None,
        true if !added.into_iter().any(breaks) => Change::Additive,
        _ => Change::Breaking,
    }
}
