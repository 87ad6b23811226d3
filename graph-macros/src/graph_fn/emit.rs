//! Emission: the function that dispatches a call, and what stands beside it under its name.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, GenericParam, Ident, Pat, Signature, parse_quote};

use super::parse::{Function, Parameter, Passing};

pub(super) fn emit(function: &Function) -> TokenStream {
    let items = Items::new(function);
    items.tokens(&items.readable())
}

/// What an inspection function is called, what it calls and gives, and its documentation.
const INSPECTIONS: [(&str, &str, &str); 4] = [
    ("graph", "::grafito::Graph", "The traced graph for these arguments."),
    ("optimized", "::grafito::Graph", "The graph for these arguments after all passes."),
    ("plan", "::std::string::String", "The compiled plan for these arguments, as text."),
    ("report", "::grafito::Report", "What each pass changed in the graph for these arguments."),
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
        let (instance, body) = (self.instance(), self.body_path());
        let direct = self.arguments();
        let (wrapped, traced) = (self.wrapped(), self.traced_call());
        quote! {
            #(#cfgs)*
            #(#attributes)*
            #(#lints)*
            #[track_caller]
            #visibility #signature {
                if ::grafito::__private::Function::runs_directly() {
                    return #body(#(#direct),*);
                }
                #[allow(unused_imports)]
                use ::grafito::__private::{ViaFixed as _, ViaTree as _};
                #instance.call(#wrapped, #traced)
            }
        }
    }

    /// What stands beside it.
    fn beside(&self, expanded: &str) -> Vec<TokenStream> {
        let visibility = &self.function.original.vis;
        let cfgs: &[&Attribute] = if self.function.is_associated { &self.cfgs } else { &[] };
        let name = &self.function.name;
        let names = self.function.parameters.iter().map(|p| &p.name);
        let function_fn = self.ident("__function");
        let body = self.body();
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
        let block = &self.function.lowered.block;
        let lints = &self.lints;
        quote! {
            #(#lints)*
            #signature #block
        }
    }

    fn try_call(&self, quiet: &TokenStream) -> TokenStream {
        let visibility = &self.function.original.vis;
        let mut signature = self.renamed_signature(Some("try_call"));
        let result = match &signature.output {
            syn::ReturnType::Default => quote!(()),
            syn::ReturnType::Type(_, ty) => quote!(#ty),
        };
        signature.output = parse_quote!(-> ::std::result::Result<#result, ::grafito::Error>);
        let (instance, body) = (self.instance(), self.body_path());
        let direct = self.arguments();
        let (wrapped, traced) = (self.wrapped(), self.traced_call());
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
                #[allow(unused_imports)]
                use ::grafito::__private::{ViaFixed as _, ViaTree as _};
                #instance.try_call(#wrapped, #traced)
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
        let instance = self.instance();
        let (wrapped, traced) = (self.wrapped(), self.traced_call());
        quote! {
            #quiet
            #[doc = #doc]
            #[track_caller]
            #visibility #signature {
                #[allow(unused_imports)]
                use ::grafito::__private::{ViaFixed as _, ViaTree as _};
                #instance.#method(#wrapped, #traced)
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

    /// The arguments in the wrappers that say how they are passed.
    fn wrapped(&self) -> TokenStream {
        let wrapped = self.function.parameters.iter().map(|Parameter { ident, passing, .. }| match passing {
            Passing::Mut => quote!(::grafito::__private::ByMut(#ident)),
            Passing::Ref => quote!((&&::grafito::__private::Tag::of(#ident)).by_ref(#ident)),
            Passing::Value => quote!((&&::grafito::__private::Tag::of(&#ident)).by_value(#ident)),
        });
        quote!((#(#wrapped,)*))
    }

    /// The traced function with the generic parameters of this call.
    fn instance(&self) -> TokenStream {
        let (function, body) = (self.path("__function"), self.body_path());
        quote!(#function().of(&#body))
    }

    /// The lowered function with the generic parameters of this call: what cannot be inferred from the arguments
    /// must be named, and the others may be.
    fn body_path(&self) -> TokenStream {
        let body = self.path("__body");
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

    /// The closure that calls the body on traced copies.
    fn traced_call(&self) -> TokenStream {
        let names: Vec<Ident> = (0..self.function.parameters.len())
            .map(|i| Ident::new(&format!("traced_{i}"), Span::mixed_site()))
            .collect();
        let passed =
            names.iter().zip(&self.function.parameters).map(|(name, parameter)| match parameter.passing {
                Passing::Mut => quote!(#name),
                Passing::Ref => quote!(::std::borrow::Borrow::borrow(&*#name)),
                Passing::Value => quote!(#name.take().expect("traced once")),
            });
        let body = self.body_path();
        quote!(|(#(#names,)*)| #body(#(#passed),*))
    }

    /// What `expanded` shows: the dispatcher and the body as lowered, as a person would write them.
    fn readable(&self) -> String {
        let dispatcher = self.dispatcher();
        let body = self.body();
        let name = &self.function.original.sig.ident;
        let items = match self.function.is_associated {
            true => quote!(impl Self_ { #dispatcher #body }),
            false => quote!(#dispatcher impl #name { #body }),
        };
        match syn::parse2::<syn::File>(items.clone()) {
            Ok(file) => prettyplease::unparse(&file).replace("impl Self_", "impl Self"),
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
