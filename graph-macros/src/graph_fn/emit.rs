//! Emission: the function that dispatches a call, and what stands beside it under its name.

use proc_macro2::{Delimiter, Group, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Attribute, FnArg, GenericParam, Ident, Pat, ReturnType, Signature, parse_quote};

use super::at;
use super::parse::{Function, Parameter, Passing};

pub(super) fn emit(function: &Function) -> TokenStream {
    let items = Items::new(function);
    items.tokens(&items.readable())
}

/// What an inspection function is called, what it calls and gives, and its documentation.
const INSPECTIONS: [(&str, &str, &str); 5] = [
    ("graph", "::grafito::Graph", "The traced graph for these arguments."),
    ("optimized", "::grafito::Graph", "The graph for these arguments after all passes."),
    (
        "plan",
        "::std::sync::Arc<::grafito::Plan>",
        "The compiled plan for these arguments; displayed, its steps.",
    ),
    ("report", "::grafito::Report", "What each pass changed in the graph for these arguments."),
    (
        "profile",
        "::grafito::Profile",
        "Where the time goes: the plan run ten times on copies of these arguments, which stay as they are.",
    ),
];

struct Items<'f> {
    function: &'f Function,
    /// `cfg`s hold for everything emitted.
    cfgs: Vec<&'f Attribute>,
    /// The other attributes, documentation included, are the function's.
    attributes: Vec<&'f Attribute>,
    /// Lint levels are the body's, too.
    lints: Vec<Attribute>,
}

