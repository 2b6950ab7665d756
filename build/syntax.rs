//! Helpers that inspect the generated code.

use std::collections::BTreeSet;
use syn::{Fields, File, FnArg, GenericArgument, Ident, ImplItem, ImplItemFn, Item, Pat, PathArguments, Type};

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

/// Names that differ in the description, such as `a-b` and `a_b`, may be the same in Rust: rustc would say so without the
/// place.
pub fn check_names(file: &File) -> Result<(), String> {
    for item in types(file) {
        match item {
            Item::Struct(object) => check_fields(&object.ident, &object.fields)?,
            Item::Enum(of) => {
                check_unique(&format!("options of {}", of.ident), of.variants.iter().map(|variant| &variant.ident))?
            }
            _ => {}
        }
    }
    let idents = types(file).iter().filter_map(|item| match item {
        Item::Struct(item) => Some(&item.ident),
        Item::Enum(item) => Some(&item.ident),
        _ => None,
    });
    check_unique("components.schemas", idents)?;
    check_unique("operationIds", methods(file).map(|method| &method.sig.ident))?;
    for method in methods(file) {
        let arguments = method.sig.inputs.iter().filter_map(|argument| match argument {
            FnArg::Typed(argument) => match &*argument.pat {
                Pat::Ident(pattern) => Some(&pattern.ident),
                _ => None,
            },
            FnArg::Receiver(_) => None,
        });
        check_unique(&format!("parameters of {}", method.sig.ident), arguments)?;
    }
    Ok(())
}

fn check_fields(object: &Ident, fields: &Fields) -> Result<(), String> {
    check_unique(&format!("properties of {object}"), fields.iter().filter_map(|field| field.ident.as_ref()))
}

fn check_unique<'a>(of: &str, names: impl Iterator<Item = &'a Ident>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{of}: two of them become {name} in Rust, so the client cannot have both"));
        }
    }
    Ok(())
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

pub fn last_ident(of: &Type) -> Option<&Ident> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}
