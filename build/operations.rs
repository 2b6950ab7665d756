//! A row for each operation, joined by its `operationId`, and how to tell its response from what someone else sent.

use super::description::{DescribedOperation, Description};
use super::names::{type_name, value_name};
use super::syntax::{generic_argument, library_type, methods, own_type, types};
use quote::{format_ident, quote};
use std::collections::BTreeSet;
use syn::{Expr, Field, Fields, File, Ident, Item, Type, parse_quote};

/// The rows, and an impl for each response type.
pub fn rows(file: &File, operations: &[DescribedOperation]) -> Result<Vec<Item>, String> {
    let methods: Vec<_> = methods(file).map(|method| method.sig.ident.clone()).collect();
    if methods.len() != operations.len() {
        return Err(format!("progenitor wrote {} methods for {} operations", methods.len(), operations.len()));
    }
    let mut rows = Vec::new();
    let mut responses = BTreeSet::new();
    for operation in operations {
        let DescribedOperation { place, id, method, path, success, response } = operation;
        let name = methods.iter().find(|method| value_name(&method.to_string()) == value_name(id));
        let name = name.ok_or_else(|| format!("{place}: progenitor wrote no method for the operationId {id}"))?;
        let object = objects(file).find(|object| **object == type_name(response));
        let object =
            object.ok_or_else(|| format!("{place}: progenitor wrote no struct for the response {response}"))?;
        responses.insert(object.clone());
        let constant = format_ident!("{}", name.to_string().to_uppercase());
        let name = name.to_string();
        let success = success.iter().map(|statuses| {
            let (first, last) = (statuses.start(), statuses.end());
            quote!(#first..=#last)
        });
        let is_safe = operation.is_safe();
        rows.push(quote! {
            pub const #constant: crate::operation::Operation<super::types::#object> = crate::operation::Operation {
                name: #name,
                method: #method,
                path: #path,
                success: &[#(#success),*],
                is_safe: #is_safe,
                response: std::marker::PhantomData,
            };
        });
    }
    let open_enums = types(file).iter().filter_map(open_enum_name).collect();
    let documented_response = |item| documented_response(item, &responses, &open_enums);
    let mut items: Vec<_> = types(file).iter().filter_map(documented_response).collect();
    items.push(parse_quote! {
        /// The operations of the description.
        pub mod operations { #(#rows)* }
    });
    Ok(items)
}

/// The first server of the description.
pub fn base_url(description: &Description) -> Item {
    let url = description.api.servers.first().map_or("", |server| &server.url);
    parse_quote! {
        /// The first server of the description.
        pub const BASE_URL: &str = #url;
    }
}

fn objects(file: &File) -> impl Iterator<Item = &Ident> {
    types(file).iter().filter_map(|item| match item {
        Item::Struct(object) if matches!(object.fields, Fields::Named(_)) => Some(&object.ident),
        _ => None,
    })
}

/// How to tell an operation's response from an object that someone else sent: by the fields it has.
fn documented_response(item: &Item, responses: &BTreeSet<Ident>, open_enums: &BTreeSet<Ident>) -> Option<Item> {
    let Item::Struct(item) = item else { return None };
    let name = responses.get(&item.ident)?;
    let has_field = any(item.fields.iter().map(has_field));
    let has_value = any(item.fields.iter().map(|field| has_documented_value(field, open_enums)));
    Some(parse_quote! {
        impl crate::operation::Documented for types::#name {
            fn has_documented_field(&self) -> bool { #has_field }
            fn has_documented_value(&self) -> bool { #has_value }
        }
    })
}

fn any(conditions: impl Iterator<Item = Expr>) -> Expr {
    conditions.reduce(|all, condition| parse_quote!(#all || #condition)).unwrap_or(parse_quote!(false))
}

fn has_field(field: &Field) -> Expr {
    let name = &field.ident;
    match library_type(&field.ty).map(Ident::to_string).as_deref() {
        Some("Option") => parse_quote!(self.#name.is_some()),
        Some("Vec" | "Map" | "HashMap") => parse_quote!(!self.#name.is_empty()),
        // Required: without it, there would be no value.
        _ => parse_quote!(true),
    }
}

/// Like `has_field`, but an unknown enum value does not count.
fn has_documented_value(field: &Field, open_enums: &BTreeSet<Ident>) -> Expr {
    let name = &field.ident;
    let open = |of: &Type| own_type(of).and_then(|of| open_enums.get(of));
    if let Some(of) = open(&field.ty) {
        return parse_quote!(!matches!(self.#name, types::#of::Unknown(_)));
    }
    match generic_argument(&field.ty).and_then(open) {
        Some(of) => parse_quote!(self.#name.iter().any(|value| !matches!(value, types::#of::Unknown(_)))),
        None => has_field(field),
    }
}

fn open_enum_name(item: &Item) -> Option<Ident> {
    match item {
        Item::Enum(item) if item.variants.last().is_some_and(|v| v.ident == "Unknown") => Some(item.ident.clone()),
        _ => None,
    }
}
