//! Networks and models in files.

use std::collections::BTreeMap;
use std::path::Path;

use grafito::{DType, Fact, Origin, Shape};
use serde_json::json;

use super::super::metric::check_name;
use super::super::model::{Model, Position};
use super::super::named::named_leaves;
use super::super::network::{Network, Weights};
use super::super::program::Training;
use super::super::sequential::Sequential;
use super::description::{
    Description, FactDescription, LayerDescription, NetworkDescription, PartDescription, TrainingDescription,
};
use super::error::{CheckpointError, CheckpointProblem, TrainingPart};
use super::format::Contents;
use super::registry::Registry;
use super::tree::{collect, fill, read, take, unless_fitting, write};

/// What the names of the state of training start with.
const TRAINING: &str = "training/";
/// What the names of what callbacks remember start with.
const CALLBACKS: &str = "training/callbacks/";

/// Networks in files.
impl Sequential {
    /// The layers with all settings, as JSON.
    ///
    /// ```
    /// use grafito::nn::{Dense, Registry, Sequential};
    ///
    /// let network = Sequential::new().input([3]).add(Dense::new(2));
    /// let copy = Sequential::from_json(&network.to_json(), &Registry::new())?;
    /// assert_eq!(copy.to_json(), network.to_json());
    /// # Ok::<(), grafito::nn::CheckpointProblem>(())
    /// ```
    pub fn to_json(&self) -> String {
        Description::new(describe(self), None).to_text()
    }

    /// A network from what [`Sequential::to_json`] gave; its weights are drawn when it is built.
    ///
    /// # Errors
    /// When this is no such description, or has a kind of layer that is not registered.
    #[track_caller]
    pub fn from_json(json: &str, registry: &Registry) -> Result<Sequential, CheckpointProblem> {
        make(&Description::from_text(json)?.network, registry)
    }

    /// Writes layers and weights to a file, which is replaced as a whole or not at all: tensors in safetensors, under
    /// their names, with the layers as JSON in the file's metadata.
    ///
    /// ```
    /// use grafito::nn::{Dense, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("network.safetensors");
    /// let mut network = Sequential::new().seed(1).add(Dense::new(2));
    /// let x = Tensor::from([[1.0f32, 2.0, 3.0]]);
    /// let y = network.predict(&x)?;
    /// network.save(&path)?;
    /// assert_eq!(Sequential::load(&path)?.predict(&x)?.to_vec::<f32>(), y.to_vec::<f32>());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the network is not built, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        save(self, None, path).map_err(CheckpointError::at(path))
    }

    /// A network from a file that it, or a model of it, was saved to.
    ///
    /// # Errors
    /// When the file cannot be read, is no whole safetensors file, holds no network, or one with a kind of layer that is
    /// not of this library.
    #[track_caller]
    pub fn load(path: impl AsRef<Path>) -> Result<Sequential, CheckpointError> {
        Sequential::load_with(path, &Registry::new())
    }

    /// A network from a file, with kinds of layers of one's own.
    ///
    /// ```
    /// use grafito::nn::{Dense, Registry, Sequential};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("network.safetensors");
    /// let mut network = Sequential::new().input([3]).add(Dense::new(2));
    /// network.build()?.save(&path)?;
    /// let loaded = Sequential::load_with(&path, &Registry::new())?;
    /// assert_eq!(loaded.weights().names(), network.weights().names());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`Sequential::load`].
    #[track_caller]
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Sequential, CheckpointError> {
        let path = path.as_ref();
        let origin = Origin::caller();
        let loaded = read(path).and_then(|contents| origin.scope(|| load(contents, registry)));
        loaded.map_err(CheckpointError::at(path))
    }

    /// Takes the weights from a file, whatever else is in it: they must have the names, dtypes and shapes of those here.
    ///
    /// ```
    /// use grafito::nn::{Dense, Relu, Sequential};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("network.safetensors");
    /// let mut network = Sequential::new().input([3]).add(Dense::new(2));
    /// network.build()?.save(&path)?;
    /// // Another activation, but the same weights.
    /// let mut other = Sequential::new().seed(5).input([3]).add(Dense::new(2).activation(Relu));
    /// other.load_weights(&path)?;
    /// let bits = |network: &Sequential| network.weights().get("dense/kernel").unwrap().to_vec::<f32>();
    /// assert_eq!(bits(&other), bits(&network));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the network is not built, the file cannot be read, or its weights do not fit; then nothing is changed.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        let loaded = self.build().map(|_| ()).map_err(CheckpointProblem::from);
        let loaded = loaded.and_then(|()| read(path)).and_then(|contents| {
            let mut tensors = contents.tensors;
            if contents.description.is_some() {
                tensors.retain(|name, _| !name.starts_with(TRAINING));
            }
            let mut differences = Vec::new();
            let found = take_weights(&self.weights, &mut tensors, &mut differences);
            unless_fitting(differences, &tensors)?;
            fill_weights(&mut self.weights, found);
            Ok(())
        });
        loaded.map_err(CheckpointError::at(path))
    }
}

