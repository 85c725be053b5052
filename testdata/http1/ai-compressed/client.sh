# A chat with an OpenAI-compatible server behind nginx, which compresses what it sends: as a whole, streamed, and an embedding; and
# a request that is compressed itself.
# clients: python3, node, nginx
cat > fixtures.json <<'JSON'
{"fixtures": [
  {"match": {"userMessage": "a private question"}, "response": {"content": "A private answer, in so many words."}},
  {"match": {"inputText": "private text"}, "response": {"embedding": [0.1, -0.2, 0.3]}}
]}
JSON
cat > nginx.conf <<'CONF'
daemon off;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  server {
    listen 127.0.0.1:9402;
    gzip on;
    gzip_types application/json text/event-stream;
    gzip_min_length 0;
    gzip_proxied any;
    location / {
      proxy_pass http://127.0.0.1:9401;
      proxy_http_version 1.1;
      proxy_buffering off;
    }
  }
}
CONF
llmock --port 9401 --fixtures fixtures.json --log-level warn --latency 20 &
nginx -p "$PWD" -c nginx.conf &
sleep 3
python - <<'PYTHON'
import gzip
import json
import urllib.request

import openai

client = openai.OpenAI(base_url="http://127.0.0.1:9402/v1", api_key="secret", max_retries=0)
question = [{"role": "user", "content": "a private question"}]
client.chat.completions.create(model="gpt-4o", messages=question)
for chunk in client.chat.completions.create(
    model="gpt-4o", messages=question, stream=True, stream_options={"include_usage": True}
):
    pass
client.embeddings.create(model="text-embedding-3-small", input="private text")

body = gzip.compress(json.dumps({"model": "gpt-4o", "messages": question}).encode(), mtime=0)
head = {"content-type": "application/json", "content-encoding": "gzip", "accept-encoding": "gzip"}
request = urllib.request.Request("http://127.0.0.1:9402/v1/chat/completions", body, head)
try:
    urllib.request.urlopen(request).read()
except urllib.error.HTTPError as error:
    print(error)
PYTHON
