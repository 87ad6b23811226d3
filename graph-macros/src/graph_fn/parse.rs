//! From tokens to a checked function: its parameters, how each is passed, and what cannot be traced.

use proc_macro2::{Span, TokenStream};
use quote::format_ident;
use syn::ext::IdentExt;
use syn::visit::{self, Visit};
use syn::{
    FnArg, Ident, Item, ItemFn, Pat, Receiver, ReceiverKind, ReturnType, Safety, Signature, Type,
    TypeImplTrait,
};

use crate::errors::Errors;

/// A function to be traced.
pub(crate) struct Function {
    /// As the user wrote it.
    pub(crate) original: ItemFn,
    /// Its name, for people.
    pub(crate) name: String,
    /// The same with its body as it runs eagerly.
    pub(crate) lowered: ItemFn,
    /// The body as it is traced.
    pub(crate) staged: TokenStream,
    pub(crate) parameters: Vec<Parameter>,
    /// Whether it stands in an `impl` block.
    pub(crate) is_associated: bool,
}

pub(crate) struct Parameter {
    /// The name by which the emitted function calls it.
    pub(crate) ident: Ident,
    /// The name in signatures and messages.
    pub(crate) name: String,
    pub(crate) passing: Passing,
    /// What it holds or refers to; `None` for a receiver.
    pub(crate) ty: Option<Type>,
}

/// How an argument is passed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passing {
    Value,
    Ref,
    Mut,
}

pub(super) fn parse(
    options: TokenStream,
    item: TokenStream,
    errors: &mut Errors,
) -> Result<Function, syn::Error> {
    let original: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(error) => {
            return Err(match syn::parse2::<Item>(item) {
                Ok(other) => syn::Error::new_spanned(other, "only a function can be traced"),
                Err(_) => error,
            });
        }
    };
    let mut is_associated = original.sig.receiver().is_some();
    if !options.is_empty() {
        match syn::parse2::<Ident>(options.clone()) {
            Ok(option) if option == "associated" => is_associated = true,
            _ => {
                errors.report(&options, "the only option is `associated`, for a function of an `impl` block")
            }
        }
    }
    check_signature(&original.sig, errors);
    if !is_associated && let Some(place) = SelfPlace::within(&original) {
        const MESSAGE: &str = "a function that mentions `Self` stands in an `impl` block; without a receiver it is \
                               marked `#[graph_fn(associated)]`";
        errors.add(syn::Error::new(place, MESSAGE));
    }
    let parameters =
        original.sig.inputs.iter().enumerate().map(|(i, input)| parameter(i, input, errors)).collect();
    let lowered = original.clone();
    let name = original.sig.ident.unraw().to_string();
    Ok(Function { original, name, lowered, staged: TokenStream::new(), parameters, is_associated })
}

fn check_signature(signature: &Signature, errors: &mut Errors) {
    const BLOCKING: &str = "make it an ordinary function; await what it needs before the call";
    if let Some(token) = &signature.asyncness {
        errors.report(token, format!("an async function cannot be traced; {BLOCKING}"));
    }
    if let Some(token) = &signature.constness {
        errors.report(token, "a const fn cannot be traced: tracing runs at run time; remove `const`");
    }
    if let Safety::Unsafe(token) = &signature.safety {
        errors.report(token, "an unsafe fn cannot be traced; wrap the unsafe part in a safe function");
    }
    if let Some(abi) = &signature.abi {
        errors.report(abi, "a function of a foreign ABI cannot be traced; call a traced function from it");
    }
    if let Some(variadic) = &signature.variadic {
        errors.report(variadic, "a variadic function cannot be traced; take a slice or a Vec");
    }
    if let ReturnType::Type(_, ty) = &signature.output {
        if let Type::Reference(_) = &**ty {
            errors.report(ty, "a traced function cannot return a reference; return the tensor by value");
        }
        for unnamed in ImplTraits::within(ty) {
            const MESSAGE: &str = "a traced function cannot return `impl Trait`; name the type of the result";
            errors.report(unnamed, MESSAGE);
        }
    }
    for input in &signature.inputs {
        if let FnArg::Typed(input) = input {
            for unnamed in ImplTraits::within(&input.ty) {
                const MESSAGE: &str = "an argument must have a named type; use a generic parameter instead";
                errors.report(unnamed, MESSAGE);
            }
        }
    }
    const MOST: usize = 12;
    if let Some(extra) = signature.inputs.iter().nth(MOST) {
        let message = format!(
            "at most {MOST} parameters can be traced; put some into a struct that derives `TensorTree`"
        );
        errors.report(extra, message);
    }
}

/// The `impl Trait`s in a type, also deep inside it.
#[derive(Default)]
struct ImplTraits<'a>(Vec<&'a TypeImplTrait>);

impl<'a> ImplTraits<'a> {
    fn within(ty: &'a Type) -> Vec<&'a TypeImplTrait> {
        let mut found = ImplTraits::default();
        found.visit_type(ty);
        found.0
    }
}

impl<'a> Visit<'a> for ImplTraits<'a> {
    fn visit_type_impl_trait(&mut self, ty: &'a TypeImplTrait) {
        self.0.push(ty);
        visit::visit_type_impl_trait(self, ty);
    }
}

/// The first `Self` of a function, other than in items of their own.
#[derive(Default)]
struct SelfPlace(Option<Span>);

impl SelfPlace {
    fn within(function: &ItemFn) -> Option<Span> {
        let mut found = SelfPlace::default();
        found.visit_item_fn(function);
        found.0
    }
}

impl<'a> Visit<'a> for SelfPlace {
    fn visit_ident(&mut self, ident: &'a Ident) {
        if ident == "Self" {
            self.0.get_or_insert_with(|| ident.span());
        }
    }

    fn visit_item(&mut self, _: &'a Item) {}
}

fn parameter(index: usize, input: &FnArg, errors: &mut Errors) -> Parameter {
    match input {
        FnArg::Receiver(receiver) => Parameter {
            ident: format_ident!("self"),
            name: "self".to_owned(),
            passing: receiver_passing(receiver, errors),
            ty: None,
        },
        FnArg::Typed(input) => {
            let (passing, ty) = match &*input.ty {
                Type::Reference(reference) => {
                    let passing = if reference.mutability.is_some() { Passing::Mut } else { Passing::Ref };
                    (passing, &reference.elem)
                }
                _ => (Passing::Value, &input.ty),
            };
            let (ident, name) = match &*input.pat {
                Pat::Ident(pat) => (pat.ident.clone(), pat.ident.unraw().to_string()),
                _ => (format_ident!("argument_{index}"), format!("argument {index}")),
            };
            Parameter { ident, name, passing, ty: Some((**ty).clone()) }
        }
    }
}

fn receiver_passing(receiver: &Receiver, errors: &mut Errors) -> Passing {
    match &receiver.kind {
        ReceiverKind::Value => Passing::Value,
        ReceiverKind::Reference(_, _, None) => Passing::Ref,
        ReceiverKind::Reference(_, _, Some(_)) => Passing::Mut,
        _ => {
            errors.report(receiver, "the receiver of a traced method is `self`, `&self` or `&mut self`");
            Passing::Ref
        }
    }
}