/// Models in files.
impl Model {
    /// Writes a checkpoint: layers, weights, the state of the optimizer, the keys of random layers, how far training has
    /// come, what was added up in the epoch, and what the callbacks of the latest run remember. The file is replaced as a
    /// whole, or not at all.
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Dense, Fit, MeanSquaredError, Model, Sequential, Sgd};
    /// use grafito::prelude::*;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let make = || -> Model { Sequential::new().add(Dense::new(1)).compile(Sgd::new(0.1), MeanSquaredError, ()) };
    /// let quiet = || Fit { epochs: 3, progress: false, ..Fit::default() };
    ///
    /// let mut model = make();
    /// model.fit(&data, quiet())?;
    /// model.save(&path)?;
    /// let unbroken = model.fit(&data, quiet())?;
    ///
    /// let mut again = make();
    /// again.restore(&path)?;
    /// assert_eq!(again.fit(&data, quiet())?.series("loss"), unbroken.series("loss"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the network is not built, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        save(&self.network, Some(self), path).map_err(CheckpointError::at(path))
    }

    /// A model from a file that it was saved to, with everything that it is trained by and where its training was. What is of
    /// one's own needs [`Model::load_with`].
    ///
    /// ```
    /// use grafito::datasets::Dataset;
    /// use grafito::nn::{Adam, Clip, CosineDecay, Dense, Fit, MeanSquaredError, Model, Sequential};
    /// use grafito::prelude::*;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("model.safetensors");
    /// let data = Dataset::new(Tensor::from([[0.0f32], [1.0]]), Tensor::from([[1.0f32], [3.0]]));
    /// let quiet = || Fit { epochs: 3, progress: false, ..Fit::default() };
    /// let adam = Clip::by_global_norm(1.0, Adam::new(CosineDecay::new(0.1, 6)));
    /// let mut model = Sequential::new().add(Dense::new(1)).compile(adam, MeanSquaredError, ());
    /// model.fit(&data, quiet())?;
    /// model.save(&path)?;
    ///
    /// let mut loaded = Model::load(&path)?;
    /// assert_eq!(loaded.fit(&data, quiet())?.series("loss"), model.fit(&data, quiet())?.series("loss"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When the file cannot be read, is no whole safetensors file, holds no model, or one with a kind of layer, optimizer,
    /// schedule, loss or metric that is not of this library.
    ///
    /// # Source
    /// `keras.models.load_model`.
    #[track_caller]
    pub fn load(path: impl AsRef<Path>) -> Result<Model, CheckpointError> {
        Model::load_with(path, &Registry::new())
    }

    /// A model from a file, with layers, optimizers, schedules, losses or metrics of one's own; see [`Registry`].
    ///
    /// # Errors
    /// As [`Model::load`].
    #[track_caller]
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry) -> Result<Model, CheckpointError> {
        let path = path.as_ref();
        let origin = Origin::caller();
        let loaded = read(path).and_then(|contents| {
            let network = origin.scope(|| load(contents.clone(), registry))?;
            let training = make_training(&contents, registry, origin)?;
            let mut model = Model::new(network, training);
            restore(&mut model, contents)?;
            Ok(model)
        });
        loaded.map_err(CheckpointError::at(path))
    }

    /// Goes on from a checkpoint of the same layers, optimizer, loss, metrics and seed, as if training had never been
    /// interrupted. With the same callbacks the next run goes on as they would have: one that had been ended by
    /// [`EarlyStopping`](super::super::EarlyStopping) ends at once.
    ///
    /// # Errors
    /// When the file cannot be read, is no whole safetensors file, holds no model, or another one; the error says what
    /// differs, and nothing is changed. For weights alone see [`Sequential::load_weights`].
    pub fn restore(&mut self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        let path = path.as_ref();
        read(path).and_then(|contents| restore(self, contents)).map_err(CheckpointError::at(path))
    }
}

