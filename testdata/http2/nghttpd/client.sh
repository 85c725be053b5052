# nghttp to nghttpd: a page with what the server pushes, priorities, padding, header blocks that need CONTINUATION frames,
# trailers, and a table for header compression that changes its size.
# servers: nghttpd
# clients: nghttp2-client
base="http://$SERVER:3000"
nghttp -n "$base/index.html"
nghttp -n --no-push --padding=40 "$base/index.html" "$base/style.css" "$base/index.html"
long=$(printf 'x%.0s' $(seq 1 20000))
nghttp -n --no-push -H "x-long: $long" "$base/style.css"
nghttp -n --no-push --header-table-size=4096 --header-table-size=0 --encoder-header-table-size=128 "$base/style.css" "$base/style.css"
nghttp -n --no-push -d /dev/null -H ":method: POST" "$base/nothing"
