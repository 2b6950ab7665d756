//! Generates the client from `openapi.yaml`: YAML, then progenitor, then one pass over the syntax tree.
//!
//! `generate` is all of it, so that tests can include this file, run it on other descriptions, and show what it wrote.

use openapiv3::{OpenAPI, Operation, StatusCode};
use progenitor::{GenerationSettings, Generator};
use quote::{ToTokens, format_ident, quote};
use serde_json::Value;
use std::{
    collections::BTreeSet,
    env, fs, panic,
    path::Path,
    process,
    sync::{Mutex, PoisonError},
};
use syn::{
    Attribute, Expr, Field, Fields, File, GenericArgument, Ident, ImplItem, ImplItemFn, Item, ItemEnum, ItemMod,
    ItemStruct, Lit, Local, PathArguments, ReturnType, Stmt, Token, Type, Variant, parse_quote, punctuated::Punctuated,
};

#[allow(dead_code)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=openapi.yaml");
    if let Err(error) = run() {
        for line in error.lines() {
            println!("cargo::error=openapi.yaml: {line}");
        }
        process::exit(1);
    }
}

fn run() -> Result<(), String> {
    let spec = fs::read_to_string("openapi.yaml").map_err(|e| format!("cannot be read: {e}"))?;
    write("generated.rs", generate(&spec)?)?;
    if env::var_os("CARGO_FEATURE_SANDBOX").is_some() {
        write("mocks.rs", generate_mocks(&spec)?)?;
    }
    Ok(())
}

fn write(name: &str, file: File) -> Result<(), String> {
    let path = Path::new(&env::var_os("OUT_DIR").expect("cargo sets OUT_DIR")).join(name);
    let code = file.into_token_stream().to_string();
    fs::write(&path, code).map_err(|e| format!("{} cannot be written: {e}", path.display()))
}

/// The client of a description, or what is wrong with it.
pub fn generate(spec: &str) -> Result<File, String> {
    let documented = parse(spec)?;
    let api = success_only(&documented)?;
    let mut settings = GenerationSettings::new();
    settings.with_inner_type(quote!(std::sync::Arc<crate::transport::Exchange>)).with_derive("PartialEq");
    let mut file = parsed(without_panic(|| Generator::new(&settings).generate_tokens(&api))?)?;
    // Hooks that nothing calls any more.
    file.items.retain(
        |item| !matches!(item, Item::Impl(block) if block.to_token_stream().to_string().contains("ClientHooks")),
    );
    let mut names = Vec::new();
    let mut responses = BTreeSet::new();
    for item in &mut file.items {
        match item {
            Item::Mod(module) if module.ident == "types" => open_types(module),
            // Its Debug could show the token that an inner value holds.
            Item::Struct(client) if client.ident == "Client" => client.attrs.retain(|a| !a.path().is_ident("derive")),
            Item::Impl(block) if block.trait_.is_none() => {
                for method in block.items.iter_mut().filter_map(operation) {
                    lean(method);
                    names.push(method.sig.ident.to_string());
                    responses.extend(response_type(&method.sig.output));
                }
            }
            _ => {}
        }
    }
    let open_enums = types(&file).iter().filter_map(open_enum_name).collect();
    let documented_response = |item| documented_response(item, &responses, &open_enums);
    let impls: Vec<_> = types(&file).iter().filter_map(documented_response).collect();
    file.items.extend(impls);
    file.items.push(operations(&documented, names));
    Ok(file)
}

/// The httpmock helpers of a description. They know the documented errors too, so it is taken as it is.
pub fn generate_mocks(spec: &str) -> Result<File, String> {
    let api = parse(spec)?;
    parsed(without_panic(|| Generator::default().httpmock(&api, "crate::generated"))?)
}

fn parsed(tokens: impl ToTokens) -> Result<File, String> {
    syn::parse2(tokens.into_token_stream()).map_err(|e| format!("progenitor wrote code that does not parse: {e}"))
}

