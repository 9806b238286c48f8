//! The verification of a domain against a small DNS server on this machine.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    reason = "a test that cannot go on must stop"
)]

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use vouchsafe::Provider;
use vouchsafe::provisioning::{Domain, DomainChallenge, Organization, OrganizationId};
use vouchsafe_client::DomainResolver;

const OK: u16 = 0;
const SERVER_FAILURE: u16 = 2;
const NO_SUCH_NAME: u16 = 3;

/// The answer of the server to a question.
#[derive(Clone, Debug)]
enum Answer {
    /// These records, with the strings of each TXT record.
    Txt(Vec<Vec<Vec<u8>>>),
    /// The record has another name, which is the answer.
    Alias(&'static str, Vec<Vec<u8>>),
    /// No records, with this code.
    Code(u16),
    /// By UDP the answer is too long; by TCP it is this.
    OnlyByTcp(Vec<Vec<Vec<u8>>>),
    /// A message with another number than the question's, and then one with its number.
    AfterAForgery(Vec<u8>, Vec<u8>),
    /// Bytes that cannot be parsed.
    Noise,
    /// No answer.
    Silence,
}

struct Server {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
}

impl Server {
    async fn answering(answer: Answer) -> Server {
        let (udp, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // UDP and TCP use the same port, as for a resolver.
            if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
                break (udp, tcp);
            }
        };
        let address = udp.local_addr().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        let (by_udp, counted) = (answer.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            let mut question = [0_u8; 2_048];
            loop {
                let (length, from) = udp.recv_from(&mut question).await.unwrap();
                counted.fetch_add(1, Ordering::SeqCst);
                for message in messages(&question[..length], &by_udp, false) {
                    udp.send_to(&message, from).await.unwrap();
                }
            }
        });
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = tcp.accept().await.unwrap();
                let answer = answer.clone();
                tokio::spawn(async move {
                    while let Ok(length) = stream.read_u16().await {
                        let mut question = vec![0_u8; usize::from(length)];
                        stream.read_exact(&mut question).await.unwrap();
                        for message in messages(&question, &answer, true) {
                            stream.write_u16(message.len() as u16).await.unwrap();
                            stream.write_all(&message).await.unwrap();
                        }
                    }
                });
            }
        });
        Server { address, asked }
    }

    fn resolver(&self) -> DomainResolver {
        DomainResolver::at_within([self.address], Duration::from_millis(300), Duration::from_secs(2)).unwrap()
    }
}

/// Returns the answer in the form of RFC 1035 4.1: the header, the unchanged question, and the records.
fn messages(question: &[u8], answer: &Answer, is_tcp: bool) -> Vec<Vec<u8>> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let asked = &question[12..end];
    let message = |number: [u8; 2], flags: u16, records: &[Vec<u8>]| {
        let mut message = number.to_vec();
        message.extend((0x8180 | flags).to_be_bytes());
        message.extend(1_u16.to_be_bytes());
        message.extend((records.len() as u16).to_be_bytes());
        message.extend([0; 4]);
        message.extend(asked);
        message.extend(records.concat());
        message
    };
    let number = [question[0], question[1]];
    let own = [0xc0, 12];
    match answer {
        Answer::Txt(texts) => {
            vec![message(number, OK, &texts.iter().map(|text| txt(&own, text)).collect::<Vec<_>>())]
        }
        Answer::Alias(other, text) => {
            let other = name(other);
            vec![message(number, OK, &[record(&own, 5, &other), txt(&other, text)])]
        }
        Answer::Code(code) => vec![message(number, *code, &[])],
        Answer::OnlyByTcp(texts) if is_tcp => messages(question, &Answer::Txt(texts.clone()), true),
        Answer::OnlyByTcp(_) => vec![message(number, 0x0200, &[])],
        Answer::AfterAForgery(forged, right) => vec![
            message([number[0] ^ 1, number[1]], OK, &[txt(&own, std::slice::from_ref(forged))]),
            message(number, OK, &[txt(&own, std::slice::from_ref(right))]),
        ],
        Answer::Noise => vec![[number[0], number[1], 0x81, 0x80, 0xff, 0xff].to_vec()],
        Answer::Silence => Vec::new(),
    }
}

fn name(text: &str) -> Vec<u8> {
    let labels = text.split('.').flat_map(|label| std::iter::once(label.len() as u8).chain(label.bytes()));
    labels.chain([0]).collect()
}

fn txt(owner: &[u8], strings: &[Vec<u8>]) -> Vec<u8> {
    let data: Vec<u8> = strings
        .iter()
        .flat_map(|text| std::iter::once(text.len() as u8).chain(text.iter().copied()))
        .collect();
    record(owner, 16, &data)
}

