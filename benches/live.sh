#!/usr/bin/env bash
# Live packets per second before the first drop: replays a capture between two network namespaces at growing rates while
# df-agent, pinned to one core, watches the receiving end.
#
#     benches/live.sh CAPTURE [SECONDS]      (as root; needs tcpreplay and target/release/df-agent)
set -euo pipefail
capture=$1 seconds=${2:-4}
agent=$(dirname "$0")/../target/release/df-agent
sender=df-bench-a-$$ receiver=df-bench-b-$$
cleanup() { ip netns del "$sender" 2>/dev/null || true; ip netns del "$receiver" 2>/dev/null || true; }
trap cleanup EXIT
ip netns add "$sender" && ip netns add "$receiver"
ip link add bench0 netns "$sender" type veth peer name bench1 netns "$receiver"
ip netns exec "$sender" ip link set bench0 up && ip netns exec "$receiver" ip link set bench1 up mtu 65535
ip netns exec "$sender" ip link set bench0 mtu 65535
for rate in 50000 100000 200000 300000 400000 600000 800000; do
  summary=$(mktemp)
  ip netns exec "$receiver" taskset -c 1 "$agent" run --interface bench1 --duration "$((seconds + 3))s" >"$summary" 2>&1 &
  watcher=$!
  sleep 1
  sent=$(ip netns exec "$sender" taskset -c 0 tcpreplay --intf1=bench0 --preload-pcap --pps="$rate" --pps-multi=100 \
    --limit=$((rate * seconds)) "$capture" 2>/dev/null | grep -E 'Rated|Actual')
  wait "$watcher"
  echo "asked $rate/s: $(echo "$sent" | tr -s '[:space:]' ' ')"
  # What was seen, and every reason for which anything was not.
  tail -n 8 "$summary" | sed -n '/flows,/,$p'
  rm -f "$summary"
done
