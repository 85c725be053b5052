//! ClickHouse.

use rustix::process::Signal;

use super::{Launch, Site};
use crate::PeerError;
use crate::place::find;

/// An empty ClickHouse, as old as Debian's, that anybody may use.
pub(super) fn clickhouse(site: &Site<'_>) -> Result<Launch, PeerError> {
    let clickhouse = find("clickhouse-server", "clickhouse-server")?;
    let configuration = CONFIGURATION
        .replace("@DIR@", &site.directory.display().to_string())
        .replace("@PORT@", &site.port.to_string());
    let configuration = site.write("config.xml", configuration)?;
    site.write("users.xml", USERS)?;
    let mut command = site.place.tied_command(&clickhouse, None);
    command.arg("--config-file").arg(configuration);
    Ok(Launch { command, ready_line: None, stop_signal: Signal::TERM })
}

const CONFIGURATION: &str = "<yandex>
<logger><level>warning</level><console>1</console></logger>
<tcp_port>@PORT@</tcp_port><listen_host>0.0.0.0</listen_host>
<path>@DIR@/data/</path><tmp_path>@DIR@/tmp/</tmp_path>
<users_config>@DIR@/users.xml</users_config>
<default_profile>default</default_profile><default_database>default</default_database>
<mark_cache_size>1048576</mark_cache_size>
</yandex>
";

const USERS: &str = "<yandex>
<profiles><default/></profiles><quotas><default/></quotas>
<users><default>
<password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
</default></users>
</yandex>
";
