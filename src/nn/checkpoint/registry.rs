//! Kinds of layers by name, so that networks can be made of their descriptions.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::super::activation::Activation;
use super::super::layer::Layer;
use super::super::layers::{
    AvgPool2D, BatchNorm, Conv2D, Dense, Dropout, Embedding, Flatten, GlobalAveragePool, LayerNorm,
    MaxPool2D, Rescaling,
};

/// The kinds of layers that a file may name.
///
/// ```
/// use grafito::nn::{Build, Layer, LayerError, Pass, Registry, Sequential};
/// use grafito::prelude::*;
/// use grafito::Fact;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Debug, Serialize, Deserialize)]
/// struct Add { what: f32 }
///
/// impl Layer for Add {
///     fn kind(&self) -> &'static str {
///         "Add"
///     }
///     fn build(&self, input: &Fact, _: &mut Build) -> Result<Fact, LayerError> {
///         Ok(input.clone())
///     }
///     fn forward(&self, x: &Tensor, _: &mut Pass<'_>) -> Tensor {
///         x + self.what
///     }
///     fn config(&self) -> serde_json::Value {
///         serde_json::to_value(self).unwrap()
///     }
/// }
///
/// let mut registry = Registry::new();
/// registry.add::<Add>("Add");
/// let network = Sequential::new().input([2]).add(Add { what: 3.0 });
/// let mut copy = Sequential::from_json(&network.to_json(), &registry)?;
/// assert_eq!(copy.predict(&Tensor::from([[1.0f32, 2.0]]))?.to_vec::<f32>(), [4.0, 5.0]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Registry {
    kinds: BTreeMap<String, Make>,
}

type Make = fn(&Json) -> Result<Arc<dyn Layer>, serde_json::Error>;

impl Registry {
    /// With all layers of this library (but [`Function`](super::super::Function), which has no name of its own).
    pub fn new() -> Registry {
        let mut registry = Registry { kinds: BTreeMap::new() };
        registry.add::<Activation>("Activation");
        registry.add::<AvgPool2D>("AvgPool2D");
        registry.add::<BatchNorm>("BatchNorm");
        registry.add::<Conv2D>("Conv2D");
        registry.add::<Dense>("Dense");
        registry.add::<Dropout>("Dropout");
        registry.add::<Embedding>("Embedding");
        registry.add::<Flatten>("Flatten");
        registry.add::<GlobalAveragePool>("GlobalAveragePool");
        registry.add::<LayerNorm>("LayerNorm");
        registry.add::<MaxPool2D>("MaxPool2D");
        registry.add::<Rescaling>("Rescaling");
        registry
    }

    /// Adds a kind of layer, or replaces the one of this name, which is what [`Layer::kind`] gives.
    pub fn add<L: Layer + DeserializeOwned>(&mut self, kind: &str) {
        let make: Make = |config| Ok(Arc::new(L::deserialize(config)?));
        self.kinds.insert(kind.to_owned(), make);
    }

    /// A layer from its settings; `None` where the kind is not registered.
    pub(super) fn make(
        &self,
        kind: &str,
        config: &Json,
    ) -> Option<Result<Arc<dyn Layer>, serde_json::Error>> {
        self.kinds.get(kind).map(|make| make(config))
    }
}

impl Default for Registry {
    fn default() -> Registry {
        Registry::new()
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.kinds.keys()).finish()
    }
}
