//! A row for each operation, joined by its `operationId`, and how to tell its response from what someone else sent.

use super::description::{DescribedOperation, Description};
use super::syntax::{generic_argument, last_ident, methods, types};
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
        let mut of_id = methods.iter().filter(|method| same_name(&method.to_string(), id));
        let (Some(name), None) = (of_id.next(), of_id.next()) else {
            return Err(format!("{place}: the operationId {id} does not name exactly one method"));
        };
        let mut of_response = objects(file).filter(|object| same_name(&object.to_string(), response));
        let (Some(object), None) = (of_response.next(), of_response.next()) else {
            return Err(format!("{place}: its response {response} does not name exactly one object with properties"));
        };
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
pub fn base_url(description: &Description) -> Result<Item, String> {
    let url = description.api.servers.first().map(|server| server.url.as_str()).unwrap_or_default();
    if !url.starts_with("https://") || url.contains('{') {
        return Err(
            "servers: the first one needs an https URL without variables, which is the client's default".to_owned()
        );
    }
    Ok(parse_quote! {
        /// The first server of the description.
        pub const BASE_URL: &str = #url;
    })
}

/// Whether two names are the same in different case styles. Such names would collide in the generated code.
fn same_name(one: &str, other: &str) -> bool {
    let letters =
        |name: &str| name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect::<String>();
    letters(one) == letters(other)
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
    match last_ident(&field.ty).map(Ident::to_string).as_deref() {
        Some("Option") => parse_quote!(self.#name.is_some()),
        Some("Vec" | "Map" | "HashMap") => parse_quote!(!self.#name.is_empty()),
        // Required: without it, there would be no value.
        _ => parse_quote!(true),
    }
}

/// Like `has_field`, but an unknown enum value does not count.
fn has_documented_value(field: &Field, open_enums: &BTreeSet<Ident>) -> Expr {
    let name = &field.ident;
    let open = |of: &Type| last_ident(of).and_then(|of| open_enums.get(of));
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
