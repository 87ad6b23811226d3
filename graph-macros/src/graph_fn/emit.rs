//! Emission: the function that dispatches a call, and what stands beside it under its name.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::{Attribute, FnArg, Ident, Pat, Signature, parse_quote};

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
}

impl<'f> Items<'f> {
    fn new(function: &'f Function) -> Items<'f> {
        let (cfgs, attributes) = function.original.attrs.iter().partition(|attr| attr.path().is_ident("cfg"));
        Items { function, cfgs, attributes }
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
        let doc = format!("What stands behind the traced function [`{name}`]({name}()).");
        quote! {
            #dispatcher
            #(#cfgs)*
            #[doc = #doc]
            #[allow(non_camel_case_types, dead_code)]
            #visibility enum #name {}
            #(#cfgs)*
            impl #name {
                #(#beside)*
            }
        }
    }

    /// The function that users call.
    fn dispatcher(&self) -> TokenStream {
        let (cfgs, attributes) = (&self.cfgs, &self.attributes);
        let visibility = &self.function.original.vis;
        let signature = self.renamed_signature(None);
        let body = self.path("__body");
        let function = self.path("__function");
        let direct = self.arguments();
        let (wrapped, traced) = (self.wrapped(), self.traced_call());
        quote! {
            #(#cfgs)*
            #(#attributes)*
            #[track_caller]
            #visibility #signature {
                if ::grafito::__private::Function::runs_directly() {
                    return #body(#(#direct),*);
                }
                #[allow(unused_imports)]
                use ::grafito::__private::{ViaFixed as _, ViaTree as _};
                #function().call(#wrapped, #traced)
            }
        }
    }

    /// What stands beside it.
    fn beside(&self, expanded: &str) -> Vec<TokenStream> {
        let visibility = &self.function.original.vis;
        let cfgs: &[&Attribute] = if self.function.is_associated { &self.cfgs } else { &[] };
        let name = self.function.original.sig.ident.to_string();
        let names = self.function.parameters.iter().map(|p| &p.name);
        let function_fn = self.ident("__function");
        let body = self.body();
        let quiet = quote! {
            #(#cfgs)*
            #[allow(dead_code, clippy::too_many_arguments, clippy::needless_pass_by_value)]
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
        quote! {
            #[track_caller]
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
        let name = &self.function.original.sig.ident;
        let arguments = self.arguments();
        let call = match self.function.is_associated {
            true => quote!(Self::#name),
            false => quote!(#name),
        };
        quote! {
            #quiet
            /// The call, with the operation that failed as an error.
            ///
            /// # Errors
            /// That of the first operation that failed.
            #[track_caller]
            #visibility #signature {
                ::grafito::__private::try_call(|| #call(#(#arguments),*))
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
        let function = self.path("__function");
        let (wrapped, traced) = (self.wrapped(), self.traced_call());
        quote! {
            #quiet
            #[doc = #doc]
            #[track_caller]
            #visibility #signature {
                #[allow(unused_imports)]
                use ::grafito::__private::{ViaFixed as _, ViaTree as _};
                #function().#method(#wrapped, #traced)
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
                    input.pat = Box::new(Pat::Verbatim(quote!(#ident)));
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
        let body = self.path("__body");
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