fn record(owner: &[u8], kind: u16, data: &[u8]) -> Vec<u8> {
    let mut record = owner.to_vec();
    record.extend(kind.to_be_bytes());
    record.extend(1_u16.to_be_bytes());
    record.extend(3_600_u32.to_be_bytes());
    record.extend((data.len() as u16).to_be_bytes());
    record.extend(data);
    record
}

async fn asked(answer: Answer) -> Result<Vec<String>, &'static str> {
    let server = Server::answering(answer).await;
    let records = server.resolver().txt_records("_vouchsafe-challenge.acme.example").await;
    records.map_err(|error| {
        assert!(!error.hint().is_empty() && error.to_string().contains("acme.example"), "{error}");
        error.code()
    })
}

/// The record has two strings, as a zone file with a line break has it, next to another record.
#[tokio::test]
async fn a_domain_is_verified_by_the_record_that_was_asked_for() {
    let mut acme = Organization::new(OrganizationId::new("1"), "acme", "Acme");
    let domain = Domain::parse("acme.example").unwrap();
    let challenge = DomainChallenge::issue(domain.clone(), &Provider::rustcrypto(), Utc::now()).unwrap();
    let (record, value) = (challenge.record_name(), challenge.record_value());
    acme.challenge_domain(challenge).unwrap();
    let (first, second) = value.split_at(20);
    let strings = vec![first.as_bytes().to_vec(), second.as_bytes().to_vec()];
    let others = vec![vec![b"v=spf1 -all".to_vec()], strings];
    let server = Server::answering(Answer::Txt(others)).await;
    let records = server.resolver().txt_records(&record).await.unwrap();
    assert_eq!(records, ["v=spf1 -all", &value]);
    acme.verify_domain(&domain, &records, Utc::now() + TimeDelta::minutes(1)).unwrap();
    assert!(acme.owns(&domain));
}

#[tokio::test]
async fn what_is_not_there_is_none_and_what_failed_is_an_error() {
    for none in [Answer::Code(NO_SUCH_NAME), Answer::Code(OK), Answer::Txt(Vec::new())] {
        assert_eq!(asked(none.clone()).await, Ok(Vec::new()), "{none:?}");
    }
    for failed in [Answer::Code(SERVER_FAILURE), Answer::Noise, Answer::Silence] {
        let began = Instant::now();
        assert_eq!(asked(failed.clone()).await, Err("client.dns"), "{failed:?}");
        assert!(began.elapsed() < Duration::from_secs(4), "{failed:?}: {:?}", began.elapsed());
    }
    let server = Server::answering(Answer::Code(OK)).await;
    for wrong in ["", "a..example", &"a.".repeat(200), &"a".repeat(64)] {
        assert_eq!(server.resolver().txt_records(wrong).await.unwrap_err().code(), "client.dns", "{wrong}");
    }
}

#[tokio::test]
async fn a_long_answer_comes_by_tcp_and_a_forged_one_is_not_taken() {
    let texts = vec![vec![vec![b'a'; 255]; 8]; 3];
    let whole = "a".repeat(8 * 255);
    assert_eq!(asked(Answer::OnlyByTcp(texts)).await, Ok(vec![whole; 3]));
    let forgery = Answer::AfterAForgery(b"forged".to_vec(), b"right".to_vec());
    assert_eq!(asked(forgery).await, Ok(vec!["right".to_owned()]));
    let alias = Answer::Alias("challenge.elsewhere.example", vec![b"right".to_vec()]);
    assert_eq!(asked(alias).await, Ok(vec!["right".to_owned()]));
}

#[tokio::test]
async fn no_more_is_looked_at_than_there_may_be() {
    let many = (0..1_000).map(|number| vec![number.to_string().into_bytes()]).collect();
    let records = asked(Answer::OnlyByTcp(many)).await.unwrap();
    assert_eq!((records.len(), records[0].as_str()), (DomainResolver::MAX_RECORDS, "0"));
    let long = vec![vec![b'a'; 255]; 17];
    let odd = vec![long, vec![vec![0xff, 0xfe]], vec![b"right".to_vec()]];
    assert_eq!(asked(Answer::OnlyByTcp(odd)).await, Ok(vec!["right".to_owned()]));
}

/// A new record is found: nothing is cached, not even a negative answer.
#[tokio::test]
async fn every_question_is_asked_anew() {
    for answer in [Answer::Code(NO_SUCH_NAME), Answer::Txt(vec![vec![b"right".to_vec()]])] {
        let server = Server::answering(answer).await;
        let resolver = server.resolver();
        for count in 1..=3 {
            resolver.txt_records("acme.example").await.unwrap();
            assert_eq!(server.asked.load(Ordering::SeqCst), count);
        }
    }
}
