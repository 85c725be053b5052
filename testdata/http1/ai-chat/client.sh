# Chats with an OpenAI- and Anthropic-compatible server through the makers' own Python clients: whole answers, streamed ones,
# streamed ones with token counts, and an error.
# clients: python3
cat > fakellm.yaml <<'YAML'
version: 1
defaults:
  fallback: deterministic_echo
rules:
  - name: rate_limit
    when:
      messages_contain: "too much"
    respond:
      status: 429
      error: "Rate limit exceeded"
YAML
fakellm serve --port 9400 &
sleep 3
python - <<'PYTHON'
import anthropic
import openai

chat = openai.OpenAI(base_url="http://127.0.0.1:9400/v1", api_key="secret", max_retries=0)
ask = lambda text: [{"role": "user", "content": text}]
chat.chat.completions.create(model="gpt-4o", messages=ask("a private question"), temperature=0.5, max_tokens=100)
for options in [{}, {"stream_options": {"include_usage": True}}]:
    for chunk in chat.chat.completions.create(model="gpt-4o", messages=ask("another"), stream=True, **options):
        pass
try:
    chat.chat.completions.create(model="gpt-4o", messages=ask("too much"))
except openai.APIError as error:
    print(error)

claude = anthropic.Anthropic(base_url="http://127.0.0.1:9400", api_key="secret", max_retries=0)
claude.messages.create(model="claude-opus", messages=ask("a private question"), max_tokens=64)
with claude.messages.stream(model="claude-opus", messages=ask("another"), max_tokens=64) as stream:
    for text in stream.text_stream:
        pass
PYTHON
