//! Models as JSON: their layers with all settings, and what they are trained by.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::error::CheckpointProblem;

/// The latest version of the format.
const VERSION: u64 = 1;

/// What a file says of a model beside its tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Description {
    pub(super) format: u64,
    pub(super) network: NetworkDescription,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) training: Option<TrainingDescription>,
}

/// A network: everything that its weights depend on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct NetworkDescription {
    pub(super) seed: i64,
    pub(super) input: Option<FactDescription>,
    pub(super) layers: Vec<LayerDescription>,
}

/// DType and shape of an example.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FactDescription {
    pub(super) dtype: String,
    pub(super) shape: Vec<usize>,
}

/// A layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct LayerDescription {
    pub(super) name: String,
    pub(super) kind: String,
    #[serde(default)]
    pub(super) config: Json,
}

/// What a network is trained by, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct TrainingDescription {
    pub(super) epochs: usize,
    pub(super) batches: usize,
    pub(super) optimizer: PartDescription,
    pub(super) learning_rate: PartDescription,
    pub(super) loss: PartDescription,
    pub(super) metrics: Vec<PartDescription>,
}

/// An optimizer, schedule, loss or metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct PartDescription {
    pub(super) kind: String,
    #[serde(default)]
    pub(super) config: Json,
}

impl Description {
    pub(super) fn new(network: NetworkDescription, training: Option<TrainingDescription>) -> Description {
        Description { format: VERSION, network, training }
    }

    pub(super) fn to_text(&self) -> String {
        serde_json::to_string(self).expect("settings are numbers, names and flags")
    }

    pub(super) fn from_text(text: &str) -> Result<Description, CheckpointProblem> {
        let wrong = |error: serde_json::Error| CheckpointProblem::Description(error.to_string());
        let json: Json = serde_json::from_str(text).map_err(wrong)?;
        // Before anything else: a later version may have other fields.
        match json.get("format").and_then(Json::as_u64) {
            Some(found) if found > VERSION => Err(CheckpointProblem::Version { found, known: VERSION }),
            _ => Description::deserialize(json).map_err(wrong),
        }
    }

    /// In words, where the description of what is here differs from that of the file. How far training has come does not
    /// count.
    pub(super) fn differences(&self, file: &Description) -> Vec<String> {
        let mut differences = Vec::new();
        compare("", &self.comparable(), &file.comparable(), &mut differences);
        differences
    }

    fn comparable(&self) -> Json {
        let layers: serde_json::Map<String, Json> = self
            .network
            .layers
            .iter()
            .enumerate()
            .map(|(i, layer)| {
                (
                    format!("layer {} `{}`", i + 1, layer.name),
                    json!({ "kind": layer.kind, "config": layer.config }),
                )
            })
            .collect();
        let mut all = json!({ "seed": self.network.seed, "input": self.network.input });
        let entries = all.as_object_mut().expect("it was made as one");
        entries.extend(layers);
        if let Some(training) = &self.training {
            entries.insert("optimizer".to_owned(), json!(training.optimizer));
            entries.insert("learning rate".to_owned(), json!(training.learning_rate));
            entries.insert("loss".to_owned(), json!(training.loss));
            for (i, metric) in training.metrics.iter().enumerate() {
                entries.insert(format!("metric {}", i + 1), json!(metric));
            }
        }
        all
    }
}

/// Walks both values and notes where they part.
fn compare(path: &str, here: &Json, file: &Json, differences: &mut Vec<String>) {
    match (here, file) {
        (Json::Object(here), Json::Object(file)) => {
            let at = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}, {key}") };
            for (key, value) in here {
                match file.get(key) {
                    Some(other) => compare(&at(key), value, other, differences),
                    None => differences.push(format!("{} is not in the file", at(key))),
                }
            }
            for key in file.keys().filter(|key| !here.contains_key(*key)) {
                differences.push(format!("{} is in the file and not here", at(key)));
            }
        }
        _ if here == file => {}
        _ => differences.push(format!("{path} is {} here and {} in the file", shown(here), shown(file))),
    }
}

/// A setting as it was written: one that was an f32 has more digits as an f64, which nobody wrote.
fn shown(value: &Json) -> String {
    match value.as_f64() {
        Some(number) if value.is_f64() && f64::from(number as f32) == number => {
            format!("{:?}", number as f32)
        }
        _ => value.to_string(),
    }
}
