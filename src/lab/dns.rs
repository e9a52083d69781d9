//! A name server on loopback that says what it is told to: who the directory servers of a domain are.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use anyhow::{Context, Result};
use hickory_resolver::proto::{
    op::{Message, MessageType, ResponseCode},
    rr::{Name, RData, Record, RecordType, rdata::SRV},
};
use tokio::{net::UdpSocket, task::JoinHandle};

pub struct Dns {
    pub at: SocketAddr,
    task: JoinHandle<()>,
}

/// One SRV record's name: `(priority, weight, port, host)`.
pub type Services = BTreeMap<&'static str, Vec<(u16, u16, u16, &'static str)>>;

impl Dns {
    /// Names without the final dot. Whatever is not there does not exist.
    pub async fn start(services: Services) -> Result<Self> {
        let socket = UdpSocket::bind("127.0.0.1:0").await.context("a port for the name server")?;
        let at = socket.local_addr()?;
        let services = Arc::new(services);
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 4096];
            while let Ok((len, from)) = socket.recv_from(&mut buffer).await {
                if let Some(answer) = answer(&buffer[..len], &services) {
                    let _ = socket.send_to(&answer, from).await;
                }
            }
        });
        Ok(Self { at, task })
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
    match services.get(name.as_str()).filter(|_| query.query_type() == RecordType::SRV) {
        Some(records) => {
            for (priority, weight, port, host) in records {
                let target = Name::from_ascii(format!("{host}.")).ok()?;
                said.add_answer(Record::from_rdata(query.name().clone(), 60, RData::SRV(SRV::new(*priority, *weight, *port, target))));
            }
        }
        None => said.metadata.response_code = ResponseCode::NXDomain,
    }
    said.add_query(query);
    said.to_vec().ok()
}
