//! How flows end, in the field's words.

/// How a flow ended or stands. `docs/metrics.md` gives the rule of each in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum CloseType {
    /// It cannot be told.
    #[default]
    Unknown,
    /// Both ends sent FIN, or a flow without connection fell silent.
    Finish,
    /// The server reset an established connection.
    TcpServerRst,
    /// The client reset an established connection.
    TcpClientRst,
    /// An established connection fell silent.
    Timeout,
    /// The flow goes on.
    ForcedReport,
    /// The server answered the SYN with a reset.
    ServerReset,
    /// SYNs alone, without an answer.
    ClientSynRepeat,
    /// The client never acknowledged the SYN-ACK.
    ServerSynAckRepeat,
    /// The server sent no FIN after the client's; the server is to blame for the open half.
    ServerHalfClose,
    /// The client sent no FIN after the server's.
    ClientHalfClose,
    /// The server answered the SYN with an ACK of something else: it holds an older connection on the client's port.
    ClientSourcePortReuse,
    /// The server repeated its SYN-ACK after the client had acknowledged it and never went on: its accept queue is full.
    ServerQueueLack,
    /// The client reset the connection before it was established.
    ClientEstablishReset,
    /// The server reset the connection after its SYN-ACK and before the client's acknowledgment.
    ServerEstablishReset,
    /// The client ended the connection in good order with a reset: after a FIN, after nothing but answered requests, or
    /// without a byte, as health checks do.
    TcpFinClientRst,
}

impl CloseType {
    /// Every close type.
    pub const ALL: [Self; 16] = [
        Self::Unknown,
        Self::Finish,
        Self::TcpServerRst,
        Self::TcpClientRst,
        Self::Timeout,
        Self::ForcedReport,
        Self::ServerReset,
        Self::ClientSynRepeat,
        Self::ServerSynAckRepeat,
        Self::ServerHalfClose,
        Self::ClientHalfClose,
        Self::ClientSourcePortReuse,
        Self::ServerQueueLack,
        Self::ClientEstablishReset,
        Self::ServerEstablishReset,
        Self::TcpFinClientRst,
    ];

    /// Whether the connection was never established through the client's fault: it was silent, reset, or reused a port.
    pub const fn is_client_establish_failure(self) -> bool {
        matches!(self, Self::ServerSynAckRepeat | Self::ClientSourcePortReuse | Self::ClientEstablishReset)
    }

    /// Whether the connection was never established through the server's fault: it was silent or refused.
    pub const fn is_server_establish_failure(self) -> bool {
        matches!(
            self,
            Self::ClientSynRepeat | Self::ServerReset | Self::ServerEstablishReset | Self::ServerQueueLack
        )
    }

    /// Whether an established connection did not end in good order: a reset or silence.
    pub const fn is_transfer_failure(self) -> bool {
        matches!(self, Self::TcpClientRst | Self::TcpServerRst | Self::Timeout)
    }

    /// The record's word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Finish => "finish",
            Self::TcpServerRst => "tcp_server_rst",
            Self::TcpClientRst => "tcp_client_rst",
            Self::Timeout => "timeout",
            Self::ForcedReport => "forced_report",
            Self::ServerReset => "server_reset",
            Self::ClientSynRepeat => "client_syn_repeat",
            Self::ServerSynAckRepeat => "server_syn_ack_repeat",
            Self::ServerHalfClose => "server_half_close",
            Self::ClientHalfClose => "client_half_close",
            Self::ClientSourcePortReuse => "client_source_port_reuse",
            Self::ServerQueueLack => "server_queue_lack",
            Self::ClientEstablishReset => "client_establish_reset",
            Self::ServerEstablishReset => "server_establish_reset",
            Self::TcpFinClientRst => "tcp_fin_client_rst",
        }
    }
}
