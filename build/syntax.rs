//! Helpers that inspect the generated code.

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

/// The first argument in angle brackets.
pub fn generic_argument(of: &Type) -> Option<&Type> {
    generic_arguments(of).next()
}

pub fn generic_arguments(of: &Type) -> impl Iterator<Item = &Type> {
    let segment = match of {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    };
    let arguments = segment.and_then(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => Some(&arguments.args),
        _ => None,
    });
    arguments.into_iter().flatten().filter_map(|argument| match argument {
        GenericArgument::Type(argument) => Some(argument),
        _ => None,
    })
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