fn save(network: &Sequential, model: Option<&Model>, path: &Path) -> Result<(), CheckpointProblem> {
    if network.network.is_none() {
        return Err(super::super::error::ModelError::NotBuilt.into());
    }
    let Weights { trainable, statistics } = &network.weights;
    let state = model.and_then(|model| match &model.ready {
        Some(ready) => Some(named_leaves(&ready.state)),
        None => model.start().map(|ready| named_leaves(&ready.state)),
    });
    let tensors = collect([
        ("", named_leaves(trainable)),
        ("", named_leaves(statistics)),
        (TRAINING, state.unwrap_or_default()),
        (CALLBACKS, model.map(|model| named_leaves(&model.remembered)).unwrap_or_default()),
    ])?;
    let description = Description::new(describe(network), model.map(describe_training));
    write(path, &Contents { tensors, description: Some(description.to_text()) })
}

#[track_caller]
fn load(contents: Contents, registry: &Registry) -> Result<Sequential, CheckpointProblem> {
    let Contents { mut tensors, description } = contents;
    let description = Description::from_text(&description.ok_or(CheckpointProblem::NoModel)?)?;
    let mut network = make(&description.network, registry)?;
    let input =
        network.input_fact().ok_or_else(|| CheckpointProblem::Description("it has no input".to_owned()))?;
    if description.training.is_some() {
        tensors.retain(|name, _| !name.starts_with(TRAINING));
    }
    // Compared before any weight is made: what the file says of its layers may be anything.
    let built = Network::build(&input, network.layers())?;
    let mut weights = Weights::default();
    let mut differences = Vec::new();
    for weight in built.weights() {
        let of = if weight.is_trainable { &mut weights.trainable } else { &mut weights.statistics };
        match tensors.remove(&weight.name) {
            Some(tensor) if *tensor.fact() == weight.fact => of.insert(&weight.name, tensor),
            Some(tensor) => {
                let (name, said, found) = (&weight.name, &weight.fact, tensor.fact());
                differences.push(format!("the layers need `{name}` to be {said}, and it is {found}"));
            }
            None => differences.push(format!("`{}` is not in the file", weight.name)),
        }
    }
    unless_fitting(differences, &tensors)?;
    network.weights = weights;
    network.network = Some(built);
    Ok(network)
}

/// What the model of a file is trained by.
fn make_training(
    contents: &Contents,
    registry: &Registry,
    origin: Origin,
) -> Result<Training, CheckpointProblem> {
    let description =
        Description::from_text(contents.description.as_ref().ok_or(CheckpointProblem::NoModel)?)?;
    let training = description.training.ok_or(CheckpointProblem::NoModel)?;
    let rate = registry.schedule(&json!(training.learning_rate))?;
    let optimizer = registry.optimizer(&json!(training.optimizer), rate)?;
    let loss = registry.loss(&json!(training.loss))?;
    let metrics = training.metrics.iter().map(|description| {
        let metric = registry.metric(&json!(description))?;
        let kind = description.kind.clone();
        let wrong = |reason| CheckpointProblem::PartSettings { part: TrainingPart::Metric, kind, reason };
        check_name(&metric.name()).map_err(wrong).map(|()| metric)
    });
    let metrics: Result<_, _> = metrics.collect();
    Ok(Training::new(optimizer, loss, metrics?, origin))
}

