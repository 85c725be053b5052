#!/usr/bin/env bash
# Live packets per second before the first drop: replays a capture between two network namespaces at growing rates while
# df-agent, with and without protocols, and tcpdump, each pinned to one core and in turn, watch the receiving end.
#
#     benches/live.sh CAPTURE [SECONDS] [RATE...]      (as root; needs tcpreplay, tcpdump and target/release/df-agent)
set -euo pipefail
capture=$1 seconds=${2:-3}
shift $(($# > 2 ? 2 : $#))
rates=("$@")
[ ${#rates[@]} -gt 0 ] || rates=(200000 400000 600000 800000 1000000 0)
agent=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/release/df-agent
sender=df-bench-a-$$ receiver=df-bench-b-$$ summary=$(mktemp)
cleanup() { ip netns del "$sender" 2>/dev/null || true; ip netns del "$receiver" 2>/dev/null || true; rm -f "$summary"; }
trap cleanup EXIT
ip netns add "$sender" && ip netns add "$receiver"
ip link add bench0 netns "$sender" type veth peer name bench1 netns "$receiver"
ip netns exec "$sender" ip link set bench0 mtu 65535 up && ip netns exec "$receiver" ip link set bench1 mtu 65535 up

watch() { # the watcher, on the second core, until it is told to stop
  case $1 in
  tcpdump) exec ip netns exec "$receiver" taskset -c 1 tcpdump -ni bench1 -B 65536 -w /dev/null ;;
  df-agent) exec ip netns exec "$receiver" taskset -c 1 "$agent" run --no-ebpf --interface bench1 ;;
  df-agent-no-l7) exec ip netns exec "$receiver" taskset -c 1 "$agent" run --no-ebpf --no-l7 --interface bench1 ;;
  esac
}

seen() { # packets seen, and those lost in the kernel, in the ring or before parsing
  if [ "$1" = tcpdump ]; then
    awk '/packets captured/ { seen = $1 } /dropped by/ { lost += $1 } END { print seen + 0, "|", lost + 0 }' "$summary"
  else
    awk '/flows,/ { seen = $3 } /capture:/ { lost += $1 } END { print seen + 0, "|", lost + 0 }' "$summary"
  fi
}

echo "| watcher | asked packets/s | sent packets/s | packets sent | seen | lost |"
echo "| --- | --- | --- | --- | --- | --- |"
for rate in "${rates[@]}"; do
  speed=(--pps="$rate" --pps-multi=100 --limit=$((rate * seconds)))
  [ "$rate" != 0 ] || speed=(--topspeed)
  for watcher in tcpdump df-agent df-agent-no-l7; do
    (watch "$watcher") >"$summary" 2>&1 &
    pid=$!
    sleep 1
    sent=$(ip netns exec "$sender" taskset -c 0 tcpreplay --intf1=bench0 --preload-pcap "${speed[@]}" "$capture" 2>/dev/null)
    sleep 1
    kill -TERM "$pid"
    wait "$pid" || true
    packets=$(awk '/^Actual:/ { print $2 }' <<<"$sent")
    pps=$(awk '/^Rated:/ { print int($(NF - 1)) }' <<<"$sent")
    [ "$rate" != 0 ] && asked=$rate || asked="as fast as it can"
    echo "| $watcher | $asked | $pps | $packets | $(seen "$watcher") |"
  done
done
