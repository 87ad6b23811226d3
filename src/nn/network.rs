//! A built network: layers with their facts, and what they compute from weights.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use grafito::{Error, Fact, Origin, Tensor, TensorTree, catch, graph_fn};

use super::error::{LayerError, ModelError};
use super::layer::{Build, Layer, Pass, Weight};
use super::loss::Predictions;
use super::variables::Variables;

/// The weights of a network: those that are trained, and those that layers update themselves.
///
/// ```
/// use grafito::nn::{Variables, Weights};
/// use grafito::prelude::*;
///
/// let weights = Weights { trainable: Variables::from_iter([("w", Tensor::scalar(1.0f32))]), ..Weights::default() };
/// assert!(weights.statistics.is_empty());
/// ```
#[derive(Debug, Clone, Default, TensorTree)]
pub struct Weights {
    /// What the optimizer moves.
    pub trainable: Variables,
    /// What layers update: the averages of batch normalization.
    pub statistics: Variables,
}

/// A layer of a network, under its name.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) layer: Arc<dyn Layer>,
    pub(super) origin: Origin,
}

impl Named {
    pub(super) fn error(&self, reason: super::LayerError) -> ModelError {
        let (kind, reason) = (self.layer.kind(), Box::new(reason));
        ModelError::Layer { name: self.name.clone(), kind, origin: self.origin, reason }
    }
}

/// A network whose shapes are known: the function alone, without its weights. Traced functions take it as a host value,
/// which is equal to its own copies only.
///
/// Models need none of this; it is for training steps of one's own over layers, such as those of two networks at once.
///
/// ```
/// use grafito::nn::{Dense, Network, Optimizer, OptimizerState, Pass, Relu, Sequential, Sgd, Weights};
/// use grafito::prelude::*;
///
/// #[graph_fn]
/// fn step(net: &Network, weights: &mut Weights, state: &mut OptimizerState, x: &Tensor, y: &Tensor) -> Tensor {
///     let (loss, gradients) = value_and_grad(&weights.trainable, |trainable| {
///         let mut pass = Pass::training(trainable, &weights.statistics, &state.step);
///         let error = net.forward(x, &mut pass).values() - y;
///         (&error * &error).mean(..)
///     });
///     Sgd::new(0.1).step(&mut weights.trainable, &gradients, state);
///     loss
/// }
///
/// let layers = Sequential::new().input([1]).add(Dense::new(8).activation(Relu)).add(Dense::new(1));
/// let (net, mut weights) = layers.into_parts()?;
/// let mut state = Sgd::new(0.1).start(&weights.trainable);
/// let x = Tensor::from([[0.0f32], [1.0], [2.0]]);
/// let first = step(&net, &mut weights, &mut state, &x, &(&x * 2.0)).item::<f32>();
/// let second = step(&net, &mut weights, &mut state, &x, &(&x * 2.0)).item::<f32>();
/// assert!(second < first);
/// # Ok::<(), grafito::nn::ModelError>(())
/// ```
#[derive(Clone)]
pub struct Network(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    input: Fact,
    layers: Vec<BuiltLayer>,
    weights: Vec<Weight>,
}

#[derive(Debug)]
pub(super) struct BuiltLayer {
    pub(super) named: Named,
    /// The output for one example.
    pub(super) output: Fact,
    /// Its weights, by position.
    pub(super) weights: std::ops::Range<usize>,
}

/// The names of its layers, in order.
impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.0.layers.iter().map(|layer| layer.named.name.as_str()).collect();
        write!(f, "network of {}", names.join(", "))
    }
}

impl PartialEq for Network {
    fn eq(&self, other: &Network) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Network {}

impl Hash for Network {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        Arc::as_ptr(&self.0).addr().hash(hasher);
    }
}

impl Network {
    /// Infers all shapes.
    pub(super) fn build(input: &Fact, layers: &[Named]) -> Result<Network, ModelError> {
        if layers.is_empty() {
            return Err(ModelError::NoLayers);
        }
        let mut build = Build::default();
        let mut built: Vec<BuiltLayer> = Vec::with_capacity(layers.len());
        for named in layers {
            // What a checkpoint has beside the weights is called so.
            if named.name.split('/').next() == Some("training") && named.name != "training" {
                let reason =
                    LayerError::Setting("names below `training/` are those of a model's state".to_owned());
                return Err(named.error(reason));
            }
            if let Some(first) = built.iter().find(|other| other.named.name == named.name) {
                let (first, second) = (first.named.origin, named.origin);
                return Err(ModelError::SameName { name: named.name.clone(), first, second });
            }
            let from = build.weights().len();
            let given = built.last().map_or(input, |layer| &layer.output);
            let output =
                build.layer(&named.name, &*named.layer, given).map_err(|reason| named.error(reason))?;
            if output.checked_num_bytes().is_none() {
                return Err(ModelError::TooLarge { name: named.name.clone(), fact: output });
            }
            let weights = from..build.weights().len();
            built.push(BuiltLayer { named: named.clone(), output, weights });
        }
        let weights = build.weights().to_vec();
        if let Some(weight) = weights.iter().find(|weight| weight.fact.checked_num_bytes().is_none()) {
            return Err(ModelError::TooLarge { name: weight.name.clone(), fact: weight.fact.clone() });
        }
        Ok(Network(Arc::new(Parts { input: input.clone(), layers: built, weights })))
    }

