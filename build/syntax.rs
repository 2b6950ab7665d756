//! Helpers that inspect the generated code.

use std::collections::BTreeSet;
use syn::{File, GenericArgument, Ident, ImplItem, ImplItemFn, Item, PathArguments, Type};

/// The types of the description.
pub fn types(file: &File) -> &[Item] {
    let types = file.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    types.map_or(&[], |(_, items)| items)
}

/// The methods of the operations.
pub fn methods(file: &File) -> impl Iterator<Item = &ImplItemFn> {
    let blocks = file.items.iter().filter_map(|item| match item {
        Item::Impl(block) if block.trait_.is_none() => Some(&block.items),
        _ => None,
    });
    blocks.flatten().filter_map(|item| match item {
        ImplItem::Fn(method) if method.sig.asyncness.is_some() => Some(method),
        _ => None,
    })
}

pub fn methods_mut(file: &mut File) -> impl Iterator<Item = &mut ImplItemFn> {
    let blocks = file.items.iter_mut().filter_map(|item| match item {
        Item::Impl(block) if block.trait_.is_none() => Some(&mut block.items),
        _ => None,
    });
    blocks.flatten().filter_map(|item| match item {
        ImplItem::Fn(method) if method.sig.asyncness.is_some() => Some(method),
        _ => None,
    })
}

/// Fails if the generated types are not the described ones: typify gives one type to two schemas whose names become the same.
pub fn check_types(file: &File, described: Vec<String>) -> Result<(), String> {
    let generated: BTreeSet<_> = types(file)
        .iter()
        .filter_map(|item| match item {
            Item::Struct(item) => Some(item.ident.to_string()),
            Item::Enum(item) => Some(item.ident.to_string()),
            _ => None,
        })
        .collect();
    let described = BTreeSet::from_iter(described);
    match generated.symmetric_difference(&described).next() {
        None => Ok(()),
        Some(name) if generated.contains(name) => {
            Err(format!("progenitor wrote a type {name} that is not in the description: look at build/names.rs"))
        }
        Some(name) => Err(format!("progenitor wrote no type {name} for the description: look at build/names.rs")),
    }
}

/// The first argument in angle brackets.
pub fn generic_argument(of: &Type) -> Option<&Type> {
    let Type::Path(of) = of else { return None };
    let PathArguments::AngleBracketed(arguments) = &of.path.segments.last()?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(argument) => Some(argument),
        _ => None,
    }
}

/// The name of a type of the description: those of libraries are written from the root.
pub fn own_type(of: &Type) -> Option<&Ident> {
    match of {
        Type::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// The name of a type that is not of the description, such as `Option`.
pub fn library_type(of: &Type) -> Option<&Ident> {
    match of {
        Type::Path(path) if path.path.leading_colon.is_some() => {
            path.path.segments.last().map(|segment| &segment.ident)
        }
        _ => None,
    }
}