fn parse(spec: &str) -> Result<OpenAPI, String> {
    let api: OpenAPI = yaml_serde::from_str(spec).map_err(|e| e.to_string())?;
    let document = serde_json::to_value(&api).map_err(|e| e.to_string())?;
    let mut dangling = Vec::new();
    dangling_references(&document, &document, &mut dangling);
    let line = |reference: &str| {
        let holds = |line: &str| line.trim_end_matches(['\'', '"', ' ', '}']).ends_with(reference);
        spec.lines().position(holds).map_or(0, |n| n + 1)
    };
    match dangling.as_slice() {
        [] => Ok(api),
        // progenitor would unwrap a None here, without a word about which.
        list => {
            Err(list.iter().map(|r| format!("line {}: $ref '{r}' leads nowhere in this document\n", line(r))).collect())
        }
    }
}

fn dangling_references<'a>(node: &'a Value, document: &Value, found: &mut Vec<&'a str>) {
    match node {
        Value::Object(map) => {
            if let Some(Value::String(reference)) = map.get("$ref") {
                let target = reference.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
                if target.is_none() && !found.contains(&reference.as_str()) {
                    found.push(reference);
                }
            }
            map.values().for_each(|child| dangling_references(child, document, found));
        }
        Value::Array(list) => list.iter().for_each(|child| dangling_references(child, document, found)),
        _ => {}
    }
}

/// Leaves each operation its success alone, widened to any 2xx: one decode path, and every other reply reaches the
/// hook whole. A documented error would lose status and headers where its body is not of the documented shape.
fn success_only(api: &OpenAPI) -> Result<OpenAPI, String> {
    let mut document = serde_json::to_value(api).map_err(|e| e.to_string())?;
    let paths = document["paths"].as_object_mut().into_iter().flatten();
    for (path, item) in paths {
        for (method, operation) in item.as_object_mut().into_iter().flatten() {
            let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { continue };
            responses.retain(|status, _| status.starts_with('2'));
            let mut bodies = responses.values().map(|response| (&response["$ref"], &response["content"]));
            let first = bodies.next();
            if first.is_none() || bodies.any(|body| Some(body) != first) {
                return Err(format!("{method} {path}: needs one or more 2xx responses, all of one body"));
            }
            let success = responses.values().next().cloned();
            responses.clear();
            responses.extend(success.map(|response| ("2XX".to_owned(), response)));
        }
    }
    serde_json::from_value(document).map_err(|e| e.to_string())
}

/// progenitor panics at some of what it does not support; whoever edits the description should get a sentence.
fn without_panic<T>(generate: impl FnOnce() -> Result<T, progenitor::Error>) -> Result<T, String> {
    // The hook is the process's, and tests generate on many threads.
    static HOOK: Mutex<()> = Mutex::new(());
    let _own = HOOK.lock().unwrap_or_else(PoisonError::into_inner);
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(panic::AssertUnwindSafe(generate));
    panic::set_hook(hook);
    match result {
        Ok(result) => result.map_err(|e| e.to_string()),
        Err(panic) => {
            let reason = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            Err(format!("progenitor cannot generate a client from this: {}", reason.unwrap_or("it does not say why")))
        }
    }
}

fn operation(item: &mut ImplItem) -> Option<&mut ImplItemFn> {
    match item {
        ImplItem::Fn(method) if method.sig.asyncness.is_some() => Some(method),
        _ => None,
    }
}