    /// What one example is.
    pub fn input(&self) -> &Fact {
        &self.0.input
    }

    /// What is given for one example.
    ///
    /// ```
    /// use grafito::nn::{Dense, Sequential};
    ///
    /// let (network, _) = Sequential::new().input([3]).add(Dense::new(2)).into_parts()?;
    /// assert_eq!((network.input().to_string(), network.output().to_string()), ("f32[3]".into(), "f32[2]".into()));
    /// assert_eq!(network.weights()[0].name, "dense/kernel");
    /// # Ok::<(), grafito::nn::ModelError>(())
    /// ```
    pub fn output(&self) -> &Fact {
        self.0.layers.last().map_or(&self.0.input, |layer| &layer.output)
    }

    pub(super) fn layers(&self) -> &[BuiltLayer] {
        &self.0.layers
    }

    /// The weights as declared.
    pub fn weights(&self) -> &[Weight] {
        &self.0.weights
    }

    /// Initial weights; those that are there already, with the right facts, stay. The random ones draw from the keys
    /// `n · seed`, `n · seed + 1`, …, where `n` is how many there are.
    pub(super) fn complete(&self, seed: i64, present: &Weights) -> Weights {
        let random = |weight: &&Weight| weight.initializer.is_random();
        let mut key = seed.wrapping_mul(self.weights().iter().filter(random).count() as i64);
        let mut weights = Weights::default();
        let layers = self.layers().iter().flat_map(|layer| layer.weights.clone().map(|_| layer.named.origin));
        for (Weight { name, fact, initializer, is_trainable, .. }, origin) in
            self.weights().iter().zip(layers)
        {
            let (from, to) = match is_trainable {
                true => (&present.trainable, &mut weights.trainable),
                false => (&present.statistics, &mut weights.statistics),
            };
            let tensor = match from.get(name) {
                Some(tensor) if tensor.fact() == fact => tensor.clone(),
                _ => origin.scope(|| initializer.draw(fact, key)),
            };
            key = key.wrapping_add(i64::from(initializer.is_random()));
            to.insert(name, tensor);
        }
        weights
    }

    /// Whether these examples are what the network was built for.
    pub(super) fn check_input(&self, x: &Tensor) -> Result<(), ModelError> {
        match x.fact().row() {
            Some(found) if found == self.0.input => Ok(()),
            found => {
                let found = found.unwrap_or_else(|| x.fact().clone());
                Err(ModelError::Input { expected: self.0.input.clone(), found })
            }
        }
    }

    /// The output for a batch, along the first axis.
    ///
    /// # Panics
    /// When a layer fails, as a failed operation, with the layer's name.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, pass: &mut Pass<'_>) -> Predictions {
        let mut x = x.clone();
        for BuiltLayer { named, output, .. } in &self.0.layers {
            let Named { name, layer, origin } = named;
            let y = match catch(|| origin.scope(|| pass.layer(name, &**layer, &x))) {
                Ok(y) if y.fact().row().as_ref() == Some(output) => y,
                Ok(y) => {
                    named.raise(&format!("announced {output} for an example and gave {} for all", y.fact()))
                }
                Err(error) => named.raise(&error.to_string()),
            };
            x = y;
        }
        pass.predictions(x)
    }

    /// What large weights cost, if any does.
    pub(super) fn penalty(&self, trainable: &Variables) -> Option<Tensor> {
        let penalties = self.weights().iter().filter_map(|weight| {
            let regularizer = weight.regularizer.as_ref()?;
            trainable.get(&weight.name).map(|tensor| regularizer.penalty(tensor))
        });
        penalties.reduce(|sum, penalty| sum + penalty)
    }
}

impl Named {
    fn raise(&self, message: &str) -> ! {
        let Named { name, layer, origin } = self;
        // An op that fails in a layer is at the layer's own place already.
        let message = message.strip_suffix(&format!(" at {origin}")).unwrap_or(message);
        let message = format!("layer `{name}` ({}): {message}", layer.kind());
        grafito::raise(Error::Usage { message, origin: *origin })
    }
}

/// The output for a batch, outside of training.
#[graph_fn]
pub(super) fn predict_step(network: &Network, weights: &Weights, x: &Tensor) -> Tensor {
    let mut pass = Pass::inference(&weights.trainable, &weights.statistics);
    network.forward(x, &mut pass).values().clone()
}
