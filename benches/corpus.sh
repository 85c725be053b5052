#!/usr/bin/env bash
# Processor time for the captures below a folder: df-agent with every protocol and record, and tshark with two passes as Wireshark
# makes them. First all of them in one file; then every twentieth by a process of its own, where starting up counts too.
#
#     benches/corpus.sh FOLDER      (needs tshark, mergecap and target/release/df-agent)
set -uo pipefail
agent=${CARGO_TARGET_DIR:-$(dirname "$0")/../target}/release/df-agent
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
find "$1" -type f \( -name '*.pcap' -o -name '*.pcapng' -o -name '*.cap' \) -print0 | sort -z >"$scratch/files"

ours() { "$agent" replay --json "$1"; }
tsharks() { tshark -n -2 -r "$1" -T fields -e frame.number -e _ws.col.Protocol -e _ws.col.Info; }
each() { while IFS= read -r -d '' file; do "$1" "$file" >/dev/null 2>&1; done < <(awk 'BEGIN { RS = ORS = "\0" } NR % 20 == 0' "$scratch/files"); }

TIMEFORMAT='%U %S'
account() { # NAME COMMAND...: user and system time of a command, added up
  local name=$1
  shift
  { time "$@"; } 2>"$scratch/time"
  awk -v name="$name" '{ printf "| %s | %.1f |\n", name, $1 + $2 }' "$scratch/time"
}

# Damaged and unusual captures cannot be merged; what can be is.
xargs -0 -a "$scratch/files" -n 50 sh -c 'mergecap -a -F pcapng -w "$0/part-$$" "$@" 2>/dev/null || rm -f "$0/part-$$"' "$scratch"
mergecap -a -F pcapng -w "$scratch/all.pcapng" "$scratch"/part-* 2>/dev/null
merged() { "$1" "$scratch/all.pcapng" >/dev/null 2>&1; }

echo "$(tr -cd '\0' <"$scratch/files" | wc -c) files; merged: $(du -m "$scratch/all.pcapng" | cut -f1) MiB"
echo "| what | processor seconds |"
echo "| --- | ---: |"
account "df-agent, all in one file" merged ours
account "tshark, all in one file" merged tsharks
account "df-agent, every twentieth file" each ours
account "tshark, every twentieth file" each tsharks
