//! The requests of Kafka: names, versions and what their bodies hold.

use super::schema::Field;
use super::schemas::{cluster, groups, records, topics, transactions};

/// A kind of request, by its key.
#[derive(Debug)]
pub(super) struct Api {
    /// Its name in the protocol guide.
    pub(super) name: &'static str,
    /// The newest version known.
    pub(super) latest: i16,
    /// The first version with compact lengths and tagged fields (KIP-482).
    flexible_since: i16,
    /// What the bodies hold; none for requests that only brokers and administrators send.
    pub(super) bodies: Option<Bodies>,
}

/// The bodies of a request and of its response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bodies {
    pub(super) request: &'static [Field],
    pub(super) response: &'static [Field],
}

impl Api {
    /// The request with this key.
    pub(super) fn of_key(key: i16) -> Option<&'static Self> {
        APIS.get(usize::try_from(key).ok()?)
    }

    /// Whether this version has compact lengths and tagged fields.
    pub(super) const fn is_flexible(&self, version: i16) -> bool {
        version >= self.flexible_since
    }

    const fn new(name: &'static str, latest: i16, flexible_since: i16) -> Self {
        Self { name, latest, flexible_since, bodies: None }
    }

    const fn with_bodies(mut self, request: &'static [Field], response: &'static [Field]) -> Self {
        self.bodies = Some(Bodies { request, response });
        self
    }
}

pub(super) const PRODUCE: i16 = 0;
pub(super) const FETCH: i16 = 1;
pub(super) const METADATA: i16 = 3;
pub(super) const CONTROLLED_SHUTDOWN: i16 = 7;
pub(super) const SASL_HANDSHAKE: i16 = 17;
pub(super) const API_VERSIONS: i16 = 18;

