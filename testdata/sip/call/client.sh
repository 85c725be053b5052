# Two calls between SIPp and SIPp over UDP: set up, acknowledged, ended by the caller; and a caller who finds nobody.
# servers: sipp
# clients: sip-tester
sipp -sn uac "$SERVER:5060" -i 10.77.1.1 -p 5070 -s ada -m 2 -r 10 -d 50 -nostdin > /dev/null 2>&1
timeout 1 sipp -sn uac "$SERVER:5066" -i 10.77.1.1 -p 5071 -s ada -m 1 -nostdin > /dev/null 2>&1 || true
