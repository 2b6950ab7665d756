//! Checks what progenitor wrote: the described types, and only such as stay open. It finds what the check of the description
//! missed, or what another version of progenitor writes.

use super::syntax::{generic_arguments, library_type, own_type, types};
use quote::ToTokens;
use std::collections::BTreeSet;
use syn::{Attribute, Field, File, Ident, Item, Type};

/// Types that take whatever their schema allows. `DateTime` has its time zone in brackets.
const LIBRARY_TYPES: [&str; 10] =
    ["Box", "DateTime", "HashMap", "Map", "Option", "String", "Utc", "Uuid", "Value", "Vec"];
const PRIMITIVES: [&str; 3] = ["bool", "f64", "i64"];

pub fn check(file: &File, described: Vec<String>) -> Result<(), String> {
    let mut missing = BTreeSet::from_iter(described);
    let own: BTreeSet<_> = missing.clone();
    for item in types(file) {
        let (name, attributes) = match item {
            Item::Struct(item) => (&item.ident, &item.attrs),
            Item::Enum(item) => (&item.ident, &item.attrs),
            _ => continue,
        };
        if !missing.remove(&name.to_string()) {
            return Err(format!("{name}: progenitor wrote this type for no schema, or for two"));
        }
        if attributes.iter().any(denies_unknown_fields) {
            return Err(format!("{name}: the generated type rejects unknown fields"));
        }
        match item {
            Item::Struct(item) => {
                check_unique(name, item.fields.iter().filter_map(|field| field.ident.as_ref()))?;
                item.fields.iter().try_for_each(|field| check_field(name, field, &own))?;
            }
            Item::Enum(item) => check_unique(name, item.variants.iter().map(|variant| &variant.ident))?,
            _ => {}
        }
    }
    match missing.first() {
        None => Ok(()),
        Some(name) => Err(format!("{name}: progenitor wrote no type for this schema")),
    }
}

fn check_unique<'a>(of: &Ident, names: impl Iterator<Item = &'a Ident>) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{of}: two of its names become {name} in Rust"));
        }
    }
    Ok(())
}

fn check_field(of: &Ident, field: &Field, own: &BTreeSet<String>) -> Result<(), String> {
    match is_open(&field.ty, own) {
        true => Ok(()),
        false => {
            let (field, ty) = (field.ident.to_token_stream(), field.ty.to_token_stream());
            Err(format!("{of}: its field {field} became {ty}, which may reject what the API sends one day"))
        }
    }
}

fn is_open(of: &Type, own: &BTreeSet<String>) -> bool {
    let known = match (own_type(of), library_type(of)) {
        (Some(name), _) => own.contains(&name.to_string()) || PRIMITIVES.iter().any(|primitive| name == primitive),
        (_, Some(name)) => LIBRARY_TYPES.iter().any(|library| name == library),
        (None, None) => false,
    };
    known && generic_arguments(of).all(|argument| is_open(argument, own))
}

fn denies_unknown_fields(attribute: &Attribute) -> bool {
    let mut denies = false;
    if attribute.path().is_ident("serde") {
        let _ = attribute.parse_nested_meta(|meta| {
            denies |= meta.path.is_ident("deny_unknown_fields");
            Ok(())
        });
    }
    denies
}