/// Every request by its key, as of Kafka 4.2.
static APIS: &[Api] = &[
    Api::new("Produce", 13, 9).with_bodies(records::PRODUCE_REQUEST, records::PRODUCE_RESPONSE),
    Api::new("Fetch", 18, 12).with_bodies(records::FETCH_REQUEST, records::FETCH_RESPONSE),
    Api::new("ListOffsets", 11, 6).with_bodies(records::LIST_OFFSETS_REQUEST, records::LIST_OFFSETS_RESPONSE),
    Api::new("Metadata", 13, 9).with_bodies(topics::METADATA_REQUEST, topics::METADATA_RESPONSE),
    Api::new("LeaderAndIsr", 7, 4),
    Api::new("StopReplica", 4, 2),
    Api::new("UpdateMetadata", 8, 6),
    Api::new("ControlledShutdown", 3, 3),
    Api::new("OffsetCommit", 10, 8)
        .with_bodies(groups::OFFSET_COMMIT_REQUEST, groups::OFFSET_COMMIT_RESPONSE),
    Api::new("OffsetFetch", 10, 6).with_bodies(groups::OFFSET_FETCH_REQUEST, groups::OFFSET_FETCH_RESPONSE),
    Api::new("FindCoordinator", 6, 3)
        .with_bodies(groups::FIND_COORDINATOR_REQUEST, groups::FIND_COORDINATOR_RESPONSE),
    Api::new("JoinGroup", 9, 6).with_bodies(groups::JOIN_GROUP_REQUEST, groups::JOIN_GROUP_RESPONSE),
    Api::new("Heartbeat", 4, 4).with_bodies(groups::HEARTBEAT_REQUEST, groups::HEARTBEAT_RESPONSE),
    Api::new("LeaveGroup", 5, 4).with_bodies(groups::LEAVE_GROUP_REQUEST, groups::LEAVE_GROUP_RESPONSE),
    Api::new("SyncGroup", 5, 4).with_bodies(groups::SYNC_GROUP_REQUEST, groups::SYNC_GROUP_RESPONSE),
    Api::new("DescribeGroups", 6, 5)
        .with_bodies(groups::DESCRIBE_GROUPS_REQUEST, groups::DESCRIBE_GROUPS_RESPONSE),
    Api::new("ListGroups", 5, 3).with_bodies(groups::LIST_GROUPS_REQUEST, groups::LIST_GROUPS_RESPONSE),
    Api::new("SaslHandshake", 1, i16::MAX)
        .with_bodies(cluster::SASL_HANDSHAKE_REQUEST, cluster::SASL_HANDSHAKE_RESPONSE),
    Api::new("ApiVersions", 4, 3).with_bodies(cluster::API_VERSIONS_REQUEST, cluster::API_VERSIONS_RESPONSE),
    Api::new("CreateTopics", 7, 5).with_bodies(topics::CREATE_TOPICS_REQUEST, topics::CREATE_TOPICS_RESPONSE),
    Api::new("DeleteTopics", 6, 4).with_bodies(topics::DELETE_TOPICS_REQUEST, topics::DELETE_TOPICS_RESPONSE),
    Api::new("DeleteRecords", 2, 2)
        .with_bodies(records::DELETE_RECORDS_REQUEST, records::DELETE_RECORDS_RESPONSE),
    Api::new("InitProducerId", 6, 2)
        .with_bodies(transactions::INIT_PRODUCER_ID_REQUEST, transactions::INIT_PRODUCER_ID_RESPONSE),
    Api::new("OffsetForLeaderEpoch", 4, 4)
        .with_bodies(records::OFFSET_FOR_LEADER_EPOCH_REQUEST, records::OFFSET_FOR_LEADER_EPOCH_RESPONSE),
    Api::new("AddPartitionsToTxn", 5, 3).with_bodies(
        transactions::ADD_PARTITIONS_TO_TXN_REQUEST,
        transactions::ADD_PARTITIONS_TO_TXN_RESPONSE,
    ),
    Api::new("AddOffsetsToTxn", 4, 3)
        .with_bodies(transactions::ADD_OFFSETS_TO_TXN_REQUEST, transactions::ADD_OFFSETS_TO_TXN_RESPONSE),
    Api::new("EndTxn", 5, 3).with_bodies(transactions::END_TXN_REQUEST, transactions::END_TXN_RESPONSE),
    Api::new("WriteTxnMarkers", 1, 0),
    Api::new("TxnOffsetCommit", 5, 3)
        .with_bodies(transactions::TXN_OFFSET_COMMIT_REQUEST, transactions::TXN_OFFSET_COMMIT_RESPONSE),
    Api::new("DescribeAcls", 3, 2)
        .with_bodies(cluster::DESCRIBE_ACLS_REQUEST, cluster::DESCRIBE_ACLS_RESPONSE),
    Api::new("CreateAcls", 3, 2).with_bodies(cluster::CREATE_ACLS_REQUEST, cluster::CREATE_ACLS_RESPONSE),
    Api::new("DeleteAcls", 3, 2),
    Api::new("DescribeConfigs", 4, 4)
        .with_bodies(topics::DESCRIBE_CONFIGS_REQUEST, topics::DESCRIBE_CONFIGS_RESPONSE),
    Api::new("AlterConfigs", 2, 2).with_bodies(topics::ALTER_CONFIGS_REQUEST, topics::ALTER_CONFIGS_RESPONSE),
    Api::new("AlterReplicaLogDirs", 2, 2),
    Api::new("DescribeLogDirs", 5, 2)
        .with_bodies(topics::DESCRIBE_LOG_DIRS_REQUEST, topics::DESCRIBE_LOG_DIRS_RESPONSE),
    Api::new("SaslAuthenticate", 2, 2)
        .with_bodies(cluster::SASL_AUTHENTICATE_REQUEST, cluster::SASL_AUTHENTICATE_RESPONSE),
    Api::new("CreatePartitions", 3, 2)
        .with_bodies(topics::CREATE_PARTITIONS_REQUEST, topics::CREATE_PARTITIONS_RESPONSE),
    Api::new("CreateDelegationToken", 3, 2),
    Api::new("RenewDelegationToken", 2, 2),
    Api::new("ExpireDelegationToken", 2, 2),
    Api::new("DescribeDelegationToken", 3, 2),
    Api::new("DeleteGroups", 2, 2).with_bodies(groups::DELETE_GROUPS_REQUEST, groups::DELETE_GROUPS_RESPONSE),
    Api::new("ElectLeaders", 2, 2).with_bodies(topics::ELECT_LEADERS_REQUEST, topics::ELECT_LEADERS_RESPONSE),
    Api::new("IncrementalAlterConfigs", 1, 1)
        .with_bodies(topics::INCREMENTAL_ALTER_CONFIGS_REQUEST, topics::INCREMENTAL_ALTER_CONFIGS_RESPONSE),
    Api::new("AlterPartitionReassignments", 1, 0),
    Api::new("ListPartitionReassignments", 0, 0),
    Api::new("OffsetDelete", 0, i16::MAX)
        .with_bodies(groups::OFFSET_DELETE_REQUEST, groups::OFFSET_DELETE_RESPONSE),
    Api::new("DescribeClientQuotas", 1, 1),
    Api::new("AlterClientQuotas", 1, 1),
    Api::new("DescribeUserScramCredentials", 0, 0),
    Api::new("AlterUserScramCredentials", 0, 0),
    Api::new("Vote", 2, 0),
    Api::new("BeginQuorumEpoch", 1, 1),
    Api::new("EndQuorumEpoch", 1, 1),
    Api::new("DescribeQuorum", 2, 0),
    Api::new("AlterPartition", 3, 0),
    Api::new("UpdateFeatures", 2, 0),
    Api::new("Envelope", 0, 0),
    Api::new("FetchSnapshot", 1, 0),
    Api::new("DescribeCluster", 2, 0)
        .with_bodies(cluster::DESCRIBE_CLUSTER_REQUEST, cluster::DESCRIBE_CLUSTER_RESPONSE),
    Api::new("DescribeProducers", 0, 0)
        .with_bodies(topics::DESCRIBE_PRODUCERS_REQUEST, topics::DESCRIBE_PRODUCERS_RESPONSE),
    Api::new("BrokerRegistration", 4, 0),
    Api::new("BrokerHeartbeat", 1, 0),
    Api::new("UnregisterBroker", 0, 0),
    Api::new("DescribeTransactions", 0, 0),
    Api::new("ListTransactions", 2, 0),
    Api::new("AllocateProducerIds", 0, 0),
    Api::new("ConsumerGroupHeartbeat", 1, 0)
        .with_bodies(groups::CONSUMER_GROUP_HEARTBEAT_REQUEST, groups::CONSUMER_GROUP_HEARTBEAT_RESPONSE),
    Api::new("ConsumerGroupDescribe", 1, 0)
        .with_bodies(groups::CONSUMER_GROUP_DESCRIBE_REQUEST, groups::CONSUMER_GROUP_DESCRIBE_RESPONSE),
    Api::new("ControllerRegistration", 0, 0),
    Api::new("GetTelemetrySubscriptions", 0, 0).with_bodies(
        cluster::GET_TELEMETRY_SUBSCRIPTIONS_REQUEST,
        cluster::GET_TELEMETRY_SUBSCRIPTIONS_RESPONSE,
    ),
    Api::new("PushTelemetry", 0, 0)
        .with_bodies(cluster::PUSH_TELEMETRY_REQUEST, cluster::PUSH_TELEMETRY_RESPONSE),
    Api::new("AssignReplicasToDirs", 0, 0),
    Api::new("ListConfigResources", 1, 0),
    Api::new("DescribeTopicPartitions", 0, 0)
        .with_bodies(topics::DESCRIBE_TOPIC_PARTITIONS_REQUEST, topics::DESCRIBE_TOPIC_PARTITIONS_RESPONSE),
    Api::new("ShareGroupHeartbeat", 1, 0)
        .with_bodies(groups::SHARE_GROUP_HEARTBEAT_REQUEST, groups::SHARE_GROUP_HEARTBEAT_RESPONSE),
    Api::new("ShareGroupDescribe", 1, 0),
    Api::new("ShareFetch", 2, 0).with_bodies(records::SHARE_FETCH_REQUEST, records::SHARE_FETCH_RESPONSE),
    Api::new("ShareAcknowledge", 2, 0)
        .with_bodies(records::SHARE_ACKNOWLEDGE_REQUEST, records::SHARE_ACKNOWLEDGE_RESPONSE),
    Api::new("AddRaftVoter", 0, 0),
    Api::new("RemoveRaftVoter", 0, 0),
    Api::new("UpdateRaftVoter", 0, 0),
    Api::new("InitializeShareGroupState", 0, 0),
    Api::new("ReadShareGroupState", 0, 0),
    Api::new("WriteShareGroupState", 0, 0),
    Api::new("DeleteShareGroupState", 0, 0),
    Api::new("ReadShareGroupStateSummary", 0, 0),
    Api::new("StreamsGroupHeartbeat", 0, 0),
    Api::new("StreamsGroupDescribe", 0, 0),
    Api::new("DescribeShareGroupOffsets", 0, 0),
    Api::new("AlterShareGroupOffsets", 0, 0),
    Api::new("DeleteShareGroupOffsets", 0, 0),
];
