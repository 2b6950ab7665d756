//! Generates a client for every old description in the table, each with a function that calls it with JSON.

#[path = "src/concerned.rs"]
mod concerned;
#[path = "../../build/mod.rs"]
mod generator;
#[allow(dead_code)]
#[path = "../tests/table/mod.rs"]
mod table;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use std::{
    env, fs,
    path::{Path, PathBuf},
};
use syn::{Attribute, FnArg, GenericArgument, ImplItem, Item, Pat, PathArguments, Type, visit_mut::VisitMut};

fn main() {
    for path in [
        "../tests/table.yaml",
        "../tests/table/mod.rs",
        "../tests/specs/parcels.yaml",
        "../tests/specs/shapes.yaml",
        "../tests/specs/onboarding.yaml",
        "../../build",
        "../../src/open_enum.rs",
        "build.rs",
    ] {
        println!("cargo::rerun-if-changed={path}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    // An included file cannot have the documentation of a module.
    let open_enum = fs::read_to_string("../../src/open_enum.rs").expect("UTF-8");
    let open_enum = open_enum.lines().filter(|line| !line.starts_with("//!")).collect::<Vec<_>>().join("\n");
    fs::write(out.join("open_enum.rs"), open_enum).expect("a file");
    let mut modules: Vec<(String, TokenStream)> = Vec::new();
    let mut arms = Vec::new();
    let mut add = |key: String, spec: &serde_json::Value| {
        let mut file = generator::client_of_any(&spec.to_string()).unwrap_or_else(|e| panic!("{key}: {e}"));
        WithoutDocs.visit_file_mut(&mut file);
        // Many changes do not affect the generated code, so those rows share a client.
        let code = file.to_token_stream().to_string();
        let known = modules.iter().position(|(other, _)| *other == code);
        let name = format_ident!("client_{}", known.unwrap_or(modules.len()));
        if known.is_none() {
            let call = call(&file);
            modules.push((code, quote!(pub mod #name { #file #call })));
        }
        arms.push(quote!(#key => #name::call_with_json(http, base, exchange, operation, arguments).await));
    };
    for row in table::rows(Path::new("..")).into_iter().filter(|row| row.unjudged.is_none()) {
        for (wanted, direction, old, new) in [
            (row.forward.is_some(), "forward", &row.base_spec, &row.variant),
            (row.backward.is_some(), "backward", &row.variant, &row.base_spec),
        ] {
            if wanted {
                add(format!("{}: {}, {direction}", row.base, row.name), &concerned::concerned(old, new));
            }
        }
    }
    let modules = modules.into_iter().map(|(_, module)| module);
    let code = quote! {
        #(#modules)*
        /// Calls an operation of the client generated from the named description.
        pub async fn call(
            client: &str, http: reqwest::Client, base: &str, exchange: std::sync::Arc<crate::transport::Exchange>,
            operation: &str, arguments: &serde_json::Value,
        ) -> crate::call::Called {
            match client { #(#arms,)* other => panic!("no client for {other}") }
        }
    };
    fs::write(out.join("clients.rs"), code.to_string()).expect("a file");
}

/// Strips the documentation, which is half of the code.
struct WithoutDocs;

impl VisitMut for WithoutDocs {
    fn visit_attributes_mut(&mut self, attributes: &mut Vec<Attribute>) {
        attributes.retain(|attribute| !attribute.path().is_ident("doc"));
    }
}

fn call(file: &syn::File) -> impl ToTokens {
    let methods = file.items.iter().filter_map(|item| match item {
        Item::Impl(block) if block.trait_.is_none() => Some(&block.items),
        _ => None,
    });
    let arms = methods.flatten().filter_map(|item| match item {
        ImplItem::Fn(method) if method.sig.asyncness.is_some() => Some(method),
        _ => None,
    });
    let arms = arms.map(|method| {
        let ident = &method.sig.ident;
        let name = ident.to_string();
        let mut reads = Vec::new();
        let mut passes = Vec::new();
        for argument in &method.sig.inputs {
            let FnArg::Typed(argument) = argument else { continue };
            let Pat::Ident(pattern) = &*argument.pat else { continue };
            let (name, variable) = (pattern.ident.to_string(), &pattern.ident);
            let (owned, pass) = owned(&argument.ty, variable);
            reads.push(quote! {
                let #variable: #owned = match serde_json::from_value(arguments.get(#name).cloned().unwrap_or_default()) {
                    Ok(value) => value,
                    Err(error) => return crate::call::Called::NotSendable(error.to_string()),
                };
            });
            passes.push(pass);
        }
        let decoded = if method.sig.output.to_token_stream().to_string().contains("ByteStream") {
            quote!(crate::call::Called::decoded(&()))
        } else {
            quote!(crate::call::Called::decoded(&*response))
        };
        quote! {
            #name => {
                #(#reads)*
                match client.#ident(#(#passes),*).await {
                    Ok(response) => { let _ = &response; #decoded }
                    Err(error) => crate::call::Called::Failed(format!("{error:?}")),
                }
            }
        }
    });
    quote! {
        impl ClientHooks<std::sync::Arc<crate::transport::Exchange>> for Client {
            async fn exec(&self, request: reqwest::Request, _: &OperationInfo) -> reqwest::Result<reqwest::Response> {
                self.inner.send(&self.client, request).await
            }
        }

        pub async fn call_with_json(
            http: reqwest::Client, base: &str, exchange: std::sync::Arc<crate::transport::Exchange>,
            operation: &str, arguments: &serde_json::Value,
        ) -> crate::call::Called {
            let client = Client::new_with_client(base, http, exchange);
            match operation { #(#arms)* other => panic!("no operation {other}") }
        }
    }
}

/// The owned type of an argument, and how it is passed.
fn owned(kind: &Type, variable: &syn::Ident) -> (Box<dyn ToTokens>, Box<dyn ToTokens>) {
    let text = |kind: &Type| kind.to_token_stream().to_string() == "str";
    match kind {
        Type::Reference(inner) if text(&inner.elem) => (Box::new(quote!(String)), Box::new(quote!(&#variable))),
        Type::Reference(inner) => (Box::new(inner.elem.clone()), Box::new(quote!(&#variable))),
        Type::Path(path) if path.path.segments.last().is_some_and(|s| s.ident == "Option") => {
            let PathArguments::AngleBracketed(arguments) = &path.path.segments.last().unwrap().arguments else {
                unreachable!()
            };
            let Some(GenericArgument::Type(Type::Reference(inner))) = arguments.args.first() else {
                return (Box::new(kind.clone()), Box::new(quote!(#variable)));
            };
            let inner = &*inner.elem;
            if text(inner) {
                (Box::new(quote!(Option<String>)), Box::new(quote!(#variable.as_deref())))
            } else {
                (Box::new(quote!(Option<#inner>)), Box::new(quote!(#variable.as_ref())))
            }
        }
        kind => (Box::new(kind.clone()), Box::new(quote!(#variable))),
    }
}