fn restore(model: &mut Model, contents: Contents) -> Result<(), CheckpointProblem> {
    let Contents { mut tensors, description } = contents;
    let file = Description::from_text(&description.ok_or(CheckpointProblem::NoModel)?)?;
    let Some(training) = &file.training else { return Err(CheckpointProblem::NoModel) };
    let mut here = Description::new(describe(&model.network), Some(describe_training(model)));
    // A model that has not seen data takes the input from the file.
    if here.network.input.is_none() {
        here.network.input.clone_from(&file.network.input);
    }
    let differences = here.differences(&file);
    if !differences.is_empty() {
        return Err(CheckpointProblem::Differs(differences));
    }
    if model.network.network.is_none() {
        model.network.set_input(file.network.input.as_ref().map(fact).transpose()?);
    }
    model.build()?;
    let ready = model.ready.as_mut().expect("it was just built");
    let mut differences = Vec::new();
    let weights = take_weights(&model.network.weights, &mut tensors, &mut differences);
    let state = take(&ready.state, TRAINING, &mut tensors, &mut differences);
    // Whatever there is: it is for the callbacks to say what they can use.
    let (remembered, tensors) = tensors.into_iter().partition(|(name, _)| name.starts_with(CALLBACKS));
    unless_fitting(differences, &tensors)?;
    fill_weights(&mut model.network.weights, weights);
    fill(&mut ready.state, state);
    model.position = Position { epochs: training.epochs, batches: training.batches };
    let own = |(name, tensor): (String, _)| (name[CALLBACKS.len()..].to_owned(), tensor);
    model.remembered = BTreeMap::into_iter(remembered).map(own).collect();
    (model.is_resumed, model.begins_anew) = (true, false);
    Ok(())
}

type Taken = (Vec<grafito::Tensor>, Vec<grafito::Tensor>);

fn take_weights(
    weights: &Weights,
    tensors: &mut BTreeMap<String, grafito::Tensor>,
    differences: &mut Vec<String>,
) -> Taken {
    let trainable = take(&weights.trainable, "", tensors, differences);
    (trainable, take(&weights.statistics, "", tensors, differences))
}

fn fill_weights(weights: &mut Weights, (trainable, statistics): Taken) {
    fill(&mut weights.trainable, trainable);
    fill(&mut weights.statistics, statistics);
}

fn describe(network: &Sequential) -> NetworkDescription {
    let input = network
        .input_fact()
        .map(|fact| FactDescription { dtype: fact.dtype.name().to_owned(), shape: fact.shape.to_vec() });
    let layers = network.layers().iter().map(|named| LayerDescription {
        name: named.name.clone(),
        kind: named.layer.kind().to_owned(),
        config: named.layer.config(),
    });
    NetworkDescription { seed: network.seed_value(), input, layers: layers.collect() }
}

fn describe_training(model: &Model) -> TrainingDescription {
    let training = &model.training;
    let schedule = training.optimizer.learning_rate();
    let part = |kind: &str, config| PartDescription { kind: kind.to_owned(), config };
    TrainingDescription {
        epochs: model.position.epochs,
        batches: model.position.batches,
        optimizer: part(training.optimizer.kind(), training.optimizer.config()),
        learning_rate: part(schedule.kind(), schedule.config()),
        loss: part(training.loss.kind(), training.loss.config()),
        metrics: training.metrics.iter().map(|metric| part(metric.kind(), metric.config())).collect(),
    }
}

#[track_caller]
fn make(description: &NetworkDescription, registry: &Registry) -> Result<Sequential, CheckpointProblem> {
    let mut network = Sequential::new().seed(description.seed);
    network.set_input(description.input.as_ref().map(fact).transpose()?);
    for LayerDescription { name, kind, config } in &description.layers {
        let (layer, kind) = (name.clone(), kind.clone());
        match registry.layer(&kind, config) {
            Some(Ok(made)) => network = network.add_shared(made).named(name),
            Some(Err(error)) => {
                return Err(CheckpointProblem::Settings { layer, kind, reason: error.to_string() });
            }
            None => return Err(CheckpointProblem::UnknownKind { layer, kind }),
        }
    }
    Ok(network)
}

fn fact(description: &FactDescription) -> Result<Fact, CheckpointProblem> {
    let FactDescription { dtype, shape } = description;
    let found = DType::ALL.into_iter().find(|own| own.name() == dtype);
    let unknown = || CheckpointProblem::Description(format!("there is no dtype `{dtype}`"));
    let fact = Fact::new(found.ok_or_else(unknown)?, Shape::from(shape.as_slice()));
    match fact.checked_num_bytes() {
        Some(_) => Ok(fact),
        None => Err(CheckpointProblem::Description(format!("an example of {fact} is too large"))),
    }
}
