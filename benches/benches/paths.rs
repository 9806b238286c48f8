//! Criterion's details: parse, canonicalize, verify, decrypt, and the full receive with its floor.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up should stop")]

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use vouchsafe::encryption::{DecryptionContext, decrypt};
use vouchsafe::signature::verify;
use vouchsafe::xml::{Canonicalization, Document, canonicalize};
use vouchsafe_benches::{Floor, Message, Receiver, Shape, providers};

const GROUPS: [usize; 3] = [1, 100, 1_000];

fn receivers() -> [Receiver; 2] {
    providers().each_ref().map(|provider| Receiver::new(provider).unwrap())
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let [receiver, _] = receivers();
    for groups in GROUPS {
        let message = Message::issue(Shape::BothSigned, groups).unwrap();
        group.throughput(Throughput::Bytes(message.xml().len() as u64));
        group.bench_function(BenchmarkId::from_parameter(groups), |bencher| {
            bencher.iter(|| Document::parse(message.xml().as_bytes(), receiver.limits()).unwrap());
        });
    }
}

fn c14n(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("c14n");
    let [receiver, _] = receivers();
    for groups in GROUPS {
        let message = Message::issue(Shape::BothSigned, groups).unwrap();
        let document = Document::parse(message.xml().as_bytes(), receiver.limits()).unwrap();
        group.throughput(Throughput::Bytes(message.xml().len() as u64));
        for (name, method) in
            [("exclusive", Canonicalization::EXCLUSIVE), ("inclusive", Canonicalization::INCLUSIVE)]
        {
            group.bench_function(BenchmarkId::new(name, groups), |bencher| {
                bencher.iter(|| {
                    let mut bytes = Vec::with_capacity(message.xml().len());
                    canonicalize(document.root(), method, &[], None, &mut bytes).map(|()| bytes)
                });
            });
        }
    }
}

fn verification(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("verify");
    for receiver in receivers() {
        for groups in GROUPS {
            let message = Message::issue(Shape::BothSigned, groups).unwrap();
            let document = Document::parse(message.xml().as_bytes(), receiver.limits()).unwrap();
            let (keys, provider) = (receiver.trusted_keys(), receiver.provider());
            group.bench_function(BenchmarkId::new(provider.name(), groups), |bencher| {
                bencher.iter(|| verify(document.root(), keys, provider, receiver.limits()).unwrap());
            });
        }
    }
}

fn decryption(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("decrypt");
    for receiver in receivers() {
        for groups in GROUPS {
            let message = Message::issue(Shape::Encrypted, groups).unwrap();
            let document = Document::parse(message.xml().as_bytes(), receiver.limits()).unwrap();
            let encrypted =
                document.elements().find(|element| element.local_name() == "EncryptedAssertion").unwrap();
            let keys = [receiver.decryption_key().clone()];
            group.bench_function(BenchmarkId::new(receiver.provider().name(), groups), |bencher| {
                bencher.iter(|| {
                    let mut context = DecryptionContext::new(&keys, receiver.provider(), receiver.limits());
                    decrypt(encrypted, &mut context).unwrap()
                });
            });
        }
    }
}

fn receive(criterion: &mut Criterion) {
    for receiver in receivers() {
        for shape in Shape::ALL {
            let name = format!("receive, {}, {}", receiver.provider().name(), shape.name());
            let mut group = criterion.benchmark_group(name);
            for groups in GROUPS {
                let message = Message::issue(shape, groups).unwrap();
                let floor = Floor::of(&message, &receiver).unwrap();
                group.bench_function(BenchmarkId::new("floor", groups), |bencher| {
                    bencher.iter(|| floor.run().unwrap());
                });
                group.bench_function(BenchmarkId::new("receive", groups), |bencher| {
                    bencher.iter(|| receiver.receive_message(&message).unwrap());
                });
            }
        }
    }
}

criterion_group!(paths, parse, c14n, verification, decryption, receive);
criterion_main!(paths);