impl<'f> Items<'f> {
    fn new(function: &'f Function) -> Items<'f> {
        let mut items = Items { function, cfgs: Vec::new(), attributes: Vec::new(), lints: Vec::new() };
        for attribute in &function.original.attrs {
            match attribute.path().get_ident().map(Ident::to_string).as_deref() {
                Some("cfg") => items.cfgs.push(attribute),
                Some("allow" | "warn" | "deny" | "forbid") => items.lints.push(attribute.clone()),
                // Only one of the emitted functions may fulfil it.
                Some("expect") => items.lints.push(allowing(attribute)),
                // Emitted in any case.
                Some("track_caller") => {}
                _ => items.attributes.push(attribute),
            }
        }
        items
    }

    fn tokens(&self, expanded: &str) -> TokenStream {
        let cfgs = &self.cfgs;
        let dispatcher = self.dispatcher();
        let beside = self.beside(expanded);
        if self.function.is_associated {
            return quote! { #dispatcher #(#beside)* };
        }
        let visibility = &self.function.original.vis;
        let name = &self.function.original.sig.ident;
        let plain = &self.function.name;
        let doc = format!("What stands behind the traced function [`{plain}`]({plain}()).");
        quote! {
            #dispatcher
            #(#cfgs)*
            #[doc = #doc]
            #[allow(
                non_camel_case_types,
                dead_code,
                missing_copy_implementations,
                missing_debug_implementations,
                unreachable_pub
            )]
            #visibility enum #name {}
            #(#cfgs)*
            impl #name {
                #(#beside)*
            }
        }
    }

    /// The function that users call.
    fn dispatcher(&self) -> TokenStream {
        let (cfgs, attributes, lints) = (&self.cfgs, &self.attributes, &self.lints);
        let visibility = &self.function.original.vis;
        let signature = self.renamed_signature(None);
        let body = self.body_path();
        let direct = self.arguments();
        let (vias, invocation) = (vias(), self.invocation());
        let block = quote! {
            if ::grafito::__private::Function::runs_directly() {
                return #body(#(#direct),*);
            }
            #vias
            #invocation.call()
        };
        // In the place of the user's block, so that what is said of the function is said there.
        let mut block = Group::new(Delimiter::Brace, block);
        block.set_span(at(&self.function.original.block));
        quote! {
            #(#cfgs)*
            #(#attributes)*
            #(#lints)*
            #[track_caller]
            #visibility #signature #block
        }
    }

    /// What stands beside it.
    fn beside(&self, expanded: &str) -> Vec<TokenStream> {
        let visibility = &self.function.original.vis;
        let cfgs: &[&Attribute] = if self.function.is_associated { &self.cfgs } else { &[] };
        let name = &self.function.name;
        let names = self.function.parameters.iter().map(|p| &p.name);
        let function_fn = self.ident("__function");
        let (body, staged) = (self.body(), self.staged());
        let quiet = quote! {
            #(#cfgs)*
            #[allow(dead_code, unreachable_pub, clippy::too_many_arguments, clippy::needless_pass_by_value)]
        };
        let (cache, expanded_fn) = (self.ident("cache"), self.ident("expanded"));
        let mut beside = vec![
            quote! {
                #quiet
                #[doc(hidden)]
                #body
            },
            staged,
            quote! {
                #quiet
                #[doc(hidden)]
                fn #function_fn() -> &'static ::grafito::__private::Function {
                    static FUNCTION: ::grafito::__private::Function =
                        ::grafito::__private::Function::new(#name, &[#(#names),*], #expanded);
                    &FUNCTION
                }
            },
            quote! {
                #quiet
                /// The signatures traced, hits, misses and why each miss.
                #visibility fn #cache() -> ::grafito::CacheInfo {
                    Self::#function_fn().cache()
                }
            },
            quote! {
                #quiet
                /// The source that the macro emitted.
                #visibility fn #expanded_fn() -> &'static str {
                    Self::#function_fn().expanded()
                }
            },
            self.try_call(&quiet),
        ];
        beside.extend(INSPECTIONS.iter().map(|inspection| self.inspection(inspection, &quiet)));
        beside
    }

    /// The user's function as lowered.
    fn body(&self) -> TokenStream {
        let mut signature = self.function.lowered.sig.clone();
        signature.ident = self.ident("__body");
        let block = importing(&self.function.lowered.block);
        let lints = &self.lints;
        quote! {
            #(#lints)*
            #signature #block
        }
    }

    /// The user's function with its control flow staged: what is traced. Whatever is to be said of the user's code is
    /// said of the eager body.
    fn staged(&self) -> TokenStream {
        let mut signature = self.function.lowered.sig.clone();
        signature.ident = self.ident("__staged");
        let block = &self.function.staged;
        let cfgs: &[&Attribute] = if self.function.is_associated { &self.cfgs } else { &[] };
        quote! {
            #(#cfgs)*
            #[doc(hidden)]
            #[allow(
                unused, unreachable_code, unused_braces, unused_parens, unreachable_pub, non_snake_case, deprecated,
                clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction
            )]
            #signature #block
        }
    }

    fn try_call(&self, quiet: &TokenStream) -> TokenStream {
        let visibility = &self.function.original.vis;
        let mut signature = self.renamed_signature(Some("try_call"));
        let result = match &signature.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => quote!(#ty),
        };
        signature.output = parse_quote!(-> ::std::result::Result<#result, ::grafito::Error>);
        let body = self.body_path();
        let direct = self.arguments();
        let (vias, invocation) = (vias(), self.invocation());
        quote! {
            #quiet
            /// The call, with the operation that failed as an error.
            ///
            /// # Errors
            /// That of the first operation that failed.
            #[track_caller]
            #visibility #signature {
                if ::grafito::__private::Function::runs_directly() {
                    return ::grafito::__private::catch(|| #body(#(#direct),*));
                }
                #vias
                #invocation.try_call()
            }
        }
    }

    fn inspection(&self, inspection: &(&str, &str, &str), quiet: &TokenStream) -> TokenStream {
        let (name, result, doc) = inspection;
        let visibility = &self.function.original.vis;
        let mut signature = self.renamed_signature(Some(name));
        let result: TokenStream = result.parse().expect("a path");
        signature.output = parse_quote!(-> #result);
        let method = Ident::new(name, Span::call_site());
        let (vias, invocation) = (vias(), self.invocation());
        quote! {
            #quiet
            #[doc = #doc]
            #[track_caller]
            #visibility #signature {
                #vias
                #invocation.#method()
            }
        }
    }

    /// The user's signature with plain names for the parameters; under another name if one is given.
    fn renamed_signature(&self, name: Option<&str>) -> Signature {
        let mut signature = self.function.original.sig.clone();
        if let Some(name) = name {
            signature.ident = self.ident(name);
        }
        for (input, parameter) in signature.inputs.iter_mut().zip(&self.function.parameters) {
            match input {
                FnArg::Typed(input) => {
                    let ident = &parameter.ident;
                    *input.pat = Pat::Verbatim(quote!(#ident));
                }
                FnArg::Receiver(receiver) => receiver.mutability = None,
            }
        }
        signature
    }

    fn arguments(&self) -> Vec<&Ident> {
        self.function.parameters.iter().map(|parameter| &parameter.ident).collect()
    }

    /// The call with its arguments, on which there is a method for each thing to do.
    fn invocation(&self) -> TokenStream {
        let (function, body) = (self.path("__function"), self.body_path());
        let (wrapped, traced) = (self.wrapped(), self.traced_call());
        // Whatever is wrong with the result is told at its type.
        let span = match &self.function.original.sig.output {
            ReturnType::Type(_, ty) => at(ty),
            ReturnType::Default => Span::mixed_site(),
        };
        let on = Ident::new("on", span);
        quote!(#function().#on(&#body, #wrapped, #traced))
    }

    /// The lowered function with the generic parameters of this call: what cannot be inferred from the arguments
    /// must be named, and the others may be.
    fn body_path(&self) -> TokenStream {
        self.generic_path("__body")
    }

    fn generic_path(&self, name: &str) -> TokenStream {
        let body = self.path(name);
        let parameters = &self.function.original.sig.generics.params;
        let parameters: Vec<&Ident> = parameters
            .iter()
            .filter_map(|parameter| match parameter {
                GenericParam::Type(parameter) => Some(&parameter.ident),
                GenericParam::Const(parameter) => Some(&parameter.ident),
                GenericParam::Lifetime(_) => None,
            })
            .collect();
        if parameters.is_empty() { body } else { quote!(#body::<#(#parameters),*>) }
    }

    /// The arguments in the wrappers that say how they are passed.
    fn wrapped(&self) -> TokenStream {
        let wrapped = self.function.parameters.iter().map(|Parameter { ident, passing, ty, .. }| {
            // Whatever is wrong with an argument is told at its type.
            let span = ty.as_ref().map_or_else(Span::mixed_site, at);
            let of = quote_spanned!(span=> ::grafito::__private::Tag::of);
            match passing {
                Passing::Mut => {
                    let wrap = quote_spanned!(span=> ::grafito::__private::ByMut::new);
                    quote!(#wrap(#ident))
                }
                Passing::Ref => {
                    let by_ref = Ident::new("by_ref", span);
                    quote!((&&&#of(#ident)).#by_ref(#ident))
                }
                Passing::Value => {
                    let by_value = Ident::new("by_value", span);
                    quote!((&&&#of(&#ident)).#by_value(#ident))
                }
            }
        });
        quote!((#(#wrapped,)*))
    }

    /// The closure that calls the body on traced copies.
    fn traced_call(&self) -> TokenStream {
        let name = |parameter: &Parameter| match parameter.name.as_str() {
            // No closure can have a parameter called `self`.
            "self" => Ident::new("this", Span::mixed_site()),
            _ => {
                let mut name = parameter.ident.clone();
                name.set_span(Span::mixed_site());
                name
            }
        };
        let names: Vec<Ident> = self.function.parameters.iter().map(name).collect();
        let passed =
            names.iter().zip(&self.function.parameters).map(|(name, parameter)| match parameter.passing {
                Passing::Mut => quote!(#name),
                Passing::Ref => quote!(::grafito::__private::lend(#name)),
                Passing::Value => quote!(::grafito::__private::give(#name)),
            });
        let body = self.generic_path("__staged");
        quote!(|(#(#names,)*)| #body(#(#passed),*))
    }

    /// What `expanded` shows: the dispatcher and the body as lowered, as a person would write them.
    fn readable(&self) -> String {
        let dispatcher = self.dispatcher();
        let (body, staged) = (self.body(), self.staged());
        let name = &self.function.original.sig.ident;
        let items = match self.function.is_associated {
            true => quote!(impl Self_ { #dispatcher #body #staged }),
            false => quote!(#dispatcher impl #name { #body #staged }),
        };
        match syn::parse2::<syn::File>(items.clone()) {
            Ok(file) => readable_paths(&prettyplease::unparse(&file)),
            Err(_) => items.to_string(),
        }
    }

    /// The name of something beside the function: plain for a free function, which has a type of its name around it.
    fn ident(&self, name: &str) -> Ident {
        let function = &self.function.original.sig.ident;
        match (self.function.is_associated, name.strip_prefix("__")) {
            (false, _) => Ident::new(name, Span::call_site()),
            (true, Some(hidden)) => format_ident!("__{function}_{hidden}"),
            (true, None) => format_ident!("{function}_{name}"),
        }
    }

    /// The path to something beside the function.
    fn path(&self, name: &str) -> TokenStream {
        let ident = self.ident(name);
        let function = &self.function.original.sig.ident;
        match self.function.is_associated {
            true => quote!(Self::#ident),
            false => quote!(#function::#ident),
        }
    }
}

/// An eager body with the traits in scope that its operators are routed to.
pub(super) fn importing(block: &syn::Block) -> syn::Block {
    let mut block = block.clone();
    let imports = parse_quote! {
        #[allow(unused_imports)]
        use ::grafito::__private::{
            CompareHost as _, CompareScalar as _, CompareTensor as _, HostAt as _, HostPlace as _, HostRange as _,
            TensorAt as _, TensorBounds as _, TensorPlace as _,
        };
    };
    block.stmts.insert(0, imports);
    block
}

/// The traits by which arguments are wrapped, in scope.
fn vias() -> TokenStream {
    quote! {
        #[allow(unused_imports)]
        use ::grafito::__private::{Invoke as _, Refuse as _, ViaFixed as _, ViaTree as _};
    }
}

/// Emitted source as a person would write it: with what the paths lead to in scope, and without the lines that only
/// the compiler needs.
fn readable_paths(source: &str) -> String {
    let mut short = String::new();
    let mut until: Option<&str> = None;
    for line in source.lines() {
        let text = line.trim();
        match until {
            Some(end) if text.ends_with(end) => until = None,
            Some(_) => {}
            None if text.starts_with("use ::grafito::__private::{") && !text.ends_with(';') => {
                until = Some("};")
            }
            None if text == "#[allow(" => until = Some(")]"),
            None if text.starts_with("use ::grafito::__private::") => {}
            None if text.contains("unused_imports") || text == "#[doc(hidden)]" => {}
            None => {
                short.push_str(line);
                short.push('\n');
            }
        }
    }
    let short = short.replace("impl Self_", "impl Self");
    short
        .replace("::grafito::__private::", "")
        .replace("::grafito::", "")
        .replace("::std::option::Option::", "")
}

/// `#[allow(..)]` of what `#[expect(..)]` expects.
fn allowing(expect: &Attribute) -> Attribute {
    match &expect.meta {
        syn::Meta::List(list) => {
            let lints = &list.tokens;
            parse_quote!(#[allow(#lints)])
        }
        _ => expect.clone(),
    }
}
