//! Profiles in pprof's format.

use std::collections::HashMap;
use std::hash::Hash;

use prost::Message;

use super::messages::{
    Function, Label, Line, Location, Profile as Encoded, Sample as EncodedSample, ValueType,
};
use super::symbols::{Frame, Space, frames_of};
use super::{Profile, Sample, Symbols};

pub(super) fn pprof(profile: &Profile, symbols: &Symbols) -> Vec<u8> {
    let mut builder = Builder::new(symbols);
    let count = builder.value_type("samples", "count");
    let time = builder.value_type("cpu", "nanoseconds");
    let period = signed(profile.period().as_nanos());
    let sample = profile.samples.iter().map(|sample| builder.sample(sample, period)).collect();
    let comment = lost(profile).map(|text| builder.string(&text)).into_iter().collect();
    let encoded = Encoded {
        sample_type: vec![count, time],
        sample,
        location: builder.locations.messages,
        function: builder.functions.messages,
        string_table: builder.strings.messages,
        time_nanos: signed(profile.start.as_nanos()),
        duration_nanos: signed(profile.duration.as_nanos()),
        period_type: Some(time),
        period,
        comment,
    };
    encoded.encode_to_vec()
}

/// What is told of what the profile lacks.
fn lost(profile: &Profile) -> Option<String> {
    let (samples, stacks) = (profile.lost_samples, profile.lost_stacks);
    (samples > 0 || stacks > 0).then(|| format!("lost: {samples} samples, {stacks} stacks"))
}

/// Everything that samples name by number.
struct Builder<'a> {
    symbols: &'a Symbols,
    strings: Table<String, String>,
    functions: Table<String, Function>,
    locations: Table<Frame, Location>,
}

impl<'a> Builder<'a> {
    fn new(symbols: &'a Symbols) -> Self {
        let mut builder = Self {
            symbols,
            strings: Table::default(),
            functions: Table::default(),
            locations: Table::default(),
        };
        // The first must be empty.
        builder.string("");
        builder
    }

    fn sample(&mut self, sample: &Sample, period: i64) -> EncodedSample {
        let count = signed(sample.count);
        EncodedSample {
            location_id: frames_of(sample).map(|frame| self.location(frame)).collect(),
            value: vec![count, count.saturating_mul(period)],
            label: self.labels(sample),
        }
    }

    fn labels(&mut self, sample: &Sample) -> Vec<Label> {
        let mut labels = vec![
            self.text_label("thread", &sample.task.command.as_text()),
            Label { key: self.string("pid"), number: i64::from(sample.task.pid), text: 0 },
            Label { key: self.string("tid"), number: i64::from(sample.task.tid), text: 0 },
        ];
        if let Some(id) = sample.causal_id {
            labels.push(self.text_label("causal_id", &format!("{:x}", id.number())));
        }
        labels
    }

    fn text_label(&mut self, key: &str, text: &str) -> Label {
        Label { key: self.string(key), text: self.string(text), number: 0 }
    }

    fn value_type(&mut self, kind: &str, unit: &str) -> ValueType {
        ValueType { kind: self.string(kind), unit: self.string(unit) }
    }

    fn location(&mut self, frame: Frame) -> u64 {
        if let Some(place) = self.locations.place(&frame) {
            return place + 1;
        }
        let function = self.symbols.name(frame).map(|name| match frame.space {
            Space::Kernel => format!("{name}_[k]"),
            Space::Process(_) => name.to_owned(),
        });
        let line = function.map(|name| Line { function_id: self.function(name) }).into_iter().collect();
        self.locations.add(frame, |place| Location { id: place + 1, address: frame.address, line }) + 1
    }

    fn function(&mut self, name: String) -> u64 {
        if let Some(place) = self.functions.place(&name) {
            return place + 1;
        }
        let text = self.string(&name);
        self.functions.add(name, |place| Function { id: place + 1, name: text, system_name: text }) + 1
    }

    fn string(&mut self, text: &str) -> i64 {
        let text = text.to_owned();
        let known = self.strings.place(&text);
        signed(known.unwrap_or_else(|| self.strings.add(text.clone(), |_| text)))
    }
}

/// Messages that are there once, and where.
struct Table<Key, Value> {
    places: HashMap<Key, u64>,
    messages: Vec<Value>,
}

impl<Key, Value> Default for Table<Key, Value> {
    fn default() -> Self {
        Self { places: HashMap::new(), messages: Vec::new() }
    }
}

impl<Key: Eq + Hash, Value> Table<Key, Value> {
    fn place(&self, key: &Key) -> Option<u64> {
        self.places.get(key).copied()
    }

    fn add(&mut self, key: Key, message: impl FnOnce(u64) -> Value) -> u64 {
        let place = self.messages.len() as u64;
        self.messages.push(message(place));
        self.places.insert(key, place);
        place
    }
}

/// The format's numbers have a sign.
fn signed(number: impl TryInto<i64>) -> i64 {
    number.try_into().unwrap_or(i64::MAX)
}