/// Takes off an operation what costs a call and gives it nothing: the parsing of a base URL that was parsed before, hooks whose
/// futures keep the request until the reply is there, a second reading of the body, and a header of progenitor's own, which the
/// API does not document and a version-aware server would act on.
fn lean(method: &mut ImplItemFn) {
    for statement in &mut method.block.stmts {
        if let Stmt::Local(Local { init: Some(init), .. }) = statement
            && let Some(path) = path_below_base(&init.expr)
        {
            *init.expr = match path.len() {
                1 => parse_quote!(self.inner.url(#path)),
                _ => parse_quote!(self.inner.url(&format!(#path))),
            };
        }
    }
    let says = |statement: &Stmt, text: &str| statement.to_token_stream().to_string().contains(text);
    let replaced = ["\"api-version\"", "let info =", "self . pre (", "self . post (", "let response ="];
    method.block.stmts.retain(|statement| !replaced.iter().any(|text| says(statement, text)));
    for statement in &mut method.block.stmts {
        if says(statement, "self . exec (") {
            *statement = parse_quote!(let response = self.inner.send(&self.client, request).await?;);
        }
    }
    if !method.block.stmts.iter().any(|statement| says(statement, "header_map . append")) {
        method.block.stmts.retain(|statement| !says(statement, "let mut header_map"));
        for statement in &mut method.block.stmts {
            if let Stmt::Local(Local { init: Some(init), .. }) = statement {
                without_headers(&mut init.expr);
            }
        }
    }
    if let Some(Stmt::Expr(Expr::Match(by_status), None)) = method.block.stmts.last_mut() {
        for arm in &mut by_status.arms {
            if arm.body.to_token_stream().to_string().contains("ResponseValue :: from_response (response)") {
                *arm.body = parse_quote!(self.inner.decode());
            }
        }
    }
}

fn without_headers(chain: &mut Expr) {
    match chain {
        Expr::Try(inner) => without_headers(&mut inner.expr),
        Expr::MethodCall(call) if call.method == "headers" => *chain = (*call.receiver).clone(),
        Expr::MethodCall(call) => without_headers(&mut call.receiver),
        _ => {}
    }
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
        .filter(|_| base.to_token_stream().to_string() == "self . baseurl")?
        .to_owned();
    Some([parse_quote!(#path)].into_iter().chain(arguments).collect())
}

/// What logs and reports tell of each operation, by the name of its generated method.
fn operations(api: &OpenAPI, names: Vec<String>) -> Item {
    let places = api.paths.iter().flat_map(|(path, item)| {
        let operations = item.as_item().into_iter().flat_map(|item| item.iter());
        operations.map(move |(method, operation)| (method.to_uppercase(), path, success_statuses(operation)))
    });
    let constants = names.into_iter().zip(places).map(|(name, (method, path, success))| {
        let constant = format_ident!("{}", name.to_uppercase());
        quote! {
            pub const #constant: crate::operation::Operation =
                crate::operation::Operation { name: #name, method: #method, path: #path, success: #success };
        }
    });
    parse_quote! {
        /// The operations of the description.
        pub mod operations { #(#constants)* }
    }
}

fn success_statuses(operation: &Operation) -> impl ToTokens + use<> {
    let statuses = operation.responses.responses.keys().filter_map(|status| match status {
        StatusCode::Code(code @ 200..=299) => Some(quote!(#code..=#code)),
        StatusCode::Range(2) => Some(quote!(200..=299)),
        _ => None,
    });
    quote!(&[#(#statuses),*])
}

/// The type in `Result<ResponseValue<types::Name>, Error<()>>`, which is what a generated method returns.
fn response_type(output: &ReturnType) -> Option<Ident> {
    let ReturnType::Type(_, result) = output else { return None };
    let Type::Path(response) = generic_argument(generic_argument(result)?)? else { return None };
    let segments: Vec<_> = response.path.segments.iter().collect();
    match segments.as_slice() {
        [module, name] if module.ident == "types" => Some(name.ident.clone()),
        _ => None,
    }
}

/// The first argument in angle brackets.
fn generic_argument(of: &Type) -> Option<&Type> {
    let Type::Path(of) = of else { return None };
    let PathArguments::AngleBracketed(arguments) = &of.path.segments.last()?.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(argument) => Some(argument),
        _ => None,
    }
}

fn types(file: &File) -> &[Item] {
    let types = file.items.iter().find_map(|item| match item {
        Item::Mod(module) if module.ident == "types" => module.content.as_ref(),
        _ => None,
    });
    types.map_or(&[], |(_, items)| items)
}

/// How to tell the response of an operation from an object that somebody else wrote: by the fields that it has.
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
        // It is required: without it, there would be no value.
        _ => parse_quote!(true),
    }
}

/// As `has_field`, but the unknown value of an enum does not count.
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

fn last_ident(of: &Type) -> Option<&Ident> {
    match of {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

fn open_enum_name(item: &Item) -> Option<Ident> {
    match item {
        Item::Enum(item) if item.variants.last().is_some_and(|v| v.ident == "Unknown") => Some(item.ident.clone()),
        _ => None,
    }
}

/// Makes what the API may add to later an addition for us too: new fields, and new values of an enum.
fn open_types(module: &mut ItemMod) {
    let Some((_, items)) = &mut module.content else { return };
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
    let conversions = rest.iter().any(|item| match item {
        Item::Mod(_) => false,
        item => item.to_token_stream().to_string().contains("ConversionError"),
    });
    rest.retain(|item| !matches!(item, Item::Mod(module) if module.ident == "error" && !conversions));
    *items = rest;
}

fn described(item: &Item) -> Option<(String, Vec<Attribute>)> {
    let (name, attributes) = match item {
        Item::Struct(item) => (&item.ident, &item.attrs),
        Item::Enum(item) => (&item.ident, &item.attrs),
        _ => return None,
    };
    Some((name.to_string(), attributes.iter().filter(|a| a.path().is_ident("doc")).cloned().collect()))
}

/// Gives a field that is a reference the description of what it refers to: OpenAPI 3.0 allows it none of its own.
fn describe(field: &mut Field, descriptions: &[(String, Vec<Attribute>)]) {
    if field.attrs.iter().any(|a| a.path().is_ident("doc")) {
        return;
    }
    let text = field.ty.to_token_stream().to_string();
    let name = text.split(|c: char| !c.is_alphanumeric() && c != '_').rfind(|word| !word.is_empty());
    if let Some((_, description)) = descriptions.iter().find(|(described, _)| Some(described.as_str()) == name) {
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
    let Item::Impl(item) = item else { return false };
    let Type::Path(of) = &*item.self_ty else { return false };
    let name = item.trait_.as_ref().and_then(|(path, _)| path.segments.last()).map(|s| s.ident.to_string());
    of.path.get_ident().is_some_and(|ident| opened.contains(&ident.to_string()))
        && matches!(name.as_deref(), Some("Display" | "FromStr" | "TryFrom"))
}

/// Turns a generated enum into an open one, and returns the macro call that writes its impls.
fn open_enum(item: &mut ItemEnum) -> Item {
    let value = |v: &Variant| renamed(&v.attrs).unwrap_or(v.ident.to_string());
    // A documented option of this name is held by the variant that holds every other value too.
    let (held, own): (Vec<_>, Vec<_>) = item.variants.iter().cloned().partition(|v| v.ident == "Unknown");
    let held = held.iter().map(value);
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
    let examples: Vec<_> = values.iter().cloned().chain(held.clone()).collect();
    item.attrs.push(parse_quote! {
        #[cfg_attr(feature = "schemars", derive(::schemars::JsonSchema),
            schemars(from = "String", into = "String", extend("examples" = [#(#examples),*])))]
    });
    let name = &item.ident;
    parse_quote!(crate::open_enum::open_enum! { #name { #(#idents = #values),* ; #(#held),* } })
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
    let derives_it = |a: &Attribute| a.path().is_ident("derive") && a.to_token_stream().to_string().contains("Default");
    let optional =
        |field: &syn::Field| field.ty.to_token_stream().to_string().starts_with(":: std :: option :: Option");
    if !item.attrs.iter().any(derives_it) && item.fields.iter().all(optional) {
        item.attrs.push(parse_quote!(#[derive(Default)]));
    }
}
