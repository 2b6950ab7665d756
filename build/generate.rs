//! What progenitor generates, and the changes to its client.

use super::description::{Description, schema_of};
use super::syntax::methods_mut;
use openapiv3::{OpenAPI, Operation, PathItem, ReferenceOr, Response, StatusCode};
use progenitor::{GenerationSettings, Generator, HooksMode};
use quote::{ToTokens, quote};
use std::{cell::Cell, panic, sync::Once};
use syn::{Expr, File, Item, Lit, Local, Member, Stmt, Token, parse_quote, punctuated::Punctuated};

/// A client whose methods send but do not decode: the response goes to the hook `exec`, in `src/generated.rs`.
pub fn client(description: &Description) -> Result<File, String> {
    let mut file = generated(&only_success(description, |response| response.content.clear()))?;
    // Its `Debug` could show the token in its inner value.
    let mut clients = file.items.iter_mut().filter_map(|item| match item {
        Item::Struct(client) if client.ident == "Client" => Some(client),
        _ => None,
    });
    let client = clients.next().ok_or("progenitor wrote no struct Client: look at build/generate.rs")?;
    client.attrs.retain(|attribute| !attribute.path().is_ident("derive"));
    Ok(file)
}

/// A client whose methods decode what they receive.
pub fn decoding_client(description: &Description) -> Result<File, String> {
    generated(&only_success(description, |_| ()))
}

/// The httpmock helpers for the client in the module at `client`. They cover the documented errors too.
pub fn mocks(description: &Description, client: &str) -> Result<File, String> {
    let mut api = description.api.clone();
    let referenced = api.components.iter_mut().flat_map(|components| components.responses.values_mut());
    let inline = api.paths.paths.values_mut().flat_map(|item| match item {
        ReferenceOr::Item(item) => operations_mut(item).collect(),
        ReferenceOr::Reference { .. } => Vec::new(),
    });
    let inline = inline.flat_map(|operation| {
        let responses = &mut operation.responses;
        responses.responses.values_mut().chain(&mut responses.default)
    });
    for response in referenced.chain(inline) {
        // Only the schemas in the components are types of the client. Other content is written by hand.
        if let ReferenceOr::Item(response) = response
            && schema_of(response).is_none()
        {
            response.content.clear();
        }
    }
    parsed(without_panic(|| Generator::default().httpmock(&api, client))?)
}

fn generated(api: &OpenAPI) -> Result<File, String> {
    let mut settings = GenerationSettings::new();
    settings
        .with_inner_type(quote!(std::sync::Arc<crate::transport::Exchange>))
        .with_hooks(HooksMode::Expected)
        .with_derive("PartialEq");
    parsed(without_panic(|| Generator::new(&settings).generate_tokens(api))?)
}

/// Leaves each operation only its first success, widened to any 2xx: every other response reaches the client whole. With a
/// documented error, status and headers would be lost if its body did not have the documented shape.
fn only_success(description: &Description, change: impl Fn(&mut Response)) -> OpenAPI {
    let mut api = description.api.clone();
    for item in api.paths.paths.values_mut() {
        let ReferenceOr::Item(item) = item else { continue };
        for operation in operations_mut(item) {
            let success = description.successes(operation).next().cloned();
            let responses = &mut operation.responses;
            responses.default = None;
            responses.responses.clear();
            responses.responses.extend(success.map(|mut response| {
                change(&mut response);
                (StatusCode::Range(2), ReferenceOr::Item(response))
            }));
        }
    }
    api
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    let PathItem { get, put, post, delete, options, head, patch, trace, .. } = item;
    [get, put, post, delete, options, head, patch, trace].into_iter().flatten()
}

/// Makes each operation ask the exchange for its URL, so that the base URL is parsed only once. Fails if progenitor no longer
/// writes the expected code.
pub fn url_of_the_exchange(file: &mut File) -> Result<(), String> {
    for method in methods_mut(file) {
        let mut changed = 0;
        for statement in &mut method.block.stmts {
            let Stmt::Local(Local { init: Some(init), .. }) = statement else { continue };
            let Some(path) = path_below_base(&init.expr) else { continue };
            *init.expr = match path.len() {
                1 => parse_quote!(self.inner.url(#path)),
                _ => parse_quote!(self.inner.url(&format!(#path))),
            };
            changed += 1;
        }
        if changed != 1 {
            let name = &method.sig.ident;
            return Err(format!("progenitor wrote {changed} URLs in {name}, not one: look at build/generate.rs"));
        }
    }
    Ok(())
}

/// The arguments of `format!("{}/…", self.baseurl, …)`, without the base URL.
fn path_below_base(expression: &Expr) -> Option<Punctuated<Expr, Token![,]>> {
    let Expr::Macro(call) = expression else { return None };
    let arguments = call.mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated).ok()?;
    let mut arguments = arguments.into_iter();
    let (Expr::Lit(format), Expr::Field(base)) = (arguments.next()?, arguments.next()?) else { return None };
    let Lit::Str(format) = format.lit else { return None };
    let path = format
        .value()
        .strip_prefix("{}")
        .filter(|_| matches!(&base.member, Member::Named(name) if name == "baseurl"))?
        .to_owned();
    Some([parse_quote!(#path)].into_iter().chain(arguments).collect())
}

fn parsed(tokens: impl ToTokens) -> Result<File, String> {
    syn::parse2(tokens.into_token_stream()).map_err(|e| format!("progenitor wrote code that does not parse: {e}"))
}

/// progenitor panics on some of what it does not support; whoever edits the description should get a sentence.
fn without_panic<T>(generate: impl FnOnce() -> Result<T, progenitor::Error>) -> Result<T, String> {
    // The hook is global, and other threads may panic meanwhile: theirs is shown.
    thread_local! { static IS_QUIET: Cell<bool> = const { Cell::new(false) } }
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let shown = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                shown(panic);
            }
        }));
    });
    IS_QUIET.set(true);
    let result = panic::catch_unwind(panic::AssertUnwindSafe(generate));
    IS_QUIET.set(false);
    match result {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(panic) => {
            let reason = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("progenitor cannot generate a client from this: {}", reason.unwrap_or("it does not say why")))
        }
    }
}
