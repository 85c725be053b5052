//! How a connection ended, told from the state it was in.

use df_core::Direction;

use super::state::State;
use crate::CloseType;

/// The close type of a connection. `is_complete` says whether its whole handshake was seen.
pub(super) const fn close_type(
    state: State,
    reset_by: Option<Direction>,
    has_data: bool,
    is_complete: bool,
) -> CloseType {
    match reset_by {
        None => without_reset(state),
        Some(Direction::ToServer) => after_client_reset(state, has_data, is_complete),
        Some(Direction::ToClient) => after_server_reset(state),
    }
}

const fn without_reset(state: State) -> CloseType {
    match state {
        State::New => CloseType::Unknown,
        State::SynSent => CloseType::ClientSynRepeat,
        State::SynReceived => CloseType::ServerSynAckRepeat,
        State::Challenged => CloseType::ClientSourcePortReuse,
        State::Acknowledged | State::Established => CloseType::Timeout,
        State::NotAccepted => CloseType::ServerQueueLack,
        State::ClientClosing => CloseType::ServerHalfClose,
        State::ServerClosing => CloseType::ClientHalfClose,
        State::Closed => CloseType::Finish,
    }
}

const fn after_client_reset(state: State, has_data: bool, is_complete: bool) -> CloseType {
    match state {
        State::SynSent | State::SynReceived => CloseType::ClientEstablishReset,
        State::Challenged => CloseType::ClientSourcePortReuse,
        State::NotAccepted => CloseType::ServerQueueLack,
        // Opened and dropped without a byte: a health check.
        State::Acknowledged | State::Established if is_complete && !has_data => CloseType::TcpFinClientRst,
        State::ClientClosing | State::ServerClosing | State::Closed => CloseType::TcpFinClientRst,
        State::New | State::Acknowledged | State::Established => CloseType::TcpClientRst,
    }
}

const fn after_server_reset(state: State) -> CloseType {
    match state {
        State::SynSent => CloseType::ServerReset,
        State::SynReceived | State::Challenged => CloseType::ServerEstablishReset,
        State::NotAccepted => CloseType::ServerQueueLack,
        State::New
        | State::Acknowledged
        | State::Established
        | State::ClientClosing
        | State::ServerClosing => CloseType::TcpServerRst,
        // Both had closed it already: nothing was aborted.
        State::Closed => CloseType::Finish,
    }
}
