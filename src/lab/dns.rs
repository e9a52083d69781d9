//! A name server on loopback that says what it is told to: who the directory servers of a domain are.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context, Result};
use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{
        Name, RData, Record, RecordType,
        rdata::{A, SRV},
    },
};
use tokio::{net::UdpSocket, task::JoinHandle};

pub struct Dns {
    pub at: SocketAddr,
    /// `None`: it does not answer.
    services: Arc<Mutex<Option<Services>>>,
    task: JoinHandle<()>,
}

/// Seconds.
const TTL: u32 = 1;

/// One SRV record's name: `(priority, weight, port, host)`.
pub type Services = BTreeMap<&'static str, Vec<(u16, u16, u16, &'static str)>>;

impl Dns {
    /// Names without the final dot, in lower case. Every host that is named is this machine; whatever else there might be does not exist.
    pub async fn start(services: Services) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.context("a port for the name server")?;
        let at = socket.local_addr()?;
        let services = Arc::new(Mutex::new(Some(services)));
        let told = services.clone();
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
                let answer = told.lock().unwrap_or_else(PoisonError::into_inner).as_ref().and_then(|told| answer(&buffer[..len], told));
                if let Some(answer) = answer {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self { at, services, task })
    }

    /// From now on it says this; `None`: nothing.
    pub fn says(&self, services: Option<Services>) {
        *self.services.lock().unwrap_or_else(PoisonError::into_inner) = services;
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(question: &[u8], services: &Services) -> Option<Vec<u8>> {
    let asked = Message::from_vec(question).ok()?;
    let query = asked.queries.first()?.clone();
    let name = query.name().to_ascii().trim_end_matches('.').to_ascii_lowercase();
    let mut said = Message::response(asked.metadata.id, asked.metadata.op_code);
    said.metadata.message_type = MessageType::Response;
    said.metadata.recursion_desired = asked.metadata.recursion_desired;
    said.metadata.recursion_available = true;
    let records = services.get(name.as_str());
    let is_host = services.values().flatten().any(|(.., host)| host.eq_ignore_ascii_case(&name));
    let mut add = |data| {
        said.add_answer(Record::from_rdata(query.name().clone(), TTL, data));
    };
    match query.query_type() {
        RecordType::SRV if records.is_some() => {
            for (priority, weight, port, host) in records.into_iter().flatten() {
                let target = Name::from_ascii(format!("{host}.")).ok()?;
                add(RData::SRV(SRV::new(*priority, *weight, *port, target)));
            }
        }
        RecordType::A if is_host => add(RData::A(A(Ipv4Addr::LOCALHOST))),
        // It is there, but has none of these.
        RecordType::AAAA if is_host => {}
        _ => said.metadata.response_code = ResponseCode::NXDomain,
    }
    said.add_query(query);
    said.to_vec().ok()
}
