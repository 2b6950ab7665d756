//! Opens the generated types: what the API may add later breaks neither a call nor users' code.

use super::syntax::{generic_argument, library_type, own_type};
use syn::{Attribute, Field, Fields, File, Item, ItemEnum, ItemStruct, Type, Variant, parse_quote};

/// Makes what the API may add later an addition for us too: new fields and new enum values.
pub fn open(file: &mut File) -> Result<(), String> {
    let types = file.items.iter_mut().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_mut(),
        _ => None,
    });
    let Some((_, items)) = types else {
        return Err("progenitor wrote no module types: look at build/open_types.rs".to_owned());
    };
    let opened: Vec<String> = items.iter().filter_map(unit_enum).map(|item| item.ident.to_string()).collect();
    let descriptions: Vec<_> = items.iter().filter_map(described).collect();
    items.retain(|item| !is_closed_conversion(item, &opened));
    let mut rest = Vec::new();
    for mut item in items.drain(..) {
        match &mut item {
            Item::Enum(closed) if opened.contains(&closed.ident.to_string()) => {
                let impls = open_enum(closed);
                rest.extend([item, impls]);
                continue;
            }
            Item::Enum(union) => union.attrs.extend(open_attributes()),
            Item::Struct(object) => {
                object.attrs.extend(open_attributes());
                derive_default(object);
                object.fields.iter_mut().for_each(|field| describe(field, &descriptions));
            }
            _ => {}
        }
        rest.push(item);
    }
    // `types::error` is for conversions that can fail.
    let conversions = rest.iter().any(|item| matches!(trait_of(item).as_deref(), Some("FromStr" | "TryFrom")));
    rest.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "error" && !conversions));
    *items = rest;
    Ok(())
}

fn described(item: &Item) -> Option<(String, Vec<Attribute>)> {
    let (name, attributes) = match item {
        Item::Struct(item) => (&item.ident, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.attrs),
        _ => return None,
    };
    Some((name.to_string(), attributes.iter().filter(|a| a.path().is_ident("doc")).cloned().collect()))
}

/// Gives a field that is a reference the description of its target: OpenAPI 3.0 allows it none of its own.
fn describe(field: &mut Field, descriptions: &[(String, Vec<Attribute>)]) {
    if field.attrs.iter().any(|a| a.path().is_ident("doc")) {
        return;
    }
    let mut of = &field.ty;
    while let Some(inner) = generic_argument(of) {
        of = inner;
    }
    let refers_to = |described: &str| own_type(of).is_some_and(|name| name == described);
    if let Some((_, description)) = descriptions.iter().find(|(described, _)| refers_to(described)) {
        field.attrs.splice(0..0, description.iter().cloned());
    }
}

fn open_attributes() -> [Attribute; 2] {
    [parse_quote!(#[non_exhaustive]), parse_quote!(#[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema))])]
}

fn unit_enum(item: &Item) -> Option<&ItemEnum> {
    match item {
        Item::Enum(item) if item.variants.iter().all(|v| matches!(v.fields, Fields::Unit)) => Some(item),
        _ => None,
    }
}

fn is_closed_conversion(item: &Item, opened: &[String]) -> bool {
    let Item::Impl(block) = item else { return false };
    let Type::Path(of) = &*block.self_ty else { return false };
    of.path.get_ident().is_some_and(|ident| opened.contains(&ident.to_string()))
        && matches!(trait_of(item).as_deref(), Some("Display" | "FromStr" | "TryFrom"))
}

/// The trait that an item implements.
fn trait_of(item: &Item) -> Option<String> {
    let Item::Impl(block) = item else { return None };
    let (path, _) = block.trait_.as_ref()?;
    path.segments.last().map(|segment| segment.ident.to_string())
}

/// Turns a generated enum into an open one, and returns the macro call that writes its impls.
fn open_enum(item: &mut ItemEnum) -> Item {
    let value = |v: &Variant| renamed(&v.attrs).unwrap_or(v.ident.to_string());
    // A documented option with this name is kept in the variant that also keeps every other value.
    let (kept, own): (Vec<_>, Vec<_>) = item.variants.iter().cloned().partition(|v| v.ident == "Unknown");
    let kept = kept.iter().map(value);
    let idents: Vec<_> = own.iter().map(|v| v.ident.clone()).collect();
    let values: Vec<_> = own.iter().map(value).collect();
    item.variants = own.into_iter().collect();
    for (variant, value) in item.variants.iter_mut().zip(&values) {
        let description = format!("`{value}`");
        variant.attrs = vec![parse_quote!(#[doc = #description])];
    }
    item.variants.push(parse_quote! {
        /// A value that the API description of this crate's version does not know.
        Unknown(::std::string::String)
    });
    item.attrs.retain(|a| !a.path().is_ident("derive"));
    item.attrs.push(parse_quote!(#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]));
    item.attrs.push(parse_quote!(#[non_exhaustive]));
    let examples: Vec<_> = values.iter().cloned().chain(kept.clone()).collect();
    item.attrs.push(parse_quote! {
        #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema),
            schemars(from = "String", into = "String", extend("examples" = [#(#examples),*])))]
    });
    let name = &item.ident;
    parse_quote!(crate::open_enum::open_enum! { #name { #(#idents = #values),* ; #(#kept),* } })
}

fn renamed(attributes: &[Attribute]) -> Option<String> {
    let mut name = None;
    for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("rename") {
                name = Some(meta.value()?.parse::<syn::LitStr>()?.value());
            }
            Ok(())
        });
    }
    name
}

/// typify gives no `Default` to an object with a required field, even one that may be null.
fn derive_default(item: &mut ItemStruct) {
    let derives_it = |attribute: &Attribute| {
        let mut found = false;
        if attribute.path().is_ident("derive") {
            let _ = attribute.parse_nested_meta(|meta| {
                found |= meta.path.segments.last().is_some_and(|segment| segment.ident == "Default");
                Ok(())
            });
        }
        found
    };
    let is_optional = |field: &Field| library_type(&field.ty).is_some_and(|name| name == "Option");
    if !item.attrs.iter().any(derives_it) && item.fields.iter().all(is_optional) {
        item.attrs.push(parse_quote!(#[derive(Default)]));
    }
}
