# What Ollama's own Python client asks of a server that speaks Ollama's interface: a chat as a whole and streamed, a text, an embedding;
# and an embedding of OpenAI's interface, through OpenAI's client.
# clients: python3, node
cat > fixtures.json <<'JSON'
{"fixtures": [
  {"match": {"userMessage": "a private question"}, "response": {"content": "A private answer, in so many words."}},
  {"match": {"inputText": "private text"}, "response": {"embedding": [0.1, -0.2, 0.3]}}
]}
JSON
llmock --port 9401 --fixtures fixtures.json --log-level warn &
sleep 3
python - <<'PYTHON'
import ollama
import openai

client = ollama.Client(host="http://127.0.0.1:9401")
question = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a private question"}]
client.chat(model="llama3.2", messages=question)
for part in client.chat(model="llama3.2", messages=question, stream=True):
    pass
client.generate(model="llama3.2", prompt="a private question")
client.embeddings(model="nomic-embed-text", prompt="private text")
openai.OpenAI(base_url="http://127.0.0.1:9401/v1", api_key="secret", max_retries=0).embeddings.create(
    model="text-embedding-3-small", input="private text"
)
PYTHON
