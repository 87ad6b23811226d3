//! `#[derive(TensorTree)]`.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Data, DeriveInput, Field, Fields, Ident, Member, Path, Type, parse_quote};

use crate::errors::Errors;

pub(crate) fn expand(item: TokenStream) -> TokenStream {
    let input: DeriveInput = match syn::parse2(item) {
        Ok(input) => input,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    let implementation = implementation(&input, &mut errors);
    match errors.to_tokens() {
        Some(errors) => quote! { #errors },
        None => implementation,
    }
}

fn implementation(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let variants: Vec<Variant<'_>> = match &input.data {
        Data::Struct(data) => vec![Variant { path: quote!(Self), name: None, fields: &data.fields }],
        Data::Enum(data) => data
            .variants
            .iter()
            .map(|variant| {
                let ident = &variant.ident;
                Variant {
                    path: quote!(Self::#ident),
                    name: Some(ident.unraw().to_string()),
                    fields: &variant.fields,
                }
            })
            .collect(),
        Data::Union(data) => {
            errors.report(&data.union_token, "a union is no tree of tensors; use an enum");
            return TokenStream::new();
        }
    };
    for field in variants.iter().flat_map(|variant| variant.fields) {
        check_attributes(field, errors);
    }
    let name = &input.ident;
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        let fields = || variants.iter().flat_map(|variant| variant.fields);
        let is_used = |fixed: bool| {
            fields().any(|field| is_fixed(field) == fixed && mentions(&field.ty, &parameter.ident))
        };
        let (in_tree, in_fixed) = (is_used(false), is_used(true));
        if in_tree {
            parameter.bounds.push(parse_quote!(::grafito::__private::TensorTree));
        }
        if in_fixed {
            parameter.bounds.push(parse_quote!(::grafito::__private::Fixed));
            parameter.bounds.push(parse_quote!(::std::clone::Clone));
        }
    }
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let visit = variants.iter().map(Variant::visit);
    let map = variants.iter().map(Variant::map);
    let change = variants.iter().map(Variant::change);
    // An enum without variants has no values; matching on the place needs no arms.
    let (on_ref, on_mut) = match variants.is_empty() {
        true => (quote!(*self), quote!(*self)),
        false => (quote!(self), quote!(self)),
    };
    quote! {
        #[automatically_derived]
        #[allow(unused_variables)]
        impl #impl_generics ::grafito::__private::TensorTree for #name #type_generics #where_clause {
            fn visit(&self, visitor: &mut dyn ::grafito::__private::TreeVisitor) {
                match #on_ref { #(#visit)* }
            }
            fn map_leaves(
                &self,
                f: &mut dyn ::std::ops::FnMut(&::grafito::Tensor) -> ::grafito::Tensor,
            ) -> Self {
                match #on_ref { #(#map)* }
            }
            fn for_each_leaf_mut(&mut self, f: &mut dyn ::std::ops::FnMut(&mut ::grafito::Tensor)) {
                match #on_mut { #(#change)* }
            }
        }
    }
}

fn is_fixed(field: &Field) -> bool {
    field.attrs.iter().any(|attribute| attribute.path().is_ident("fixed"))
}

/// Whether a type holds values of a type parameter: mentions it, other than in a `PhantomData`.
fn mentions(ty: &Type, parameter: &Ident) -> bool {
    struct Mentions<'a>(&'a Ident, bool);
    impl Visit<'_> for Mentions<'_> {
        fn visit_path(&mut self, path: &Path) {
            if path.segments.last().is_some_and(|segment| segment.ident == "PhantomData") {
                return;
            }
            self.1 |= path.segments.first().is_some_and(|segment| segment.ident == *self.0);
            visit::visit_path(self, path);
        }
    }
    let mut visitor = Mentions(parameter, false);
    visitor.visit_type(ty);
    visitor.1
}

fn check_attributes(field: &Field, errors: &mut Errors) {
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("fixed")) {
        if attribute.meta.require_path_only().is_err() {
            errors.report(attribute, "`#[fixed]` takes no arguments");
        }
    }
}

/// A struct, or one variant of an enum.
struct Variant<'a> {
    path: TokenStream,
    /// The name, if there are several to tell apart.
    name: Option<String>,
    fields: &'a Fields,
}

/// A field.
struct Part {
    member: Member,
    /// The name it is bound to.
    binding: Ident,
    is_fixed: bool,
    /// Of its type, where anything wrong with it is told.
    span: Span,
}

impl Variant<'_> {
    fn visit(&self) -> TokenStream {
        let pattern = self.pattern();
        let name =
            self.name.as_ref().map(|name| quote!(visitor.fixed(&::grafito::__private::Variant(#name));));
        let fields = self.parts().map(|Part { member, binding, is_fixed, span }| {
            let segment = match &member {
                Member::Named(name) => {
                    let name = name.unraw().to_string();
                    quote!(::grafito::__private::Segment::Field(#name))
                }
                Member::Unnamed(index) => {
                    let index = index.index as usize;
                    quote!(::grafito::__private::Segment::Index(#index))
                }
            };
            let show = match is_fixed {
                true => {
                    let fixed = quote_spanned!(span=> ::grafito::__private::fixed);
                    quote!(visitor.fixed(#fixed(#binding));)
                }
                false => {
                    let visit = quote_spanned!(span=> ::grafito::__private::TensorTree::visit);
                    quote!(#visit(#binding, visitor);)
                }
            };
            quote! { visitor.enter(#segment); #show visitor.leave(); }
        });
        quote! { #pattern => { #name #(#fields)* } }
    }

    fn map(&self) -> TokenStream {
        let (pattern, path) = (self.pattern(), &self.path);
        let fields = self.parts().map(|Part { member, binding, is_fixed, span }| match is_fixed {
            true => {
                let clone = quote_spanned!(span=> ::std::clone::Clone::clone);
                quote!(#member: #clone(#binding))
            }
            false => {
                let map_leaves = quote_spanned!(span=> ::grafito::__private::TensorTree::map_leaves);
                quote!(#member: #map_leaves(#binding, f))
            }
        });
        quote! { #pattern => #path { #(#fields),* }, }
    }

    fn change(&self) -> TokenStream {
        let pattern = self.pattern();
        let fields = self.parts().filter(|part| !part.is_fixed).map(|Part { binding, span, .. }| {
            let change = quote_spanned!(span=> ::grafito::__private::TensorTree::for_each_leaf_mut);
            quote!(#change(#binding, f);)
        });
        quote! { #pattern => { #(#fields)* } }
    }

    fn pattern(&self) -> TokenStream {
        let path = &self.path;
        let fields = self.parts().map(|Part { member, binding, .. }| quote!(#member: #binding));
        quote! { #path { #(#fields),* } }
    }

    fn parts(&self) -> impl Iterator<Item = Part> {
        self.fields.members().zip(self.fields).map(|(member, field)| {
            let span = Span::mixed_site().located_at(field.ty.span());
            let binding = match &member {
                Member::Named(name) => format_ident!("field_{}", name.unraw(), span = span),
                Member::Unnamed(index) => format_ident!("field_{}", index.index, span = span),
            };
            Part { member, binding, is_fixed: is_fixed(field), span }
        })
    }
}
